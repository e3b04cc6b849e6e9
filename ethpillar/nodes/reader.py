"""Where one reader of a unit's journal is, and when it tries again.

Belongs here: carrying the decisions of `journal.reading` and `nodes.tries` to a node and back. The follower of a log
has one reader, and so has each of its subscribers. It must not know what becomes of the entries.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from ..errors import EthPillarError
from ..journal.boots import Walk, boot_of, doubtful, is_numbered_after
from ..journal.copies import Copies
from ..journal.cursor import same_entry, time_of
from ..journal.detour import last, read_on
from ..journal.entry import Entry
from ..journal.joining import LineJoiner
from ..journal.reading import After, Last, Reading, Start, Verdict, verdict
from ..journal.steps import Answer, Gap, Step
from ..timing import Backoff
from .source import EntryStream, JournalSource
from .tries import ReadFailed, Tolerance, Tries, Trouble, trouble_of

T = TypeVar("T")

CLOCKS = 86400
"Seconds by which a node's clock may be ahead of ours."
MOMENT = 50
"Entries of one microsecond that are looked through at most."
EVERY = {Trouble.RIGHT: 2.5}
"""Seconds between the tries of a kind that does not back off. A node believes for two seconds that a right it found
missing is missing still; the next try has to search for it."""


class JournalReader:
    """Reads a unit's journal from one place on, for the follower or for one subscriber.

    `open` runs a journalctl from `start`, `judge` says what its end means, and `failed` how long to wait before the
    next one. The caller moves `start` on, and calls `succeeded` when there was progress.
    """

    def __init__(self, unit: str, source: JournalSource, start: Start, tolerance: Tolerance) -> None:
        """:param start: where to start; :param tolerance: how often to try again"""
        self._unit = unit
        self._source = source
        self.start = start
        "Where the next journalctl starts. The caller moves it on once it has used the entries."
        self.tries = Tries(tolerance)
        self._backoff = Backoff()
        self._copies = Copies()
        self.dead_end: str | None = None
        "The last entry before damage beyond which nothing could be read."
        self.in_doubt = False
        "True if the journal was read boot by boot."
        self.attempt = 0
        "Pauses between tries since the last progress."

    @contextmanager
    def open(self, follow: bool = False, boot: str | None = None) -> Iterator[tuple[Reading, EntryStream]]:
        """Start a journalctl, and end it with the block. Raises as `JournalSource.journal`.

        :param boot: the only boot whose entries are wanted: all of them, if the start is in another one
        """
        start = self.start
        if boot is not None and isinstance(start, After) and boot_of(start.cursor) != boot:
            start = Last(None)
        count, cursor = (start.lines, None) if isinstance(start, Last) else (None, start.cursor)
        step = Step(cursor, count=count, boot=boot, follow=follow)
        with self._source.journal(self._unit, step) as stream:
            reading = Reading(start, self._copies)
            self._copies = reading.copies
            yield reading, stream

    def judge(self, reading: Reading, stream: EntryStream, *, expected: bool = False) -> Verdict:
        """Return `COMPLETE`, `NO_CURSOR` or `DAMAGED` for a stream that has ended.

        :param expected: see `verdict`
        :raises ReadFailed: it has to be read again, after a pause
        """
        status = stream.status()
        found = verdict(
            reading,
            status,
            stream.complaint(),
            expected=expected,
            checked=self.tries.count(Trouble.NOTHING) > 0,
            failures=self.tries.count(Trouble.JOURNAL),
        )
        if found in (Verdict.COMPLETE, Verdict.NO_CURSOR, Verdict.DAMAGED):
            return found
        # A doubt may not be looked into, as the right was found a moment ago. Then nothing is proved by it.
        checks = found is Verdict.DOUBT and self._source.rights_in_doubt()
        if status > 0:
            raise ReadFailed(Trouble.JOURNAL)
        raise ReadFailed(Trouble.NOTHING if checks else Trouble.LINK)

    def only_boot(self) -> str | None:
        """Return the only boot whose entries are followed; None: all, of which systemd shows one only from 251 on.

        If the last entry is of an earlier boot, which was read to its end, journalctl might take it for a later one.
        """
        start = self.start
        before = boot_of(start.cursor) if isinstance(start, After) else None
        current = self._source.boot()
        if before not in (None, current):
            current = self._source.boot(fresh=True)
        others = before != current or self.tries.count(Trouble.PLACE)
        return current if before is not None and others else None

    def misses_boot(self, cursor: str | None) -> bool:
        """Return True if the boot that the node is in has entries that journalctl puts before this one, of an earlier
        boot, where a reader that goes on from it does not find them."""
        boot = boot_of(cursor)
        if cursor is None or boot is None or boot == self._source.boot():
            return False
        current = self._source.boot(fresh=True)
        if current in (None, boot):
            return False
        try:
            newest = self._source.ask(self._unit, Step(None, True, 1, current)).entries
        except EthPillarError:
            return False  # what is known is read all the same
        return bool(newest) and not is_numbered_after(newest[0].cursor, cursor)

    def is_behind(self) -> bool:
        """Return True if the journal has an entry of the same boot after the start, which is the last one read.

        :raises EthPillarError: as `JournalSource.ask`
        """
        start = self.start
        if not isinstance(start, After) or boot_of(start.cursor) is None:
            return False
        # Of a cursor that `journalctl --flush` has changed, systemd 252 finds the first entry of the same microsecond.
        found = self._source.ask(self._unit, Step(start.cursor, False, MOMENT, boot_of(start.cursor))).entries
        return bool(found) and not same_entry(found[-1].cursor, start.cursor)

    def go_round(self) -> Iterator[tuple[Sequence[Entry], Gap | None]]:
        """Read from the start to the journal's end, round all that can't be read, and boot by boot where journalctl
        may have put boots in the wrong order.

        :return: entries, each run of them with the gap before it
        :raises ReadFailed: nothing can be read
        :raises EthPillarError: as `JournalSource.ask`
        """
        self.dead_end = None
        end_us = int((time.time() + CLOCKS) * 1_000_000)
        told = isinstance(self.start, After) and self.start.gone
        joiner = LineJoiner()
        cursor, first = self._first(end_us)
        yield joiner.feed(first), None
        boots = Walk(self._source.boots)
        while True:
            run = boots.check(cursor, self._carry_out(read_on(cursor, end_us), boots.now))
            if told:
                run, boots.missing = replace(run, gap=None), None
            gap = run.gap
            if gap is not None:
                yield joiner.close(), None
            yield joiner.feed(list(run.entries)), gap
            cursor, told = run.entries[-1].cursor if run.entries else cursor, False
            self.dead_end = cursor if run.dead_end else None
            if not run.end:
                continue
            yield joiner.close(), None
            self.in_doubt = self.in_doubt or boots.now is not None
            if boots.now is None and self.misses_boot(cursor):
                if boots.begin(cursor):
                    continue
                boots.end(Gap(time_of(cursor), None))
            elif not boots.next():
                return
            cursor = "t=1"

    def _first(self, end_us: int) -> tuple[str, list[Entry]]:
        """Return the cursor to read on from, and its entry if the reader does not have that yet."""
        start = self.start
        if isinstance(start, Last) and start.lines is not None:
            first = self._first_of_last(max(1, start.lines), end_us)
            if first is None:
                raise ReadFailed(Trouble.DAMAGE)
            return first.cursor, [first]
        if isinstance(start, Last):
            return "t=1", []
        wanted = self._source.ask(self._unit, Step(start.cursor, False, 1)).entries if start.inclusive else ()
        return start.cursor, [each for each in wanted if same_entry(each.cursor, start.cursor)]

    def _first_of_last(self, lines: int, end_us: int) -> Entry | None:
        """Return the first of the last entries, by the order of the boots."""
        found = self._source.ask(self._unit, Step(None, True, lines)).entries
        if found and (doubtful(found, back=True) is not None or self.misses_boot(found[0].cursor)):
            rank = {boot.id: number for number, boot in enumerate(self._source.boots())}
            current = self._source.boot()
            mine = self._source.ask(self._unit, Step(None, True, lines, current)).entries
            others = [each for each in found if boot_of(each.cursor) != current]
            others.sort(key=lambda each: -rank.get(boot_of(each.cursor) or "", -1))
            return [*mine, *others][:lines][-1]
        return self._carry_out(last(lines, end_us))

    def _carry_out(self, plan: Generator[Step, Answer, T], boot: str | None = None) -> T:
        step = next(plan)
        try:
            while True:
                step = plan.send(self._source.ask(self._unit, replace(step, boot=boot)))
        except StopIteration as end:
            found: T = end.value
            return found

    def failed(self, problem: Exception) -> float | None:
        """Count a failure. Return the seconds until the next try, or None if there is none."""
        trouble = trouble_of(problem)
        if self.tries.failed(trouble):
            return None
        self.attempt += 1
        if trouble is Trouble.RIGHT:
            self._source.rights_in_doubt()
        return EVERY.get(trouble) or self._backoff.next()

    def succeeded(self) -> None:
        """Forget all failures: there was progress."""
        self.tries.succeeded()
        self._backoff.reset()
        self.attempt = 0
