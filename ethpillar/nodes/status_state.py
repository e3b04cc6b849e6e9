"""Decides which update a subscriber to the states of units still has to get, and how old a state may be.

Belongs here: the decisions of the status feed, pure: times are handed in, in seconds. It must not know how a poll gets
to the node, nor how anybody waits.
"""

from __future__ import annotations

from enum import Enum

FRESH = 0.9
"""Subscribers share a snapshot while it is younger than this part of the shortest interval. Ticks are never exact, and
with a whole interval a lone subscriber would be sent an old snapshot at each second tick."""
RECENT = 5.0
"Seconds: no snapshot is shared for longer, however long the intervals are."
HANG_KEPT = 15.0
"Seconds for which systemd is believed to hang still, once it left a poll without an answer."


class StatusState(Enum):
    """The outcome of the last poll for one subscriber."""

    CURRENT = "it was sent the last update, or has just come"
    OWED = "it was too slow for the last update, and gets the newest one as soon as it keeps up"
    FAILING = "the last poll failed, and it was sent an error about that"
    CLOSED = "it has ended"


TRANSITIONS: dict[StatusState, frozenset[StatusState]] = {
    StatusState.CURRENT: frozenset({StatusState.OWED, StatusState.FAILING, StatusState.CLOSED}),
    StatusState.OWED: frozenset({StatusState.CURRENT, StatusState.FAILING, StatusState.CLOSED}),
    StatusState.FAILING: frozenset({StatusState.CURRENT, StatusState.OWED, StatusState.CLOSED}),
    StatusState.CLOSED: frozenset(),
}


def after_poll(found: bool, ready: bool) -> StatusState:
    """Return the state that follows a poll.

    :param found: the poll brought a snapshot
    :param ready: the receiver keeps up
    """
    if not found:
        return StatusState.FAILING
    return StatusState.CURRENT if ready else StatusState.OWED


def max_age(shortest: float) -> float:
    """Return how old a snapshot may be that is sent at a tick, when `shortest` is the shortest interval of all."""
    return min(shortest * FRESH, RECENT)


def next_tick(tick: float, interval: float, now: float) -> float:
    """Return the first tick after `now`; missed ticks are skipped, and the rhythm stays."""
    return tick if now < tick else tick + interval * (1 + (now - tick) // interval)
