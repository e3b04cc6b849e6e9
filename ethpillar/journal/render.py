"""A line for a person's terminal: level, time, unit, component, message, fields.

Belongs here: columns and colours. Columns get as wide as what was seen needs, up to a bound, so that a client without
components has no empty column and one with them keeps its messages below each other.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .formats import LEVELS, Line

_COLOURS = {"trace": "2", "debug": "36", "info": "32", "warn": "33", "error": "31", "critical": "1;31"}
_DIM = "2"
_BOLD = "1"
_WORDS = {"critical": "CRIT"}
_LEVEL_WIDTH = 5
_TIME_WIDTH = len("11-23 20:58:45.123")
_LATEST = 253_370_764_800_000_000  # the year 9999: a clock can say anything, a datetime cannot
_WIDEST_COLUMN = 24
_MESSAGE_WIDTH = 44


class Renderer:
    """How the lines of one stream are shown."""

    def __init__(self, color: bool, utc: bool = False, raw: bool = False, level: str | None = None) -> None:
        """
        :param color: with ANSI colours
        :param utc: times in UTC, else in the viewer's zone
        :param raw: the line as the client printed it, without its colours
        :param level: leave out what is less severe (one of `LEVELS`); lines without a level are shown
        """
        self._color = color
        self._zone = UTC if utc else None
        self._raw = raw
        self._least = LEVELS.index(level) if level else 0
        self._widths = {"unit": 0, "component": 0}

    def render(self, entry_time_us: int, line: Line, text: str, unit: str | None = None) -> str | None:
        """Return the line's text, of several lines if its message is; None if it is less severe than asked for.

        :param entry_time_us: the journal's time, microseconds since the epoch; 0 when it is not known
        :param text: the whole line
        :param unit: the unit's name, where lines of several are shown
        """
        if line.level is not None and LEVELS.index(line.level) < self._least:
            return None
        if self._raw:
            return text
        word = line.level or "-"
        level = "" if line.continuation else _WORDS.get(word, word.upper())
        parts = [
            self._paint(level.ljust(_LEVEL_WIDTH), _COLOURS.get(line.level or "", _DIM)),
            self._paint(self._time(0 if line.continuation else entry_time_us), _DIM),
            *self._column("unit", unit),
            *self._column("component", line.component),
        ]
        indent = _LEVEL_WIDTH + 1 + _TIME_WIDTH + 1 + sum(width + 1 for width in self._widths.values() if width)
        message = line.message.replace("\n", "\n" + " " * indent)
        if line.level in ("error", "critical") and not line.continuation:
            message = self._paint(message, _COLOURS[line.level])
        if line.fields:
            pairs = " ".join(f"{key}={_quoted(value)}" for key, value in line.fields.items())
            message += " " * max(1, _MESSAGE_WIDTH - len(line.message)) + self._paint(pairs, _DIM)
        return " ".join([*parts, message]).rstrip()

    def _time(self, entry_time_us: int) -> str:
        if not 0 < entry_time_us < _LATEST:
            return " " * _TIME_WIDTH
        return datetime.fromtimestamp(entry_time_us / 1e6, self._zone).strftime("%m-%d %H:%M:%S.%f")[:_TIME_WIDTH]

    def _column(self, name: str, text: str | None) -> list[str]:
        width = self._widths[name] = max(self._widths[name], min(len(text or ""), _WIDEST_COLUMN))
        return [self._paint((text or "").ljust(width), _BOLD)] if width else []

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color and text and not text.isspace() else text


def _quoted(value: str) -> str:
    value = value.replace("\n", "\\n")
    return f'"{value}"' if not value or " " in value else value
