"""The past of a node's journal, for everyone who asks.

Belongs here: how many searches run on a node at once, that the same question is asked once, and carrying what
`journal.history` decides to journalctl and back. It must not know who asks, nor what an answer looks like on the wire.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import gevent
from gevent.lock import BoundedSemaphore

from ..errors import (
    BadRequest,
    EthPillarError,
    InternalError,
    LimitReached,
    LogUnavailable,
    SshUnreachable,
    whereabouts,
)
from ..journal.boots import Boot
from ..journal.entry import Entry
from ..journal.history.bounds import DEFAULT, Bounds
from ..journal.history.histogram import Histogram
from ..journal.history.page import Page
from ..journal.history.paging import NoSuchCursor, Paging
from ..journal.history.query import Query
from ..journal.steps import Step
from ..limits.ledger import Ledger
from ..turns import breathe
from ..units import service_name
from .source import weighed

log = logging.getLogger(__name__)

SEARCHES = 2
"Searches on a node at once: each keeps one of its processors busy."
TURN = 10.0
"Seconds that a further search waits for its turn."
PAGE = 20_000
"Bytes of a page that is being read besides its entries, roughly."
GRACE = 3.0
"Seconds beyond a page's own bound after which journalctl is taken to hang."
SLOW = "The journal is too large for the node's disk. To make it smaller: sudo journalctl --vacuum-size=1G"


class Slice(Protocol):
    """The entries of one journalctl that reads the past, as they come.

    Call `read` until it returns []. Only then `status` (0: all has come; -1: the connection broke, or it took too long)
    and `complaint` are final. Lines that journald cut are still in pieces.
    """

    def read(self) -> list[Entry]:
        """Wait for entries; [] when there will be no more."""

    def status(self) -> int:
        """At the end: journalctl's exit status; -1 if the connection broke or journalctl took too long."""

    def complaint(self) -> bytes:
        """Return the last of what journalctl wrote to standard error."""


class PastSource(Protocol):
    """What reading the past needs of a node.

    `slice` and `boots` may wait for it; `description` and `rights_in_doubt` return at once. Each may raise an
    `EthPillarError`, which ends the search; a `slice` ends its journalctl however its block is left.
    """

    def slice(self, units: Sequence[str], step: Step, timeout: float) -> AbstractContextManager[Slice]:
        """Run one journalctl; after `timeout` seconds it is over."""

    def description(self, unit: str) -> str | None:
        """Return a unit's description if it is known; asks nobody."""

    def boots(self) -> Sequence[Boot]:
        """See `nodes.source.JournalSource`."""

    def rights_in_doubt(self) -> bool:
        """See `nodes.source.JournalSource`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page, and the histogram if one was asked for."""

    page: Page
    counts: Sequence[tuple[int, int, int, int]] | None = None
    "Each: from when (microseconds since the epoch), lines, warnings, errors and worse."


class _Search:
    """A question under way, and how many wait for its answer."""

    def __init__(self, act: Callable[[], Answer], session: str) -> None:
        self._session = session
        self.waiting = 0
        self._greenlet: gevent.Greenlet[..., Answer | EthPillarError] = gevent.spawn(self._caught, act)

    def _caught(self, act: Callable[[], Answer]) -> Answer | EthPillarError:
        # It returns errors: gevent would print the stack trace of a greenlet that raises.
        try:
            return act()
        except EthPillarError as problem:
            return problem.with_traceback(None)
        except Exception as problem:  # noqa: BLE001
            log.error("A search failed (%s)", whereabouts(problem), extra={"session": self._session})
            return InternalError()

    def result(self) -> Answer:
        """Wait for the answer."""
        found = self._greenlet.get()
        if isinstance(found, Answer):
            return found
        raise found.copy() if isinstance(found, EthPillarError) else SshUnreachable()

    def stop(self) -> None:
        """End it, and wait until its journalctl is given up."""
        self._greenlet.kill()


