"""Noticing that a node is away, and that it is back.

Belongs here: waiting for what `link_state.Absence` decides. It must not know how a connection is made, nor who is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from .link_state import Absence

LOOK_EVERY = 0.5
"Seconds between looks whether a connection that has gone silent says something again."


class AwayWatch:
    """Calls `gone` when the node counts as away, and `back` when it is within reach again.

    Say `missing` when an absence begins, `failed` for each try in vain, `returned` at its end. The calls come from a
    greenlet of its own or from the caller's, and must not wait.
    """

    def __init__(self, heard: Callable[[], float], gone: Callable[[], None], back: Callable[[], None]) -> None:
        """
        :param heard: returns when the node last said anything, on whatever connection
        :param gone: called once for each absence that lasts
        :param back: called at the end of each absence, also of one that was too short to be told
        """
        self._heard = heard
        self._gone = gone
        self._back = back
        self._absence = Absence()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    @property
    def away(self) -> bool:
        """Return True if the node counts as away."""
        return self._absence.away

    @property
    def missing_now(self) -> bool:
        """Return True while the node is missing, whether or not that counts as away yet."""
        return self._absence.due is not None

    def missing(self, since: float, silent: bool = False) -> None:
        """Take note that the node has been missing since then.

        :param silent: there is a connection, on which something that was asked then was not answered. Anything that
            comes on it ends the absence; else `returned` does.
        """
        if self._absence.due is None:
            self._absence.missing(since)
            self._greenlet = gevent.spawn(self._await_away, since, silent)

    def failed(self) -> None:
        """Take note that a try to connect failed."""
        self._absence.failed()
        self._tell()

    def returned(self) -> None:
        """Take note that the node is within reach."""
        self._absence.ends()
        self.close()
        self._back()

    def _await_away(self, since: float, silent: bool) -> None:
        while not (silent and self._heard() > since):
            left = (self._absence.due or since) - time.monotonic()
            if left <= 0:
                self._tell()
                if not silent:
                    return
                left = LOOK_EVERY
            gevent.sleep(min(left, LOOK_EVERY) if silent else left)
        self.returned()

    def _tell(self) -> None:
        if self._absence.begins(time.monotonic()):
            self._gone()

    def close(self) -> None:
        """Stop waiting."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None and greenlet is not gevent.getcurrent():
            greenlet.kill(block=False)
