"""What a unit printed before it failed.

Belongs here: noticing from one poll to the next that a unit has failed (again), and finding the lines that came before
it in the unit's journal. It must not know how the journal is read.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..journal.entry import Entry
from ..journal.text import clean
from ..units import UnitStatus

LINES = 10
"Lines shown of the time before a failure."
READ = 200
"Entries looked at: a unit that restarts at once has printed a screenful when the poll comes."
SHOWN = 60.0
"""Seconds for which a failure's lines stay in the updates once the unit is up again, so that subscribers with other
intervals get them too. They stay for as long as the unit is down."""
PATIENCE = 2.0
"Seconds into a poll after which no more lines are read: the update is worth more, and all may have failed at once."
_LONGEST = 1000  # characters of a line


class Failures:
    """The failures of one node's units, as the polls show them."""

    def __init__(self, read: Callable[[str], Sequence[str]]) -> None:
        """:param read: the lines before a unit's last failure; none when they can't be had. Raises nothing."""
        self._read = read
        self._counted: dict[str, tuple[int, str | None]] = {}
        self._shown: dict[str, tuple[float, tuple[str, ...]]] = {}

    def noticed_in(self, statuses: Iterable[UnitStatus]) -> list[UnitStatus]:
        """The statuses of one poll, those of units that failed with their `last_lines`."""
        patience = time.monotonic() + PATIENCE
        return [self._noticed(status, patience) for status in statuses]

    def _noticed(self, status: UnitStatus, patience: float) -> UnitStatus:
        down = status.status == "failed" or status.sub_state == "auto-restart"
        # systemd counts restarts; a failure that no restart followed yet is one more. So the failure that was seen as
        # `auto-restart` is not a new one when the unit is up again, and one between two polls is not overlooked.
        count = (status.restarts or 0) + down
        before, since = self._counted.get(status.unit, ((status.restarts or 0), None))
        self._counted[status.unit] = (count, status.since)
        again = status.status == "failed" and count <= before and since not in (None, status.since)
        if count > before or again:  # or it was started by hand in between, and failed anew
            now = time.monotonic()
            self._shown[status.unit] = (now, tuple(self._read(status.unit)) if now < patience else ())
        shown = self._shown.get(status.unit)
        if shown is None:
            return status
        if not down and time.monotonic() - shown[0] > SHOWN:
            del self._shown[status.unit]
            return status
        return replace(status, last_lines=shown[1] or None)


def lines_before_failure(entries: Iterable[Entry]) -> list[str]:
    """The last lines a program printed before systemd told of its end; the very last ones if it did not tell."""
    told: list[str] = []
    lines: deque[str] = deque(maxlen=LINES)
    for entry in entries:
        if entry.pid == 1:
            if b" exited, code=" in entry.message or b"OOM killer" in entry.message:
                told = list(lines) or told
                lines.clear()
        else:
            lines.extend(text[:_LONGEST] for text in clean(entry.message) if text)
    return told or list(lines)
