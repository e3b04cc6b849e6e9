"""A request's body, from a client that may never finish it.

Belongs here: bounds in bytes and in time, on top of gevent's pywsgi, which waits for ever and reads to the end even
a body that the application did not ask for.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import gevent
from gevent.pywsgi import Input

from ..turns import breathe

DISCARDED = 16 * 1024 * 1024
"Bytes of an unwanted body that are read, so that the client reads the answer; a longer one is cut off."
_STEP = 64 * 1024
_LINE = 4096
"Bytes of a line between chunks."
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class TooSlow(OSError):
    """Raised when a request does not come in time."""


class Body(Input):
    """A request's body, with a deadline for what is read of it and a bound on what is discarded."""

    __slots__ = ("cut_off", "timeout")

    def __init__(self, stream: Any, length: int | None, socket: Any, timeout: float) -> None:
        """
        :param socket: where `100 Continue` is written; None when the client does not wait for it
        :param timeout: seconds for all of it, from when it is wanted
        """
        super().__init__(stream, length, socket=socket)
        self.timeout = timeout
        self.cut_off = False
        "True if more may come that will not be read: the connection cannot be used again."

    def take(self, limit: int) -> bytes | None:
        """Read all of it; None if it is more than `limit` bytes. Raises OSError if it does not come in time."""
        if (self.content_length or 0) > limit:
            return None
        with gevent.Timeout(self.timeout, TooSlow):
            data: bytes = self.read()
        return data

    def _discard(self) -> None:
        """Read what is left, within reason. pywsgi calls this after each request."""
        if (self.content_length or 0) - self.position > DISCARDED:
            self.cut_off = True
        if self.cut_off:
            return
        self.send_100_continue_enabled = False
        try:
            with gevent.Timeout(self.timeout, TooSlow):
                while self.read(_STEP):
                    breathe()  # what is there already is read without waiting, and others wait meanwhile
        except OSError:
            self.cut_off = True


class ChunkedBody(Body):
    """A body in chunks (RFC 9112, 7.1), as tunnels and some proxies send them, with the bounds of any other.

    gevent reads the lines between chunks byte by byte, and as many of them as a client likes.
    """

    __slots__ = ("_decoded", "_left", "_over", "_raw")

    def __init__(self, stream: Any, socket: Any, timeout: float) -> None:
        """See `Body`."""
        super().__init__(stream, None, socket, timeout)
        self._left = 0  # of the chunk that is being read
        self._decoded = self._raw = 0  # bytes of chunks so far, and of what is around them
        self._over = False

    def take(self, limit: int) -> bytes | None:
        """See `Body`."""
        taken = bytearray()
        with gevent.Timeout(self.timeout, TooSlow):
            while len(taken) <= limit and (data := self.read(_STEP)):
                taken += data
                breathe()
        return None if len(taken) > limit else bytes(taken)

    def read(self, length: int | None = None) -> bytes:
        """Read at most `length` bytes of it; b"" at its end. Raises OSError if it is not valid."""
        self._send_100_continue()  # type: ignore[attr-defined]
        if not self._left and not self._over:
            self._begin_chunk()
        wanted = self._left if length is None else min(length, self._left)
        data: bytes = self.rfile.read(wanted) if wanted else b""
        if len(data) < wanted:
            self._fail()
        self._left -= len(data)
        self._decoded += len(data)
        if data and not self._left and self._line() != b"\r\n":
            self._fail()
        return data

    def _begin_chunk(self) -> None:
        head = _CHUNK.fullmatch(self._line())
        if head is None:
            self._fail()
        else:
            self._left = int(head[1], 16)
        if not self._left:
            self._over = True
            while self._line() != b"\r\n":  # trailers, which nobody needs
                pass

    def _line(self) -> bytes:
        line: bytes = self.rfile.readline(_LINE)
        self._raw += len(line)
        if not line.endswith(b"\r\n") or self._raw > self._decoded + _STEP:
            self._fail()
        return line

    def _fail(self) -> NoReturn:
        self.cut_off = self._over = True
        raise OSError("a body that is not valid")

    def _discard(self) -> None:
        """See `Body`."""
        self.send_100_continue_enabled = False
        try:
            with gevent.Timeout(self.timeout, TooSlow):
                while not self.cut_off and self.read(_STEP):
                    self.cut_off = self._decoded > DISCARDED
                    breathe()
        except OSError:
            self.cut_off = True
