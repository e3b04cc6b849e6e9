"""A request's head and body, from somebody who may never finish them."""

from __future__ import annotations

import io
from email.message import Message

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web import reading
from ethpillar.web.headers import HEADERS, harden, last_answer
from ethpillar.web.reading import (
    MAX_HEAD,
    BadHead,
    BadLength,
    Body,
    HeadTooLarge,
    LengthMissing,
    TooSlow,
    check_length,
    check_request_line,
    read_head,
)


class Drip:
    """Bytes that come one at a time, and never all of them."""

    def read(self, count: int) -> bytes:
        gevent.sleep(3600)
        return b"x" * count


def headers(*pairs: tuple[str, str]) -> Message:
    found = Message()
    for name, value in pairs:
        found[name] = value
    return found


def test_a_head_ends_with_its_empty_line() -> None:
    stream = io.BytesIO(b"A: b\r\nC: d\r\n\r\nbody")
    assert read_head(stream).read() == b"A: b\r\nC: d\r\n\r\n"
    assert stream.read() == b"body"


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"X-A : b",
        b"X-A\t: b",
        b" X-A: b",
        b"\tX-A: b",
        b": b",
        b"X-A: b\rX-Forwarded-For: 198.51.100.7",
        b"X-A: b\0",
        b"X-A: b\x0bX-Forwarded-For: c",
        b"X-A: b\x7f",
        "Ä: b".encode(),
        b"X-A: b\r",
        b"X(A): b",
    ],
)
def test_a_line_that_is_no_header(line: bytes) -> None:
    for head in (line + b"\r\nA: b\r\n\r\n", b"A: b\r\n" + line + b"\r\n\r\n", b"A: b\r\n" + line):
        with pytest.raises(BadHead):
            read_head(io.BytesIO(head))


def test_lines_that_are_headers() -> None:
    head = b"A:\r\nB:c\r\nx-y_z!: \t \xc3\xa4 : \xff\t\r\nD: e\n\r\n"
    assert read_head(io.BytesIO(head)).read() == head


@pytest.mark.parametrize(
    "line",
    [
        *("GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/0.9", "GET / HTTP/2.0", "GET / HTTP/1.1 x", ""),
        *("GET /\x00 HTTP/1.1", "GET /\rX: HTTP/1.1", "GET /\x0b HTTP/1.1", "(GET) / HTTP/1.1", "GET / HTTP/1.\u0661"),
        "G\x85 / x",
    ],
)
def test_a_first_line_that_is_none(line: str) -> None:
    with pytest.raises(BadHead):
        check_request_line(line + "\r\n")
    check_request_line("GET /?EIO=4&transport=polling HTTP/1.1\r\n")
    check_request_line("OPTIONS * HTTP/1.0\n")


@pytest.mark.parametrize("data", [b"x" * 10 * MAX_HEAD, b"a: b\r\n" * MAX_HEAD])
def test_a_head_is_not_read_beyond_its_bound(data: bytes) -> None:
    stream = io.BytesIO(data)
    with pytest.raises(HeadTooLarge):
        read_head(stream)
    assert stream.tell() <= 2 * MAX_HEAD + 2


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([], None),
        ([("Content-Length", "5")], None),
        ([("Content-Length", "")], BadLength),
        ([("Content-Length", "+5")], BadLength),
        ([("Content-Length", "5, 5")], BadLength),
        ([("Content-Length", "٥")], BadLength),
        ([("Content-Length", "9" * 19)], BadLength),
        ([("Content-Length", "5"), ("content-length", "5")], BadLength),
        ([("Transfer-Encoding", "chunked")], LengthMissing),
        ([("Transfer-Encoding", "identity")], LengthMissing),
        ([("Transfer-Encoding", "chunked"), ("Content-Length", "5")], BadLength),
    ],
)
def test_a_body_has_one_length(pairs: list[tuple[str, str]], problem: type[ValueError] | None) -> None:
    if problem is None:
        check_length(headers(*pairs))
    else:
        with pytest.raises(problem):
            check_length(headers(*pairs))


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
    monkeypatch.setattr(reading, "DISCARDED", 100)
    for length, left in ((100, 0), (101, 101)):
        stream = io.BytesIO(b"x" * length)
        body = Body(stream, length, None, 1)
        body._discard()
        assert body.cut_off == bool(left)
        assert len(stream.read()) == left


@given(st.lists(st.tuples(st.sampled_from([b"Server", b"server", b"X-A", b"x-frame-options"]), st.just(b"x"))))
def test_every_answer_has_our_headers_once_and_no_banner(pairs: list[tuple[bytes, bytes]]) -> None:
    names = [name.lower() for name, _ in harden(pairs)]
    assert b"server" not in names
    for name in HEADERS:
        own = max(1, [pair[0].lower() for pair in pairs].count(name.lower().encode()))
        assert names.count(name.lower().encode()) == own


def test_the_last_answer_on_a_connection() -> None:
    head, _, body = last_answer(408).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"Connection: close" in head
    assert f"Content-Length: {len(body)}".encode() in head
