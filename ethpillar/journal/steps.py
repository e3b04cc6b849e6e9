"""Reading a journal in steps: one journalctl, its answer, and the run of entries that some of them make.

Belongs here: these values, and which entries of an answer come after a known one. It must not know which step is the
next: `detour` and `history` decide that.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .complaint import came_upon_damage, left_out_something
from .cursor import Cursor, anywhere, is_earlier_copy, is_moment_of, same_entry
from .entry import Entry

HINT = "sudo journalctl --verify names the damaged files of the journal. What they still have is shown."


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries that can't be had, between two times in microseconds since the epoch (None: unknown)."""

    from_us: int | None
    to_us: int | None
    reason: str = "vacuumed"

    def details(self) -> dict[str, object]:
        """Return what a subscriber is told of it."""
        found: dict[str, object] = {"reason": self.reason, "from_us": self.from_us, "to_us": self.to_us}
        return {**found, "hint": HINT} if self.reason == "damaged" else found


@dataclass(frozen=True, slots=True)
class Step:
    """One journalctl."""

    cursor: str | None = None
    """For `--cursor=`: a cursor, that entry included, or a time as `t=HEX`; None: the last entries. `--after-cursor`
    would skip one too many on systemd 249 and 252 where the entry there is not the unit's (systemd/systemd#30288)."""
    reverse: bool = False
    "True if the newest come first."
    count: int | None = None
    "For `-n`; None: all."
    boot: str | None = None
    "The only boot whose entries are wanted; None: of all."
    follow: bool = False
    "True if it goes on as entries come. That implies ten of them, so the number is always said."


class Answer(NamedTuple):
    """What a journalctl printed."""

    entries: Sequence[Entry]
    status: int = 0
    complaint: bytes = b""
    cut: bool = False
    "True if no more was read, though there may be more: it was too much."

    @property
    def whole(self) -> bool:
        """Return True if nothing was left out, as far as it says."""
        return self.status == 0 and not left_out_something(self.complaint)

    @property
    def jumped(self) -> bool:
        """Return True if it came upon damage, and ended there or went on elsewhere."""
        return self.status > 0 or came_upon_damage(self.complaint)


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that follow each other."""

    entries: Sequence[Entry]
    "In the direction of reading."
    gap: Gap | None = None
    "What can't be had between the known entry and these."
    end: bool = False
    "True if there are no more that can be read."
    dead_end: bool = False
    "True if there is damage, and nothing beyond it that can be read."


Plan = Generator[Step, Answer, Run]


def after_entry(entries: Sequence[Entry], cursor: str) -> tuple[list[Entry], bool]:
    """Return the entries that come after the one with a cursor, and whether that one is among them.

    When journald has copied the entry to another file, journalctl starts at the first or last of the entries that were
    received in the same moment, or at the first copy (systemd 255), which may be some entries before that one.
    """
    if Cursor.parse(cursor).is_time:
        return list(entries), True
    for number, entry in enumerate(entries):
        if same_entry(entry.cursor, cursor) or anywhere(entry.cursor) == anywhere(cursor) != "":
            return list(entries[number + 1 :]), True
        if not is_moment_of(entry.cursor, cursor) and not is_earlier_copy(entry.cursor, cursor):
            break
    return list(entries), False
