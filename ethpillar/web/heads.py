"""A request's head, from a client that may never finish it.

Belongs here: which lines are a head, and how many bytes of them are read. Pure but for the stream that is handed in.
"""

from __future__ import annotations

import io
import re
from typing import Any

MAX_HEAD = 32 * 1024
"Bytes of all header lines of a request. Browsers send one or two KiB, and four of each cookie."

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(_TOKEN + r" [!-~]+ HTTP/1\.[01]\r?\n")
_HEADER_LINE = re.compile(_TOKEN.encode() + rb":[\t -~\x80-\xff]*\r?\n")
"A line as RFC 9112 has it: a name with no blank around it, a colon, and no control character but the line's end."


_ABSOLUTE = re.compile(r"https?://([^/?#@\s]+)((?:[/?]\S*)?)", re.IGNORECASE)


class HeadTooLarge(ValueError):
    """Raised for more header lines than anybody needs."""


class BadHead(ValueError):
    """Raised for a line that is no header. A proxy in front may read it differently, and with it who the client is."""


class LengthMissing(ValueError):
    """Raised for a body that is encoded in another way than in chunks: nobody would read it."""


class BadLength(ValueError):
    """Raised for no number, or two of them: two readers could disagree about where the body ends."""


def check_request_line(line: str) -> None:
    """Raise `BadHead` unless it is a method, a target and a version. HTTP/0.9 had no version and no headers."""
    if not _REQUEST_LINE.fullmatch(line):
        raise BadHead


def origin_form(target: str) -> tuple[str, str | None]:
    """Return the path and query of a request's target, and the host in it, which replaces the `Host` header.

    Clients of proxies ask for whole URLs (RFC 9112, 3.2.2), and every server has to understand them.
    """
    found = _ABSOLUTE.fullmatch(target)
    return (target, None) if found is None else ("/" + found[2].removeprefix("/"), found[1])


def read_head(stream: Any) -> io.BytesIO:
    """Read the header lines, with the empty one at their end. Raises `HeadTooLarge` or `BadHead`."""
    head = io.BytesIO()
    while head.tell() <= MAX_HEAD:
        line = stream.readline(MAX_HEAD + 1)
        head.write(line)
        if line in (b"\r\n", b"\n"):
            head.seek(0)
            return head
        if head.tell() <= MAX_HEAD and not _HEADER_LINE.fullmatch(line):
            raise BadHead
    raise HeadTooLarge


def check_host(headers: Any, line: str) -> None:
    """Raise `BadHead` unless the headers say once which host is meant, which HTTP/1.0 did not have to."""
    hosts = len(headers.get_all("host") or [])
    if hosts > 1 or (not hosts and line.rstrip().endswith("HTTP/1.1")):
        raise BadHead


def check_length(headers: Any) -> None:
    """Raise `LengthMissing` or `BadLength` unless the headers say once how a body ends: its length, or chunks."""
    lengths = headers.get_all("content-length") or []
    if len(lengths) > 1 or any(not (text.isascii() and text.isdigit() and len(text) < 19) for text in lengths):
        raise BadLength
    encodings = headers.get_all("transfer-encoding") or []
    if encodings and lengths:
        raise BadLength
    if encodings and (len(encodings) > 1 or encodings[0].strip().lower() != "chunked"):
        raise LengthMissing
