"""A question about the past of a journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .wanted import Wanted


class Direction(Enum):
    """Which way a page is read from where it starts."""

    BACKWARDS = "newest first, as `journalctl -r` prints"
    FORWARDS = "oldest first"


MOST = 1000
"Entries in a page, at most."


@dataclass(frozen=True, slots=True)
class Query:
    """A question: entries of some units, from a cursor or a time, in one direction."""

    units: tuple[str, ...]
    "Units with their suffix. None at all: the whole journal."
    direction: Direction = Direction.BACKWARDS
    cursor: str | None = None
    "The entry beside which the page starts; it is not in the page itself. None: from the newest, or from `until_us`."
    inclusive: bool = False
    "True if that entry is in the page after all."
    since_us: int | None = None
    "Microseconds since the epoch, UTC: no entry before this."
    until_us: int | None = None
    "The same: no entry after this."
    wanted: Wanted = field(default_factory=Wanted)
    limit: int = 200
    "Entries in the page, at most `MOST`."
