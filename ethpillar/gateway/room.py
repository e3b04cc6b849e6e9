"""Room in memory for what one socket asks for.

Belongs here: weighing the events that are under way, and letting what would take more memory wait while its address
holds too much, though not for long. It must not know what an event does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from gevent.event import Event

from ..errors import LimitReached, MemoryShort
from ..limits.counts import Counts
from ..limits.ledger import Account
from ..timing import within

EVENT = 25_000
"Bytes of an event under way besides what it carries, roughly: a greenlet, its stack, a request's context."
SUBSCRIPTION = 16_000
"Bytes of a subscription: its greenlet, and what it knows of its place."
CARRIED = 1024 * 1024
"Bytes that the events of one socket may carry while they are under way. A page's carry hundreds."
EVENTS = 200
"Events of one socket that may be under way. A page that follows every log it may has half as many."
WAIT = 5.0
"Seconds that a subscription waits for memory."
AGAIN = 0.1
"Seconds between two looks."
_OBJECT, _LIST, _VALUE = 184, 88, 56
"Bytes of an object with a few keys, of a short list, and of a key or a value besides its text."


def weigh(arguments: Any) -> int:
    """Return about how many bytes an event's payload takes in memory, or somewhat more."""
    try:
        text = orjson.dumps(arguments)
    except (TypeError, ValueError):  # nested a thousand deep, a number that is no number, half a pair of surrogates
        return CARRIED // 4
    containers = text.count(b"{") * _OBJECT + text.count(b"[") * _LIST
    values = (text.count(b",") + text.count(b":")) * _VALUE
    return len(text) * (1 if text.isascii() else 4) + containers + values


class EventRoom:
    """The room that the events of one socket have."""

    def __init__(
        self,
        account: Account,
        subscriptions: Callable[[], int] = lambda: 0,
        client: str | None = None,
        counts: Counts | None = None,
    ) -> None:
        """
        :param account: where they are weighed; it ends with the socket
        :param subscriptions: how many the socket has at the moment; events begin and end them
        :param client: the key under which limits count the client
        :param counts: the events under way of each client
        """
        self.account = account
        self._client = client
        self._counts = Counts(EVENTS) if counts is None else counts
        self._subscriptions = subscriptions
        self._events = self._carried = self._answers = 0

    @contextmanager
    def take(self, arguments: Any) -> Iterator[None]:
        """Have room for an event in the block. Raises `LimitReached` if there is none; one event always has room."""
        carried = weigh(arguments)
        if self._events and (self._events >= EVENTS or self._carried + carried > CARRIED):
            raise LimitReached("Too many requests are waiting on this connection.")
        if self._events and self._counts.full(self._client):
            raise LimitReached("Too many requests of your address are waiting.")
        if self._events and self.account.crowded:
            raise MemoryShort
        self._counts.add(self._client)
        self._change(1, carried)
        try:
            yield
        finally:
            self._change(-1, -carried)
            self._counts.release(self._client)

    @contextmanager
    def carry(self, size: int) -> Iterator[None]:
        """Count an answer that is being made in the block."""
        self._answers += size
        self._change(0, 0)
        try:
            yield
        finally:
            self._answers -= size
            self._change(0, 0)

    def _change(self, events: int, carried: int) -> None:
        self._events += events
        self._carried += carried
        carried = self._carried + self._answers
        self.account.hold(self._events * EVENT + carried + self._subscriptions() * SUBSCRIPTION)

    def wait(self, gone: Event) -> None:
        """Wait until its address may have more. Raises `MemoryShort` if that takes too long."""
        if not self.account.crowded:
            return
        with within(WAIT):
            while self.account.crowded and not gone.wait(AGAIN):
                pass
            return
        raise MemoryShort
