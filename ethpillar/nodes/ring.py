"""The recent items of one followed unit, bounded in number and bytes.

Belongs here: sequence numbers, eviction and finding a cursor again. It must not know who reads it. The journal on
the node is the durable buffer; this is what is shared between subscribers that keep up.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

_CURSOR_TIME = re.compile(r"(?:^|;)t=([0-9a-f]{1,16})(?:;|$)")

_OVERHEAD = 400
"Bytes of an item besides its data, roughly: the object, its cursor, its place in the index."


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that every subscriber gets: an entry, or a note that entries are missing."""

    cursor: str
    "The entry's cursor: where to resume after this item. A gap carries that of the entry before it."
    realtime_us: int
    data: tuple[str, ...]
    "The entry's lines (one, unless its message has line breaks) as the gateway encoded them, once for all."
    gap: dict[str, Any] | None = None
    "Of a gap: why and from when to when."

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        return sum(map(len, self.data)) + _OVERHEAD


class Ring:
    """A contiguous run of items, each with a sequence number that is never used again."""

    def __init__(self, entries: int, size: int) -> None:
        """:param entries: items kept at most; :param size: bytes of them kept at most (one item is always kept)"""
        self._entries = entries
        self._size = size
        self._items: deque[Item] = deque()
        self._index: dict[str, int] = {}
        self._bytes = 0
        self.complete = False
        "Whether nothing older than the oldest item is in the journal."
        self.start = 0
        "Sequence number of the oldest item kept."
        self._lines_forgotten = 0

    @property
    def end(self) -> int:
        """Sequence number that the next item will have."""
        return self.start + len(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: Item) -> None:
        """Adds an item and forgets the oldest ones as the bounds ask for."""
        if item.gap is None:  # whoever resumes after the entry before a gap has to be told of it
            self._index[item.cursor] = self.end
        self._items.append(item)
        self._bytes += item.size
        while len(self._items) > 1 and (len(self._items) > self._entries or self._bytes > self._size):
            self._forget()

    def _forget(self) -> None:
        item = self._items.popleft()
        self._bytes -= item.size
        self._lines_forgotten += len(item.data)
        if self._index.get(item.cursor) == self.start:
            del self._index[item.cursor]
        self.start += 1
        self.complete = False

    def would_forget(self, items: Sequence[Item]) -> int:
        """The sequence number up to which items would be forgotten if these were appended (`start`: none)."""
        over = len(self._items) + len(items) - self._entries
        extra = self._bytes + sum(item.size for item in items) - self._size
        if over <= 0 and extra <= 0:
            return self.start
        count = max(over, 0)
        freed = 0
        for number, item in enumerate(self._items):
            if number >= count and freed >= extra:
                return self.start + number
            freed += item.size
        return self.end

    def lines_before(self, position: int) -> int:
        """How many lines there were, since the ring began, before an item that is in it, or its end."""
        return self._lines_forgotten + sum(len(item.data) for item in islice(self._items, position - self.start))

    def after(self, cursor: str) -> int | None:
        """The sequence number that follows the last item with this cursor; None when it is not here."""
        found = self._index.get(cursor)
        return None if found is None else found + 1

    def slice(self, start: int, count: int) -> list[Item]:
        """Up to `count` items from sequence number `start`, which must not be before `self.start`."""
        skip = start - self.start
        if skip > len(self._items) // 2:  # a deque is walked from its nearer end
            wanted = min(count, len(self._items) - skip)
            tail = list(islice(reversed(self._items), len(self._items) - skip))
            tail.reverse()
            return tail[:wanted]
        return list(islice(self._items, skip, skip + count))


def gap_between(from_us: int | None, to_us: int | None) -> dict[str, Any]:
    """The details of a gap: entries that the journal no longer has, from one time to another (microseconds, UTC)."""
    return {"reason": "vacuumed", "from_us": from_us, "to_us": to_us}


def cursor_time(cursor: str) -> int | None:
    """The time in a cursor, in microseconds since the epoch, as far as it can be told (`t=` in systemd's cursors)."""
    found = _CURSOR_TIME.search(cursor)
    return int(found[1], 16) if found else None
