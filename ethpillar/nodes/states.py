"""The states of a log feed and of a subscriber, and which state may follow which.

Belongs here: one enum and one table for each, as data that can be drawn, and the machine that holds a state to its
table. It must not know what is done in a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

S = TypeVar("S", bound=Enum)


class Machine(Generic[S]):
    """A state that changes only as its table allows."""

    def __init__(self, first: S, table: Mapping[S, frozenset[S]]) -> None:
        """:param table: the states that may follow each state"""
        self.state = first
        self._table = table

    def to(self, state: S) -> None:
        """Change to a state; staying in the same one is always allowed.

        :raises IllegalTransition: the table does not allow it
        """
        if state is not self.state:
            if state not in self._table[self.state]:
                raise IllegalTransition(f"{self.state.name} -> {state.name}")
            self.state = state


class IllegalTransition(Exception):
    """A state was to follow one that it must not follow: a mistake in the code."""


class FeedState(Enum):
    """The states of a log's follower."""

    STARTING = "the backlog has not been read yet"
    CATCHING_UP = "what came since the last entry is being read"
    LIVE = "the journal is being followed"
    LENT = "its channel is left to subscribers that need one; the follower waits for room in the ring"
    RECONNECTING = "waiting before the next try"
    OVER = "closed, or given up"


FEED_TRANSITIONS: dict[FeedState, frozenset[FeedState]] = {
    FeedState.STARTING: frozenset({FeedState.CATCHING_UP, FeedState.RECONNECTING, FeedState.OVER}),
    FeedState.CATCHING_UP: frozenset({FeedState.LIVE, FeedState.LENT, FeedState.RECONNECTING, FeedState.OVER}),
    FeedState.LIVE: frozenset({FeedState.CATCHING_UP, FeedState.LENT, FeedState.RECONNECTING, FeedState.OVER}),
    FeedState.LENT: frozenset({FeedState.CATCHING_UP, FeedState.RECONNECTING, FeedState.OVER}),
    FeedState.RECONNECTING: frozenset({FeedState.STARTING, FeedState.CATCHING_UP, FeedState.OVER}),
    FeedState.OVER: frozenset(),
}


class SubscriberState(Enum):
    """Where a subscriber gets its lines from."""

    STARTING = "the feed's backlog has not been read yet"
    RING = "served from the ring, not yet at its end"
    LIVE = "served from the ring as entries come"
    JOURNAL = "served by a journalctl of its own, or queued for one"
    WAITING = "could not read the journal; waiting before the next try"
    AHEAD = "has everything in the journal; waiting until the follower has it, too"
    OVER = "ended"


SUBSCRIBER_TRANSITIONS: dict[SubscriberState, frozenset[SubscriberState]] = {
    SubscriberState.STARTING: frozenset({SubscriberState.RING, SubscriberState.JOURNAL, SubscriberState.OVER}),
    SubscriberState.RING: frozenset({SubscriberState.LIVE, SubscriberState.JOURNAL, SubscriberState.OVER}),
    SubscriberState.LIVE: frozenset({SubscriberState.JOURNAL, SubscriberState.OVER}),
    SubscriberState.JOURNAL: frozenset(
        {SubscriberState.RING, SubscriberState.WAITING, SubscriberState.AHEAD, SubscriberState.OVER}
    ),
    SubscriberState.WAITING: frozenset({SubscriberState.RING, SubscriberState.JOURNAL, SubscriberState.OVER}),
    SubscriberState.AHEAD: frozenset({SubscriberState.RING, SubscriberState.JOURNAL, SubscriberState.OVER}),
    SubscriberState.OVER: frozenset(),
}
