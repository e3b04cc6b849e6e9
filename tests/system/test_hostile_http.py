"""Peers that never finish, never read, or send what no client would: bounded, and harmless to others."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ethpillar.web import handler

from ..frames import frame
from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import RedisServer
from .raw import HANDSHAKE, Raw, polling_session

PATHS = ["/", "/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=polling&sid=x", "/healthz", "/nothing"]
STARTS = ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: ", HANDSHAKE]
ENDLESS: dict[str, tuple[str, bytes]] = {
    "a length of petabytes": ("Content-Length: 999999999999999", b"x" * 1000),
    "a length that never comes": ("Content-Length: 20000", b"x"),
    "more than is allowed": ("Content-Length: 9999999", b"x"),
    "waits to be asked": ("Content-Length: 20000\r\nExpect: 100-continue", b"x"),
    "chunks without end": ("Transfer-Encoding: chunked", b"400\r\n" + b"x" * 1024 + b"\r\n"),
}


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"REQUEST_TIMEOUT": "1", "AUTH_TIMEOUT": "1"}


@contextmanager
def served(world: World) -> Iterator[None]:
    """Somebody else follows a log meanwhile, comes and goes, and notices nothing."""
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    yield
    line = f"still here {time.monotonic()}"
    world.node.append(EXECUTION, line)
    until(lambda: line in socket.lines("execution"), "a line for somebody else")
    assert socket.events("disconnect") == []
    assert socket.events("error") == []
    world.enter().close()
    assert world.server.get("/healthz")[0] == 200
    assert "Traceback" not in world.server.log
    assert "failed" not in world.server.log


def drip(connection: Raw, data: bytes) -> None:
    """Sends this again and again until the server has enough. Fails when it never has."""
    until(lambda: connection.ended() or not connection.send(data), "the end of a connection that drips")


# -- a request that never ends


def test_a_head_that_never_ends(world: World) -> None:
    with served(world):
        connections = [Raw(world.server.port) for _ in range(100)]
        for number, connection in enumerate(connections):
            connection.send(STARTS[number % len(STARTS)])
        silent, dripping = connections[:50], connections[50:]
        until(lambda: all(each.ended() or not each.send("a") for each in dripping), "the end of those that drip")
        until(lambda: all(each.ended() for each in silent), "the end of those that are silent")
        for each in connections:
            each.close()


def test_the_second_head_on_a_connection_has_the_same_bound(world: World) -> None:
    connection = Raw(world.server.port)
    assert connection.request("GET", "/healthz")[0] == 200
    drip(connection, b"X")


NO_HEADS = [
    ("GET /" + "x" * 9000 + " HTTP/1.1\r\n\r\n", 414),
    ("GET / HTTP/1.1\r\n" + "X: " + "x" * 40_000 + "\r\n\r\n", 431),
    ("GET / HTTP/1.1\r\n" + "X: y\r\n" * 20_000, 431),
    ("GET / HTTP/1.1\r\n" + "X: y\r\n" * 200 + "\r\n", 400),
    ("GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 411),
    ("POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n", 405),
    ("POST /?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0", 408),
    ("POST /?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", 400),
    ("GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: CANARY\r\n\r\n", 400),
    ("GET /healthz\xe4 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1.1 CANARY\r\n\r\n", 400),
    ("GET / HTTP/9.x\r\n\r\n", 400),
    ("no request CANARY\r\n\r\n", 400),
    ("GET /healthz\r\n\r\n", 400),
    ("GET /healthz HTTP/0.9\r\n\r\n", 400),
    *(
        (f"GET /healthz HTTP/1.1\r\nHost: x\r\n{line}\r\nX-Forwarded-For: CANARY\r\n\r\n", 400)
        for line in ("CANARY", "X-A : b", " X-A: b", "X-A: b\rX-B: CANARY", "X-A: b\0", "Content-Length : 5", "\rX: y")
    ),
    ("POST /x HTTP/1.1\r\ngarbage\r\nContent-Length: 34\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("POST /x HTTP/1.1\r\nTransfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
    (HANDSHAKE.replace("13", "CANARY") + "\r\n", 400),
    (HANDSHAKE.replace("AAAA==", "CANARY") + "\r\n", 400),
    (HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0") + "\r\n", 400),
]


def test_a_head_that_is_none(world: World) -> None:
    with served(world):
        for data, status in NO_HEADS:
            connection = Raw(world.server.port)
            connection.send(data)
            answer = connection.answer()
            assert answer[0] == status, data
            assert "server" not in answer[1]
            assert answer[1]["content-security-policy"].startswith("default-src 'none'")
            assert b"CANARY" not in answer[2]
            connection.close()
        assert "CANARY" not in world.server.log


def test_a_body_that_never_ends(world: World) -> None:
    with served(world):
        connections: list[tuple[Raw, bytes]] = []
        for (header, piece), path in product(ENDLESS.values(), PATHS * 2):
            connections.append((Raw(world.server.port), piece))
            connections[-1][0].send(f"POST {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode() + piece)
        silent, dripping = connections[::2], connections[1::2]
        until(
            lambda: all(each.ended() or not each.send(piece) for each, piece in dripping), "the end of those that drip"
        )
        until(lambda: all(each.ended() for each, _ in silent), "the end of those that are silent")
        for each, _ in connections:
            each.close()


def test_megabytes_are_read_by_nobody(world: World) -> None:
    with served(world):
        before = memory(world)
        for path in ("/healthz", "/?EIO=4&transport=polling&sid=x"):
            connection = Raw(world.server.port)
            connection.send(f"POST {path} HTTP/1.1\r\nContent-Length: {16 << 20}\r\n\r\n")
            until(lambda c=connection: not c.send(b"x" * 0x100000), "the end of the connection")  # type: ignore[misc]
        assert memory(world) - before < 20 * 1024


def memory(world: World) -> int:
    """KiB the worker holds."""
    status = Path(f"/proc/{world.server.worker_pid()}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


# -- an Engine.IO session that never becomes a socket


def test_a_websocket_that_never_connects(world: World) -> None:
    with served(world):
        connections = [Raw(world.server.port) for _ in range(30)]
        for number, connection in enumerate(connections):
            assert connection.upgrade() == 101
            if number % 3 == 1:
                connection.send(frame(1, b"40", length=50_000))  # and then drips
            if number % 3 == 2:
                connection.say("40/nowhere,")
        until(lambda: all(each.ended() or (n % 3 == 1 and not each.send("x")) for n, each in enumerate(connections)))
        for each in connections:
            each.close()


def test_a_polling_session_that_never_connects_or_has_disconnected(world: World) -> None:
    with served(world):
        connection = Raw(world.server.port)
        silent, left = polling_session(connection), polling_session(connection)
        connection.request("POST", left, "40")
        connection.request("POST", left, "41")
        for url in (silent, left):
            until(lambda url=url: connection.request("POST", url, "3")[0] == 400, "the end of a session")  # type: ignore[misc]


def test_an_upgrade_that_is_not_finished_ends_with_its_session(world: World) -> None:
    with served(world):
        connection, half = Raw(world.server.port), Raw(world.server.port)
        url = polling_session(connection)
        half.send(HANDSHAKE.replace("/?EIO=4&transport=websocket", url.replace("polling", "websocket")) + "\r\n")
        assert half.answer()[0] == 101
        until(lambda: half.ended(), "the end of the upgrade", 60)


def test_an_upgrade_that_stops_half_way_ends_however_often_its_client_pings(world: World) -> None:
    with served(world):
        connection, half = Raw(world.server.port), Raw(world.server.port)
        url = polling_session(connection)
        half.send(HANDSHAKE.replace("/?EIO=4&transport=websocket", url.replace("polling", "websocket")) + "\r\n")
        assert half.answer()[0] == 101
        half.say("2probe")

        def ended() -> bool:
            with suppress(OSError):
                half.send(b"\x89\x80\x37\xfa\x21\x3d")
            return half.ended()

        until(ended, "the end of the upgrade", 25)


# -- packets no client sends


def test_attachments_are_refused_and_never_wait_for_each_other(world: World) -> None:
    connection = Raw(world.server.port)
    connection.connect(world.session())
    placeholder = '["subscribe_logs",{"_placeholder":true,"num":0}]'
    for five, count in product(("5", "\uff15", "\u0665"), ("1", "2", "9999999999", "99999999999999")):
        connection.say(f"4{five}{count}-{placeholder}")
        assert connection.hear_event("error")["code"] == "bad_request"
        connection.say(b"\x00" * 60_000)
    connection.say(f"461-7{placeholder}")
    assert connection.hear_event("error")["code"] == "bad_request"
    connection.say(f"421-{placeholder}")  # an event that announces one: it is an event, and waits for nothing
    assert connection.hear_event("error")["code"] == "bad_request"
    connection.say('42["subscribe_status",{}]')
    connection.hear_event("status_update")
    connection.close()


NO_EVENTS = ["[[]]", '["connect",{"token":"x"}]', '["connect"]', '["disconnect"]', '["*"]', "{}", "5", "[]", "[5]"]


def test_an_event_whose_name_is_none_or_not_for_clients(world: World) -> None:
    with served(world):
        connection = Raw(world.server.port)
        connection.connect(world.session())
        for packet in NO_EVENTS:
            connection.say(f"42{packet}")
            assert connection.hear_event("error")["message"] == "There is no such event."
        connection.say('42["subscribe_status",{}]')
        connection.hear_event("status_update")
        connection.close()


def test_nesting(world: World) -> None:
    with served(world):
        token = world.session()
        for depth, (opening, closing) in product((200, 900, 1100, 30_000), (("[", "]"), ('{"service":', "}"))):
            connection = Raw(world.server.port)
            connection.connect(token)
            text = (opening * depth + "1" + closing * depth)[:60_000]
            for packet in (f'42["subscribe_logs",{text}]', f"40{text}", f"42{text}", f"4{text}", f"43{text}"):
                connection.say(packet)
            connection.say('42["subscribe_status",{}]')
            connection.hear_event("status_update")
            connection.say(text)  # no packet of Engine.IO's: the connection is closed
            connection.rest()
            connection.close()


# -- who does not read


def test_who_sends_and_never_reads_is_let_go(world: World) -> None:
    with served(world):
        connections = [Raw(world.server.port) for _ in range(5)]
        for connection in connections:
            connection.connect(world.session())
        for packet in (b"5", b'42["no_such_event"]', b"3", b'42["authenticate","x"]'):
            connection = connections.pop()
            data = frame(1, packet) * 500
            until(lambda c=connection, d=data: not c.send(d), "the end of a connection that is not read")  # type: ignore[misc]
            connection.close()
        connections.pop().close()


def flood(connection: Raw, data: bytes) -> threading.Event:
    """Sends this without end, and reads nothing; the event is set when the server has ended the connection."""
    ended = threading.Event()

    def run() -> None:
        with contextlib.suppress(TimeoutError):
            while connection.send(data):
                pass
            ended.set()

    threading.Thread(target=run, daemon=True).start()
    return ended


class TestInThisProcess:
    @pytest.fixture
    def local(self, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
        monkeypatch.setattr(handler, "WRITE_TIMEOUT", 0.5)
        made = LocalServer(redis)
        yield made
        made.close()

    def test_answers_that_are_not_read(self, local: LocalServer) -> None:
        local.keep_few_answers()  # requests are charged: many would take long
        connection = Raw(local.port)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ended = flood(connection, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        until(ended.is_set, "the end of a connection that is not read", 60)
        connection.close()

    @pytest.mark.parametrize("url", ["/?EIO=4&transport=polling", "/healthz"])
    def test_an_error_inside_says_nothing(
        self, local: LocalServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], url: str
    ) -> None:
        def fail(*_: Any) -> Any:
            raise RuntimeError("CANARY")

        monkeypatch.setattr(local.app, "wsgi_app", fail)
        status, headers, body = Raw(local.port).request("GET", url)
        assert status == 500
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert body.strip() == b"Internal Server Error"
        told = capfd.readouterr()
        assert "CANARY" not in told.out + told.err
        assert "Traceback" not in told.out + told.err
