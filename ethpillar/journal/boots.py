"""Boots: which one an entry is of, and which of two came first.

journalctl puts entries in order by their numbers where files share a sequence, and else by their clocks. A clock may be
wrong after a boot: a machine without one that keeps time begins in the past until it hears from the network. Then the
entries of a boot stand before those of an earlier one, or between them.

Belongs here: telling from cursors where that may have happened, and the order in which boots are to be read. It must
not know how they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from .cursor import Cursor
from .entry import Entry
from .steps import Gap, Run


def boot_of(cursor: str | None) -> str | None:
    """Return the id of the boot in which an entry was written, or None where there is none."""
    return None if cursor is None else Cursor.parse(cursor).boot_id


def is_numbered_after(one: str, other: str) -> bool:
    """Return True if the numbers of two entries tell that the first was written after the other."""
    first, second = Cursor.parse(one), Cursor.parse(other)
    if first.sequence_id is None or first.sequence_id != second.sequence_id:
        return False
    return (first.sequence_number or 0) > (second.sequence_number or 0)


def doubtful(entries: Sequence[Entry], before: str | None = None, back: bool = False) -> int | None:
    """Return the index of the first entry that is of another boot than the one before it, if only clocks tell that it
    follows; None if there is no such entry.

    :param before: the cursor of the entry before them all
    :param back: whether they are in reverse order
    """
    part = None
    for index, entry in enumerate(entries):
        if part is not None and part in entry.cursor:
            continue
        before = entries[index - 1].cursor if index else before
        boot, known = boot_of(entry.cursor), boot_of(before)
        if before is not None and None not in (boot, known) and boot != known:
            later, earlier = (before, entry.cursor) if back else (entry.cursor, before)
            if not is_numbered_after(later, earlier):
                return index
        part = f";b={boot};"
    return None


class Boot(NamedTuple):
    """A boot of which the journal has entries."""

    id: str
    sequence_id: str | None
    "Of its newest entry; None: it has none yet."


def in_order(newest: Iterable[str], current: str | None) -> list[Boot]:
    """Return boots in the order in which the machine had them, as far as can be told.

    Numbers of one sequence tell for sure. Else the clock does, at the end of a boot rather than at its beginning, as it
    may have been set between.

    :param newest: a cursor of each boot, of its newest entry
    :param current: the boot that the machine is in, which is the last one whatever its clock says
    """
    by_time = sorted(map(Cursor.parse, newest), key=lambda each: each.realtime_us or 0)
    found = list(by_time)
    for sequence in {each.sequence_id for each in by_time} - {None}:
        places = [at for at, each in enumerate(by_time) if each.sequence_id == sequence]
        numbered = sorted((by_time[at] for at in places), key=lambda each: each.sequence_number or 0)
        for at, each in zip(places, numbered, strict=True):
            found[at] = each
    boots = {each.boot_id: Boot(each.boot_id, each.sequence_id) for each in found if each.boot_id is not None}
    if current is not None:
        boots[current] = boots.pop(current, Boot(current, None))
    return list(boots.values())


class Walk:
    """The way of one reader through the boots. It goes with journalctl as long as numbers tell that it is right; from
    the first doubt on it goes boot by boot."""

    def __init__(self, boots: Callable[[], Sequence[Boot]], back: bool = False) -> None:
        """:param boots: returns all boots in order, the one that the machine is in last; none if they are unknown"""
        self._boots = boots
        self._back = back
        self._order: list[str] = []
        self._trusting = False
        "True if journalctl's order has to do, as no other is known."
        self.now: str | None = None
        "The only boot whose entries are to be read now; None: those of all."
        self.missing: Gap | None = None
        "What may be missing before the next entries."
        self._first = True
        "True if it is still in the boot in which it began to go boot by boot."

    def check(self, cursor: str, run: Run) -> Run:
        """Return what may be used of some entries that were read after the one at a cursor."""
        if self.now is not None:
            return self._with_gap(run)
        index = None if self._trusting else doubtful(run.entries, cursor, self._back)
        if index is None:
            return run
        before = run.entries[index - 1].cursor if index else cursor
        if self.begin(before):
            self.missing = None if index else run.gap
            return Run(run.entries[:index], run.gap if index else None)
        if self._trusting or index:
            return run
        self.begin(run.entries[0].cursor)  # the entry before has left the journal, and so have all of its boot
        return Run(run.entries[:1], run.gap)

    def _with_gap(self, run: Run) -> Run:
        missing = self.missing
        if not run.entries or missing is None:
            return run
        self.missing = None
        if self._first or run.gap is not None:
            return run
        known, here = missing.to_us if self._back else missing.from_us, run.entries[0].realtime_us
        return replace(run, gap=Gap(here, known, missing.reason) if self._back else Gap(known, here, missing.reason))

    def begin(self, cursor: str) -> bool:
        """Go boot by boot from that of an entry on. Return False if the journal has nothing else of it."""
        boot, order = boot_of(cursor), self._ids()
        if boot is None or boot not in order:
            return False
        self.now = boot
        return True

    def _ids(self) -> list[str]:
        order = [each.id for each in self._boots()]
        self._trusting = not order
        self._order = order[::-1] if self._back else order
        return self._order

    def start(self) -> None:
        """Go boot by boot from the first one on, in the direction of reading."""
        self.now = next(iter(self._ids()), None)

    def lacks(self, cursor: str, at_start: bool = False) -> bool:
        """Return True if journalctl, which shows nothing beyond an entry, may have put boots on its other side that are
        beyond it.

        :param at_start: the same for what is before the entry that it shows first
        """
        boots = list(self._boots())
        known, found = Cursor.parse(cursor), [at for at, each in enumerate(boots) if each.id == boot_of(cursor)]
        if not found:
            return False
        others = boots[: found[0]] if self._back != at_start else boots[found[0] + 1 :]
        return any(each.sequence_id not in (None, known.sequence_id) for each in others)

    def end(self, missing: Gap) -> None:
        """Go to the last boot, the one that the machine is in."""
        self.now, self.missing, self._first = self._order[-1], missing, False

    def next(self) -> bool:
        """Go to the next boot. Return False if there is none."""
        if self.now is None or self.now == self._order[-1]:
            return False
        self.now = self._order[self._order.index(self.now) + 1]
        self._first = False
        return True
