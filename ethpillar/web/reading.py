"""Reading a request from somebody who may never finish it.

Belongs here: bounds in bytes and in time on a request's head and body, on top of gevent's pywsgi, which waits for
ever and reads to the end whatever nobody asked for.
"""

from __future__ import annotations

import io
import re
from typing import Any

import gevent
from gevent.pywsgi import Input

MAX_HEAD = 32 * 1024
"Bytes of all header lines of a request. Browsers send one or two KiB, and four of each cookie."
DISCARDED = 16 * 1024 * 1024
"Bytes of a body nobody wants that are read, so that the client reads the answer; one that sends more is cut off."
_STEP = 64 * 1024

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(_TOKEN + r" [!-~\x80-\xff]+ HTTP/1\.[01]\r?\n")
_HEADER_LINE = re.compile(_TOKEN.encode() + rb":[\t -~\x80-\xff]*\r?\n")
"A line as RFC 9112 has it: a name with no blank around it, a colon, and no control character but the line's end."


class TooSlow(OSError):
    """A request did not come in time."""


class HeadTooLarge(ValueError):
    """More header lines than anybody needs."""


class BadHead(ValueError):
    """A line that is no header. The proxy in front may read it differently, and what it says of the client with it."""


class LengthMissing(ValueError):
    """A body in chunks. No client of ours sends one, and gevent reads each chunk's length byte by byte."""


class BadLength(ValueError):
    """A length that is none, or two: two readers could think differently about where the body ends."""


def check_request_line(line: str) -> None:
    """Raises `BadHead` unless it is a method, a target and a version; HTTP/0.9 had no version and no headers."""
    if not _REQUEST_LINE.fullmatch(line):
        raise BadHead


def read_head(stream: Any) -> io.BytesIO:
    """The header lines, with the empty one. Raises `HeadTooLarge` or `BadHead`."""
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


def check_length(headers: Any) -> None:
    """Raises `LengthMissing` or `BadLength` unless a request says once, in digits, how long its body is."""
    lengths = headers.get_all("content-length") or []
    if len(lengths) > 1 or any(not (text.isascii() and text.isdigit() and len(text) < 19) for text in lengths):
        raise BadLength
    if headers.get_all("transfer-encoding"):
        raise BadLength if lengths else LengthMissing


class Body(Input):
    """A request's body, with a time limit on what is read of it and a bound on what is discarded."""

    __slots__ = ("cut_off", "timeout")

    def __init__(self, stream: Any, length: int | None, socket: Any, timeout: float) -> None:
        """
        :param socket: where `100 Continue` is written; None when the client does not wait for it
        :param timeout: seconds for all of it, from when it is wanted
        """
        super().__init__(stream, length, socket=socket)
        self.timeout = timeout
        self.cut_off = False
        "There is more to come that nobody waits for: the connection cannot be used again."

    def take(self, limit: int) -> bytes | None:
        """All of it; None when it is more than `limit` bytes. Raises OSError when it is not there in time."""
        if (self.content_length or 0) > limit:
            return None
        with gevent.Timeout(self.timeout, TooSlow):
            data: bytes = self.read()
        return data

    def _discard(self) -> None:
        """Reads what is left, within reason. pywsgi calls this after each request."""
        if (self.content_length or 0) - self.position > DISCARDED:
            self.cut_off = True
        if self.cut_off:
            return
        self.send_100_continue_enabled = False
        try:
            with gevent.Timeout(self.timeout, TooSlow):
                while self.read(_STEP):
                    gevent.sleep(0)  # what is there already is read without waiting, and others wait meanwhile
        except OSError:
            self.cut_off = True
        finally:
            self.send_100_continue_enabled = True
