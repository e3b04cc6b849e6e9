"""Lines with their continuations.

Belongs here: entries in the order of the journal, taken apart, and which of them belong together: a line and the stack
trace, list or text that follows it in the same unit. A search shows such a block as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from ..entry import Entry
from ..formats import Line, LineParser
from ..joining import LineJoiner
from ..text import clean
from .wanted import Wanted


@dataclass(slots=True)
class Shown:
    """One entry, taken apart."""

    entry: Entry
    lines: list[tuple[str, Line]]
    "Its lines (one, unless its message has line breaks): the text without colours, and what it was parsed to."
    block: int
    "Which block of its unit it belongs to; 0 if that began before the first entry that was given."
    position: int = 0
    "Its place among all entries that a page looks at: the higher, the newer."


MOST = 500
"Units and programs whose lines are remembered: the one that has printed nothing for longest is forgotten."


class Blocks:
    """Takes entries apart, which come in the order of the journal."""

    def __init__(self, description: Callable[[str], str | None]) -> None:
        """:param description: a unit's description, which tells its client; None if it is not known"""
        self._description = description
        self._parsers: dict[str, LineParser] = {}
        self._block: dict[str, int] = {}
        self._blocks = 0

    def take(self, entry: Entry, position: int = 0) -> Shown:
        """Return an entry's lines."""
        unit = entry.unit or entry.identifier or ""
        parser = self._parser(unit)
        manager = entry.pid == 1
        lines = [
            (text, parser.parse(text, entry.priority, manager=manager, further=number > 0))
            for number, text in enumerate(clean(entry.message))
        ]
        if not lines[0][1].continuation:
            self._blocks += 1
            self._block[unit] = self._blocks
        return Shown(entry, lines, self._block.get(unit, 0), position)

    def _parser(self, unit: str) -> LineParser:
        parser = self._parsers.pop(unit, None)
        if parser is None:
            parser = LineParser(self._description(unit))
            if len(self._parsers) >= MOST:
                forgotten = next(iter(self._parsers))
                del self._parsers[forgotten]
                self._block.pop(forgotten, None)
        self._parsers[unit] = parser  # the latest last
        return parser

    def leave_out(self, entries: Sequence[Entry]) -> None:
        """Entries are not taken apart: what comes next in their units belongs to nothing that was seen before."""
        for unit, identifier in set(map(_ORIGIN, entries)):
            self._block[unit or identifier or ""] = 0


_ORIGIN = attrgetter("unit", "identifier")
BEFORE, AFTER = 64, 256
"Entries of the same unit, before and after one that may be wanted, that are taken apart: the block it is part of."
NEAR, WANTED, FOLLOWS = 1, 2, 3
"Why an entry is taken apart. One that only follows a wanted one is not, once the block of that has ended."
BREATH = 64
"Entries after which others may have their turn."


class Apart:
    """Takes a slice of the journal apart, but for what can't be wanted by its bytes."""

    def __init__(
        self, wanted: Wanted, description: Callable[[str], str | None], breathe: Callable[[], None] = lambda: None
    ) -> None:
        """:param breathe: called after every `BREATH` entries"""
        self._wanted = wanted
        self._description = description
        self._breathe = breathe

    def take(self, run: Sequence[tuple[int, Entry]]) -> list[Shown]:
        """Return entries, given with their positions in the order of the journal, with their lines.

        What can't be wanted, and is not near to what may be, is left out.
        """
        needed = self._needed([entry for _, entry in run])
        blocks = Blocks(self._description)
        shown: list[Shown] = []
        closed: set[str | None] = set()  # units in which the block after the last wanted line has ended
        last = -1
        for number in range(len(run)) if needed is None else [number for number, each in enumerate(needed) if each]:
            position, entry = run[number]
            if needed is not None and needed[number] == FOLLOWS and entry.unit in closed:
                continue
            if number - last > 1:
                blocks.leave_out([each for _, each in run[last + 1 : number]])
            last = number
            shown.append(blocks.take(entry, position))
            if needed is not None and needed[number] == WANTED:
                closed.discard(entry.unit)
            elif not shown[-1].lines[0][1].continuation:
                closed.add(entry.unit)
            if len(shown) % BREATH == 0:
                self._breathe()
        return shown

    def _needed(self, entries: Sequence[Entry]) -> bytearray | None:
        """Return for each entry whether it has to be taken apart; None: all of them."""
        if self._wanted.everything:
            return None
        needed = bytearray(len(entries))
        self._breathe()
        possible = self._wanted.possible(entries)
        self._breathe()
        for number in possible:
            needed[number] = WANTED
        if possible:
            units = [entry.unit for entry in entries]
            _near(needed, range(possible[0], len(entries)), units, AFTER, FOLLOWS)
            _near(needed, range(possible[-1], -1, -1), units, BEFORE, NEAR)
        for number in (*range(min(EDGE, len(entries))), *range(max(0, len(entries) - EDGE), len(entries))):
            if needed[number] != WANTED:
                needed[number] = NEAR
        return needed


def _near(needed: bytearray, numbers: Iterable[int], units: Sequence[str | None], most: int, why: int) -> None:
    """Mark what comes after a wanted entry in the same unit, as many as `most` of them."""
    left: dict[str | None, int] = {}
    for number in numbers:
        unit = units[number]
        if needed[number] == WANTED:
            left[unit] = most
        elif (more := left.get(unit, 0)) > 0:
            needed[number] = why
            left[unit] = more - 1


EDGE = 64
"Entries at both ends of a run that are taken apart in any case: what they belong to may be in the next one."


def joined(run: Sequence[tuple[int, Entry]]) -> Sequence[tuple[int, Entry]]:
    """Return a run in which the lines that journald cut are whole again; each has the place of its last piece."""
    if not any(entry.goes_on for _, entry in run):
        return run
    positions = {entry.cursor: position for position, entry in run}
    joiner = LineJoiner()
    whole = [*joiner.feed([entry for _, entry in run]), *joiner.close()]
    return [(positions[entry.cursor], entry) for entry in whole]


def chosen(shown: Iterable[Shown], wanted: Wanted) -> list[Shown]:
    """Return the entries of all blocks in which a line is wanted, in their order."""
    every = list(shown)
    if wanted.everything:
        return every
    found = {(each.entry.unit, each.block) for each in every if wanted.any_of(each.lines)}
    return [each for each in every if (each.entry.unit, each.block) in found]


def between_blocks(found: list[Shown]) -> list[int]:
    """Return the indexes at which a list of entries can be cut without a block being on both sides."""
    last = {(each.entry.unit, each.block): number for number, each in enumerate(found)}
    reach, clean = -1, []
    for number, each in enumerate(found):
        if reach < number:
            clean.append(number)
        reach = max(reach, last[each.entry.unit, each.block])
    return [*clean, len(found)]
