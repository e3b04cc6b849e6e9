"""Staying connected to a node: the states of a link, and when to try again or give up.

Belongs here: the decisions of `link`, pure: times are handed in, in seconds. It must not know how a login works, nor
how anybody waits.
"""

from __future__ import annotations

from enum import Enum

from ..timing import Backoff

STEADY = 30.0
"Seconds after which a connection on which no command was answered was a good one all the same."
HURRY_EVERY = 2.0
"Seconds between the tries that people bring forward, by a new socket or by `authenticate`."


class LinkState(Enum):
    """Where the connection to a node is."""

    IDLE = "nobody has asked for a connection yet, or the first login failed for a reason that may pass"
    CONNECTING = "the first login is under way"
    CONNECTED = "there is a connection, as far as is known"
    RECONNECTING = "the connection was lost; waiting for the next try, or trying"
    LOST = "given up: this session's node won't be tried again"
    CLOSED = "nobody needs the node any more"


TRANSITIONS: dict[LinkState, frozenset[LinkState]] = {
    LinkState.IDLE: frozenset({LinkState.CONNECTING, LinkState.CLOSED}),
    LinkState.CONNECTING: frozenset({LinkState.CONNECTED, LinkState.IDLE, LinkState.LOST, LinkState.CLOSED}),
    LinkState.CONNECTED: frozenset({LinkState.RECONNECTING, LinkState.LOST, LinkState.CLOSED}),
    LinkState.RECONNECTING: frozenset({LinkState.CONNECTED, LinkState.LOST, LinkState.CLOSED}),
    LinkState.LOST: frozenset({LinkState.CLOSED}),
    LinkState.CLOSED: frozenset(),
}


def after_failure(state: LinkState, terminal: bool, exhausted: bool) -> LinkState:
    """Return the state that follows a try that failed.

    :param state: the state in which it was tried
    :param terminal: trying again is of no use
    :param exhausted: it has been tried for long enough
    """
    if terminal:
        return LinkState.LOST
    if state is LinkState.CONNECTING:
        return LinkState.IDLE
    return LinkState.LOST if exhausted else LinkState.RECONNECTING


class Retries:
    """When a lost connection is tried again, and for how long.

    A node may let us in and hang up at once, again and again. So the waits go on growing, and the time until the link
    is given up goes on running, until a connection was a good one.
    """

    def __init__(self, give_up: float, backoff: Backoff) -> None:
        """:param give_up: seconds after which trying ends"""
        self._give_up = give_up
        self._backoff = backoff
        self._since = 0.0
        self._tried = float("-inf")

    @property
    def attempt(self) -> int:
        """Tries since the last good connection, the coming one included."""
        return self._backoff.attempt

    def connected(self, now: float) -> None:
        """Begin anew: the first connection stands."""
        self._since = now
        self._backoff.reset()

    def lost(self, lasted: float, proved: bool, now: float) -> None:
        """Take note of the end of a connection.

        :param lasted: seconds for which it stood
        :param proved: a command was answered on it
        """
        if proved or lasted > STEADY:
            self.connected(now)

    def exhausted(self, now: float) -> bool:
        """Return True if the connection has been away for long enough to give it up."""
        return now - self._since > self._give_up

    def delay(self) -> float:
        """Return the seconds to wait before the next try, which counts as one more attempt."""
        return self._backoff.next()

    def hurried(self, due: float, now: float) -> float:
        """Return when a try that is due is made, if somebody asks for the node now."""
        return min(due, max(now, self._tried + HURRY_EVERY))

    def tried(self, now: float) -> None:
        """Take note that a try begins."""
        self._tried = now
