"""WebSocket frames from nobody we know."""

import io
from typing import Any

import gevent
import pytest
from geventwebsocket.exceptions import WebSocketError
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web.options import WebOptions
from ethpillar.web.origins import Origins
from ethpillar.web.websocket import DISCARDED, EXTRA_BURST, FRAGMENTS, RUN, BoundedWebSocket, unmask

from ..frames import frame

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
LIMIT = 1000
OVERSIZED = "too large"
OPTIONS = WebOptions(Origins(()), LIMIT, 20, (), OVERSIZED)


class Stream:
    """Bytes from a client; what is written back is kept."""

    def __init__(self, data: bytes) -> None:
        self.source = io.BytesIO(data)
        self.written = b""
        self.largest = 0

    def read(self, count: int) -> bytes:
        self.largest = max(self.largest, count)
        return self.source.read(count)

    def write(self, data: bytes) -> None:
        self.written += data


def received(data: bytes) -> tuple[list[Any], Stream]:
    stream = Stream(data)
    socket = BoundedWebSocket({}, stream, None, OPTIONS)
    messages: list[Any] = []
    while not socket.closed:
        message = socket.receive()
        if message is None:
            break
        messages.append(message)
    return messages, stream


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_unmasking(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@given(st.lists(st.text(max_size=100), max_size=5))
def test_messages(texts: list[str]) -> None:
    assert received(b"".join(frame(TEXT, text.encode()) for text in texts))[0] == texts


def test_fragments_with_a_ping_between() -> None:
    data = frame(TEXT, b"he", fin=False) + frame(PING, b"?") + frame(CONTINUATION, b"llo")
    messages, stream = received(data)
    assert messages == ["hello"]
    assert stream.written.startswith(b"\x8a\x01?")


def test_binary() -> None:
    assert received(frame(BINARY, b"\x00\xff"))[0] == [b"\x00\xff"]


def test_a_message_too_large_is_discarded_unseen_and_the_next_is_read() -> None:
    messages, stream = received(frame(TEXT, b"x" * 300_000) + frame(TEXT, b"next"))
    assert messages == [OVERSIZED, "next"]
    assert stream.largest <= 64 * 1024


def test_fragments_are_counted_together() -> None:
    data = frame(TEXT, b"x" * 600, fin=False) + frame(CONTINUATION, b"x" * 600) + frame(TEXT, b"next")
    assert received(data)[0] == [OVERSIZED, "next"]


@pytest.mark.parametrize(
    ("start", "endless", "most"),
    [
        (b"", frame(PING, b""), EXTRA_BURST),
        (b"", frame(PONG, b""), EXTRA_BURST),
        (frame(TEXT, b"", fin=False), frame(CONTINUATION, b"", fin=False), FRAGMENTS),
        (frame(BINARY, b"x" * LIMIT * 2, fin=False), frame(CONTINUATION, b"", fin=False), FRAGMENTS),
        (frame(TEXT, b"a", fin=False), frame(PING, b"") + frame(CONTINUATION, b"", fin=False), FRAGMENTS),
    ],
)
def test_frames_that_never_become_a_message(start: bytes, endless: bytes, most: int) -> None:
    messages, stream = received(start + endless * (2 * most) + frame(CONTINUATION, b"") + frame(TEXT, b"next"))
    assert messages == []
    assert stream.written.endswith(b"\x88\x02\x03\xf0")  # 1008
    assert len(stream.written) <= 3 * most


def test_a_message_in_many_pieces_and_pings_now_and_then_are_fine() -> None:
    pieces = frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"x", fin=False) * (FRAGMENTS - 2)
    assert received(pieces + frame(PING, b"") * 100 + frame(CONTINUATION, b"y"))[0] == ["x" * (FRAGMENTS - 2) + "y"]


def test_each_frame_is_paid_for() -> None:
    paid: list[None] = []
    data = frame(PING, b"") + frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(TEXT, b"c")
    socket = BoundedWebSocket({}, Stream(data), None, OPTIONS, pace=lambda: paid.append(None))
    assert [socket.receive(), socket.receive()] == ["ab", "c"]
    assert len(paid) == 4


def test_a_header_that_names_too_much_ends_the_connection_before_anything_is_read() -> None:
    messages, stream = received(frame(TEXT, b"", length=DISCARDED + 1))
    assert messages == []
    assert stream.largest <= 8
    assert stream.written == b"\x88\x02\x03\xf1"  # 1009


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"\xff\xfe"),
        frame(CONTINUATION, b"x"),
        frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
        frame(3, b"x"),
        frame(11, b"x"),
        frame(TEXT, b"x", key=None),
        frame(PING, b"x" * 126),
        frame(PING, b"x", fin=False),
        bytes([0xF1, 0x80]) + b"abcd",
        frame(TEXT, b"cut off")[:-2],
        b"\x81",
        b"",
        frame(CLOSE, b""),
        frame(CLOSE, b"\x03\xe8bye"),
    ],
)
def test_what_ends_a_connection(data: bytes) -> None:
    assert received(data)[0] == []


@given(st.binary(max_size=2000))
def test_any_bytes_are_messages_or_the_end(data: bytes) -> None:
    messages, stream = received(data)
    assert all(len(message) <= LIMIT for message in messages)
    assert stream.largest <= 64 * 1024


def test_who_has_much_to_write_lets_others_have_their_turn() -> None:
    socket, turns = BoundedWebSocket({}, Stream(b""), None, OPTIONS), []

    def other() -> None:
        while True:
            turns.append(None)
            gevent.sleep(0)

    greenlet = gevent.spawn(other)
    for _ in range(RUN * 10):
        socket.send("x")
    greenlet.kill()
    assert len(turns) >= 9


def test_a_closed_socket_cannot_be_written_to() -> None:
    socket = BoundedWebSocket({}, Stream(b""), None, OPTIONS)
    socket.close()
    socket.close()
    with pytest.raises(WebSocketError):
        socket.send("x")
    with pytest.raises(WebSocketError):
        socket.receive()
