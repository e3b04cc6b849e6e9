"""Lines with their continuations.

Belongs here: entries in the order of the journal, taken apart, and which of them belong together: a line and the stack
trace, list or text that follows it in the same unit. A search shows such a block as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..entry import Entry
from ..formats import Line, LineParser
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
        parser = self._parsers.get(unit)
        if parser is None:
            parser = self._parsers[unit] = LineParser(self._description(unit))
            self._block[unit] = 0
        manager = entry.pid == 1
        lines = [
            (text, parser.parse(text, entry.priority, manager=manager, further=number > 0))
            for number, text in enumerate(clean(entry.message))
        ]
        if not lines[0][1].continuation:
            self._blocks += 1
            self._block[unit] = self._blocks
        return Shown(entry, lines, self._block[unit], position)


def chosen(shown: Iterable[Shown], wanted: Wanted) -> list[Shown]:
    """Return the entries of all blocks in which a line is wanted, in their order."""
    every = list(shown)
    if wanted.everything:
        return every
    found = {(each.entry.unit, each.block) for each in every if wanted.any_of(each.lines)}
    return [each for each in every if (each.entry.unit, each.block) in found]
