"""A page of the past, and which of the entries found it has room for.

Belongs here: a page's limits in entries and bytes, and where it is cut, so that no block is on two pages. It must not
know how entries are read, nor when reading ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .blocks import Shown, between_blocks
from .query import MOST, Direction, Query


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the past."""

    shown: Sequence[Shown]
    "Oldest first."
    before: str | None
    "The cursor to go on from backwards; None: there is nothing before."
    after: str | None
    "The cursor to go on from forwards, as far as one is known."
    scanned: int
    "Entries that were looked at."
    from_us: int | None
    until_us: int | None
    "The times between which they were written."
    gaps: Sequence[dict[str, Any]]
    "Each: `after` (a cursor, or None), `reason`, `from_us`, `to_us`."
    more: bool
    "True if there may be more in the direction of the page."


class Filling:
    """The entries that a page has so far. What is added comes in the direction of reading, portion by portion."""

    def __init__(self, query: Query, page_bytes: int) -> None:
        """:param page_bytes: bytes of messages in the page, at most, if it has several entries"""
        self._limit = query.limit
        self._plain = query.wanted.everything
        self._back = query.direction is Direction.BACKWARDS
        self._bytes = page_bytes
        self._found: list[Shown] = []
        self.stopped_at: str | None = None
        "Once it is full: the cursor to go on from."

    @property
    def left(self) -> int | None:
        """How many more entries complete the page; None in a search, which must read more than it shows."""
        return self._room if self._plain else None

    @property
    def shown(self) -> list[Shown]:
        """Its entries, oldest first."""
        return sorted(self._found, key=lambda each: each.position)

    def add(self, found: list[Shown], end: bool) -> bool:
        """Add what there is room for. Return True if the page is full.

        :param found: oldest first
        :param end: whether there is nothing more in the direction of reading
        """
        room = min(self._room, self._fitting(found))
        full = len(found) > room or (len(found) == room and not end)
        if full:
            found = self._nearest(found, room) if room else []
            farthest = min if self._back else max
            self.stopped_at = farthest([*self._found, *found], key=lambda each: each.position).entry.cursor
        self._found += found
        return full

    @property
    def _room(self) -> int:
        return self._limit - len(self._found)

    def _fitting(self, found: list[Shown]) -> int:
        """Return how many of the nearest entries fit into the page by their bytes."""
        room = self._bytes - sum(len(each.entry.message) for each in self._found)
        for number, each in enumerate(reversed(found) if self._back else found):
            room -= len(each.entry.message)
            if room < 0:
                return max(number, 0 if self._found else 1)
        return len(found) + 1

    def _nearest(self, found: list[Shown], room: int) -> list[Shown]:
        """Return those nearest to where the page starts, cut so that no block is on both sides.

        Blocks of several units may lie in each other. One that is longer than the page is cut in a plain page, as the
        next one has the rest. A search shows it whole, up to `MOST` entries: by itself, its rest would not be found.
        """
        near = len(found) - room if self._back else room
        clean = between_blocks(found)
        inside = [at for at in clean if (near <= at < len(found) if self._back else 0 < at <= near)]
        outside = [at for at in clean if (at < near if self._back else at > near)]
        edge = near
        if inside:
            edge = inside[0] if self._back else inside[-1]
        elif outside and not self._plain:
            edge = outside[-1] if self._back else outside[0]
        kept = found[edge:] if self._back else found[:edge]
        return kept if len(kept) <= max(room, MOST) else found[near:] if self._back else found[:near]
