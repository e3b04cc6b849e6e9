"""Reading one page of the past: which journalctl to ask next, whether its entries go on as they should, and the end.

Belongs here: every decision about the reading, so that it can be tested against a model of a journal. What becomes of
the entries is decided in `page`, or in `histogram`. A page is read in slices: each is one journalctl that seeks to a
cursor (or a time) and prints so many entries from there, that included:

    paging = Paging(query, clock, description)
    while (step := paging.next_step()) is not None:
        ...  # run journalctl for the step; give its entries to paging.feed until that says it is enough
        paging.ended(exit_status, complaint)
    page = paging.page()

Times are not in order where a clock was set, and are not unique: pages go on by cursor, and each entry is held against
the bounds by its own time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol

from ..boots import Boot, Walk, doubtful
from ..complaint import begins_of_ignored, shows_damage
from ..cursor import same_entry, time_of
from ..detour import SIZE
from ..entry import Entry
from ..steps import Answer, Step
from .blocks import Apart, Shown, chosen
from .bounds import DEFAULT, Bounds
from .careful import Careful
from .page import Filling, Page
from .place import Place, Scanned, Slice, weight_of
from .query import Direction, Query
from .torn import Torn


class Outcome(Enum):
    """Why a page has ended."""

    FULL = "it has as many entries as were asked for"
    END = "there is nothing more in this direction"
    BOUND = "it has looked at as many entries, or for as long, as one page may"


class NoSuchCursor(ValueError):
    """journalctl does not take what was given for a cursor."""


_BAD_CURSOR = re.compile(rb"[Ff]ailed to seek to cursor")


PARSED = 3
"How many times its message an entry takes that was taken apart: bytes, text, what was parsed of it."


class Collector(Protocol):
    """What takes the entries that answer a question: a page keeps them, a histogram counts them.

    `add` is called with portions in the direction of reading, each oldest first, until it returns True: then it is
    full, and `stopped_at` says where to go on.
    """

    @property
    def left(self) -> int | None:
        """How many more entries are needed; None if that is not known before they are read."""

    @property
    def shown(self) -> list[Shown]:
        """The entries to be shown, oldest first."""

    @property
    def stopped_at(self) -> str | None:
        """Once it is full: the cursor to go on from."""

    def add(self, found: list[Shown], end: bool) -> bool:
        """Take entries, oldest first, after which there is nothing more at the `end`. Return True if it is full."""


class Paging:
    """Reads one page, or what a histogram counts.

    Ask `next_step` for a journalctl to run, give its entries to `feed` until that returns False, then call `ended`;
    again, until there is no further step. Then `page` has the answer. It neither waits nor runs anything.
    """

    def __init__(
        self,
        query: Query,
        clock: Callable[[], float],
        description: Callable[[str], str | None] = lambda _: None,
        bounds: Bounds = DEFAULT,
        breathe: Callable[[], None] = lambda: None,
        boots: Callable[[], Sequence[Boot]] = tuple,
        collector: Collector | None = None,
    ) -> None:
        """
        :param clock: seconds that only grow
        :param description: a unit's description, which tells its client
        :param breathe: called again and again while entries are taken apart, so that others may have their turn
        :param boots: the machine's boots, see `Walk`
        :param collector: takes the entries; a page of the query's limit does without one
        """
        self._query = query
        self._clock = clock
        self._apart = Apart(query.wanted, description, breathe)
        self._bounds = bounds
        self._began = clock()
        self._back = query.direction is Direction.BACKWARDS
        self._place = Place(query)
        self._walk = Walk(boots, self._back)
        self._careful: Careful | None = None
        self._ignored: list[int] = []  # when the files began that journalctl does without
        self._slice = Slice(0, bounds)
        self._torn = Torn(bounds.held, self._back)
        self._collector: Collector = collector or Filling(query, bounds.page_bytes)
        self._scanned = Scanned(bounds.out_of_range)
        self.gaps: list[dict[str, Any]] = []
        self.failed = False
        "True if journalctl has failed at the start, for no reason that it told: this is no page then."
        self._outcome: Outcome | None = None

    # -- asking

    def next_step(self) -> Step | None:
        """Return the next journalctl to run; None when the page is complete."""
        if self._outcome is None and self._over():
            self._outcome = Outcome.BOUND
        if self._outcome is not None:
            return None
        if self._careful is not None:
            step = self._careful.step(min(SIZE, self._size()))
            self._slice = Slice(step.count or SIZE, self._bounds)
            return step
        count = self._size() + (self._place.cursor is not None)  # the entry at the cursor comes first, and is known
        self._slice = Slice(count, self._bounds)
        return Step(self._place.anchor, self._back, count)

    def _size(self) -> int:
        bounds, left = self._bounds, self._collector.left
        if left is not None:
            return left + bounds.context
        if not self._scanned.entries:
            return max(bounds.first_slice, self._query.limit)
        return bounds.slice if self._back else min(bounds.slice, bounds.forwards_slice)

    def weight(self) -> int:
        """Return the bytes of the entries that it holds, roughly: those that wait, and those of the page."""
        return self._slice.weight + PARSED * sum(weight_of([each.entry]) for each in self._collector.shown)

    def _over(self) -> bool:
        return self._scanned.entries >= self._bounds.entries or self._clock() - self._began >= self._bounds.seconds

    def feed(self, entries: Sequence[Entry]) -> bool:
        """Take some of the entries of the step under way, in its order. Return False if no more are needed."""
        self._slice.take(entries)
        if self._careful is None and self._slice.portion_is_full:
            self._judge(exhausted=False)
        if self._outcome is not None or self._slice.full or self._over():
            self._slice.cut = True
        return not self._slice.cut

    def trusts(self, complaint: bytes) -> bool:
        """Return False if what journalctl has complained of means that it leaves out entries."""
        self._ignored = [begin for begin, _ in begins_of_ignored(complaint)]
        return self._careful is not None or not shows_damage(complaint)

    def ended(self, status: int, complaint: bytes = b"") -> None:
        """Make what has come a part of the page: the step's journalctl has ended, or was ended.

        :param status: journalctl's exit status; 0 also if it was ended because no more was needed
        :raises NoSuchCursor: what was given for a cursor is none
        """
        if status > 0 and not self._slice.count and _BAD_CURSOR.search(complaint):
            raise NoSuchCursor
        if self._careful is not None:
            if self._careful.under_way:  # else this slice was left where it went wrong, and careful reading comes next
                self._take_care(self._careful, status, complaint)
            return
        damaged = shows_damage(complaint, status)
        if self._outcome is None:
            self._judge(exhausted=status <= 0 and not damaged and self._slice.exhausted)
        if self._careful is not None or self._outcome is not None:
            return
        if damaged:
            self._begin_careful()
        elif status > 0 and not self._slice.news:
            self.failed = True
            self._outcome = Outcome.END

    def _judge(self, exhausted: bool) -> None:
        """Make the entries that have come a part of the page, up to the first that is not as it should be."""
        first = not self._slice.judged
        entries = self._slice.portion()
        here = self._after_cursor(entries) if first else entries
        if here is None or self._begins_wrong(here, first) or self._spans_ignored(here):
            self._begin_careful()
            return
        doubt = doubtful(here, self._place.cursor, self._back)
        entries = self._in_order(here if doubt is None else here[:doubt])
        self._slice.news += len(entries)
        last = entries[-1].cursor if entries else self._place.cursor
        lacks = doubt is None and exhausted and last is not None and self._walk.lacks(last)
        self._add(entries, (exhausted and doubt is None and not lacks) or self._outcome is Outcome.END)
        if (lacks or doubt is not None) and self._outcome is None:
            self._begin_careful()

    def _begins_wrong(self, entries: list[Entry], first: bool) -> bool:
        """Return True if the journal's end may be elsewhere than where journalctl has begun."""
        begins = first and self._place.cursor is None and bool(entries)
        return begins and self._walk.lacks(entries[0].cursor, at_start=True)

    def _spans_ignored(self, entries: list[Entry]) -> bool:
        """Return True if a file that journalctl does without may have been between these entries."""
        if not self._ignored or not entries:
            return False
        times = [entries[0].realtime_us, entries[-1].realtime_us, time_of(self._place.cursor or "") or 0]
        known = [each for each in times if each]
        return any(min(known) <= each <= max(known) for each in self._ignored)

    def _begin_careful(self) -> None:
        """Go on from the last entry of the page step by step."""
        bound = self._query.until_us if self._back else self._query.since_us
        self._careful = Careful(self._walk, self._back, bound, self._place.cursor)
        self._slice.cut = True

    def _take_care(self, careful: Careful, status: int, complaint: bytes) -> None:
        """Take the answer to a step that goes round something."""
        run = careful.answer(Answer(self._slice.portion(), status, complaint, self._slice.cut))
        if run is None:
            return
        entries = list(run.entries)
        if run.gap is not None:
            after = (entries[0].cursor if entries else None) if self._back else self._place.cursor
            self._gap(run.gap.reason, after, run.gap.from_us, run.gap.to_us)
        if self._place.inclusive and careful.known is not None:
            entries = [careful.known, *entries]
        self._add(self._in_order(entries), run.end or self._outcome is Outcome.END)

    def _after_cursor(self, entries: list[Entry]) -> list[Entry] | None:
        """Return the entries without the one at the cursor; None if that one is not there."""
        cursor = self._place.cursor
        if cursor is None:
            return entries
        if entries and same_entry(entries[0].cursor, cursor):
            return entries if self._place.inclusive else entries[1:]
        for number, entry in enumerate(entries[: self._bounds.context]):  # several of one microsecond, see `same_entry`
            if same_entry(entry.cursor, cursor):
                return entries[number + 1 :]
        return None

    def _gap(self, reason: str, after: str | None, from_us: int | None, to_us: int | None) -> None:
        self.gaps.append({"after": after, "reason": reason, "from_us": from_us, "to_us": to_us})

    def _in_order(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries up to the first whose order can't be told; there the page ends, or it might never."""
        for number, entry in enumerate(entries):
            if not self._place.goes_on(entry, self._back):
                self._gap("order", self._place.last and self._place.last.cursor, None, None)
                self._outcome = Outcome.END
                return entries[:number]
        return entries

    # -- adding

    def _add(self, entries: list[Entry], exhausted: bool) -> None:
        inside, beyond = self._scanned.within(entries, self._query, self._back)
        if entries:
            self._place.move(entries[-1])
        run = self._torn.run(inside)
        end = exhausted or (beyond and not (self._careful is not None and self._careful.leave_boot()))
        shown = self._apart.take(run)
        judged = shown if end or self._over() or self._query.wanted.everything else self._torn.whole(shown, run)
        self._choose(chosen(judged, self._query.wanted), end)

    def _choose(self, found: list[Shown], end: bool) -> None:
        """Hand on what was found, and decide whether the reading has ended."""
        if self._outcome is None and end:
            self._outcome = Outcome.END
        if self._collector.add(found, end):
            self._outcome = Outcome.FULL

    # -- the page

    @property
    def in_doubt(self) -> bool:
        """Return True if there was nothing at all where entries should be, as for a user who may not read them."""
        query = self._query
        expected = query.cursor is not None or (query.since_us is None and query.until_us is None)
        return not self._scanned.entries and (self.failed or expected)

    def page(self) -> Page:
        """Return the page, once `next_step` has returned None."""
        more = self._outcome in (Outcome.FULL, Outcome.BOUND)
        goes_on = self._collector.stopped_at or (self._place.last.cursor if self._place.last else self._query.cursor)
        other = self._query.cursor or (self._place.first.cursor if self._place.first else None)
        before, after = (goes_on if more else None, other) if self._back else (other, goes_on)
        scanned = self._scanned
        return Page(
            self._collector.shown, before, after, scanned.entries, scanned.from_us, scanned.until_us, self.gaps, more
        )
