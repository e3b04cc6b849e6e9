"""Which lines of a journal are wanted: by severity, time, text and slot.

Belongs here: the decision of each line, whose continuation lines share its fate. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .formats import LEVELS, Line
from .formats.line import level_of

_SLOTS = re.compile(r"(\d{1,18})(?:(?:-|\.\.)(\d{1,18}))?\Z")


@dataclass(frozen=True)
class Choice:
    """The options of a command; one that is None asks for nothing."""

    level: str | None = None
    "The least severity; a line without a level is wanted."
    since: int | None = None
    "Microseconds since the epoch; a line whose time nobody knows is wanted."
    until: int | None = None
    text: re.Pattern[str] | None = None
    slots: tuple[int, int] | None = None
    "The first and the last of them."

    def wants(self, line: Line, text: str, at: int) -> bool:
        """Return True if this line is wanted by itself.

        :param at: its time in microseconds since the epoch, 0 if it is not known
        """
        if line.level is not None and self.level is not None and LEVELS.index(line.level) < LEVELS.index(self.level):
            return False
        if at and ((self.since is not None and at < self.since) or (self.until is not None and at > self.until)):
            return False
        if self.text is not None and self.text.search(text) is None:
            return False
        if self.slots is None:
            return True
        slot = (line.eth or {}).get("slot", "")
        return slot.isdecimal() and self.slots[0] <= int(slot) <= self.slots[1]


def level_named(word: str) -> str:
    """Return the level of `LEVELS` that a word means: `warning` as well as `warn`, `err`, `crit`, `fatal`.

    :raises ValueError: it is no level
    """
    level = level_of(word.upper())
    if level is None:
        raise ValueError(word)
    return level


def text_pattern(text: str) -> re.Pattern[str]:
    """Make the pattern of `--grep`: case counts only if it has capitals, as with journalctl.

    :raises ValueError: it is no regular expression
    """
    try:
        return re.compile(text, 0 if text != text.lower() else re.IGNORECASE)
    except re.error as problem:
        raise ValueError(str(problem)) from problem


def slot_range(text: str) -> tuple[int, int]:
    """Read `N`, or `N-M`.

    :raises ValueError: it is neither
    """
    found = _SLOTS.match(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]), int(found[2] or found[1])
