"""A request's body, from a client that may never finish it.

Belongs here: bounds in bytes and in time, on top of gevent's pywsgi, which waits for ever and reads to the end even
a body that the application did not ask for.
"""

from __future__ import annotations

from typing import Any

import gevent
from gevent.pywsgi import Input

from ..turns import breathe

DISCARDED = 16 * 1024 * 1024
"Bytes of an unwanted body that are read, so that the client reads the answer; a longer one is cut off."
_STEP = 64 * 1024


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
        finally:
            self.send_100_continue_enabled = True
