"""Entries that journald copies to another file while they are read.

`journalctl --flush` copies what is in /run to /var. Up to systemd 252 the copies get another sequence id, so a
journalctl that follows takes those for new that have the time of the last entry it showed. systemd 255 gives them new
numbers in the same sequence, so it takes all of them for new.

One case can't be told apart: on 255, /run has entries of the unit from one moment only. Their copies look like lines
that were printed twice at once, and come again. That takes a flush by hand, soon after the unit's first words.

Belongs here: telling such a copy from an entry that only has the same time. It must not know where a reader is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .cursor import anywhere, is_earlier_copy, time_of
from .entry import Entry

MOST_OF_MOMENT = 5000
"Entries that journald received at once, and so gave one time, that are looked through at most."


def _sequence(cursor: str) -> str:
    return cursor[: cursor.find(";") + 1]


def _moment(cursor: str) -> str:
    """Return what the cursors of entries share that were received at once, in whatever file; "" if that is unknown."""
    return anywhere(cursor).partition(";x=")[0]


_AGAIN = "s=again;"
"In place of the sequence of copies that have the same one."


class Copies:
    """The entries of the last moment that came: those are the ones whose copies can't be told by their time."""

    def __init__(self, cursors: Iterable[str] = (), whole: bool = False) -> None:
        """
        :param cursors: of entries of one moment that the reader has, in order
        :param whole: whether it has had all entries of that moment since the first one
        """
        self._cursors = list(cursors)
        self._last = self._cursors[-1] if self._cursors else ""
        "The cursor of the last entry that was no copy."
        self._sequence = _sequence(self._last)
        "Of the file in which the moment was read first; a copy has another one."
        self._whole = whole
        self._time = time_of(self._last) or 0
        self._again = False
        "True if copies of earlier entries have come, which have the same sequence, and no later entry since."

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
        for entry in entries:
            if entry.cursor not in have:
                self._remember([entry.cursor])
        self._last, self._time = entries[-1].cursor, entries[-1].realtime_us
        self._sequence = _sequence(self._last)

    def left_out(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the next entries without copies of those that have come before."""
        if not entries:
            return entries
        sequence = _sequence(entries[0].cursor)
        times = [self._time, *(each.realtime_us for each in entries)]
        if (
            not self._again
            and times == sorted(times)
            and not [each for each in entries if sequence not in each.cursor]
            and not [cursor for cursor in self._cursors if sequence not in cursor]
        ):
            self._remember(self._end_of(entries))
            self._last, self._time = entries[-1].cursor, times[-1]
            return entries
        return self._sift(entries)

    def _end_of(self, entries: Sequence[Entry]) -> list[str]:
        """Return the cursors of the last moment, and that of the entry before it."""
        first = len(entries) - 1
        moment = _moment(entries[first].cursor)
        while first and moment and _moment(entries[first].cursor) == moment:
            first -= 1
        return [each.cursor for each in entries[first:]]

    def _sift(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries that are no copies, where their moments may overlap.

        A line may be printed twice at once: an entry is new if its file has shown more like it than any other has.

        Of a moment whose first entries the reader does not have, only those in its own file can be new.
        """
        found = []
        come, shown = self._counts()
        for entry in entries:
            if entry.realtime_us < self._time and is_earlier_copy(entry.cursor, self._last):
                self._again = True
                continue
            if self._is_later(entry.cursor):
                come, shown = Counter(), Counter()
                self._again = False
            cursor = _AGAIN + entry.cursor.partition(";")[2] if self._again else entry.cursor
            self._remember([cursor])
            file, part = _sequence(cursor), anywhere(cursor)
            come[file, part] += 1
            if come[file, part] > shown[part] and (self._whole or file == self._sequence):
                shown[part] += 1
                found.append(entry)
                self._last, self._time = entry.cursor, entry.realtime_us
        return found

    def _counts(self) -> tuple[Counter[tuple[str, str]], Counter[str]]:
        come = Counter((_sequence(cursor), anywhere(cursor)) for cursor in self._cursors)
        shown: Counter[str] = Counter()
        for (file, part), count in come.items():
            if self._whole or file == self._sequence:
                shown[part] = max(shown[part], count)
        return come, shown

    def _is_later(self, cursor: str) -> bool:
        """Return True if an entry is of another moment than the last one, as far as can be told."""
        moment = _moment(cursor)
        return not moment or not self._cursors or moment != _moment(self._cursors[-1])

    def _remember(self, cursors: Iterable[str]) -> None:
        for cursor in cursors:
            if self._is_later(cursor):
                self._whole = bool(self._cursors)
                self._cursors, self._sequence = [], _sequence(cursor)
            self._cursors.append(cursor)
        if len(self._cursors) > MOST_OF_MOMENT:
            self._cursors, self._whole = self._cursors[-MOST_OF_MOMENT:], False
