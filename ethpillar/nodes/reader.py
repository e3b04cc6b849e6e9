"""Where one reader of a unit's journal is, and when it tries again.

Belongs here: carrying the decisions of `journal.reading` and `nodes.tries` to a node and back. The follower of a log
has one reader, and so has each of its subscribers. It must not know what becomes of the entries.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ..journal.cursor import same_entry
from ..journal.detour import Answer, Gap, Step, last, read_on
from ..journal.entry import Entry
from ..journal.joining import LineJoiner
from ..journal.reading import After, Last, Reading, Start, Verdict, verdict
from ..timing import Backoff
from .source import EntryStream, JournalSource
from .tries import Limits, ReadFailed, Tries, Trouble, trouble_of

T = TypeVar("T")

CLOCKS = 86400
"Seconds by which a node's clock may be ahead of ours."
EVERY = {Trouble.RIGHT: 2.5}
"""Seconds between the tries of a kind that does not back off. A node believes for two seconds that a right it found
missing is missing still; the next try has to search for it."""


class JournalReader:
    """Reads a unit's journal from one place on."""

    def __init__(self, unit: str, source: JournalSource, start: Start, limits: Limits) -> None:
        """:param start: where to start; :param limits: how often to try again"""
        self._unit = unit
        self._source = source
        self.start = start
        "Where the next journalctl starts. Whoever uses the entries moves it on."
        self.tries = Tries(limits)
        self._backoff = Backoff()
        self.dead_end: str | None = None
        "The last entry before damage beyond which nothing could be read."
        self.attempt = 0
        "Pauses between tries since the last progress."

    @contextmanager
    def open(self, follow: bool = False) -> Iterator[tuple[Reading, EntryStream]]:
        """Start a journalctl, and end it with the block. Raises as `JournalSource.journal`."""
        start = self.start
        lines, cursor = (start.lines, None) if isinstance(start, Last) else (None, start.cursor)
        with self._source.journal(self._unit, lines=lines, cursor=cursor, follow=follow) as stream:
            yield Reading(start), stream

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

    def go_round(self) -> Iterator[tuple[Sequence[Entry], Gap | None]]:
        """Read from the start to the journal's end, round all that can't be read.

        :return: entries, each run of them with the gap before it
        :raises ReadFailed: nothing can be read
        :raises EthPillarError: as `JournalSource.ask`
        """
        self.dead_end = None
        end_us = int((time.time() + CLOCKS) * 1_000_000)
        start, joiner = self.start, LineJoiner()
        told = isinstance(start, After) and start.gone
        if isinstance(start, After) or start.lines is None:
            cursor = start.cursor if isinstance(start, After) else "t=1"
            if isinstance(start, After) and start.inclusive:
                answer = self._source.ask(self._unit, Step(cursor, False, 1))
                yield joiner.feed([each for each in answer.entries if same_entry(each.cursor, cursor)]), None
        else:
            first = self._carry_out(last(max(1, start.lines), end_us))
            if first is None:
                raise ReadFailed(Trouble.DAMAGE)
            yield joiner.feed([first]), None
            cursor = first.cursor
        end = False
        while not end:
            run = self._carry_out(read_on(cursor, end_us))
            gap = None if told else run.gap
            if gap is not None:
                yield joiner.close(), None
            yield joiner.feed(list(run.entries)), gap
            cursor, end, told = run.entries[-1].cursor if run.entries else cursor, run.end, False
            self.dead_end = cursor if run.dead_end else None
        yield joiner.close(), None

    def _carry_out(self, plan: Generator[Step, Answer, T]) -> T:
        step = next(plan)
        try:
            while True:
                step = plan.send(self._source.ask(self._unit, step))
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
