"""The items that subscribers of a log get: entries, parsed and encoded once for all of them.

Belongs here: making an item of an entry, and how many entries are made at once before others get their turn. It must
not know where entries come from nor who gets the items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..journal.entry import Entry
from ..journal.formats import Like, Line, LineParser, Template
from ..journal.history.blocks import Blocks
from ..journal.steps import Gap
from ..journal.text import clean
from ..units import service_name

CHUNK = 256
"Lines (or KiB) parsed before others get their turn."

OVERHEAD = 440
"Bytes of an item besides its lines, roughly: the object, its cursor, its place in the ring's index."

Encode = Callable[[str, Entry, str, Line, bool], bytes]
"(service, entry, text, line, last): a line as it will be sent. `last`: it ends its entry, so the cursor may be shown."

Fill = Callable[[Entry, Sequence[bytes]], bytes]
"(entry, values): a line that fits a template as it will be sent: the same bytes as if it had been parsed and encoded."


class Encoder(NamedTuple):
    """How lines are encoded."""

    line: Encode
    template: Callable[[str, Template], Fill] | None = None
    "(service, template): what encodes the lines that fit a template; None if nothing does."


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
    "True if systemd wrote it, and not the unit's own program."

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly."""
        return len(self.data) + OVERHEAD


def size_of(items: Sequence[Item]) -> int:
    """Return the bytes that items take in memory, roughly."""
    return sum([len(item.data) for item in items]) + OVERHEAD * len(items)


def source_of(entry: Entry) -> str:
    """Return what an entry of the whole journal is from: its service, else the program's identifier."""
    return service_name(entry.unit) if entry.unit else entry.identifier or ""


class UnitLines:
    """Takes the entries of one unit apart, in their order."""

    def __init__(self) -> None:
        self._parser = LineParser()

    @property
    def client(self) -> str | None:
        """The client's name, if it is known."""
        return self._parser.client

    @property
    def unknown(self) -> int:
        """Lines so far that no format knew."""
        return self._parser.unknown

    def describe(self, description: str | None) -> None:
        """Take the unit's description, which tells the client."""
        self._parser.describe(description)

    def like(self, entry: Entry) -> Like | None:
        """Take an entry whose line is like some before, and return what it fits; None if it is to be taken apart."""
        return None if entry.pid == 1 else self._parser.like(entry.message)

    def take(self, entry: Entry) -> Sequence[tuple[str, Line]]:
        """Return an entry's lines (one, unless its message has line breaks), and what each was parsed to."""
        manager = entry.pid == 1
        return [
            (text, self._parser.parse(text, entry.priority, manager=manager, further=number > 0))
            for number, text in enumerate(clean(entry.message))
        ]


class WholeJournalLines:
    """Takes the entries of all units apart, each as its unit's lines are. A line's component is where it is from."""

    client = None
    unknown = 0
    "Not counted: most of what is in a journal is no client's."

    def __init__(self, description: Callable[[str], str | None]) -> None:
        """:param description: returns a unit's description if it is known"""
        self._blocks = Blocks(description)

    def describe(self, description: str | None) -> None:
        """See `UnitLines`; here each unit has its own."""

    def like(self, _entry: Entry) -> None:
        """See `UnitLines`; here none is."""

    def take(self, entry: Entry) -> Sequence[tuple[str, Line]]:
        """See `UnitLines`."""
        source = source_of(entry)
        lines = self._blocks.take(entry).lines
        return [(text, line._replace(component=source)) for text, line in lines] if source else lines


Lines = UnitLines | WholeJournalLines


_new = tuple.__new__
"What a named tuple's own constructor calls: without that call an item costs 0.1 us less."


class ItemMaker:
    """Makes the items of one log."""

    def __init__(self, service: str, encode: Encoder, lines: Callable[[], Lines] = UnitLines) -> None:
        """:param lines: makes what takes the entries apart that one reader reads"""
        self._service = service
        self._encode = encode.line
        self._template = encode.template
        self.lines = lines

    def _fill(self, template: Template) -> Fill:
        assert self._template
        return self._template(self._service, template)

    def make(self, entry: Entry, lines: Lines) -> Item:
        """Parse and encode an entry. A message with line breaks is several lines; only the last has the cursor."""
        if self._template is not None and (like := lines.like(entry)) is not None:
            template, values = like
            frame = template.once(self._fill)(entry, values)
            return _new(Item, (entry.cursor, entry.realtime_us, frame, 1, None, False))
        found = lines.take(entry)
        if len(found) == 1:  # as almost all have
            frame = self._encode(self._service, entry, *found[0], True)
            return Item(entry.cursor, entry.realtime_us, frame, 1, None, entry.pid == 1)
        last = len(found) - 1
        data = [
            self._encode(self._service, entry, text, line, number == last) for number, (text, line) in enumerate(found)
        ]
        return Item(entry.cursor, entry.realtime_us, b"".join(data), len(data), manager=entry.pid == 1)


def portions(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Divide entries into runs that are about `CHUNK` lines of work each."""
    works = [1 + entry.message.count(b"\n") + (len(entry.message) >> 10) for entry in entries]
    if sum(works) <= CHUNK:
        if entries:
            yield entries
        return
    begin = work = 0
    for number, each in enumerate(works):
        work += each
        if work >= CHUNK:
            yield entries[begin : number + 1]
            begin, work = number + 1, 0
    if begin < len(entries):
        yield entries[begin:]
