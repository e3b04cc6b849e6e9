"""Reading a page where journalctl can't be followed blindly: round damage, and boot by boot.

Belongs here: the steps of `detour`, and the way through the boots, as a page needs them. A page begins without, and
comes here at the first sign of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..boots import Walk
from ..cursor import Cursor, same_entry, time_of
from ..detour import read_on
from ..entry import Entry
from ..steps import Answer, Gap, Plan, Run, Step

END = 1 << 52
"A time after every entry, in microseconds since the epoch."


class Careful:
    """Reads on from a place, one run of entries after the other."""

    def __init__(self, walk: Walk, back: bool, bound_us: int | None, cursor: str | None) -> None:
        """
        :param bound_us: no entry is wanted beyond this time, where the page starts
        :param cursor: the last entry that is known; None: the page starts at its bound, or at the journal's end
        """
        self._walk = walk
        self._back = back
        self._anchor = f"t={max(1, bound_us) if bound_us is not None else END if back else 1:x}"
        self._cursor = cursor or self._anchor
        if cursor is None:
            walk.start()
        self._plan: Plan | None = None
        self._step: Step | None = None
        self._near: Sequence[Entry] | None = None  # the answer to the first step of a plan
        self.known: Entry | None = None
        "The entry from which the last run was read, if the journal has it."

    @property
    def under_way(self) -> bool:
        """Return True if a step was asked for that has not been answered."""
        return self._plan is not None

    def step(self, size: int) -> Step:
        """Return the next journalctl to run; a run has `size` entries at most."""
        if self._plan is None or self._step is None:
            self._plan = read_on(self._cursor, 1 if self._back else END, back=self._back, size=size)
            self._step, self._near = next(self._plan), None
        return replace(self._step, boot=self._walk.now)

    def answer(self, answer: Answer) -> Run | None:
        """Take the answer to a step. Return the entries that follow the last known one, or None if it takes another
        step to know them."""
        assert self._plan is not None
        self._near = answer.entries if self._near is None else self._near
        try:
            self._step = self._plan.send(answer)
            return None
        except StopIteration as end:
            run: Run = end.value
        self._plan = None
        self.known = next((each for each in self._near if same_entry(each.cursor, self._cursor)), None)
        if not run.entries and run.gap is None and self.known is None and not Cursor.parse(self._cursor).is_time:
            at = time_of(self._cursor)
            run = replace(run, gap=Gap(None, at) if self._back else Gap(at, None))
        run = self._walk.check(self._cursor, run)
        if run.entries:
            self._cursor = run.entries[-1].cursor
        return replace(run, end=run.end and not self._goes_on())

    def _goes_on(self) -> bool:
        if self._walk.now is None:
            return self._walk.lacks(self._cursor) and self._walk.begin(self._cursor)
        if not self._walk.next():
            return False
        self._cursor = self._anchor
        return True

    def leave_boot(self) -> bool:
        """Leave out the rest of the boot that was read last. Return False if there is no other."""
        return self._cursor == self._anchor or (self._walk.now is not None and self._goes_on())
