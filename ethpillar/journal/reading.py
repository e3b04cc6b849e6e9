"""Reading a journal without loss: where a reader is, what is new, what is missing, and what the end of a stream means.

Belongs here: every decision about that, once. A follower that reads for all subscribers of a log, a subscriber that
reads for itself, and a search drive the same functions, so they can't disagree. It must not know who is reading: it
does no I/O, and knows neither greenlets nor clocks.

    start = Last(50)
    reading = Reading(start)            # of one journalctl that was started with `start`
    taken = reading.take(entries)       # as often as entries come
    verdict(reading, exit_status, complaint)
    start = reading.next                # where the next journalctl has to start
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import dropwhile
from typing import NamedTuple

from .complaint import shows_damage
from .copies import MOST_OF_MOMENT, Copies
from .cursor import is_earlier_copy, is_moment_of, time_of
from .entry import Entry
from .steps import Gap, after_entry

MOST_FAILURES = 3
"How often journalctl may fail without saying why before the cursor that a client supplied is blamed."


@dataclass(frozen=True, slots=True)
class Last:
    """Start with the last entries."""

    lines: int | None
    "How many; None: all there are."


@dataclass(frozen=True, slots=True)
class After:
    """Start after an entry. journalctl is asked for that entry itself as well: it proves that none is missing."""

    cursor: str
    ours: bool = True
    "True if this server has read that entry. A cursor that a client supplied may name none."
    inclusive: bool = False
    "True if that entry itself is still owed to the reader."
    gone: bool = False
    "True if the entry is known to have left the journal, and the reader was told of the gap."


Start = Last | After


class Taken(NamedTuple):
    """The meaning of a run of entries for their reader."""

    new: Sequence[Entry]
    "The entries that the reader does not have yet, in order."
    gap: Gap | None
    "What is missing before the first of them. The reader has to be told first."


class Reading:
    """One journalctl's entries, as they come.

    It says of each run of entries which ones are new and whether something is missing before them, and keeps where the
    next journalctl has to start. A reader that could not use all of the entries starts where it is itself.
    """

    def __init__(self, start: Start, copies: Copies | None = None) -> None:
        """
        :param start: where that journalctl was told to start
        :param copies: of the same reader's reading before
        """
        self.copies = Copies()
        "What tells an entry that journald has copied meanwhile from a new one."
        if isinstance(start, After):
            self.copies = (copies or self.copies).until(start.cursor, start.inclusive)
        self.next = start
        "Where the next journalctl has to start."
        self.begun = False
        "True if any entry has come, the one at the cursor included."
        self.advanced = False
        "True if a new entry has come."
        self._moment: list[Entry] = []
        "Entries of the same moment as the one at the cursor, which has not come yet."
        self.since_us = time_of(start.cursor) if isinstance(start, After) else None
        "The time of the oldest entry that it is about."

    @property
    def owed(self) -> bool:
        """Return True if the entry at the cursor has to come before anything new."""
        return not self.begun and isinstance(self.next, After) and not self.next.gone

    def take(self, entries: Sequence[Entry]) -> Taken:
        """Return what is new in the next entries of the stream, and the gap before it if there is one."""
        if not entries:
            return Taken(entries, None)
        if self.since_us is None:
            self.since_us = entries[0].realtime_us
        gap = None
        start = self.next
        if not self.begun and isinstance(start, After):
            entries, self._moment = [*self._moment, *entries], []
            entries = list(dropwhile(lambda entry: is_earlier_copy(entry.cursor, start.cursor), entries))
            if not entries:
                return Taken([], None)
            beyond, there = after_entry(entries, start.cursor)
            if not there and len(entries) < MOST_OF_MOMENT and is_moment_of(entries[-1].cursor, start.cursor):
                self._moment = entries  # it may be the next
                return Taken([], None)
            if there:
                self.next = replace(start, ours=True, gone=False)
                known = max(0, len(entries) - len(beyond) - start.inclusive)
                if known:
                    self.copies.known(entries[:known])
                entries = entries[known:]
            elif not start.gone:
                gap = Gap(time_of(start.cursor), entries[0].realtime_us)
        self.begun = True
        entries = self.copies.left_out(entries)
        if entries:
            self.advanced = True
            self.next = After(entries[-1].cursor)
        return Taken(entries, gap)

    def emptied(self) -> Start:
        """Return where to start after a stream that was complete and showed nothing: what comes now is all new."""
        return replace(self.next, gone=True) if isinstance(self.next, After) else Last(None)


class Verdict(Enum):
    """The meaning of a stream's end."""

    COMPLETE = "everything that there was has come"
    AGAIN = "the stream broke: read again from where the reader is"
    DOUBT = "less came than should have: check the right to read the journal, then read again"
    NO_CURSOR = "the journal has neither the entry at the cursor nor any entry after it"
    DAMAGED = "journalctl could not read all of the journal's files: what it can't read has to be gone round"


_NO_CURSOR = re.compile(rb"\bcursor\b", re.IGNORECASE)


def verdict(
    reading: Reading,
    status: int,
    complaint: bytes = b"",
    *,
    expected: bool = False,
    checked: bool = False,
    failures: int = 0,
) -> Verdict:
    """Decide what it means that a stream has ended.

    :param reading: what was made of its entries
    :param status: 0: all has come; -1: the connection broke, or journalctl hung; else journalctl's exit status
    :param complaint: what journalctl wrote to standard error
    :param expected: whether the journal is known to have entries from the start on; an entry at a cursor always is
    :param checked: whether the right to read the journal was checked, and found, after it last showed nothing
    :param failures: how often in a row journalctl itself had failed before
    """
    start = reading.next
    if shows_damage(complaint, status, reading.since_us):
        return Verdict.DAMAGED
    if status == 0:
        if reading.begun or (isinstance(start, Last) and not expected) or (isinstance(start, After) and start.gone):
            return Verdict.COMPLETE
        if not checked:
            return Verdict.DOUBT  # journalctl exits with 0 and shows nothing where a user lacks the right, too
        return Verdict.COMPLETE if isinstance(start, Last) else Verdict.NO_CURSOR
    if status < 0 or reading.advanced:
        return Verdict.AGAIN
    if isinstance(start, After) and not start.ours and (_NO_CURSOR.search(complaint) or failures >= MOST_FAILURES):
        return Verdict.NO_CURSOR
    return Verdict.DOUBT
