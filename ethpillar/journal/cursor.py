"""A journal cursor: which entry it names, and when that entry was written.

Belongs here: the parts of systemd's cursors, and comparing entries by them. A cursor is otherwise opaque: it goes to
journalctl and to browsers as it came. Nothing here believes a cursor: any text can be parsed, and no text raises.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ID = re.compile(r"[0-9a-f]{1,32}")
_NUMBER = re.compile(r"[0-9a-f]{1,16}")


class Cursor(NamedTuple):
    """The parts of a cursor. A part is None where the cursor lacks it or it can't be read."""

    sequence_id: str | None
    "`s=`: the id of the sequence of numbers. Journal files of one journald share it; a copied entry may get another."
    sequence_number: int | None
    "`i=`: the entry's number in that sequence."
    boot_id: str | None
    "`b=`: the boot in which the entry was written."
    monotonic_us: int | None
    "`m=`: microseconds since that boot began. Entries that journald received together share it."
    realtime_us: int | None
    "`t=`: microseconds since the epoch, UTC."
    checksum: int | None
    "`x=`: a checksum over the entry's fields."

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Take a cursor apart."""
        parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
        return cls(
            _id(parts.get("s")),
            _number(parts.get("i")),
            _id(parts.get("b")),
            _number(parts.get("m")),
            _number(parts.get("t")),
            _number(parts.get("x")),
        )

    @property
    def is_time(self) -> bool:
        """Return True if it names no entry, but a time: `t=HEX`."""
        return self.realtime_us is not None and self[:4] == (None,) * 4 and self.checksum is None


def same_entry(one: str, other: str) -> bool:
    """Return True if two cursors name the same entry.

    Equal cursors do. So do cursors of different sequences with the same boot, monotonic time and checksum: up to
    systemd 252 an entry gets a new sequence id and number when `journalctl --flush` copies it from /run to /var. Within
    one sequence only the number counts, because a line that is printed twice at once has the same time and checksum.
    """
    if one == other:
        return True
    first, second = Cursor.parse(one), Cursor.parse(other)
    if first.sequence_id is not None and first.sequence_id == second.sequence_id:
        return first.sequence_number is not None and first.sequence_number == second.sequence_number
    known = (first.boot_id, first.monotonic_us, first.checksum)
    return None not in known and known == (second.boot_id, second.monotonic_us, second.checksum)


def is_moment_of(one: str, other: str) -> bool:
    """Return True if two cursors name the same moment of the same boot. Entries may share it."""
    first, second = Cursor.parse(one), Cursor.parse(other)
    known = (first.boot_id, first.monotonic_us)
    return None not in known and known == (second.boot_id, second.monotonic_us)


def is_earlier_copy(one: str, other: str) -> bool:
    """Return True if one cursor names the copy of an entry that was written before the other's.

    systemd 255 gives copies new numbers in the same sequence. Of entries that are no copies, one with a higher number
    is never of an earlier time of the same boot.
    """
    first, second = Cursor.parse(one), Cursor.parse(other)
    if None in first[:4] or None in second[:4]:
        return False
    same = (first.sequence_id, first.boot_id) == (second.sequence_id, second.boot_id)
    later = (first.sequence_number or 0) > (second.sequence_number or 0)
    return same and later and (first.monotonic_us or 0) < (second.monotonic_us or 0)


def anywhere(cursor: str) -> str:
    """Return the part of a cursor that is the same in every file to which journald copies the entry.

    Other entries may share it: a line that is printed twice at once. "" if the cursor has no such part.
    """
    return cursor.partition(";b=")[2]


def is_beyond(one: str, other: str, back: bool = False) -> bool:
    """Return True if an entry comes after another, or before it if `back`.

    By number in one sequence, else by the time since the boot, else by the time of day.
    """
    if same_entry(one, other):
        return False
    first, second = Cursor.parse(one), Cursor.parse(other)
    pairs = [
        (first.sequence_id, second.sequence_id, first.sequence_number, second.sequence_number),
        (first.boot_id, second.boot_id, first.monotonic_us, second.monotonic_us),
        ("", "", first.realtime_us, second.realtime_us),
    ]
    for scope, other_scope, mine, theirs in pairs:
        if scope is not None and scope == other_scope and mine is not None and theirs is not None:
            return mine <= theirs if back else mine >= theirs
    return False


def is_comparable(one: str, other: str) -> bool:
    """Return True if more than the time of day tells which of two entries was written first."""
    first, second = Cursor.parse(one), Cursor.parse(other)
    pairs = [(first.sequence_id, second.sequence_id), (first.boot_id, second.boot_id)]
    return any(mine is not None and mine == theirs for mine, theirs in pairs)


def time_of(cursor: str) -> int | None:
    """Return the time in a cursor in microseconds since the epoch, or None where there is none."""
    return Cursor.parse(cursor).realtime_us


def _id(text: str | None) -> str | None:
    return text if text is not None and _ID.fullmatch(text) else None


def _number(text: str | None) -> int | None:
    return int(text, 16) if text is not None and _NUMBER.fullmatch(text) else None
