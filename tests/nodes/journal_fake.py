"""A journal in memory, as a `JournalSource`: it can break, lose its past and be slow, and counts what is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ethpillar.errors import EthPillarError, LimitReached, SshUnreachable, UnitNotFound
from ethpillar.journal.boots import Boot
from ethpillar.journal.cursor import Cursor
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Answer, Step
from ethpillar.limits.ledger import Ledger
from ethpillar.nodes.items import Encoder, Item, ItemMaker
from ethpillar.nodes.log_feed import LogFeed
from ethpillar.nodes.ring import Ring
from ethpillar.timing import Backoff

from ..waiting import until


class FakeJournal:
    """One unit's entries, numbered from 0. `vacuumed` of them are gone."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.vacuumed = 0
        self.open = 0
        self.opened = 0
        self.most_open = 0
        self.channels: int | None = None
        self.refusal: EthPillarError | None = None
        self.changed = 0
        self.doubted = 0
        self.where: str | None = None
        "Where the unit's output goes, if not to this journal."
        self.printed_us: int | None = None
        self.catching_up = BoundedSemaphore(6)
        self._connected = Event()
        self._connected.set()
        self._news = Event()
        self._generation = 0

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            number = len(self.entries)
            self.entries.append(Entry(f"i={number:x};t={number + 1:x}", number + 1, b"line %d" % number, 6))
        self._wake()

    def vacuum(self, keep: int) -> None:
        self.vacuumed = max(self.vacuumed, len(self.entries) - keep)

    def cut(self) -> None:
        """The connection breaks: every stream ends."""
        self._connected.clear()
        self._generation += 1
        self._wake()

    def mend(self) -> None:
        self._connected.set()

    def end_streams(self) -> None:
        """journalctl ends by itself; the connection stands."""
        self._generation += 1
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, Event()
        news.set()

    # -- JournalSource

    def check_unit(self, unit: str) -> str | None:
        if not self._connected.is_set():
            raise SshUnreachable
        if self.refusal is not None:
            raise self.refusal
        return "Geth Execution Layer Client service for HOODI"

    def wait_connected(self) -> None:
        self._connected.wait()

    def unit_changed(self, unit: str) -> None:
        self.changed += 1

    def elsewhere(self, unit: str, printed_us: int | None) -> str | None:
        self.printed_us = printed_us
        return self.where

    def rights_in_doubt(self) -> bool:
        self.doubted += 1
        return True

    def boot(self, fresh: bool = False) -> str | None:
        return None

    def boots(self) -> list[Boot]:
        return []

    def ask(self, unit: str, step: Step) -> Answer:
        with self.journal(unit, Step()) as _:
            pass
        cursor = Cursor.parse(step.cursor or "")
        kept = self.entries[self.vacuumed :]
        if cursor.is_time:
            at = cursor.realtime_us or 0
            kept = [each for each in kept if (each.realtime_us <= at if step.reverse else each.realtime_us >= at)]
        elif step.cursor is not None:
            at = cursor.sequence_number or 0
            kept = [each for each in kept if (each.realtime_us <= at + 1 if step.reverse else each.realtime_us > at)]
        return Answer(kept[::-1][: step.count] if step.reverse else kept[: step.count])

    @contextmanager
    def journal(self, unit: str, step: Step) -> Iterator[FakeStream]:
        gevent.sleep(0)
        if not self._connected.is_set():
            raise SshUnreachable
        if self.refusal is not None and not isinstance(self.refusal, UnitNotFound):
            raise self.refusal
        if self.channels is not None and self.open >= self.channels:
            raise LimitReached
        start = self.vacuumed if step.count is None else max(self.vacuumed, len(self.entries) - step.count)
        if step.cursor is not None:
            start = max(self.vacuumed, int(step.cursor.split(";")[0][2:], 16))
        self.open += 1
        self.opened += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield FakeStream(self, start, step.follow, self._generation)
        finally:
            self.open -= 1


