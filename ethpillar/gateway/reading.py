"""Reading a request from somebody who may never finish it.

Belongs here: bounds in bytes and in time on a request's head and body, on top of gevent's pywsgi, which waits for
ever and reads to the end whatever nobody asked for.
"""

from __future__ import annotations

import io
from typing import Any

import gevent
from gevent.pywsgi import Input

MAX_HEAD = 32 * 1024
"Bytes of all header lines of a request. Browsers send one or two KiB, and four of each cookie."
DISCARDED = 16 * 1024 * 1024
"Bytes of a body nobody wants that are read, so that the client reads the answer; one that sends more is cut off."
_STEP = 64 * 1024


class TooSlow(OSError):
    """A request did not come in time."""


class HeadTooLarge(ValueError):
    """More header lines than anybody needs."""


class BadHead(ValueError):
    """Header lines of which two readers could think differently about where the body ends."""


def read_head(stream: Any) -> io.BytesIO:
    """The header lines, with the empty one. Raises `HeadTooLarge`."""
    head = io.BytesIO()
    while head.tell() <= MAX_HEAD:
        line = stream.readline(MAX_HEAD + 1)
        head.write(line)
        if line in (b"\r\n", b"\n", b""):
            head.seek(0)
            return head
    raise HeadTooLarge


def check_framing(headers: Any) -> None:
    """Raises `BadHead` unless a request says once, and in one way, how long its body is."""
    lengths = headers.get_all("content-length") or []
    codings = headers.get_all("transfer-encoding") or []
    if len(lengths) + len(codings) > 1:
        raise BadHead
    if any(not (text.isascii() and text.isdigit() and len(text) < 19) for text in lengths):
        raise BadHead
    if any(text.lower() != "chunked" for text in codings):
        raise BadHead


class Body(Input):
    """A request's body, with a time limit on what is read of it and a bound on what is discarded."""

    __slots__ = ("cut_off", "timeout")
    _chunked_input_error: bool

    def __init__(self, *arguments: Any, timeout: float, **options: Any) -> None:
        """:param timeout: seconds for all of it, from when it is wanted"""
        super().__init__(*arguments, **options)
        self.timeout = timeout
        self.cut_off = False
        "There is more to come that nobody waits for: the connection cannot be used again."

    def take(self, limit: int) -> bytes | None:
        """All of it; None when it is more than `limit` bytes. Raises OSError when it is broken or not there in time."""
        if not self.chunked_input and (self.content_length or 0) > limit:
            return None
        with gevent.Timeout(self.timeout, TooSlow):
            data: bytes = self.read(limit + 1)
        return data if len(data) <= limit else None

    def _discard(self) -> None:
        """Reads what is left, within reason. pywsgi calls this after each request."""
        left = (self.content_length or 0) - self.position
        if self._chunked_input_error or (not self.chunked_input and left > DISCARDED):
            self.cut_off = True
        if self.cut_off:
            return
        self.send_100_continue_enabled = False
        read = 0
        try:
            with gevent.Timeout(self.timeout, TooSlow):
                while data := self.read(_STEP):
                    read += len(data)
                    if read > DISCARDED:
                        self.cut_off = True
                        return
        except OSError:
            self.cut_off = True
        finally:
            self.send_100_continue_enabled = True
