"""Tokens that were shown: how many bad ones are too many."""

from __future__ import annotations

import time

from .buckets import Bucket, ByClient, Clock

GOOD = 1 / 20
"What showing a good token costs, when a bad one costs 1: a page that comes back with all its sockets is no attacker."


class Attempts:
    """Tokens that were shown, by address and in all.

    Who showed too many from one address is refused. Who shows one while all the others together show too many is not,
    or anybody with enough addresses could shut everybody out: such lookups take turns, so that Redis has few at once.
    """

    def __init__(self, per_address: int, total: int, clock: Clock = time.monotonic) -> None:
        """:param per_address: bad tokens a minute; :param total: the same for all addresses together"""
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
