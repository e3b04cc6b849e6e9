"""Tokens that were shown: how many bad ones are too many."""

from __future__ import annotations

import time

from .buckets import Bucket, ByClient, Clock

GOOD = 1 / 20
"What showing a good token costs, when a bad one costs 1: a page that comes back with all its sockets is no attacker."


class Attempts:
    """Tokens that were shown, by address and in all.

    An address that showed too many bad ones is refused. When all addresses together show too many, none is refused, or
    an attacker with enough addresses could shut everybody out: look-ups then take turns, so that Redis has few at once.
    """

    def __init__(self, per_address: int, total: int, clock: Clock = time.monotonic) -> None:
        """:param per_address: bad tokens a minute; :param total: the same for all addresses together"""
        self._per_address = per_address
        self._clients = ByClient(per_address / 60, per_address, clock)
        self._all = Bucket(total / 60, total, clock)

    def allowed(self, client: str | None) -> bool:
        """Return False if an address has shown too many bad tokens. None stands for a proxy, which always may."""
        return client is None or self._clients.open(client)

    @property
    def crowded(self) -> bool:
        """True while all addresses together show too many bad tokens: look-ups then have to take turns."""
        return self._all.level <= 0

    def judge(self, client: str | None, good: bool) -> None:
        """Count a token that was looked up."""
        cost = GOOD if good else 1.0
        self._all.charge(cost)
        self._charge(client, cost)

    def elsewhere(self, client: str, count: int) -> None:
        """Take note of how many bad tokens an address showed in this minute to all servers that share a Redis.

        One alone lets so many through in a minute at most (at once, and in the long run); together they let through no
        more.
        """
        if count > 2 * self._per_address and self.allowed(client):
            self._charge(client, self._per_address)

    def malformed(self, client: str | None) -> None:
        """Count text that can't be a token, for its address only, as it is not looked up."""
        self._charge(client, 1.0)

    def _charge(self, client: str | None, cost: float) -> None:
        if client is not None:
            self._clients.charge(client, cost)
