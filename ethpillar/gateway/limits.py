"""How much one client may have and how often it may ask.

Belongs here: a token bucket, many of them by key, and counts by key; and the bounds the gateway has of them. What is
remembered is bounded as well: a count that is back at zero and a bucket that is full again are forgotten, and of
buckets there are never more than `Buckets.MOST`, however many addresses an attacker has.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import RateLimited
from .client import Networks

Clock = Callable[[], float]


class Bucket:
    """A token bucket: `burst` at once, `rate` a second in the long run."""

    __slots__ = ("_at", "_clock", "_level", "burst", "rate")

    def __init__(self, rate: float, burst: float, clock: Clock = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._level = burst
        self._at = clock()

    @property
    def level(self) -> float:
        """What is left; below zero when more was charged than there was."""
        now = self._clock()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level

    def take(self, cost: float = 1) -> bool:
        """Takes that much if it is there; whether it was."""
        if self.level < cost:
            return False
        self._level -= cost
        return True

    def charge(self, cost: float) -> None:
        """Takes that much, there or not; the debt is paid off by time. It never grows beyond another burst."""
        self._level = max(self.level - cost, -self.burst)


class Buckets:
    """A bucket for each key. Those unused for longest, which are full again first, are forgotten."""

    MOST = 10_000
    "Buckets remembered at most."
    _SWEEP = 4
    "Old buckets looked at when one is added: more than one, so that what is idle gets less."

    def __init__(self, rate: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def open(self, key: Hashable) -> bool:
        """Whether anything is left for a key."""
        bucket = self._buckets.get(key)
        return bucket is None or bucket.level > 0

    def charge(self, key: Hashable, cost: float) -> None:
        """See `Bucket.charge`."""
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            self._forget()
            bucket = Bucket(self._rate, self._burst, self._clock)
        self._buckets[key] = bucket
        bucket.charge(cost)

    def _forget(self) -> None:
        for _ in range(min(self._SWEEP, len(self._buckets))):
            key, bucket = next(iter(self._buckets.items()))
            if bucket.level < self._burst and len(self._buckets) < self.MOST:
                return
            del self._buckets[key]


class Counts:
    """How many of something each key has at the moment. The key None has no limit and is not counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def has(self, key: Hashable) -> bool:
        """Whether a key has any."""
        return key in self._counts

    def full(self, key: Hashable) -> bool:
        """Whether a key has as many as it may."""
        return self._counts.get(key, 0) >= self.limit

    def take(self, key: Hashable) -> bool:
        """One more for a key, unless it has as many as it may; whether there was room."""
        if key is None:
            return True
        if self.full(key):
            return False
        self._counts[key] = self._counts.get(key, 0) + 1
        return True

    def release(self, key: Hashable) -> None:
        """One less; for each `take` that was answered with True."""
        left = self._counts.get(key, 0) - 1
        if left > 0:
            self._counts[key] = left
        else:
            self._counts.pop(key, None)

    @contextmanager
    def hold(self, key: Hashable) -> Iterator[bool]:
        """Takes one for the time of a `with`, which is told whether there was room."""
        taken = self.take(key)
        try:
            yield taken
        finally:
            if taken:
                self.release(key)


GOOD = 1 / 20
"What showing a good token costs, when a bad one costs 1: a page that comes back with all its sockets is no attacker."


class Attempts:
    """Tokens that were shown and looked up in Redis, by address and in all."""

    def __init__(self, per_address: int, total: int, clock: Clock = time.monotonic) -> None:
        """:param per_address: bad tokens a minute; :param total: the same for all addresses together"""
        self._addresses = Buckets(per_address / 60, per_address, clock)
        self._all = Bucket(total / 60, total, clock)

    def check(self, address: str | None) -> None:
        """Raises `RateLimited` when an address, or all of them, showed too many. None stands for a proxy."""
        if self._all.level <= 0 or (address is not None and not self._addresses.open(address)):
            raise RateLimited

    def judge(self, address: str | None, good: bool) -> None:
        """Counts a token that was looked up."""
        cost = GOOD if good else 1.0
        self._all.charge(cost)
        if address is not None:
            self._addresses.charge(address, cost)


@dataclass(slots=True)
class Limits:
    """All that the gateway bounds by count or rate, and what is counted at the moment."""

    trusted_proxies: Networks
    connections_per_address: int
    bad_tokens_per_address: int
    bad_tokens: int
    sockets_per_session: int
    logs_per_socket: int
    events_per_second: int
    events_burst: int
    request_timeout: float
    "Seconds in which a request's head must have come; and then again its body."
    connections: Counts = field(init=False)
    "TCP connections of an address; requests under way of one behind a proxy."
    engines: Counts = field(init=False)
    "Engine.IO sessions of an address: a polling one lives on between its requests."
    sockets: Counts = field(init=False)
    "Sockets of a session's token."
    attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self.connections = Counts(self.connections_per_address)
        self.engines = Counts(self.connections_per_address)
        self.sockets = Counts(self.sockets_per_session)
        self.attempts = Attempts(self.bad_tokens_per_address, self.bad_tokens)

    def events(self) -> Bucket:
        """The bucket of a new socket's events."""
        return Bucket(self.events_per_second, self.events_burst)
