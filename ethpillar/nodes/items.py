"""The items that subscribers of a log get: entries, parsed and encoded once for all of them.

Belongs here: making an item of an entry, and how many entries are made at once before others get their turn. It must
not know where entries come from nor who gets the items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..journal.detour import Gap
from ..journal.entry import Entry
from ..journal.formats import Line, LineParser
from ..journal.text import clean

CHUNK = 256
"Lines (or KiB) parsed before others get their turn."

_OVERHEAD = 440
"Bytes of an item besides its lines, roughly: the object, its cursor, its place in the ring's index."

Encode = Callable[[str, Entry, str, Line, bool], bytes]
"(service, entry, text, line, last): a line as it will be sent. `last`: it ends its entry, so the cursor may be shown."


class Item(NamedTuple):
    """One thing that every subscriber gets: an entry, or a note that entries are missing."""

    cursor: str
    "The entry's cursor: where to resume after this item. A gap carries that of the entry before it."
    realtime_us: int
    data: bytes
    "The entry's lines as the gateway encoded them, one after another, once for all."
    lines: int = 1
    "How many lines these are: one, unless its message has line breaks."
    gap: Gap | None = None
    "What is missing, if this is a gap."
    manager: bool = False
    "Whether systemd wrote it, and not the unit's own program."

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly."""
        return len(self.data) + _OVERHEAD


class ItemMaker:
    """Makes the items of one unit's log."""

    def __init__(self, service: str, encode: Encode) -> None:
        self._service = service
        self._encode = encode

    def make(self, entry: Entry, parser: LineParser) -> Item:
        """Parse and encode an entry. A message with line breaks is several lines; only the last has the cursor."""
        texts = clean(entry.message)
        last = len(texts) - 1
        lines = [
            self._encode(
                self._service,
                entry,
                text,
                parser.parse(text, entry.priority, manager=entry.pid == 1, further=number > 0),
                number == last,
            )
            for number, text in enumerate(texts)
        ]
        return Item(entry.cursor, entry.realtime_us, b"".join(lines), len(lines), manager=entry.pid == 1)


def portions(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Divide entries into runs that are about `CHUNK` lines of work each."""
    begin = work = 0
    for number, entry in enumerate(entries):
        work += 1 + entry.message.count(b"\n") + (len(entry.message) >> 10)
        if work >= CHUNK:
            yield entries[begin : number + 1]
            begin, work = number + 1, 0
    if begin < len(entries):
        yield entries[begin:]
