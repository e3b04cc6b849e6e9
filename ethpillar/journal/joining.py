"""Lines that journald cut, made whole again.

journald makes several entries of a line that is longer than 48 KiB (`LineMax=` of journald.conf(5)), and gives all of
them but the last `_LINE_BREAK=line-max` (systemd.journal-fields(7), since systemd 235).

Belongs here: joining them, with bounds. The entry that is made of them has the cursor and the time of the last one: so
a reader that resumes after it has all of the line.
"""

from __future__ import annotations

from collections.abc import Iterable

from .entry import Entry

LONGEST = 256 * 1024
"Bytes of a line that is made whole; what is longer comes in pieces of about this size. No client prints such lines."
MOST = 64
"Pieces of one line. journald makes six of the longest; a node that sends empty ones must not have them kept."


class LineJoiner:
    """Feed it entries; it returns those that are whole. A line whose end has not come yet is kept."""

    def __init__(self, resume: str | None = None) -> None:
        """:param resume: the cursor from which the entries come: that entry was given out, and is not joined again"""
        self._resume = resume
        self._pieces: list[Entry] = []
        self.size = 0
        "Bytes of the pieces that are kept."

    def feed(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries that these complete, in order."""
        if not self._pieces and not any(entry.goes_on for entry in entries):
            self._resume = None if entries else self._resume
            return entries
        return list(self._joined(entries))

    def _joined(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        for entry in entries:
            resume, self._resume = self._resume, None
            if resume == entry.cursor:
                yield entry
                continue
            # What another program of the unit prints in between ends the line, too: the order of entries is kept.
            if self._pieces and (entry.pid, entry.identifier) != (self._pieces[0].pid, self._pieces[0].identifier):
                yield self._whole()
            self._pieces.append(entry)
            self.size += len(entry.message)
            if not entry.goes_on or self.size >= LONGEST or len(self._pieces) >= MOST:
                yield self._whole()

    def _whole(self) -> Entry:
        pieces, self._pieces, self.size = self._pieces, [], 0
        if len(pieces) == 1:
            return pieces[0]
        return pieces[-1]._replace(message=b"".join(piece.message for piece in pieces), priority=pieces[0].priority)

    def close(self) -> list[Entry]:
        """Return the lines that are left when no more entries come: one whose end is missing."""
        return [self._whole()] if self._pieces else []
