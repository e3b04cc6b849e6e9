"""A line for a person's terminal: level, time, unit, component, message, fields."""

from __future__ import annotations

from datetime import UTC, datetime

from .formats import LEVELS, Line

_COLOURS = {"trace": "2", "debug": "36", "info": "32", "warn": "33", "error": "31", "critical": "1;31"}
_DIM = "2"


class Renderer:
    """How lines are shown."""

    def __init__(self, color: bool, utc: bool = False, raw: bool = False, level: str | None = None) -> None:
        """
        :param color: with ANSI colours
        :param utc: times in UTC, else in the viewer's zone
        :param raw: the line as the client printed it
        :param level: leave out what is less severe; lines without a level are shown
        """
        self._color = color
        self._zone = UTC if utc else None
        self._raw = raw
        self._least = LEVELS.index(level) if level else 0

    def render(self, entry_time_us: int, line: Line, text: str, unit: str | None = None) -> str | None:
        """The line's text; None when it is less severe than asked for.

        :param entry_time_us: the journal's time, microseconds since the epoch
        """
        if line.level is not None and LEVELS.index(line.level) < self._least:
            return None
        if self._raw:
            return text
        level = self._paint((line.level or "-").upper()[:5].ljust(5), _COLOURS.get(line.level or "", _DIM))
        time = datetime.fromtimestamp(entry_time_us / 1e6, self._zone).strftime("%m-%d %H:%M:%S.%f")[:-3]
        parts = [level, self._paint(time, _DIM)]
        parts += [self._paint(word, "1") for word in (unit, line.component) if word]
        fields = " ".join(f"{key}={value}" for key, value in line.fields.items())
        return "  ".join([*parts, line.message, *([self._paint(fields, _DIM)] if fields else [])])

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text
