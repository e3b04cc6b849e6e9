"""Which lines a question is about.

Belongs here: the lowest level, words, a regular expression and `eth` values, held against parsed lines. Regular
expressions are RE2's (https://github.com/google/re2/wiki/Syntax), so that none takes more than linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from ..entry import Entry
from ..formats import LEVELS, Line
from .hint import Hint

SLOTS_PER_EPOCH = 32
LONGEST = 1000
"Characters of a pattern."
_MEMORY = 8 << 20
"Bytes that a compiled pattern may take, RE2's own default."


class BadPattern(ValueError):
    """A regular expression that is none, or that RE2 does not have (look-around, back-references)."""


def _compiled(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise BadPattern
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError):
        raise BadPattern from None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The conditions that a line has to meet. With none, every line does.

    :raises BadPattern: the pattern is no regular expression, or too long
    """

    level: str | None = None
    "The lowest level; a line without one is below all of them."
    words: tuple[str, ...] = ()
    "All of these must be in one line, whatever their case."
    pattern: str | None = None
    "A regular expression that must be found in a line."
    eth: tuple[str, int] | None = None
    "`slot`, `epoch` or `block`, and its number."
    _levels: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())
    _folded: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())
    _search: Any = field(init=False, repr=False, compare=False, default=None)
    _hint: Hint = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.level is not None:
            object.__setattr__(self, "_levels", frozenset(LEVELS[LEVELS.index(self.level) :]))
        object.__setattr__(self, "_folded", tuple(word.casefold() for word in self.words))
        object.__setattr__(self, "_search", None if self.pattern is None else _compiled(self.pattern).search)
        object.__setattr__(self, "_hint", Hint(self.level, self.words))

    def possible(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return the indexes of the entries of which a line may be wanted, told from their bytes alone."""
        return self._hint.possible(entries)

    @property
    def everything(self) -> bool:
        """True if no line is left out."""
        return self.level is None and not self.words and self.pattern is None and self.eth is None

    def any_of(self, lines: Iterable[tuple[str, Line]]) -> bool:
        """Return True if one of these lines, each a text and what it was parsed to, is wanted."""
        return any(self._wants(text, line) for text, line in lines)

    def _wants(self, text: str, line: Line) -> bool:
        if self._levels and line.level not in self._levels:
            return False
        if self.eth is not None and not _is_about(line.eth, *self.eth):
            return False
        if self._folded:
            folded = text.casefold()
            if not all(word in folded for word in self._folded):
                return False
        return self._search is None or self._search(text) is not None


def _is_about(eth: dict[str, str] | None, kind: str, number: int) -> bool:
    if not eth:
        return False
    if kind == "epoch":
        slot = _number(eth.get("slot"))
        return _number(eth.get("epoch")) == number or (slot is not None and slot // SLOTS_PER_EPOCH == number)
    return _number(eth.get(kind)) == number


def _number(text: str | None) -> int | None:
    digits = "" if text is None else text.replace(",", "").replace("_", "")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 20 else None