class History:
    """Answers questions about the past of one node's journal."""

    def __init__(
        self,
        source: PastSource,
        bounds: Bounds = DEFAULT,
        clock: Callable[[], float] = time.monotonic,
        session: str = "",
        ledger: Ledger | None = None,
    ) -> None:
        """
        :param session: its name in the log
        :param ledger: where its pages are weighed
        """
        self._ledger = ledger or Ledger()
        self._session = session
        self._source = source
        self._bounds = bounds
        self._clock = clock
        self._turns = BoundedSemaphore(SEARCHES)
        self._searches: dict[Hashable, _Search] = {}

    def __len__(self) -> int:
        return len(self._searches)

    def read(self, query: Query, buckets: int | None = None) -> Answer:
        """Return a page, or a histogram of so many stretches. Callers who ask the same meanwhile share the answer.

        A caller that is killed while it waits ends the search on the node, unless others wait for it.

        :raises BadRequest: the cursor is none
        :raises LimitReached: too many searches run on the node already
        :raises EthPillarError: the journal can't be read
        """
        key = (query, buckets)
        search = self._searches.get(key)
        if search is None:
            search = self._searches[key] = _Search(lambda: self._turn(query, buckets), self._session)
        search.waiting += 1
        try:
            return search.result()
        finally:
            search.waiting -= 1
            if not search.waiting:
                if self._searches.get(key) is search:
                    del self._searches[key]
                search.stop()

    def close(self) -> None:
        """End every search."""
        for search in list(self._searches.values()):
            search.stop()

    def _turn(self, query: Query, buckets: int | None) -> Answer:
        if query.wanted.everything and buckets is None:
            return self._read(query, buckets)
        if not self._turns.acquire(timeout=TURN):
            raise LimitReached("Too many searches run on this node already.", hint="Wait for one of them to end.")
        try:
            return self._read(query, buckets)
        finally:
            self._turns.release()

    def _read(self, query: Query, buckets: int | None) -> Answer:
        histogram, paging = self._run(query, buckets)
        if paging.in_doubt and self._source.rights_in_doubt():
            histogram, paging = self._run(query, buckets)  # raises `PermissionDenied` if that is why
        page = paging.page()
        if paging.failed or (page.more and not page.scanned):  # the second: all the time went by for nothing
            service = service_name(query.units[0]) if query.units else "system"
            raise LogUnavailable(service, hint=None if paging.failed else SLOW)
        return Answer(page, histogram.counts() if histogram else None)

    def _run(self, query: Query, buckets: int | None) -> tuple[Histogram | None, Paging]:
        """Run one journalctl after the other until the page is complete."""
        histogram = None if buckets is None else Histogram(query, buckets)
        source, clock = self._source, self._clock
        paging = Paging(query, clock, source.description, self._bounds, breathe, source.boots, histogram)
        with weighed(paging, self._ledger, "pages", PAGE):
            self._fill(query, paging)
        return histogram, paging

    def _fill(self, query: Query, paging: Paging) -> None:
        source, clock = self._source, self._clock
        end = clock() + self._bounds.seconds + GRACE
        broken = False  # a slice without an end is read again once
        while (step := paging.next_step()) is not None:
            with source.slice(query.units, step, max(1.0, end - clock())) as stream:
                status, complaint = _feed(paging, stream)
            if status < 0:
                if broken and clock() < end - GRACE:
                    raise SshUnreachable
                broken = True
                continue
            try:
                paging.ended(status, complaint)
            except NoSuchCursor:
                raise BadRequest("The cursor must be one from an earlier line.") from None


def _feed(paging: Paging, stream: Slice) -> tuple[int, bytes]:
    """Give a slice's entries to a page; the exit status (0 if no more were needed) and the complaint."""
    held: list[Entry] = []  # back until more has come, so that what was said on the other stream before is here
    while True:
        entries = stream.read()
        if not paging.trusts(stream.complaint()):
            return 0, stream.complaint()
        if held and not paging.feed(held):
            return 0, b""
        if not entries:
            return stream.status(), stream.complaint()
        held = entries
