"""A line as a client printed it, taken apart.

Belongs here: what a line is made of, and the parser of one unit's lines. Until the clients' own grammars are here, a
line is its own message, and its level is the journal's PRIORITY.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..clients import client_of

LEVELS = ("trace", "debug", "info", "warn", "error", "critical")

_BY_PRIORITY = {0: "critical", 1: "critical", 2: "critical", 3: "error", 4: "warn", 5: "info", 6: "info", 7: "debug"}


@dataclass(frozen=True, slots=True)
class Line:
    """One parsed line."""

    level: str | None
    "One of `LEVELS`, or None."
    component: str | None
    message: str
    fields: dict[str, str] = field(default_factory=dict)
    timestamp_text: str | None = None
    continuation: bool = False
    eth: dict[str, str] | None = None


class LineParser:
    """The parser of one unit's lines."""

    def __init__(self, description: str | None = None) -> None:
        self.client: str | None = None
        self.describe(description)

    def describe(self, description: str | None) -> None:
        """The unit's `Description=`, which tells the client; it may change over time."""
        if description:
            self.client = client_of(description)

    def parse(self, text: str, priority: int | None = None, *, manager: bool = False) -> Line:
        """One cleaned line.

        :param priority: the entry's PRIORITY
        :param manager: whether systemd wrote it, about the unit
        """
        level = None if priority is None else _BY_PRIORITY.get(priority)
        return Line(level, "systemd" if manager else None, text)
