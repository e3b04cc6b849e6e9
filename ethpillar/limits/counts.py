"""Counts by key: how much of something each has at the moment. A count that is back at zero is forgotten."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from .address import site
from .buckets import SITE


class Counts:
    """How many of something each key has at the moment.

    `take` one and `release` it, or `hold` it for a block; `take` returns False where `limit` is reached. The key None
    has no limit and is not counted. A count that is zero is forgotten.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def has(self, key: Hashable) -> bool:
        """Return True if a key has any."""
        return key in self._counts

    def full(self, key: Hashable) -> bool:
        """Return True if a key has as many as it may."""
        return self._counts.get(key, 0) >= self.limit

    def take(self, key: Hashable) -> bool:
        """Count one more for a key. Return False if it has as many as it may already."""
        if key is None:
            return True
        if self.full(key):
            return False
        self.add(key)
        return True

    def add(self, key: Hashable) -> None:
        """Count one more, even if it is one too many: another one is about to go."""
        if key is not None:
            self._counts[key] = self._counts.get(key, 0) + 1

    def release(self, key: Hashable) -> None:
        """Count one less, for a `take` that returned True."""
        left = self._counts.get(key, 0) - 1
        if left > 0:
            self._counts[key] = left
        else:
            self._counts.pop(key, None)

    @contextmanager
    def hold(self, key: Hashable) -> Iterator[bool]:
        """Take one for the time of a `with`. Yields False if there was no room."""
        taken = self.take(key)
        try:
            yield taken
        finally:
            if taken:
                self.release(key)


class ClientCounts(Counts):
    """Counts by client, and for IPv6 by its site as well; see `ByClient`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._sites = Counts(limit * SITE)

    def full(self, key: Hashable) -> bool:
        """Return True if a client, or its site, has as many as it may."""
        return super().full(key) or self._sites.full(site(str(key)))

    def take(self, key: Hashable) -> bool:
        """See `Counts`."""
        if key is None:
            return True
        if self.full(key):
            return False
        self.add(key)
        return True

    def add(self, key: Hashable) -> None:
        """See `Counts`."""
        super().add(key)
        self._sites.add(site(str(key)))

    def release(self, key: Hashable) -> None:
        """See `Counts`."""
        super().release(key)
        self._sites.release(site(str(key)))
