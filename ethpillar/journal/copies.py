"""Entries that journald copies to another file while they are read.

`journalctl --flush` copies what is in /run to /var. Up to systemd 252 the copies get another sequence id, so a
journalctl that follows takes those for new that have the time of the last entry it showed.

Belongs here: telling such a copy from an entry that only has the same time. It must not know where a reader is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .cursor import anywhere
from .entry import Entry

MOST_OF_MOMENT = 5000
"Entries that journald received at once, and so gave one time, that are looked through at most."


def _sequence(cursor: str) -> str:
    return cursor[: cursor.find(";") + 1]


def _moment(cursor: str) -> str:
    """Return what the cursors of entries share that were received at once, in whatever file; "" if that is unknown."""
    return anywhere(cursor).partition(";x=")[0]


class Copies:
    """The entries of the last moment that came: journalctl shows copies only of these, and of others of that moment."""

    def __init__(self, cursors: Iterable[str] = (), whole: bool = False) -> None:
        """
        :param cursors: of entries of one moment that the reader has, in order
        :param whole: whether it has had all entries of that moment since the first one
        """
        self._cursors = list(cursors)
        self._sequence = _sequence(self._cursors[-1]) if self._cursors else ""
        "Of the file in which the moment was read first; a copy has another one."
        self._whole = whole

    def until(self, cursor: str, owed: bool = False) -> Copies:
        """Return what a reader has to know that goes on after the entry with a cursor.

        :param owed: whether it does not have that entry yet
        """
        if cursor not in self._cursors:
            return Copies([] if owed else [cursor])
        return Copies(self._cursors[: self._cursors.index(cursor) + (not owed)], self._whole)

    def known(self, entries: Sequence[Entry]) -> None:
        """Take note that the reader has these entries, and that its file is that of the last one."""
        have = set(self._cursors)
        if new := [each for each in entries if each.cursor not in have]:
            self._remember(new)
        self._sequence = _sequence(entries[-1].cursor)

    def left_out(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the next entries without copies of those that have come before."""
        if not entries:
            return entries
        sequence = _sequence(entries[0].cursor)
        others = [each for each in entries if sequence not in each.cursor]
        found: Sequence[Entry] = entries
        if others or any(sequence not in cursor for cursor in self._cursors):
            found = self._sift(entries)
        self._remember(entries)
        return found

    def _sift(self, entries: Sequence[Entry]) -> list[Entry]:
        """A line may be printed twice at once: an entry is new if its file has shown more like it than any other has.

        Of a moment whose first entries the reader does not have, only those in its own file can be new.
        """
        come = Counter((_sequence(cursor), anywhere(cursor)) for cursor in self._cursors)
        shown: Counter[str] = Counter()
        for (file, part), count in come.items():
            if self._whole or file == self._sequence:
                shown[part] = max(shown[part], count)
        moment = _moment(self._cursors[-1]) if self._cursors else ""
        sequence, whole = self._sequence, self._whole
        found = []
        for entry in entries:
            if _moment(entry.cursor) != moment or not moment:
                sequence, whole = _sequence(entry.cursor), bool(moment)
                moment = _moment(entry.cursor)
                shown.clear()
                come.clear()
            file, part = _sequence(entry.cursor), anywhere(entry.cursor)
            come[file, part] += 1
            if come[file, part] > shown[part] and (whole or file == sequence):
                shown[part] += 1
                found.append(entry)
        return found

    def _remember(self, entries: Sequence[Entry]) -> None:
        moment = _moment(entries[-1].cursor)
        first = len(entries) - 1
        while first and moment and _moment(entries[first - 1].cursor) == moment:
            first -= 1
        before = _moment(self._cursors[-1]) if self._cursors else ""
        if first or moment != before or not moment:
            self._cursors, self._whole = [], bool(first or before)
            self._sequence = _sequence(entries[first].cursor)
        self._cursors += (each.cursor for each in entries[first:])
        if len(self._cursors) > MOST_OF_MOMENT:
            self._cursors, self._whole = self._cursors[-MOST_OF_MOMENT:], False
