"""The pings of all Engine.IO sessions, sent by one greenlet.

Belongs here: when each session is pinged. Engine.IO starts a greenlet for each ping, which then sleeps: of all that an
idle client costs, that is most.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections import deque
from typing import Any

import gevent
from engineio.packet import PING, Packet

from ..errors import whereabouts
from ..turns import belong, breathe

log = logging.getLogger(__name__)


class Pings:
    """Pings that are due, in order: each session waits equally long for its next one."""

    def __init__(self, interval: float) -> None:
        """:param interval: seconds from a session's beginning, or from its pong, to its next ping"""
        self._interval = interval
        self._due: deque[tuple[float, weakref.ref[Any]]] = deque()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def __len__(self) -> int:
        return len(self._due)

    def schedule(self, session: Any) -> None:
        """Ping a session once the interval has passed, unless that is under way; Engine.IO's `schedule_ping`.

        :param session: engineio's socket, of which `last_ping` says when it was pinged, and is None until it is
        """
        if not session.last_ping:
            return
        session.last_ping = None
        self._due.append((time.monotonic() + self._interval, weakref.ref(session)))
        if not self._greenlet:
            self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        belong()  # to nobody, whoever's ping was the first
        while self._due:
            due, found = self._due.popleft()
            left = due - time.monotonic()
            if left > 0:
                gevent.sleep(left)
            breathe()  # thousands may be due at once
            try:
                _ping(found())
            except Exception as problem:  # noqa: BLE001 (one session's fault is not the others')
                log.error("A ping failed (%s)", whereabouts(problem))


def _ping(session: Any) -> None:
    if session is not None and not (session.closing or session.closed):
        session.last_ping = time.time()
        session.send(Packet(PING))
