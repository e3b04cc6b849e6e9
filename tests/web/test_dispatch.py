"""Which requests are Engine.IO's, and what of them is refused before it sees them."""

from __future__ import annotations

import io
from typing import Any

import gevent.socket
import pytest

from ethpillar.limits.address import Proxies
from ethpillar.web.bodies import Body
from ethpillar.web.dispatch import (
    ENGINE_PATH,
    MAX_PACKETS,
    PACKETS,
    EngineIoDispatch,
    is_engine_io,
    is_for_websocket,
    is_handshake,
    refusal,
)
from ethpillar.web.options import WebOptions
from ethpillar.web.origins import Origins

ORIGINS = Origins(("https://dash.example",))
OPTIONS = WebOptions(ORIGINS, 100, 20, Proxies(), "too large")


def environ(path: str = "/", query: str = "", method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO()} | more


@pytest.mark.parametrize(
    ("path", "query", "ours"),
    [
        ("/", "EIO=4", True),
        ("/", "EIO", True),
        ("", "EIO=4", True),
        ("/", "", False),
        ("/socket.io/", "", True),
        ("/socket.io", "", True),
        ("/socket.io/x", "", True),
        ("/socket.iox", "EIO=4", False),
        ("/healthz", "EIO=4", False),
    ],
)
def test_which_requests_are_engine_io_s(path: str, query: str, ours: bool) -> None:
    assert is_engine_io(environ(path, query)) is ours


@pytest.mark.parametrize(
    ("query", "method", "new"),
    [
        ("EIO=4", "GET", True),
        ("EIO=4&sid=x", "GET", False),
        ("EIO=4&sid", "GET", False),
        ("EIO=4", "POST", False),
        ("", "GET", False),
    ],
)
def test_which_ones_want_a_new_session(query: str, method: str, new: bool) -> None:
    assert is_handshake(environ("/", query, method)) is new


@pytest.mark.parametrize(
    ("query", "websocket"),
    [
        ("transport=websocket", True),
        ("transport=polling", False),
        ("", False),
        ("transport=websocket&transport=x", True),
        ("transport=x&transport=websocket", False),
    ],
)
def test_which_ones_are_for_a_websocket(query: str, websocket: bool) -> None:
    assert is_for_websocket(environ("/", query)) is websocket


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("EIO=4", {}, None),
        ("EIO=4&j=0", {}, 400),
        ("j=0", {}, None),
        ("EIO=4", {"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ("EIO=4", {"HTTP_SEC_FETCH_SITE": "Same-Site"}, 403),
        ("EIO=4", {"HTTP_SEC_FETCH_SITE": "same-origin"}, None),
        ("EIO=4", {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://dash.example"}, None),
        ("EIO=4&sid=x", {"HTTP_SEC_FETCH_SITE": "cross-site"}, None),
    ],
)
def test_what_is_refused_by_its_head(query: str, headers: dict[str, str], status: int | None) -> None:
    assert refusal(environ("/", query, **headers), ORIGINS) == status


class Application:
    """Engine.IO, as far as it matters: what it is handed on."""

    def __init__(self) -> None:
        self.got: dict[str, Any] = {}
        self.refused = ""

    def __call__(self, asked: dict[str, Any], _start_response: Any) -> list[bytes]:
        self.got = asked
        return [b"served"]

    def start(self, status: str, _headers: list[tuple[str, str]]) -> None:
        self.refused = status

    def post(self, body: Body, query: str = "EIO=4&sid=x", **more: Any) -> bytes:
        asked = environ("/", query, "POST", **{"wsgi.input": body}, **more)
        return b"".join(EngineIoDispatch(self, OPTIONS)(asked, self.start))


def body(data: bytes, missing: int = 0, timeout: float = 20) -> Body:
    return Body(io.BytesIO(data), len(data) + missing, None, timeout)


def test_a_body_is_handed_on_with_the_number_of_its_packets() -> None:
    for data, packets in ((b"40", 1), (b"40\x1e41", 2), (b"", 1)):
        application = Application()
        assert application.post(body(data), HTTP_TRANSFER_ENCODING="chunked") == b"served"
        got = application.got
        assert (got["PATH_INFO"], got[PACKETS], got["wsgi.input"].read()) == (ENGINE_PATH, packets, data)
        assert got["CONTENT_LENGTH"] == str(len(data))
        assert "HTTP_TRANSFER_ENCODING" not in got


@pytest.mark.parametrize(("data", "packets"), [(b"x" * 101, 1), (b"\x1e" * 99 + b"x", 100)])
def test_a_body_that_is_too_large_becomes_a_message_that_says_so(data: bytes, packets: int) -> None:
    application = Application()
    application.post(body(data))
    large = len(data) > OPTIONS.max_message_bytes
    assert application.got["wsgi.input"].read() == (b"too large" if large else data)
    assert application.got[PACKETS] == packets


def test_more_packets_than_a_socket_may_send_at_once_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.web.dispatch.MAX_PACKETS", 3)
    for separators, read in ((2, b"\x1e\x1e"), (3, b"too large")):
        application = Application()
        application.post(body(b"\x1e" * separators))
        assert application.got["wsgi.input"].read() == read
        assert application.got[PACKETS] == 3
    assert MAX_PACKETS == 1000


def test_escaped_packets_are_refused() -> None:
    application = Application()
    assert application.post(body(b"d=40")) == b"400 Bad Request\n"
    assert application.refused == "400 Bad Request"
    assert application.got == {}


def test_a_body_that_ends_early_or_does_not_come_in_time_is_refused() -> None:
    application = Application()
    assert application.post(body(b"40", missing=5)) == b"400 Bad Request\n"
    ours, theirs = gevent.socket.socketpair()
    try:
        slow = Body(ours.makefile("rb"), 5, None, 0.01)
        assert application.post(slow) == b"408 Request Timeout\n"
    finally:
        ours.close()
        theirs.close()
    assert application.got == {}


def test_what_is_not_engine_io_s_is_left_alone() -> None:
    application = Application()
    asked = environ("/x", "", "POST", **{"wsgi.input": body(b"d=40")})
    EngineIoDispatch(application, OPTIONS)(asked, application.start)
    assert application.got["PATH_INFO"] == "/x"
    assert PACKETS not in application.got
