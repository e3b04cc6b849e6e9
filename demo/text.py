"""Making lines of a terminal: colours, widths, and how a log line and a status are written. Pure: values to text."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Span = tuple[str, str]
"A style (a key of `STYLES`) and the text in it."

STYLES = {
    "": "",
    "dim": "2",
    "bold": "1",
    "green": "32",
    "yellow": "33",
    "red": "31",
    "blue": "34",
    "cyan": "36",
    "magenta": "35",
    "alarm": "1;37;41",
}
_LEVELS = {
    "trace": ("dim", "TRACE"),
    "debug": ("dim", "DEBUG"),
    "info": ("green", "INFO "),
    "warn": ("yellow", "WARN "),
    "error": ("red", "ERROR"),
    "critical": ("alarm", "CRIT "),
}
_STATES = {
    "active": "green",
    "reloading": "cyan",
    "activating": "yellow",
    "deactivating": "yellow",
    "failed": "red",
    "inactive": "dim",
    "not_installed": "dim",
}
_SERVICES = ("blue", "magenta", "cyan", "green", "yellow")


def width(character: str) -> int:
    """The cells a character takes."""
    if unicodedata.combining(character) or character in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def visible(text: str) -> str:
    """The text without anything that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def fit(spans: Iterable[Span], columns: int, colours: bool) -> str:
    """The spans in one line of at most so many cells; cut with an ellipsis."""
    parts: list[str] = []
    left = columns
    for style, text in spans:
        kept = ""
        for character in visible(text):
            cells = width(character)
            if cells > left - 1 and (cells > left or _more(text, kept)):
                parts.append(_styled(style, kept + "…" * (left > 0), colours))
                return "".join(parts)
            kept += character
            left -= cells
        parts.append(_styled(style, kept, colours))
    return "".join(parts)


def _more(text: str, kept: str) -> bool:
    return len(text) > len(kept) + 1


SHELL = "shell:"
"What a line of the heading with a command begins with."


def wrapped(text: str, columns: int) -> list[str]:
    """The text in lines, for copying: broken at blanks only, a command as a shell takes it."""
    mark = " \\" if text.startswith(SHELL) else ""
    lines = textwrap.wrap(text, max(1, columns - len(mark)), break_on_hyphens=False)
    return [line + mark for line in lines[:-1]] + lines[-1:]


def plain(spans: Iterable[Span], colours: bool = False) -> str:
    """The spans in one line, however long."""
    return "".join(_styled(style, visible(text), colours) for style, text in spans)


def _styled(style: str, text: str, colours: bool) -> str:
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colours and STYLES[style] and text else text


def log_line(line: dict[str, Any], name_width: int = 20) -> list[Span]:
    """Level, time, service, component, message, and the fields, dimmed."""
    service = str(line["service"])
    style, level = _LEVELS.get(line.get("level") or "", ("dim", "  -  "))
    component = line.get("component")
    message = line.get("message")
    fields = line.get("fields") or {}
    return [
        ("dim", _clock(line.get("timestamp")) + " "),
        (style, level + " "),
        (_SERVICES[sum(service.encode()) % len(_SERVICES)], f"{service[:name_width]:<{name_width}} "),
        ("cyan", f"{component}: " if component else ""),
        ("red" if style in ("red", "alarm") else "", str(line["line"] if message is None else message)),
        ("dim", "".join(f"  {key}={value}" for key, value in fields.items())),
    ]


def _clock(timestamp: str | None) -> str:
    """The time of day of an ISO 8601 time, to the millisecond."""
    return timestamp[11:23] if timestamp and len(timestamp) >= 23 else " " * 12


def status_row(each: dict[str, Any], now: datetime) -> list[Span]:
    """A service's state: name, state, client, for how long, process, memory, restarts."""
    status = str(each["status"])
    if status == "not_installed":
        return [("dim", f" ○ {each['service']:<20} not installed")]
    state = f"{status} ({each['sub_state']})" if each.get("sub_state") else status
    restarts = each.get("restarts") or 0
    return [
        (_STATES.get(status, ""), f" ● {each['service']:<20} {state:<26}"),
        ("red", f"{each['result']}, exit status {each.get('exit_status')}  " if in_trouble(each) else ""),
        ("", f"{each.get('client') or '':<14}"),
        ("dim", f"{_since(each.get('since'), now):>8}  "),
        ("", f"{_memory(each.get('memory_bytes')):>9}  "),
        ("yellow" if restarts else "dim", f"{restarts} restarts"),
    ]


def in_trouble(each: dict[str, Any]) -> bool:
    """True while a service's last run has failed."""
    return each.get("result") not in (None, "success")


def status_rows(each: dict[str, Any]) -> list[list[Span]]:
    """A service's state; of one that failed also the last line that it printed before."""
    said = each.get("last_lines") if in_trouble(each) else None
    last: list[Span] = [("dim", "   its last line: "), ("red", str(said[-1]))] if said else []
    return [status_row(each, now()), *([last] if last else [])]


def status_words(services: list[dict[str, Any]]) -> list[Span]:
    """All services in one line, for a terminal without room."""
    known = [each for each in services if each["status"] != "not_installed"]
    return [(_STATES.get(each["status"], ""), f"{each['service']}:{each['status']}  ") for each in known]


def _since(text: str | None, now: datetime) -> str:
    if not text:
        return ""
    seconds = max(0, int((now - datetime.fromisoformat(text)).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _memory(number: int | None) -> str:
    if number is None:
        return ""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)
