"""What has been read, sent and tried on all nodes together, for metrics.

Belongs here: counting, once for each run of entries and never for each line. It must not know who asks for the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..journal.entry import Entry

POLL_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
"Seconds up to which polls are counted together."


@dataclass(slots=True)
class Tally:
    """Counts since the start; what is in a `Counter` has few keys, whatever anybody does."""

    entries: int = 0
    "Journal entries that followers have read."
    bytes_read: int = 0
    "Bytes of their messages."
    lines_sent: int = 0
    "Lines that subscribers were given."
    bytes_sent: int = 0
    "Bytes of these, encoded."
    unknown: Counter[str] = field(default_factory=Counter)
    "Lines that no format knew, by the Ethereum client that printed them."
    gaps: Counter[str] = field(default_factory=Counter)
    "Gaps, by reason."
    logins: Counter[str] = field(default_factory=Counter)
    "Tries to log in, by the code of what prevented it; `ok`."
    reconnects: int = 0
    polls: Counter[float] = field(default_factory=Counter)
    "Status polls, by the first of `POLL_BOUNDS` that they did not exceed."
    poll_seconds: float = 0.0
    polls_failed: int = 0

    def read(self, entries: Sequence[Entry], client: str | None, unknown: int) -> None:
        """Count entries.

        :param client: the Ethereum client that printed them, if it is known
        :param unknown: how many of their lines no format knew
        """
        if unknown:
            self.unknown[client or "other"] += unknown
        self.entries += len(entries)
        self.bytes_read += sum(len(entry.message) for entry in entries)

    def sent(self, lines: int, size: int) -> None:
        """Count what one subscriber was given: so many lines of so many bytes."""
        self.lines_sent += lines
        self.bytes_sent += size

    def polled(self, seconds: float) -> None:
        """Count a status poll that got its answer."""
        self.poll_seconds += seconds
        self.polls[next(bound for bound in POLL_BOUNDS if seconds <= bound)] += 1
