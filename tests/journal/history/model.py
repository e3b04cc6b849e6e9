"""A journal in memory that answers as journalctl does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ethpillar.journal.cursor import time_of
from ethpillar.journal.entry import Entry
from ethpillar.journal.history.bounds import Bounds
from ethpillar.journal.history.page import Page
from ethpillar.journal.history.paging import Paging
from ethpillar.journal.history.query import Query
from ethpillar.journal.steps import Step

SMALL = Bounds(first_slice=7, slice=11, context=4, out_of_range=5, held=20, entries=100_000)


def entry(number: int, message: str, unit: str = "execution.service", at: int | None = None, pid: int = 7) -> Entry:
    at = 1_795_000_000_000_000 + number * 1_000 if at is None else at
    cursor = f"s=a1;i={number + 1:x};b=b1;m={number:x};t={at:x};x={number * 7:x}"
    return Entry(cursor, at, message.encode(), 6, "client", pid, unit, "b1")


@dataclass
class Journal:
    """Entries in the order in which they were written."""

    entries: list[Entry]
    gone: set[int] = field(default_factory=set)
    "Indexes of entries that were vacuumed."
    steps: list[Step] = field(default_factory=list)

    def answer(self, step: Step, units: Sequence[str]) -> list[Entry]:
        self.steps.append(step)
        kept = [each for number, each in enumerate(self.entries) if number not in self.gone]
        every = [each for each in kept if not units or each.unit in units]
        order = {each.cursor: number for number, each in enumerate(self.entries)}
        if step.cursor is None:
            found = every
        elif step.cursor.startswith("t="):
            at = time_of(step.cursor) or 0
            found = [each for each in every if (each.realtime_us <= at if step.reverse else each.realtime_us >= at)]
        elif step.cursor not in order:
            found = [] if step.reverse else every
        else:
            where = order[step.cursor]
            if step.reverse and where in self.gone and not any(order[each.cursor] < where for each in every):
                return []
            found = [
                each for each in every if (order[each.cursor] <= where if step.reverse else order[each.cursor] >= where)
            ]
        return (found[::-1] if step.reverse else found)[: step.count]

    def page(
        self, query: Query, bounds: Bounds = SMALL, clock: Callable[[], float] = lambda: 0.0, run: int = 3
    ) -> Page:
        paging = Paging(query, clock, bounds=bounds)
        while (step := paging.next_step()) is not None:
            entries = self.answer(step, query.units)
            for begin in range(0, len(entries), run):
                if not paging.feed(entries[begin : begin + run]):
                    break
            paging.ended(0)
            assert len(self.steps) < 10_000
        return paging.page()
