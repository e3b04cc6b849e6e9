"""The pings of all Engine.IO sessions, and who does not answer them, in one greenlet.

Belongs here: when each session is pinged, and ended. Engine.IO starts a greenlet for each ping, which then sleeps, and
looks at each session by itself, again and again: of all that an idle client costs, that is most.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from engineio.packet import PING, Packet
from gevent.event import Event

from ..errors import whereabouts
from ..turns import belong, breathe

log = logging.getLogger(__name__)


TOGETHER = 0.25
"Seconds by which what is due may be late, so that the loop is not woken for each session by itself."


class Pings:
    """Pings that are due, in order, and sessions that should have answered one: each waits equally long."""

    def __init__(self, interval: float, timeout: float, together: float = TOGETHER) -> None:
        """
        :param interval: seconds from a session's beginning, or from its pong, to its next ping
        :param timeout: seconds that a client has to answer one
        """
        self._interval = interval
        self._timeout = timeout
        self._together = together
        self._pings: deque[tuple[float, weakref.ref[Any]]] = deque()
        self._checks: deque[tuple[float, weakref.ref[Any]]] = deque()
        self._sooner = Event()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def __len__(self) -> int:
        return len(self._pings)

    def schedule(self, session: Any) -> None:
        """Ping a session once the interval has passed, unless that is under way; Engine.IO's `schedule_ping`.

        :param session: engineio's socket, of which `last_ping` says when it was pinged, and is None until it is
        """
        if not session.last_ping:
            return
        session.last_ping = None
        if not self._pings:
            self._sooner.set()  # it may wait for an answer that is due later
        self._pings.append((time.monotonic() + self._interval, weakref.ref(session)))
        if not self._greenlet:
            self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        belong()  # to nobody, whoever's ping was the first
        while due := [waiting[0][0] for waiting in (self._pings, self._checks) if waiting]:
            left = min(due) - time.monotonic()
            if left > 0:
                self._sooner.clear()
                self._sooner.wait(left + self._together)
            for session in self._due(self._pings):
                if _tried(_ping, session):
                    self._checks.append((time.monotonic() + self._timeout, weakref.ref(session)))
            for session in self._due(self._checks):
                _tried(_check, session)

    def _due(self, waiting: deque[tuple[float, weakref.ref[Any]]]) -> Iterator[Any]:
        """Take what is due, and yield what there still is of it."""
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            session = waiting.popleft()[1]()
            if session is not None and not (session.closing or session.closed):
                yield session
            breathe()  # thousands may be due at once


def _tried(act: Callable[[Any], None], session: Any) -> bool:
    try:
        act(session)
    except Exception as problem:  # noqa: BLE001 (one session's fault is not the others')
        log.error("A ping failed (%s)", whereabouts(problem))
        return False
    return True


def _ping(session: Any) -> None:
    session.last_ping = time.time()
    session.send(Packet(PING))


def _check(session: Any) -> None:
    session.check_ping_timeout()  # which ends it if its last ping is not answered
