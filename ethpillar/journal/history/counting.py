"""How many lines there were in each stretch of time: what a histogram is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..boots import Boot
from ..formats import LEVELS
from .blocks import Shown
from .bounds import DEFAULT, Bounds
from .paging import Paging
from .query import Query

_WARN, _ERROR = LEVELS.index("warn"), LEVELS.index("error")


class Counting(Paging):
    """Reads what a page would read, and counts it instead of keeping it."""

    def __init__(
        self,
        query: Query,
        buckets: int,
        clock: Callable[[], float],
        description: Callable[[str], str | None] = lambda _: None,
        bounds: Bounds = DEFAULT,
        breathe: Callable[[], None] = lambda: None,
        boots: Callable[[], Sequence[Boot]] = tuple,
    ) -> None:
        """:param query: with both times; its limit does not matter. :param buckets: stretches of equal length"""
        super().__init__(query, clock, description, bounds, breathe, boots)
        if query.since_us is None or query.until_us is None or query.until_us < query.since_us or buckets < 1:
            raise ValueError("a histogram needs two times and a number of stretches")
        self._since = query.since_us
        self._width = max(1, -(-(query.until_us - query.since_us + 1) // buckets))
        self._counts = [[0, 0, 0] for _ in range(buckets)]

    def _size(self) -> int:
        return self._bounds.slice if self._scanned.entries else self._bounds.first_slice

    def _choose(self, found: list[Shown], end: bool) -> None:
        for each in found:
            count = self._counts[(each.entry.realtime_us - self._since) // self._width]
            for _, line in each.lines:
                level = -1 if line.level is None else LEVELS.index(line.level)
                count[0] += 1
                count[1] += level == _WARN
                count[2] += level >= _ERROR
        super()._choose([], end)

    def counts(self) -> list[tuple[int, int, int, int]]:
        """Return for each stretch: its begin (microseconds since the epoch), lines, warnings, errors and worse."""
        return [(self._since + number * self._width, *count) for number, count in enumerate(self._counts)]  # type: ignore[misc]
