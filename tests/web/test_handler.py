"""HTTP connections as the server's handler serves them, over loopback, in front of an application of a few lines."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import re
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.pywsgi import WSGIServer

from ethpillar.limits.address import Proxies
from ethpillar.limits.limits import Limits
from ethpillar.limits.refusals import Refusal
from ethpillar.web import handler as module
from ethpillar.web.dispatch import CLIENT, PEER
from ethpillar.web.handler import CONNECTION, GUID, Handler, direct
from ethpillar.web.options import WebOptions
from ethpillar.web.origins import Origins

from ..frames import frame
from ..waiting import until

KEY = base64.b64encode(b"0123456789abcdef").decode()
ENGINE = "/?EIO=4&transport=polling"
LOCAL = (ip_network("127.0.0.0/8"),)


class Served:
    """A server on loopback, and what its application was asked for."""

    def __init__(self, proxies: Proxies | None = None, timeout: float = 20) -> None:
        self.limits = Limits(3, 200, 3000, 500, 100, 1000)
        options = WebOptions(Origins(("https://dash.example",)), 1000, timeout, proxies or Proxies(), "too large")
        host = SimpleNamespace(limits=self.limits, web=options, closing=False)
        self.host = host
        self.extensions = {"ethpillar": host}
        self.requests: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any], Any], Any] = self._hello
        self._server = WSGIServer(("127.0.0.1", 0), self, handler_class=Handler, log=None, error_log=None)
        self._server.start()
        self._connections: list[socket.socket] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.requests.append(environ)
        return self.answer(environ, start_response)

    @staticmethod
    def _hello(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5"), ("Server", "banner")])
        return [b"hello"]

    def connect(self, data: str | bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._server.server_port), 20)
        self._connections.append(connection)
        connection.sendall(data.encode() if isinstance(data, str) else data)
        return connection

    def ask(self, target: str = "/", method: str = "GET", body: str = "", version: str = "1.1", **headers: str) -> str:
        """The whole answer to a request, after which the connection is closed."""
        lines = {"Host": "x", "Connection": "close"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return rest(self.connect(f"{method} {target} HTTP/{version}\r\n{head}\r\n{body}"))

    def status(self, *words: Any, **headers: str) -> int:
        return int(self.ask(*words, **headers).split()[1])

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._server.stop(1)


def rest(connection: socket.socket) -> str:
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            found += data
    return found.decode()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture
def proxied() -> Iterator[Served]:
    made = Served(Proxies(LOCAL))
    yield made
    made.close()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    return caplog


def test_an_answer_has_our_headers_and_no_banner(served: Served) -> None:
    answer = served.ask("/x")
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert answer.endswith("\r\n\r\nhello")
    assert "X-Content-Type-Options: nosniff" in answer
    assert "banner" not in answer
    assert served.requests[0][CLIENT] == "127.0.0.1"


def test_one_request_comes_after_the_other(served: Served) -> None:
    connection = served.connect(
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert rest(connection).count("hello") == 2
    assert [each["PATH_INFO"] for each in served.requests] == ["/1", "/2"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),  # without a host
        ("GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 411),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + "A: " + "a" * 40_000 + "\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_answered_by_a_status_alone(served: Served, head: str, status: int) -> None:
    answer = rest(served.connect(head))
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "Connection: close" in answer
    assert "X-Content-Type-Options: nosniff" in answer
    assert served.requests == []
    assert served.limits.refusals.counts[Refusal.REQUEST] == 1


@pytest.mark.parametrize("begin", ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n"])
def test_a_head_that_does_not_come_in_time(begin: str) -> None:
    slow = Served(timeout=0.05)
    try:
        answer = rest(slow.connect(begin))
        assert not answer or answer.startswith("HTTP/1.1 408 ")
        assert slow.requests == []
    finally:
        slow.close()


def test_a_request_may_name_a_whole_url(served: Served) -> None:
    assert served.status("http://named.example/a?b=c") == 200
    asked = served.requests[0]
    assert (asked["PATH_INFO"], asked["QUERY_STRING"], asked["HTTP_HOST"]) == ("/a", "b=c", "named.example")


def test_bodies_are_read_by_their_length_or_by_chunks(served: Served) -> None:
    bodies = []

    def read(environ: dict[str, Any], start_response: Any) -> Any:
        bodies.append(environ["wsgi.input"].take(1000))
        return served._hello(environ, start_response)

    served.answer = read
    assert served.status("/", "POST", "abc", Content_Length="3") == 200
    assert served.status("/", "POST", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", Transfer_Encoding="chunked") == 200
    assert bodies == [b"abc", b"abcde"]


def test_a_connection_on_which_a_body_was_not_read_to_its_end_is_not_used_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.web.bodies.DISCARDED", 10)
    rest(
        served.connect(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{'x' * 100_000}GET / HTTP/1.1\r\n")
    )
    assert len(served.requests) == 1


# -- who it is


@pytest.mark.parametrize(
    ("address", "proxies", "client"),
    [
        (("198.51.100.7", 5), Proxies(), "198.51.100.7"),
        (("127.0.0.1", 5), Proxies(LOCAL), None),  # a proxy's connections are everybody's
        (("198.51.100.7", 5), Proxies(LOCAL), "198.51.100.7"),
        (("198.51.100.7", 5), Proxies(hops=1), None),
        ("/run/socket", Proxies(), None),
    ],
)
def test_under_which_key_a_connection_is_counted(address: object, proxies: Proxies, client: str | None) -> None:
    assert direct(address, proxies) == client


def test_a_trusted_proxy_names_the_client(proxied: Served) -> None:
    proxied.ask("/", X_Forwarded_For="203.0.113.9")
    assert proxied.requests[0][CLIENT] == "203.0.113.9"
    assert proxied.limits.refusals.counts[Refusal.FORWARDED] == 0


def test_a_header_of_the_platform_names_the_client() -> None:
    named = Served(Proxies(LOCAL, header="Fly-Client-IP"))
    try:
        named.ask("/", Fly_Client_IP="203.0.113.9", X_Forwarded_For="203.0.113.10")
        assert named.requests[0][CLIENT] == "203.0.113.9"
    finally:
        named.close()


def test_anybody_else_who_names_a_client_is_not_believed_and_that_is_noted(served: Served) -> None:
    served.ask("/", X_Forwarded_For="203.0.113.9")
    assert served.requests[0][CLIENT] == "127.0.0.1"
    assert served.limits.refusals.counts[Refusal.FORWARDED] == 1
    served.ask("/")
    assert served.limits.refusals.counts[Refusal.FORWARDED] == 1


# -- what is refused


def test_new_sessions_are_refused_while_the_server_stops(served: Served) -> None:
    served.host.closing = True
    assert served.status(ENGINE) == 503
    assert served.status(f"{ENGINE}&sid=5") == 200
    assert served.status("/") == 200


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (f"{ENGINE}&j=0", {}, 400),
        (ENGINE, {"Sec_Fetch_Site": "cross-site"}, 403),
        (ENGINE, {"Sec_Fetch_Site": "cross-site", "Origin": "https://dash.example"}, 200),
        (ENGINE, {"Sec_Fetch_Site": "same-origin"}, 200),
        ("/", {"Sec_Fetch_Site": "cross-site"}, 200),
    ],
)
def test_requests_that_are_refused_by_their_head(
    served: Served, target: str, headers: dict[str, str], status: int
) -> None:
    assert served.status(target, **headers) == status


def test_a_client_with_as_many_sessions_as_it_may_have_gets_no_other(served: Served) -> None:
    for _ in range(3):
        served.limits.engines.add("127.0.0.1")
    assert served.status(ENGINE) == 429
    assert served.limits.refusals.counts[Refusal.CONNECTIONS] == 1
    assert served.status(f"{ENGINE}&sid=5") == 200


def test_behind_a_proxy_the_requests_of_a_client_are_counted_while_they_are_under_way(proxied: Served) -> None:
    counts = []

    def count(environ: dict[str, Any], start_response: Any) -> Any:
        counts.append(proxied.limits.connections._counts.get("203.0.113.9"))
        return proxied._hello(environ, start_response)

    proxied.answer = count
    assert proxied.status("/", X_Forwarded_For="203.0.113.9") == 200
    assert counts == [1]
    assert not proxied.limits.connections.has("203.0.113.9")
    for _ in range(3):
        proxied.limits.connections.add("203.0.113.9")
    assert proxied.status("/", X_Forwarded_For="203.0.113.9") == 429
    assert proxied.status("/", X_Forwarded_For="203.0.113.10") == 200


def test_a_client_of_its_own_address_was_counted_when_it_connected(served: Served) -> None:
    for _ in range(3):
        served.limits.connections.add("127.0.0.1")
    assert served.status("/") == 200


def test_requests_are_paid_for_and_a_platform_s_probes_are_free(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[str | None] = []
    monkeypatch.setattr(module, "wait_until_paid", lambda _limits, client, *_, **_more: paid.append(client))
    for target in ("/healthz", "/readyz"):
        assert served.status(target) == 200
    assert paid == []
    for target in ("/", "/healthz?x", "/healthz/"):
        served.ask(target)
    assert paid == ["127.0.0.1"] * 2  # a query makes no difference
    while served.limits.probes.open("127.0.0.1"):
        served.limits.probes.charge("127.0.0.1", 1)
    served.limits.probes.charge("127.0.0.1", 1000)  # a flood of them
    served.ask("/healthz")
    assert len(paid) == 3


# -- memory


def test_a_connection_is_weighed_from_its_beginning_to_its_end(served: Served) -> None:
    held: list[int] = []

    def weigh(environ: dict[str, Any], start_response: Any) -> Any:
        held.append(served.limits.ledger.of(("127.0.0.1",)))
        return served._hello(environ, start_response)

    served.answer = weigh
    served.ask("/")
    assert held == [CONNECTION]
    until(lambda: served.limits.ledger.total == 0, "its end")
    assert len(served.limits.heads) == 0


def test_no_more_of_a_body_is_weighed_than_is_read_of_one(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    held: list[int] = []
    monkeypatch.setattr("ethpillar.limits.ledger.Account.hold", lambda _self, size: held.append(size))
    served.ask("/", "POST", "x" * 500, Content_Length="500")
    served.ask("/", "POST", "x" * 5000, Content_Length="5000")
    assert held == [500, 0, 1000, 0]


def test_while_a_head_is_awaited_the_connection_may_be_ended(served: Served) -> None:
    connection = served.connect("GET / HT")
    until(lambda: len(served.limits.heads) == 1, "the connection")
    assert served.limits.heads.end_oldest_of("127.0.0.1")
    rest(connection)  # it ends
    until(lambda: served.limits.ledger.total == 0, "its end")
    assert served.requests == []


# -- errors


def test_an_error_of_ours_is_logged_by_its_name_and_tells_a_client_nothing(
    served: Served, log: pytest.LogCaptureFixture
) -> None:
    def fails(_environ: dict[str, Any], _start_response: Any) -> Any:
        raise RuntimeError("CANARY")

    served.answer = fails
    answer = served.ask("/")
    assert answer.startswith("HTTP/1.1 500 ")
    assert "CANARY" not in answer + log.text
    assert "A request failed (RuntimeError)" in log.text


def test_a_client_that_goes_away_is_no_error(served: Served, log: pytest.LogCaptureFixture) -> None:
    served.connect("GET / HTTP/1.1\r\nHo").close()
    until(lambda: served.limits.ledger.total == 0, "its end")
    assert log.text == ""


# -- upgrades


def upgrade(served: Served, target: str, method: str = "GET", version: str = "1.1", **headers: str) -> int:
    """The status with which an upgrade is answered."""
    lines = {
        "Host": "x",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    connection = served.connect(f"{method} {target} HTTP/{version}\r\n{head}\r\n")
    return int(connection.recv(65536).split()[1])


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/x", {}, 404),
        ("/", {}, 404),
        ("/?EIO=4&transport=websocket", {"Origin": "https://elsewhere.example"}, 403),
        ("/?EIO=4&transport=polling", {}, 400),
        ("/?EIO=4&transport=websocket", {"Sec_WebSocket_Version": "12"}, 400),
        ("/?EIO=4&transport=websocket", {"Sec_WebSocket_Key": "short"}, 400),
        ("/?EIO=4&transport=websocket", {"Sec_WebSocket_Key": base64.b64encode(b"x" * 15).decode()}, 400),
        ("/?EIO=4&transport=websocket", {"Connection": "close"}, 400),
        ("/?EIO=4&transport=websocket", {"version": "1.0"}, 400),
        ("/?EIO=4&transport=websocket", {"method": "POST", "Content_Length": "0"}, 400),
    ],
)
def test_an_upgrade_that_engine_io_would_refuse_is_refused_before(
    served: Served, target: str, headers: dict[str, str], status: int
) -> None:
    assert upgrade(served, target, **headers) == status
    assert served.requests == []


def test_a_websocket_is_served_until_the_application_has_had_enough(served: Served) -> None:
    heard: list[object] = []
    sockets: list[Any] = []

    def echo(environ: dict[str, Any], _start_response: Any) -> Any:
        websocket = environ["wsgi.websocket"]
        sockets.append(websocket)
        heard.append(websocket.wait())
        websocket.send("back")
        return []

    served.answer = echo
    connection = served.connect(
        "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nOrigin: https://dash.example\r\n\r\n"
    )
    connection.sendall(frame(1, b"there"))
    until(lambda: heard, "the message")
    connection.sendall(frame(8, b""))
    answer = b""
    while data := connection.recv(65536):
        answer += data
    head, _, frames = answer.partition(b"\r\n\r\n")
    accept = base64.b64encode(hashlib.sha1(f"{KEY}{GUID}".encode()).digest()).decode()
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert f"Sec-WebSocket-Accept: {accept}".encode() in head
    assert not re.search(rb"(?i)content-length|transfer-encoding|\ndate:|nosniff", head)
    assert heard == ["there"]
    assert frames.startswith(b"\x81\x04back\x88")
    assert sockets[0].closed
    until(lambda: served.limits.ledger.total == 0, "its end")
    assert "wsgi.websocket" not in served.requests[0]


def test_a_websocket_that_fails_is_closed_and_logged_by_its_name(served: Served, log: pytest.LogCaptureFixture) -> None:
    def fails(_environ: dict[str, Any], _start_response: Any) -> Any:
        raise RuntimeError("CANARY")

    served.answer = fails
    connection = served.connect(
        "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n" + ""
    )
    connection.sendall(frame(8, b""))
    answer = b""
    while data := connection.recv(65536):
        answer += data
    assert b"\r\n\r\n\x88" in answer
    assert b"500" not in answer
    gevent.sleep(0)
    assert "A WebSocket failed (RuntimeError" in log.text
    assert "CANARY" not in log.text


def test_the_system_keeps_little_of_what_a_client_does_not_read(served: Served) -> None:
    """It would take megabytes of our answers for each one."""
    kept: list[int] = []

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        kept.append(environ[PEER].getsockopt(socket.IPPROTO_TCP, module.NOTSENT_LOWAT))
        return served._hello(environ, start_response)

    served.answer = answer
    assert served.status() == 200
    assert kept == [module.UNSENT]
