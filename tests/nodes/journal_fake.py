"""A journal in memory, as a `JournalSource`: it can break, lose its past and be slow, and counts what is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ethpillar.errors import EthPillarError, SshUnreachable
from ethpillar.journal.entry import Entry
from ethpillar.nodes.ring import Item


class FakeJournal:
    """One unit's entries, numbered from 0. `vacuumed` of them are gone."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.vacuumed = 0
        self.open = 0
        self.opened = 0
        self.refusal: EthPillarError | None = None
        self.changed = 0
        self.doubted = 0
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

    def rights_in_doubt(self) -> bool:
        self.doubted += 1
        return True

    @contextmanager
    def journal(
        self, unit: str, *, lines: int | None = None, cursor: str | None = None, follow: bool = False
    ) -> Iterator[FakeStream]:
        gevent.sleep(0)
        if not self._connected.is_set():
            raise SshUnreachable
        start = self.vacuumed if lines is None else max(self.vacuumed, len(self.entries) - lines)
        if cursor is not None:
            start = max(self.vacuumed, int(cursor.split(";")[0][2:], 16))
        self.open += 1
        self.opened += 1
        try:
            yield FakeStream(self, start, follow, self._generation)
        finally:
            self.open -= 1


class FakeStream:
    def __init__(self, journal: FakeJournal, position: int, follow: bool, generation: int) -> None:
        self._journal = journal
        self._position = position
        self._follow = follow
        self._generation = generation
        self._broken = False
        self.count = 0

    def read(self) -> list[Entry]:
        gevent.sleep(0)
        while True:
            if self._journal._generation != self._generation:
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

    def lines(self, items: list[Item]) -> None:
        self.peak = max(self.peak, len(items))
        self.got += [line for item in items for line in item.data]

    def state(self, state: str, details: dict[str, Any]) -> None:
        self.states.append((state, details))

    def failed(self, error: EthPillarError) -> None:
        self.error = error


def encode(service: str, entry: Entry, text: str, line: Any, last: bool) -> str:
    return text
