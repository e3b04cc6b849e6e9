"""Runs of items, cut once for all subscribers that are at the same place.

Belongs here: where a run ends, and remembering what was made of it. It must not know who gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from .items import Item

T = TypeVar("T")

BATCH = 500
"Items handed to a sink at once, at most."
BATCH_BYTES = 256 * 1024
"And their size: when that is reached, the sink is asked again whether it keeps up."


class Run(tuple[Item, ...]):
    """Items one after another. All subscribers that are at the same place get the same run."""

    whole = False
    "True if it would end where it does also if there were more items."

    @cached_property
    def lines(self) -> int:
        """How many lines these are."""
        return sum([item.lines for item in self])

    @cached_property
    def size(self) -> int:
        """Bytes of these lines as they are sent."""
        return sum([len(item.data) for item in self])

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    def once(self, what: str, make: Callable[[Run], T]) -> T:
        """Return what is made of the run under this name. It is made once, for all callers."""
        if what not in self._made:
            self._made[what] = make(self)
        made: T = self._made[what]
        return made


def cut(items: Sequence[Item], most: int = BATCH) -> Run:
    """Return the first run of some items; a gap is a run by itself.

    :param most: how many items it has at most
    """
    size = 0
    for number, item in enumerate(items[:most]):
        if item.gap is not None:
            return _whole(items[: number or 1])
        size += len(item.data)
        if size > BATCH_BYTES:
            return _whole(items[: number + 1])
    return Run(items) if len(items) < most else _whole(items[:most])


def _whole(items: Sequence[Item]) -> Run:
    run = Run(items)
    run.whole = True
    return run


class RecentRuns:
    """The runs that are being delivered at the moment, by where they begin.

    Subscribers that keep up with each other ask for the same ones within moments, so that few are kept.
    """

    KEPT = 2

    def __init__(self) -> None:
        self._runs: dict[int, Run] = {}

    def get(self, start: int, end: int) -> Run | None:
        """Return the run that begins at a place, unless there is more by now.

        :param end: the end of what there is
        """
        known = self._runs.get(start)
        return known if known is not None and (known.whole or start + len(known) == end) else None

    def keep(self, start: int, run: Run) -> Run:
        """Remember a run, and return it."""
        self._runs.pop(start, None)
        self._runs[start] = run
        if len(self._runs) > self.KEPT:
            del self._runs[next(iter(self._runs))]
        return run

    def clear(self) -> None:
        """Forget them."""
        self._runs.clear()
