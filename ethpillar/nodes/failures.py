"""The lines that a unit printed before it failed.

Belongs here: noticing from one poll to the next that a unit has failed, or failed again, and picking the lines before
the failure out of the unit's journal. It must not know how the journal is read.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..journal.entry import Entry
from ..journal.text import clean
from ..units import UnitStatus

LINES = 10
"Lines shown of the time before a failure."
READ = 200
"Entries read to find them: a unit that restarts at once has printed a screenful by the time of the poll."
SHOWN = 60.0
"""Seconds for which a failure's lines stay in the updates after the unit is up again, so that subscribers with long
intervals get them too. While the unit is down they stay anyway."""
READING = 2.0
"""Seconds that one poll may spend on reading lines; after that the update goes out without them, since every unit may
have failed at once."""
_LONGEST = 1000  # characters of a line


@dataclass(frozen=True, slots=True)
class _Seen:
    """A unit as the last poll showed it."""

    failures: int
    "Restarts so far, and one more if it is down: a number that grows with each failure."
    since: str | None


class Failures:
    """The failures of one node's units, as polls show them."""

    def __init__(self, read: Callable[[str], Sequence[str]], clock: Callable[[], float] = time.monotonic) -> None:
        """
        :param read: returns the lines before a unit's last failure, none when they can't be had; raises nothing
        :param clock: seconds
        """
        self._read = read
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._shown: dict[str, tuple[float, tuple[str, ...]]] = {}  # when a failure was noticed, and its lines

    def with_last_lines(self, statuses: Iterable[UnitStatus]) -> list[UnitStatus]:
        """Return the statuses of one poll, with `last_lines` where a unit failed a short while ago."""
        until = self._clock() + READING
        return [self._with_last_lines(status, until) for status in statuses]

    def _with_last_lines(self, status: UnitStatus, until: float) -> UnitStatus:
        if self._has_failed(status):
            now = self._clock()
            self._shown[status.unit] = (now, tuple(self._read(status.unit)) if now < until else ())
        shown = self._shown.get(status.unit)
        if shown is None:
            return status
        if not _is_down(status) and self._clock() - shown[0] > SHOWN:
            del self._shown[status.unit]
            return status
        return replace(status, last_lines=shown[1] or None)

    def _has_failed(self, status: UnitStatus) -> bool:
        """Return True if the unit has failed since the poll before; at the first poll, if it is down."""
        restarts = status.restarts or 0
        now = _Seen(restarts + _is_down(status), status.since)
        before = self._seen.get(status.unit, _Seen(restarts, None))
        self._seen[status.unit] = now
        if now.failures > before.failures:
            return True
        # Started by hand in between, which resets systemd's count, and failed anew.
        return status.status == "failed" and before.since not in (None, now.since)


def _is_down(status: UnitStatus) -> bool:
    return status.status == "failed" or status.sub_state == "auto-restart"


def lines_before_failure(entries: Iterable[Entry]) -> list[str]:
    """Return the last lines that a program printed before systemd reported its end, or its very last lines if systemd
    reported none.
    """
    before_the_end: list[str] = []
    lines: deque[str] = deque(maxlen=LINES)
    for entry in entries:
        if entry.pid == 1:
            if b" exited, code=" in entry.message or b"OOM killer" in entry.message:
                before_the_end = list(lines) or before_the_end
                lines.clear()
        else:
            lines.extend(text[:_LONGEST] for text in clean(entry.message) if text)
    return before_the_end or list(lines)
