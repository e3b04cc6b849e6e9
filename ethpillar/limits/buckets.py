"""Token buckets: how often a client may ask.

Belongs here: one bucket, many by key, and those of clients and their sites. What is remembered is bounded: a bucket
that is full again is forgotten, and there are never more than `Buckets.MOST`, however many addresses an attacker has.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from .address import site

Clock = Callable[[], float]
"Returns seconds that only grow, such as `time.monotonic`."


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
        """The tokens left; below zero if more was charged than there was."""
        now = self._clock()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level

    def take(self, cost: float = 1) -> bool:
        """Take that much. Return False, and take nothing, if there is less."""
        if self.level < cost:
            return False
        self._level -= cost
        return True

    def charge(self, cost: float) -> None:
        """Take that much even if there is less; time pays off the debt, which never exceeds another burst."""
        self._level = max(self.level - cost, -self.burst)


class Buckets:
    """A bucket for each key. The buckets unused for longest, which are full again first, are forgotten."""

    MOST = 10_000
    "Buckets remembered at most."
    _SWEEP = 4
    "How many old buckets to check per insertion; more than one, so that idle buckets die out."

    def __init__(self, rate: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def open(self, key: Hashable) -> bool:
        """Return True if anything is left for a key."""
        bucket = self._buckets.get(key)
        return bucket is None or bucket.level > 0

    def debt(self, key: Hashable) -> float:
        """Return the seconds until what was charged to a key is paid off."""
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
        self.rate = rate
        self._clients = Buckets(rate, burst, clock)
        self._sites = Buckets(rate * SITE, burst * SITE, clock)

    def open(self, client: str) -> bool:
        """Return True if anything is left for a client."""
        return self._clients.open(client) and self._sites.open(site(client))

    def charge(self, client: str, cost: float) -> None:
        """See `Bucket.charge`."""
        self._clients.charge(client, cost)
        around = site(client)
        if around is not None:
            self._sites.charge(around, cost)

    def pay(self, client: str, cost: float) -> float:
        """Charge a client, and return 0; or charge nothing, and return the seconds until what it owes is paid off."""
        debt = self.debt(client)
        if not debt and cost:
            self.charge(client, cost)
        return debt

    def debt(self, client: str) -> float:
        """Return the seconds until what was charged to a client, and to its site, is paid off."""
        return max(self._clients.debt(client), self._sites.debt(site(client)))
