"""A request's body, from somebody who may never finish it."""

from __future__ import annotations

import io

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web import bodies
from ethpillar.web.bodies import Body, ChunkedBody, TooSlow


class Drip:
    """Bytes that come one at a time, and never all of them."""

    def read(self, count: int) -> bytes:
        gevent.sleep(3600)
        return b"x" * count


def test_a_body_is_taken_whole_or_not_at_all() -> None:
    assert Body(io.BytesIO(b"12345rest"), 5, None, 1).take(5) == b"12345"
    stream = io.BytesIO(b"123456")
    assert Body(stream, 6, None, 1).take(5) is None
    assert stream.tell() == 0
    with pytest.raises(OSError):
        Body(io.BytesIO(b"123"), 5, None, 1).take(5)


def test_a_body_that_does_not_come_in_time() -> None:
    with pytest.raises(TooSlow):
        Body(Drip(), 5, None, 0.01).take(5)
    body = Body(Drip(), 5, None, 0.01)
    body._discard()
    assert body.cut_off


def test_what_is_left_of_a_body_is_discarded_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "DISCARDED", 100)
    for length, left in ((100, 0), (101, 101)):
        stream = io.BytesIO(b"x" * length)
        body = Body(stream, length, None, 1)
        body._discard()
        assert body.cut_off == bool(left)
        assert len(stream.read()) == left


def test_what_was_read_of_a_body_is_not_left_to_be_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "DISCARDED", 100)
    stream = io.BytesIO(b"x" * 150 + b"next")
    body = Body(stream, 150, None, 1)
    body.read(60)
    body._discard()
    assert not body.cut_off
    assert stream.read() == b"next"


def chunks(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


@given(st.lists(st.binary(min_size=1, max_size=2000), max_size=20))
def test_chunks_are_one_body_and_what_follows_is_left_alone(pieces: list[bytes]) -> None:
    stream = io.BytesIO(chunks(*pieces) + b"GET / HTTP/1.1")
    body = ChunkedBody(stream, None, 5)
    assert body.take(100_000) == b"".join(pieces)
    assert not body.cut_off
    assert stream.read() == b"GET / HTTP/1.1"


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"000;a=b\r\nTrailer: x\r\nB: y\r\n\r\n"])
def test_extensions_and_trailers_of_chunks_are_passed_over(end: bytes) -> None:
    stream = io.BytesIO(b"3;name=value\r\nabc\r\n" + end + b"rest")
    assert ChunkedBody(stream, None, 5).take(10) == b"abc"
    assert stream.read() == b"rest"


def test_chunks_are_read_to_their_end_whatever_is_asked_for() -> None:
    data = chunks(b"12345", b"67")
    for length in (None, 1, 3, 100):
        body = ChunkedBody(io.BytesIO(data), None, 5)
        assert b"".join(iter(lambda body=body, length=length: body.read(length), b"")) == b"1234567"  # type: ignore[misc]


def test_others_have_their_turn_while_a_body_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []
    monkeypatch.setattr(bodies, "breathe", lambda: turns.append(1))
    Body(io.BytesIO(b"x" * 200_000), 200_000, None, 5)._discard()
    assert len(turns) == 4  # pieces of 64 KiB
    ChunkedBody(io.BytesIO(chunks(*[b"x"] * 10)), None, 5)._discard()
    assert len(turns) >= 14


def test_more_chunks_than_are_wanted_are_discarded_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "DISCARDED", 100)
    for count, cut_off in ((10, False), (11, True)):
        body = ChunkedBody(io.BytesIO(chunks(*[b"x" * 10] * count)), None, 5)
        assert body.take(5) is None
        body._discard()
        assert body.cut_off is cut_off


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"3",
        b"3\r\nab",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"-3\r\nabc\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"fffffffff\r\nabc",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nX: y",
        b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"1;" + b"x" * 4000 + b"\r\na\r\n" + (b"1;" + b"x" * 4000 + b"\r\na\r\n") * 20 + b"0\r\n\r\n",
    ],
)
def test_chunks_that_are_none_end_the_connection(data: bytes) -> None:
    body = ChunkedBody(io.BytesIO(data), None, 5)
    with pytest.raises(OSError, match="not valid"):
        body.take(100_000)
    assert body.cut_off
    body._discard()


def test_chunks_that_do_not_come_in_time() -> None:
    class Slow(Drip):
        def readline(self, limit: int) -> bytes:
            return b"5\r\n"

    body = ChunkedBody(Slow(), None, 0.01)
    with pytest.raises(TooSlow):
        body.take(5)
    body._discard()
    assert body.cut_off


class Asked:
    """Where `100 Continue` is written."""

    def __init__(self) -> None:
        self.said = b""

    def sendall(self, data: bytes) -> None:
        self.said += data


def test_a_body_that_nobody_wants_is_not_asked_for() -> None:
    socket = Asked()
    Body(io.BytesIO(b"12345"), 5, socket, 1)._discard()
    ChunkedBody(io.BytesIO(chunks(b"12345")), socket, 1)._discard()
    assert not socket.said
    assert Body(io.BytesIO(b"12345"), 5, socket, 1).take(5) == b"12345"
    assert b"100" in socket.said


def test_chunks_may_be_as_long_as_the_limit() -> None:
    assert ChunkedBody(io.BytesIO(chunks(b"12", b"345")), None, 1).take(5) == b"12345"
    assert ChunkedBody(io.BytesIO(chunks(b"12", b"345")), None, 1).take(4) is None
