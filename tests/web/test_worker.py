"""gunicorn's worker: what it does before it accepts connections, and when it stops."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.pywsgi
import gevent.socket
import pytest
from gevent.pool import Pool
from gunicorn.workers.ggevent import GeventPyWSGIWorker

from ethpillar.limits.address import Proxies
from ethpillar.limits.limits import Limits
from ethpillar.limits.refusals import Refusal
from ethpillar.web import worker as module
from ethpillar.web.worker import BROWSERS, Listener, Worker

from ..waiting import until


@pytest.fixture
def worker() -> Any:
    made: Any = object.__new__(Worker)  # gunicorn's own needs a master
    made._listeners = []
    return made


def listen(worker: Worker) -> Listener:
    sock = socket.create_server(("127.0.0.1", 0))
    return worker.server_class(sock, application=lambda *_: [], environ={}, spawn=Pool(1), log=None)


def test_it_does_not_ask_the_dns_before_it_accepts(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """That would wait where the DNS is away, and let a signal in while a listener is half made."""

    def ask(name: str) -> str:
        raise AssertionError("the DNS was asked")

    monkeypatch.setattr(gevent.pywsgi.socket, "getfqdn", ask)
    listener = listen(worker)
    listener.start()
    listener.close()


def test_it_stops_accepting_once_and_for_all(worker: Worker) -> None:
    listener = listen(worker)
    listener.start()
    address = listener.socket.getsockname()
    worker._stop_accepting()
    worker._stop_accepting()
    assert listener.closed
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
    listener.close()  # as gunicorn does at the end


class Host:
    """The server that a listener counts for; three connections of an address are enough."""

    def __init__(self) -> None:
        self.limits = Limits(3, 200, 3000, 500, 100, 1000)
        self.web = SimpleNamespace(proxies=Proxies())
        self.extensions = {"ethpillar": self}
        self.told = 0

    def __call__(self, *_: Any) -> list[bytes]:
        return []

    def shutdown(self, told: Any) -> None:
        self.told += 1
        told()


@pytest.fixture
def counting(worker: Worker) -> Iterator[tuple[Listener, Host, list[Any]]]:
    host, handled = Host(), []
    sock = socket.create_server(("127.0.0.1", 0))
    listener = worker.server_class(sock, application=host, environ={}, spawn=Pool(40), log=None)
    listener.handle = lambda *args: handled.append(args) or gevent.sleep(1000)
    yield listener, host, handled
    listener.close()


def connected() -> tuple[socket.socket, socket.socket]:
    return gevent.socket.socketpair()


def test_connections_are_counted_from_the_accept_to_their_end(counting: tuple[Listener, Host, list[Any]]) -> None:
    listener, host, _ = counting
    ours, theirs = connected()
    listener.do_handle(ours, ("198.51.100.7", 1))
    assert host.limits.connections.has("198.51.100.7")
    assert len(host.limits.heads) == 1
    listener.do_close(ours, ("198.51.100.7", 1))
    assert not host.limits.connections.has("198.51.100.7")
    assert len(host.limits.heads) == 0
    theirs.close()


def test_of_an_address_with_too_many_the_silent_one_gives_way(counting: tuple[Listener, Host, list[Any]]) -> None:
    listener, host, _ = counting
    pairs = [connected() for _ in range(5)]
    for ours, _ in pairs[:4]:
        listener.do_handle(ours, ("198.51.100.7", 1))
    assert host.limits.refusals.counts[Refusal.CONNECTIONS] == 1
    assert pairs[0][1].recv(10) == b""  # the one that has waited longest
    for ours, _ in pairs[:4]:
        host.limits.heads.done(ours)  # all of them have sent their heads
    listener.do_handle(pairs[4][0], ("198.51.100.7", 1))
    assert host.limits.refusals.counts[Refusal.CONNECTIONS] == 2
    assert pairs[4][0].fileno() == -1
    for pair in pairs:
        for each in pair:
            each.close()


def test_while_hardly_any_slots_are_left_the_oldest_silent_one_gives_way(
    counting: tuple[Listener, Host, list[Any]],
) -> None:
    listener, host, _ = counting
    pairs = [connected() for _ in range(38)]
    for number, (ours, _) in enumerate(pairs):
        listener.do_handle(ours, (f"198.51.100.{number}", 1))
    assert host.limits.refusals.counts[Refusal.SLOTS] == 1
    assert pairs[0][1].recv(10) == b""
    for pair in pairs:
        for each in pair:
            each.close()


@pytest.mark.parametrize("signal", ["handle_exit", "handle_quit"])
def test_clients_are_told_before_gunicorn_ends_the_worker(
    worker: Any, signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, ended = Host(), []
    worker.wsgi = host
    monkeypatch.setattr(GeventPyWSGIWorker, "handle_exit", lambda _self, sig, _frame: ended.append((sig, host.told)))
    getattr(worker, signal)(15, None)
    assert ended == []  # not within the signal's handler
    until(lambda: ended, "the end")
    assert ended == [(15, 1)]


def test_a_worker_whose_application_fails_to_say_goodbye_ends_all_the_same(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(GeventPyWSGIWorker, "handle_exit", lambda _self, sig, _frame: ended.append(sig))
    worker.wsgi = SimpleNamespace(extensions={})
    worker._end_application(15, None)
    host = Host()
    host.shutdown = lambda _told: 1 / 0  # type: ignore[method-assign, assignment]
    worker.wsgi = host
    with pytest.raises(ZeroDivisionError):
        worker._end_application(2, None)
    assert ended == [15, 2]


@pytest.mark.parametrize(
    ("soft", "most", "asked", "connections"),
    [(1024, 1024, 10_000, int(1024 * BROWSERS)), (1024, 4096, 100, 100), (256, 4096, 10_000, int(4096 * BROWSERS))],
)
def test_there_are_no_more_connections_than_descriptors_allow(
    worker: Any, soft: int, most: int, asked: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit: list[tuple[int, int]] = []
    monkeypatch.setattr(module.resource, "getrlimit", lambda _which: (soft, most))
    monkeypatch.setattr(module.resource, "setrlimit", lambda _which, both: limit.append(both))
    monkeypatch.setattr(GeventPyWSGIWorker, "init_process", lambda _self: None)
    worker.worker_connections = asked
    worker.init_process()
    assert limit == [(most, most)]
    assert worker.worker_connections == connections
