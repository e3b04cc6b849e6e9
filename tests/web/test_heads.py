"""A request's head, from somebody who may never finish it."""

from __future__ import annotations

import io
from email.message import Message

import pytest

from ethpillar.web.heads import (
    MAX_HEAD,
    BadHead,
    BadLength,
    HeadTooLarge,
    LengthMissing,
    check_length,
    check_request_line,
    origin_form,
    read_head,
)


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
        ([("Transfer-Encoding", "Chunked")], None),
        ([("Transfer-Encoding", "gzip, chunked")], LengthMissing),
        ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], LengthMissing),
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


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("/healthz?x=http://y/", "/healthz?x=http://y/", None),
        ("*", "*", None),
        ("http://ws.example/healthz", "/healthz", "ws.example"),
        ("HTTPS://ws.example:8443/?EIO=4&transport=polling", "/?EIO=4&transport=polling", "ws.example:8443"),
        ("http://[::1]:3001", "/", "[::1]:3001"),
        ("http://ws.example?EIO=4", "/?EIO=4", "ws.example"),
        ("http://ws.example//x", "//x", "ws.example"),
        ("http://user@ws.example/", "http://user@ws.example/", None),
        ("ftp://ws.example/", "ftp://ws.example/", None),
        ("http:///healthz", "http:///healthz", None),
    ],
)
def test_a_target_may_be_a_whole_url(target: str, path: str, host: str | None) -> None:
    assert origin_form(target) == (path, host)
