"""Noticing that a node is dead, for all connections in one greenlet.

Belongs here: when a connection is asked for a sign of life, and when it has had time enough to give one. paramiko's own
keepalive wants no reply, so it never notices a dead peer.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import time
import weakref
from typing import Protocol

import gevent
from gevent.event import Event

from ..errors import whereabouts
from ..turns import belong, breathe

log = logging.getLogger(__name__)


TOGETHER = 0.5
"Seconds by which a look may be late, so that the loop is not woken for each connection by itself."


class Peer(Protocol):
    """A connection that can be asked for a sign of life.

    `ask` and `close` are called in greenlets of their own, where they may wait; `close` at most once, after an `ask`
    that nothing was heard since. Nothing is called once `ended` is set.
    """

    @property
    def heard(self) -> float:
        """`time.monotonic()` of the last bytes from the node."""

    @property
    def ended(self) -> Event:
        """Set when it is gone."""

    def ask(self) -> None:
        """Ask the node for any answer at all; this may wait for as long as the node reads nothing."""

    def close(self) -> None:
        """End it; this may wait."""


class Silence:
    """How long a connection has said nothing, and what follows from that."""

    def __init__(self, before: float, answer_within: float) -> None:
        """
        :param before: seconds without a byte from the node before it is asked
        :param answer_within: seconds in which it then has to send any byte at all
        """
        self._before = before
        self._answer_within = answer_within
        self._asked: float | None = None

    def look(self, heard: float, now: float) -> tuple[bool, float | None]:
        """Decide what comes next.

        :param heard: when the node last sent anything
        :return: whether to ask it, and when to look again; at no time, if it is dead
        """
        if self._asked is not None and heard < self._asked:
            late = self._asked + self._answer_within
            return False, late if now < late else None
        self._asked = None
        if now < heard + self._before:
            return False, heard + self._before
        self._asked = now
        return True, now + min(self._before, self._answer_within)  # it may have answered, and be silent again


class Keepalive:
    """Asks connections that have been silent for a while, and closes those that do not answer."""

    def __init__(self, together: float = TOGETHER) -> None:
        self._together = together
        self._due: list[tuple[float, int, Silence, weakref.ref[Peer]]] = []
        "A heap: when to look at which connection."
        self._order = itertools.count()
        self._standing = 0
        "How many of these have not ended."
        self._sooner = Event()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def watch(self, peer: Peer, silence: float, answer_within: float) -> None:
        """Close a connection once it is dead; see `Silence`. It is forgotten when it has ended."""
        self._look_at(time.monotonic() + silence, Silence(silence, answer_within), weakref.ref(peer))
        self._standing += 1
        peer.ended.rawlink(self._ended)
        if not self._greenlet:
            self._greenlet = gevent.spawn(self._run)

    def _ended(self, ended: Event) -> None:
        """Take note of a connection's end, in the loop itself. After the last one nothing waits any more."""
        ended.unlink(self._ended)
        self._standing -= 1
        if not self._standing:
            self._due.clear()
            self._sooner.set()

    def _look_at(self, due: float, silence: Silence, found: weakref.ref[Peer]) -> None:
        heapq.heappush(self._due, (due, next(self._order), silence, found))
        if self._due[0][0] == due:
            self._sooner.set()

    def _run(self) -> None:
        belong()  # to nobody, whoever's connection was the first
        while self._due:
            left = self._due[0][0] - time.monotonic()
            if left > 0:
                self._sooner.clear()
                self._sooner.wait(left + self._together)
                continue
            _, _, silence, found = heapq.heappop(self._due)
            breathe()  # thousands may be due at once; meanwhile the last of them may end
            try:
                due = _look(found(), silence)
            except Exception as problem:  # noqa: BLE001 (one connection's fault is not the others')
                log.error("Looking after a connection failed (%s)", whereabouts(problem))
                due = time.monotonic() + 1.0
            if due is not None:
                self._look_at(due, silence, found)


def _look(peer: Peer | None, silence: Silence) -> float | None:
    """Ask it or close it if that is due. Return when to look at it again."""
    if peer is None or peer.ended.is_set():
        return None
    ask, due = silence.look(peer.heard, time.monotonic())
    if ask:
        gevent.spawn(peer.ask)
    elif due is None:
        gevent.spawn(peer.close)
    return due
