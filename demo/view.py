"""What the demo shows: a screen that is redrawn, or lines that are appended when there is no terminal.

Belongs here: the two views. Both get lines, states and notices, and are asked to `draw` many times a second.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import time
from typing import Any, Protocol, TextIO

from .text import Span, fit, in_trouble, log_line, now, plain, status_rows, status_words, wrapped

KEPT = 500
"Recent lines: more than a terminal has rows."
SETTLE = 1.0
"Seconds for the services' backlogs to come in before the first lines are appended, in order of time."

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE = "\x1b[H", "\x1b[K"


class View(Protocol):
    """A way to show the stream."""

    def line(self, line: dict[str, Any]) -> None:
        """A log line has come."""

    def status(self, services: list[dict[str, Any]]) -> None:
        """The states have come."""

    def notice(self, text: str) -> None:
        """Something else is to be told."""

    def draw(self) -> None:
        """Shows what has changed."""

    def close(self) -> None:
        """Leaves the terminal as it was."""


class _Ordered:
    """Lines in order of their time: the backlogs of several services come one after the other."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, int, list[Span]]] = []
        self._count = 0

    def add(self, timestamp: str, spans: list[Span]) -> None:
        self._count += 1
        bisect.insort(self._lines, (timestamp, self._count, spans))
        del self._lines[: -2 * KEPT]

    def last(self, number: int) -> list[list[Span]]:
        return [spans for _, _, spans in self._lines[-number:]] if number > 0 else []

    def take(self) -> list[list[Span]]:
        taken, self._lines = self._lines, []
        return [spans for _, _, spans in taken]


def _timestamp() -> str:
    return now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Plain:
    """Appends lines: log lines, changes of state, notices."""

    def __init__(self, out: TextIO, heading: list[str]) -> None:
        self._out = out
        self._lines = _Ordered()
        self._known: dict[str, tuple[object, ...]] = {}
        self._ready = time.monotonic() + SETTLE
        for text in heading:
            out.write(text + "\n")
        out.flush()

    def line(self, line: dict[str, Any]) -> None:
        self._lines.add(line.get("timestamp") or _timestamp(), log_line(line))

    def status(self, services: list[dict[str, Any]]) -> None:
        for each in services:
            state = (each["status"], each.get("sub_state"), each.get("restarts"))
            if self._known.get(each["service"]) != state:
                self._known[each["service"]] = state
                for row in status_rows(each):
                    self._lines.add(_timestamp(), [("", "== "), *row])

    def notice(self, text: str) -> None:
        self._lines.add(_timestamp(), [("", f"-- {text}")])

    def draw(self) -> None:
        if time.monotonic() >= self._ready:
            self._write()

    def _write(self) -> None:
        for spans in self._lines.take():
            self._out.write(plain(spans).rstrip() + "\n")
        self._out.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._write()


class Screen:
    """Redraws a terminal: heading and states on top, the latest lines below. Whatever its size is just then."""

    def __init__(self, out: TextIO, heading: list[str]) -> None:
        self._out = out
        self._heading = heading
        self._lines = _Ordered()
        self._services: list[dict[str, Any]] = []
        self._notice = ""
        self._colours = not os.environ.get("NO_COLOR")
        self._shown = ""
        self._out.write(_ENTER)

    def line(self, line: dict[str, Any]) -> None:
        self._lines.add(line.get("timestamp") or _timestamp(), log_line(line))

    def status(self, services: list[dict[str, Any]]) -> None:
        self._services = services

    def notice(self, text: str) -> None:
        self._notice = text
        self._lines.add(_timestamp(), [("yellow", f"-- {text}")])

    def draw(self) -> None:
        size = _size(self._out)
        rows = self._rows(*size)
        rows += [""] * (size[1] - len(rows))
        # Cleared first: after a full row the cursor still stands on its last cell, and would clear that.
        text = _HOME + "\r\n".join(_CLEAR_LINE + row for row in rows)
        if (shown := f"{size}{text}") != self._shown:
            self._shown = shown
            self._out.write(text)
            self._out.flush()

    def _rows(self, columns: int, height: int) -> list[str]:
        """The whole screen. The states give way to the lines when there is no room for both."""
        # Wrapped and not cut: it is there to be copied.
        pieces = [piece for text in self._heading for piece in wrapped(text, columns)]
        top: list[list[Span]] = [[("bold", piece)] for piece in pieces]
        states = [row for each in self._services for row in status_rows(each)]
        failed = [row for each in self._services if in_trouble(each) for row in status_rows(each)]
        if height < len(top) + len(states) + 8:
            top = [[("bold", piece)] for text in self._heading[:1] for piece in wrapped(text, columns)[-1:]]
            states = [status_words(self._services), *failed[: max(0, height // 4 - 2)]]
        if height < 6:
            top = []
        ruler: list[Span] = [("dim", "─" * columns)]
        above = [*top, *states, ruler] if height >= 3 else []
        below = self._lines.last(height - len(above))
        return [fit(spans, columns, self._colours) for spans in [*above, *below][:height]]

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
            self._out.write(_LEAVE)
            self._out.flush()


def _size(out: TextIO) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(out.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24  # some terminals don't know theirs
