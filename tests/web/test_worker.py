"""gunicorn's worker: what it does before it accepts connections, and when it stops."""

from __future__ import annotations

import socket
from typing import Any

import gevent.pywsgi
import pytest
from gevent.pool import Pool

from ethpillar.web.worker import Listener, Worker


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