class FakeStream:
    def __init__(self, journal: FakeJournal, position: int, follow: bool, generation: int) -> None:
        self._journal = journal
        self._position = position
        self._follow = follow
        self._generation = generation
        self._broken = False
        self._closed = False
        self.count = 0

    def close(self) -> None:
        self._closed = True
        self._journal._wake()

    def read(self) -> list[Entry]:
        gevent.sleep(0)
        while True:
            if self._closed or self._journal._generation != self._generation:
                self._broken = True
                return []
            found = self._journal.entries[self._position : self._position + 7]
            if found:
                self._position += len(found)
                self.count += len(found)
                return found
            if not self._follow:
                return []
            self._journal._news.wait()

    def status(self) -> int:
        return -1 if self._broken else 0

    def complaint(self) -> bytes:
        return b""


class FakeSink:
    """A `LogSink` that can be slow."""

    def __init__(self, window: float = 0.0) -> None:
        self.window = window
        self.got: list[str] = []
        self.states: list[tuple[str, dict[str, Any]]] = []
        self.error: EthPillarError | None = None
        self.told_where: list[str] = []
        self.errors = 0
        self.frozen = False
        self.peak = 0

    def wait_ready(self, timeout: float | None = None) -> bool:
        waited = 0.0
        while self.frozen:
            if timeout is not None and waited >= timeout:
                return False
            gevent.sleep(0.002)
            waited += 0.002
        return True

    def ready(self) -> bool:
        return not self.frozen

    def lines(self, items: list[Item]) -> None:
        self.peak = max(self.peak, len(items))
        self.got += b"".join([item.data for item in items]).decode().splitlines()

    def state(self, state: str, details: dict[str, Any]) -> None:
        self.states.append((state, details))

    def elsewhere(self, where: str) -> None:
        self.told_where.append(where)

    def failed(self, error: EthPillarError) -> None:
        self.error = error
        self.errors += 1


def encode(service: str, entry: Entry, text: str, line: Any, last: bool) -> bytes:
    return text.encode() + b"\n"


def numbers(sink: FakeSink) -> list[int]:
    return [int(line.removeprefix("line ")) for line in sink.got]


def make_feed(journal: FakeJournal, entries: int = 1000, ledger: Ledger | None = None) -> LogFeed:
    items, ring = ItemMaker("execution", Encoder(encode)), Ring(entries, 10**7)
    feed = LogFeed("execution.service", journal, items, ring, lambda _, __: None, ledger=ledger)
    feed._follower._reader._backoff = Backoff(0.001, 0.002)
    return feed


def expect(sink: FakeSink, wanted: range) -> None:
    until(lambda: len(sink.got) >= len(wanted), f"{len(wanted)} lines")
    assert numbers(sink) == list(wanted)


class Bad:
    """A journalctl that fails."""

    def __init__(self, status: int, complaint: bytes = b"") -> None:
        self._status = status
        self._complaint = complaint
        self.count = 0

    def read(self) -> list[Entry]:
        gevent.sleep(0)
        return []

    def status(self) -> int:
        return self._status

    def complaint(self) -> bytes:
        return self._complaint


def failing(journal: FakeJournal, times: int, bad: Bad, follow: bool = False) -> list[int]:
    """Makes the next journalctl of a kind fail; returns a list of how often it did."""
    open_journal, failed = journal.journal, [0]

    @contextmanager
    def journal_or_not(unit: str, step: Step) -> Iterator[Any]:
        with open_journal(unit, step) as stream:
            if step.follow == follow and failed[0] < times:
                failed[0] += 1
                yield bad
            else:
                yield stream

    journal.journal = journal_or_not  # type: ignore[method-assign, assignment]
    return failed


def told(sink: FakeSink) -> list[tuple[str, int | None]]:
    return [(state, details.get("attempt")) for state, details in sink.states]


def refusing(journal: FakeJournal, problems: list[EthPillarError], failing_then: Bad | None = None) -> None:
    """Makes the next journalctls be refused, with one problem after the other, and at last one fail that began."""
    open_journal = journal.journal

    @contextmanager
    def refused(unit: str, step: Step) -> Iterator[Any]:
        nonlocal failing_then
        if problems:
            raise problems.pop(0)
        with open_journal(unit, step) as stream:
            bad, failing_then = failing_then, None
            yield bad or stream

    journal.journal = refused  # type: ignore[method-assign, assignment]
