"""How many lines there were in each stretch of time: what a histogram is drawn from.

Belongs here: counting what a page would keep. It must not know how entries are read, nor when reading ends.
"""

from __future__ import annotations

from ..formats import LEVELS
from .blocks import Shown
from .query import Query

_WARN, _ERROR = LEVELS.index("warn"), LEVELS.index("error")


class Histogram:
    """Counts the entries that answer a question, and keeps none. `Paging` fills it in place of a page."""

    left = None
    stopped_at = None

    def __init__(self, query: Query, buckets: int) -> None:
        """
        :param query: with both times; its limit does not matter
        :param buckets: stretches of equal length
        """
        if query.since_us is None or query.until_us is None or query.until_us < query.since_us or buckets < 1:
            raise ValueError("a histogram needs two times and a number of stretches")
        self._since = query.since_us
        self._width = max(1, -(-(query.until_us - query.since_us + 1) // buckets))
        self._counts = [(self._since + number * self._width, 0, 0, 0) for number in range(buckets)]

    @property
    def shown(self) -> list[Shown]:
        """No entry at all."""
        return []

    def add(self, found: list[Shown], end: bool) -> bool:
        """Count these entries. Return False: it is never full."""
        for each in found:
            number = (each.entry.realtime_us - self._since) // self._width
            begin, lines, warnings, errors = self._counts[number]
            levels = [LEVELS.index(line.level) for _, line in each.lines if line.level is not None]
            self._counts[number] = (
                begin,
                lines + len(each.lines),
                warnings + levels.count(_WARN),
                errors + sum(level >= _ERROR for level in levels),
            )
        return False

    def counts(self) -> list[tuple[int, int, int, int]]:
        """Return for each stretch: its begin (microseconds since the epoch), lines, warnings, errors and worse."""
        return self._counts
