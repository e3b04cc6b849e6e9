"""What is changed of Engine.IO's server."""

from __future__ import annotations

import io
from typing import Any

import engineio
import pytest

from ethpillar.web.engine import (
    WebSocketApp,
    answer_without_details,
    never_wait_for_clients,
    packets_of,
    serve_own_websockets,
    watch_what_is_sent,
)
from ethpillar.web.outgoing import OutgoingQueue


class Session:
    """A session as Engine.IO has it; it notes how it was closed."""

    def __init__(self) -> None:
        self.closed: list[dict[str, Any]] = []

    def close(self, **how: Any) -> None:
        self.closed.append(how)


@pytest.fixture
def server() -> Any:
    return engineio.Server(async_mode="threading")


def test_a_session_is_disconnected_without_waiting_for_its_client(server: Any) -> None:
    never_wait_for_clients(server)
    one, other = Session(), Session()
    server.sockets = {"one": one, "other": other}
    server.disconnect("one")
    server.disconnect("one that has left")
    assert one.closed == [{"wait": False, "reason": server.reason.SERVER_DISCONNECT}]
    assert server.sockets == {"other": other}
    assert other.closed == []


def test_all_sessions_are_disconnected_without_waiting(server: Any) -> None:
    never_wait_for_clients(server)
    sessions = [Session(), Session()]
    server.sockets = dict(zip("ab", sessions, strict=True))
    server.disconnect()
    assert [len(each.closed) for each in sessions] == [1, 1]
    assert server.sockets == {}


def test_one_server_gets_our_queue_and_our_websockets_and_others_keep_theirs(server: Any) -> None:
    other: Any = engineio.Server(async_mode="threading")
    watch_what_is_sent(server)
    serve_own_websockets(server)
    assert isinstance(server.create_queue(), OutgoingQueue)
    assert server._async["websocket"] is WebSocketApp
    assert not isinstance(other.create_queue(), OutgoingQueue)
    assert other._async["websocket"] is not WebSocketApp


def test_a_websocket_is_handed_to_engine_io_as_it_is() -> None:
    assert WebSocketApp(lambda websocket: [websocket], None)({"wsgi.websocket": "ours"}, None) == ["ours"]


def test_a_bad_request_is_answered_without_what_was_asked_for(server: Any) -> None:
    answer_without_details(server)
    answer = server._bad_request("Invalid session s3cret")
    assert answer["status"].startswith("400")
    assert b"s3cret" not in answer["response"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"", []), (b"3", [None]), (b"4one\x1e4two", ["one", "two"]), (b"4" + b"\x1e4".join([b"x"] * 40), ["x"] * 40)],
)
def test_a_body_has_as_many_packets_as_its_client_wrote(body: bytes, expected: list[str | None]) -> None:
    environ = {"wsgi.input": io.BytesIO(body + b"the next request"), "CONTENT_LENGTH": str(len(body))}
    assert [packet.data or None for packet in packets_of(environ)] == expected


def test_a_body_of_no_said_length_is_none() -> None:
    assert packets_of({"wsgi.input": io.BytesIO(b"4one")}) == []
    assert packets_of({"wsgi.input": io.BytesIO(b"4one"), "CONTENT_LENGTH": ""}) == []
