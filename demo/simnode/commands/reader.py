"""Reading the journal: which entries match, where they begin, and their bytes.

Belongs here: the indexes and the data. It must not know options or output formats.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from . import store
from .store import ENTRY, Entry

CHUNK = 2048
"Entries looked at in one go."
_WINDOW = 256 * 1024


class Index:
    """One index file, which may not exist yet."""

    def __init__(self, state: str, name: str) -> None:
        self._path = os.path.join(state, name)
        self._handle = -1

    def _open(self) -> bool:
        if self._handle < 0:
            try:
                self._handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        return True

    def count(self) -> int:
        """How many whole entries there are now."""
        return os.fstat(self._handle).st_size // ENTRY.size if self._open() else 0

    def read(self, start: int, end: int) -> list[Entry]:
        """The entries at these places."""
        if start >= end or not self._open():
            return []
        data = os.pread(self._handle, (end - start) * ENTRY.size, start * ENTRY.size)
        whole = len(data) - len(data) % ENTRY.size
        return list(ENTRY.iter_unpack(data[:whole]))

    def first(self, field: int, least: int) -> int:
        """The place of the first entry whose field is at least this. The fields asked for only grow."""
        low, high = 0, self.count()
        while low < high:
            middle = (low + high) // 2
            if self.read(middle, middle + 1)[0][field] < least:
                low = middle + 1
            else:
                high = middle
        return low

    def last_seqnum(self) -> int:
        """The sequence number of the last entry; 0 when there is none."""
        count = self.count()
        return self.read(count - 1, count)[0][store.SEQNUM] if count else 0


class Data:
    """The entries' bytes."""

    def __init__(self, state: str) -> None:
        self._handle = os.open(os.path.join(state, store.DATA), os.O_RDONLY | os.O_CLOEXEC)
        self._start = 0
        self._window = b""

    def get(self, offset: int, size: int) -> bytes:
        """Bytes that an index entry tells of. Fastest when asked for in order."""
        at = offset - self._start
        if at < 0 or at + size > len(self._window):
            self._window = os.pread(self._handle, max(size, _WINDOW), offset)
            self._start, at = offset, 0
        return self._window[at : at + size]


class Fields:
    """The sets of fields that entries share."""

    def __init__(self, state: str) -> None:
        self._path = os.path.join(state, store.FIELDS)
        self._sets: list[dict[str, str]] = []

    def get(self, number: int) -> dict[str, str]:
        """The set with this number."""
        if number >= len(self._sets):
            self._sets = store.load_whole(self._path)
        return self._sets[number]


class Journal:
    """The journal of the node, and the entries of it that match: in order of sequence number, from one on."""

    def __init__(self, state: str, units: list[str]) -> None:
        self.all = Index(state, store.ALL)
        self.data = Data(state)
        self.fields = Fields(state)
        names = [store.unit_index(unit) for unit in dict.fromkeys(units)]
        self._indexes = [Index(state, name) for name in names] or [self.all]
        self._next = 0
        self._seen = 0

    def start(self, seqnum: int, last: int | None = None) -> None:
        """Begins at the first match with at least this sequence number; with `last`, at most so many from the end."""
        self._next = seqnum
        if last is None:
            return
        limit = self.all.last_seqnum()
        tail: list[int] = []
        for index in self._indexes:
            low, high = index.first(store.SEQNUM, seqnum), index.first(store.SEQNUM, limit + 1)
            tail += [entry[store.SEQNUM] for entry in index.read(max(low, high - last), high)]
        tail.sort()
        self._next = tail[-last] if 0 < last < len(tail) else tail[0] if last and tail else limit + 1

    def skip(self) -> None:
        """Leaves out the next match."""
        chunk = self._chunk(self.all.last_seqnum(), 1)
        if chunk:
            self._next = chunk[0][store.SEQNUM] + 1

    def changed(self) -> bool:
        """Return True if entries were written since the last `entries`."""
        return self.all.count() != self._seen

    def entries(self) -> Iterator[list[Entry]]:
        """What there is now, in chunks. A further call goes on after it."""
        self._seen = self.all.count()
        limit = self.all.last_seqnum()
        while chunk := self._chunk(limit, CHUNK):
            self._next = chunk[-1][store.SEQNUM] + 1
            yield chunk

    def backwards(self, seqnum: int, least: int) -> Iterator[list[Entry]]:
        """What there is from a sequence number back to another, both included, in chunks, newest first."""
        while seqnum >= least:
            found: list[Entry] = []
            lowest = least
            for index in self._indexes:
                end = index.first(store.SEQNUM, seqnum + 1)
                some = index.read(max(0, end - CHUNK), end)
                if len(some) == CHUNK:
                    lowest = max(lowest, some[0][store.SEQNUM])
                found += some
            found = sorted((entry for entry in found if entry[store.SEQNUM] >= lowest), key=_seqnum, reverse=True)
            if found:
                yield found
            elif lowest == least:
                return
            seqnum = lowest - 1

    def _chunk(self, limit: int, size: int) -> list[Entry]:
        """The next matches up to a sequence number: what each index has, but not beyond where one was cut off."""
        found: list[Entry] = []
        for index in self._indexes:
            at = index.first(store.SEQNUM, self._next)
            some = index.read(at, at + size)
            if len(some) == size:
                limit = min(limit, some[-1][store.SEQNUM])
            found += some
        if len(self._indexes) > 1:
            found.sort(key=_seqnum)
        if found and found[-1][store.SEQNUM] > limit:
            found = [entry for entry in found if entry[store.SEQNUM] <= limit]
        return found


def _seqnum(entry: Entry) -> int:
    return entry[store.SEQNUM]


Render = Callable[[Entry], bytes]
