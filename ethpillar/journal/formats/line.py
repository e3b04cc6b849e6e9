"""The parsed line, and the words of levels.

Belongs here: the value that every format makes, and the one table of what clients call their levels.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LEVELS = ("trace", "debug", "info", "warn", "error", "critical")


class Line(NamedTuple):
    """One parsed line. Not to be changed: lines are shared by everyone who reads them."""

    level: str | None
    "One of `LEVELS`, or None when the line gives none."
    component: str | None
    "Target, class, module, topics, prefix, service: whatever the client calls the part of it that speaks."
    message: str
    "What a person reads: without time, level, component and trailing fields. A continuation keeps its indentation."
    fields: dict[str, str]
    "Keys and values as printed, in order: outer quotes gone, units kept."
    timestamp_text: str | None = None
    "The client's own time, exactly as printed: many clients print no year, no date or no zone."
    continuation: bool = False
    "True if it belongs to the line before it (a stack trace, a list); its level is then that line's."
    eth: dict[str, str] | None = None
    "`slot`, `epoch`, `block`, `peers`, `hash`, as far as the line gives them (see `formats.eth`)."


_WORDS = {
    "trace": ("TRACE", "TRCE", "TRC", "TRAC", "VRB"),
    "debug": ("DEBUG", "DBUG", "DEBG", "DBG", "DEBU", "VERBOSE", "FINE"),
    "info": ("INFO", "INF", "NOTICE", "NTC", "NOT", "INFORMATION"),
    "warn": ("WARN", "WARNING", "WRN"),
    "error": ("ERROR", "EROR", "ERRO", "ERR", "SEVERE"),
    "critical": (
        *("CRIT", "CRITICAL", "FATAL", "FATA", "FATL", "FAT", "FTL"),
        *("PANIC", "PANI", "PANC", "PNC", "DPANIC", "EMERG", "EMERGENCY", "ALERT"),
    ),
}
LEVEL_OF = {
    form: level for level, words in _WORDS.items() for word in words for form in (word, word.lower(), word.title())
}
"A client's word for a level, in capitals, small or with a capital, to ours."


def level_of(word: str) -> str | None:
    """Return our level for a client's word; Go's slog prints levels between its own as `WARN+2`."""
    return LEVEL_OF.get(word) or LEVEL_OF.get(_BETWEEN.sub("", word))


_BETWEEN = re.compile(r"[+-]\d{1,3}\Z")

_BY_PRIORITY = {0: "critical", 1: "critical", 2: "critical", 3: "error", 4: "warn", 5: "info", 6: "info", 7: "debug"}


def level_of_priority(priority: int | None, *, manager: bool) -> str | None:
    """Return a journal entry's PRIORITY (syslog(3)) as a level, for a line that gives none itself.

    journald gives 6 to whatever a program prints (`SyslogLevel=` of systemd.exec(5)): from a program it says nothing.

    :param manager: whether systemd wrote the line, whose priorities are all meant
    """
    if priority is None or (priority == 6 and not manager):
        return None
    return _BY_PRIORITY.get(priority)
