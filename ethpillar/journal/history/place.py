"""Where a page is in the journal: its next slice, what of it has come, and what was looked at.

Belongs here: the small states that `paging` is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cursor import Cursor
from ..entry import Entry
from .bounds import Bounds
from .query import Direction, Query


class Place:
    """Where the next slice starts, and that each entry is beyond the one before."""

    def __init__(self, query: Query) -> None:
        self.cursor = query.cursor
        "The entry at which the next slice starts."
        self.inclusive = query.inclusive
        self.first: Entry | None = None
        self.last: Entry | None = None
        self._bound = query.until_us if query.direction is Direction.BACKWARDS else query.since_us
        self._from_start = query.direction is Direction.FORWARDS
        self._numbers: dict[str, int] = {}  # the last one of each sequence

    @property
    def anchor(self) -> str | None:
        """Return the value for `--cursor=`; None to start at the newest entry."""
        if self.cursor is not None:
            return self.cursor
        if self._bound is not None:
            return f"t={max(1, self._bound):x}"
        return "t=1" if self._from_start else None

    def move(self, entry: Entry) -> None:
        """Let the next slice start at an entry, which is read again and left out."""
        self.cursor, self.inclusive = entry.cursor, False

    def goes_on(self, entry: Entry, back: bool) -> bool:
        """Return True if an entry is beyond the one before: by number in one sequence, else by time in one boot."""
        sequence, _, rest = entry.cursor.partition(";i=")
        try:
            number = int(rest.partition(";")[0], 16)
        except ValueError:
            return False
        known = self._numbers.get(sequence)
        if known is not None:
            right = number < known if back else number > known
        else:
            right = self._is_beyond_in_boot(Cursor.parse(entry.cursor), back)
        if right:
            self._numbers[sequence] = number
            self.first = self.first or entry
            self.last = entry
        return right

    def _is_beyond_in_boot(self, cursor: Cursor, back: bool) -> bool:
        """Do the same for the first entry of another sequence. Few files have one of their own."""
        last = None if self.last is None else Cursor.parse(self.last.cursor)
        if last is None or last.boot_id != cursor.boot_id or last.monotonic_us is None or cursor.monotonic_us is None:
            return True
        return cursor.monotonic_us <= last.monotonic_us if back else cursor.monotonic_us >= last.monotonic_us


ENTRY = 600
"Bytes of an entry in memory besides its message, roughly."


def weight_of(entries: Sequence[Entry]) -> int:
    """Return the bytes that entries take in memory, roughly."""
    return sum(len(entry.message) + ENTRY for entry in entries)


class Slice:
    """The entries of one journalctl, as they come, and which of them wait to be judged."""

    def __init__(self, asked: int, bounds: Bounds) -> None:
        """:param asked: how many entries journalctl was asked for"""
        self._asked = asked
        self._bounds = bounds
        self._waiting: list[Entry] = []
        self._waiting_bytes = self._bytes = 0
        self.count = 0
        "Entries that have come."
        self.news = 0
        "Those of them that were not known before."
        self.cut = False
        "No more is read of it, though there may be more."

    def take(self, entries: Sequence[Entry]) -> None:
        """Keep some entries."""
        self._waiting += entries
        self.count += len(entries)
        self._waiting_bytes += sum(len(entry.message) for entry in entries)

    @property
    def weight(self) -> int:
        """Bytes of the entries that wait, roughly."""
        return self._waiting_bytes + len(self._waiting) * ENTRY

    def portion(self) -> list[Entry]:
        """Return the entries that wait to be judged; they wait no more."""
        waiting, self._waiting = self._waiting, []
        self._bytes += self._waiting_bytes
        self._waiting_bytes = 0
        return waiting

    @property
    def judged(self) -> bool:
        """Return True once some of it has been judged."""
        return self.count > len(self._waiting)

    @property
    def portion_is_full(self) -> bool:
        """Return True if as many wait as are judged at once."""
        return len(self._waiting) >= self._bounds.portion or self._waiting_bytes >= self._bounds.portion_bytes

    @property
    def full(self) -> bool:
        """Return True if as many bytes have come as are read of one slice."""
        return self._bytes + self._waiting_bytes > self._bounds.slice_bytes

    @property
    def exhausted(self) -> bool:
        """Return True if fewer entries came than were asked for: there are no more in this direction."""
        return self.count < self._asked and not self.cut


@dataclass(slots=True)
class Scanned:
    """The entries that a search has looked at."""

    out_of_range: int
    entries: int = 0
    from_us: int | None = None
    until_us: int | None = None
    outside: int = 0
    "Entries in a row that were beyond the far bound."

    def within(self, entries: Sequence[Entry], query: Query, back: bool) -> tuple[list[Entry], bool]:
        """Return the entries within the times asked for, and whether what comes next is beyond them for good."""
        since, until = query.since_us, query.until_us
        if since is None and until is None:
            self._looked_at(entries, len(entries))
            return list(entries), False
        inside = []
        for number, entry in enumerate(entries, 1):
            at = entry.realtime_us
            beyond = (since is not None and at < since) if back else (until is not None and at > until)
            self.outside = self.outside + 1 if beyond else 0
            if (since is None or at >= since) and (until is None or at <= until):
                inside.append(entry)
            elif self.outside >= self.out_of_range:
                self._looked_at(inside, number)
                return inside, True
        self._looked_at(inside, len(entries))
        return inside, False

    def _looked_at(self, inside: Sequence[Entry], count: int) -> None:
        self.entries += count
        if inside:
            times = [entry.realtime_us for entry in inside]
            self.from_us = min(times) if self.from_us is None else min(self.from_us, *times)
            self.until_us = max(times) if self.until_us is None else max(self.until_us, *times)
