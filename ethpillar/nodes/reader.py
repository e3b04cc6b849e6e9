"""Where one reader of a unit's journal is, and when it tries again.

Belongs here: carrying the decisions of `journal.reading` and `nodes.tries` to a node and back. The follower of a log
has one reader, and so has each of its subscribers. It must not know what becomes of the entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..journal.reading import Last, Reading, Start, Verdict, verdict
from ..timing import Backoff
from .source import EntryStream, JournalSource
from .tries import Limits, ReadFailed, Tries, Trouble, trouble_of

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
        """Return `COMPLETE` or `NO_CURSOR` for a stream that has ended.

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
        if found in (Verdict.COMPLETE, Verdict.NO_CURSOR):
            return found
        if found is Verdict.DAMAGED:
            raise ReadFailed(Trouble.DAMAGE)
        # A doubt may not be looked into, as the right was found a moment ago. Then nothing is proved by it.
        checks = found is Verdict.DOUBT and self._source.rights_in_doubt()
        if status > 0:
            raise ReadFailed(Trouble.JOURNAL)
        raise ReadFailed(Trouble.NOTHING if checks else Trouble.LINK)

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
