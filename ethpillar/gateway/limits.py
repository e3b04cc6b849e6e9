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

import gevent
from gevent.lock import BoundedSemaphore

from ..errors import RateLimited
from .client import Networks, site
from .waiting import Waiting

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

    def debt(self, key: Hashable) -> float:
        """Seconds until what was charged to a key is paid off."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else max(0.0, -bucket.level / bucket.rate)

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


SITE = 4
"An IPv6 site has as much as this many clients."


class ByClient:
    """A bucket for each client, and one for the site that an IPv6 client is in: its owner has 256 such clients."""

    def __init__(self, rate: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._clients = Buckets(rate, burst, clock)
        self._sites = Buckets(rate * SITE, burst * SITE, clock)

    def open(self, client: str) -> bool:
        """Whether anything is left for a client."""
        return self._clients.open(client) and self._sites.open(site(client))

    def charge(self, client: str, cost: float) -> None:
        """See `Bucket.charge`."""
        self._clients.charge(client, cost)
        around = site(client)
        if around is not None:
            self._sites.charge(around, cost)

    def debt(self, client: str) -> float:
        """Seconds until what was charged to a client, and to its site, is paid off."""
        return max(self._clients.debt(client), self._sites.debt(site(client)))


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


class ClientCounts(Counts):
    """Counts by client, and for IPv6 by its site as well; see `ByClient`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._sites = Counts(limit * SITE)

    def full(self, key: Hashable) -> bool:
        """Whether a client, or its site, has as many as it may."""
        return super().full(key) or self._sites.full(site(str(key)))

    def take(self, key: Hashable) -> bool:
        """See `Counts`."""
        return super().take(key) and self._sites.take(site(str(key)))

    def release(self, key: Hashable) -> None:
        """See `Counts`."""
        super().release(key)
        self._sites.release(site(str(key)))


LOOKUPS = 4
"Tokens looked up at once while too many bad ones come from all addresses together."


class Attempts:
    """Tokens that were shown, by address and in all.

    Who showed too many from one address is refused. Who shows one while all the others together show too many is not,
    or anybody with enough addresses could shut everybody out: such lookups take turns, so that Redis has few at once.
    """

    def __init__(self, per_address: int, total: int, clock: Clock = time.monotonic) -> None:
        """:param per_address: bad tokens a minute; :param total: the same for all addresses together"""
        self._clients = ByClient(per_address / 60, per_address, clock)
        self._all = Bucket(total / 60, total, clock)
        self._turns = BoundedSemaphore(LOOKUPS)

    def check(self, client: str | None) -> None:
        """Raises `RateLimited` when an address showed too many. None stands for a proxy."""
        if client is not None and not self._clients.open(client):
            raise RateLimited

    @contextmanager
    def turn(self) -> Iterator[None]:
        """For the time of a lookup."""
        if self._all.level > 0:
            yield
        else:
            with self._turns:
                yield

    def judge(self, client: str | None, good: bool) -> None:
        """Counts a token that was looked up."""
        cost = GOOD if good else 1.0
        self._all.charge(cost)
        self._charge(client, cost)

    def malformed(self, client: str | None) -> None:
        """Counts what can't be a token. It was not looked up, so that it is nobody else's affair."""
        self._charge(client, 1.0)

    def _charge(self, client: str | None, cost: float) -> None:
        if client is not None:
            self._clients.charge(client, cost)


HANDSHAKE = 10
"What a new Engine.IO session costs its client, when a packet costs 1: it takes that much longer to serve."
CLIENT_RATE, CLIENT_BURST = 5, 10
"""A client may send as much as this many sockets may: in the long run, and at once.

With the default settings all the 500 sockets that an address may have come back at once without meeting it.
"""


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
    packets: ByClient = field(init=False)
    "What clients send, over all their connections."
    heads: Waiting = field(init=False)

    def __post_init__(self) -> None:
        self.connections = ClientCounts(self.connections_per_address)
        self.engines = ClientCounts(self.connections_per_address)
        self.sockets = Counts(self.sockets_per_session)
        self.attempts = Attempts(self.bad_tokens_per_address, self.bad_tokens)

        rate, burst = self.events_per_second * CLIENT_RATE, self.events_burst * CLIENT_BURST
        self.packets = ByClient(rate, burst)
        self.heads = Waiting()

    def pace(self, client: str | None, cost: float = 1) -> None:
        """Charges a client for what it sends, and waits until that is paid off.

        Nothing is refused: whoever shares an address with one that floods is served a moment later, and a flood over
        many connections comes no faster than over one.
        """
        if client is None:
            return
        self.packets.charge(client, cost)
        wait = self.packets.debt(client)
        if wait:
            gevent.sleep(wait)

    def events(self) -> Bucket:
        """The bucket of a new socket's events."""
        return Bucket(self.events_per_second, self.events_burst)
