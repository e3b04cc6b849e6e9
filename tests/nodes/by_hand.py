"""A journal whose journalctls print what a test hands them, and a clock that the test moves on."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.queue import Queue

from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Answer, Step
from ethpillar.nodes import follower, intake, status_feed, subscription
from ethpillar.nodes.log import Signal

from ..waiting import until
from .journal_fake import FakeJournal


def entry(number: int, boot: str = "b1", sequence: str = "a") -> Entry:
    cursor = f"s={sequence};i={number:x};b={boot};m={number:x};t={number + 1:x};x={number:x}"
    return Entry(cursor, number + 1, b"line %d" % number, 6, boot_id=boot)


def entries(*numbers: int, boot: str = "b1", sequence: str = "a") -> list[Entry]:
    return [entry(number, boot, sequence) for number in numbers]


def settle() -> None:
    """Let everything happen that can."""
    for _ in range(50):
        gevent.sleep(0)


class Watched(Signal):
    """A signal of which is known how often it was fired, and how long somebody would wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.fired = 0
        self.waits: list[float | None] = []

    def fire(self) -> None:
        self.fired += 1
        super().fire()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return super().wait()


class Journalctl:
    """One that was started, and prints when the test says so."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.closed = 0
        self.count = 0
        self._batches: Queue[list[Entry]] = Queue()
        self._status = 0
        self._complaint = b""

    def prints(self, *numbers: int, complaint: bytes = b"", boot: str = "b1", sequence: str = "a") -> Journalctl:
        """Print entries at once, and perhaps say something on standard error."""
        self._complaint += complaint
        self._batches.put(entries(*numbers, boot=boot, sequence=sequence))
        return self

    def ends(self, status: int = 0) -> None:
        self._status = status
        self._batches.put([])

    @property
    def unread(self) -> int:
        """Batches that nobody has read."""
        return self._batches.qsize()

    # -- EntryStream

    def read(self) -> list[Entry]:
        found = self._batches.get()
        self.count += len(found)
        return found

    def status(self) -> int:
        return self._status

    def complaint(self) -> bytes:
        return self._complaint

    def close(self) -> None:
        self.closed += 1
        self.ends(-1)


class Node(FakeJournal):
    """Its journalctls print by hand; what is asked is answered of `written`."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Entry] = []
        self.started: list[Journalctl] = []
        self.asked: list[Step] = []
        self.refusals: list[Exception] = []
        "What the next journalctls are refused with."
        self._taken = 0

    def next(self) -> Journalctl:
        """Return the next journalctl that is started, once it is."""
        until(lambda: len(self.started) > self._taken, "a journalctl")
        self._taken += 1
        return self.started[self._taken - 1]

    @property
    def more(self) -> int:
        """Journalctls that were started besides those that `next` returned."""
        return len(self.started) - self._taken

    # -- JournalSource

    def boot(self, fresh: bool = False) -> str | None:
        return "b1"

    def ask(self, unit: str, step: Step) -> Answer:
        self.asked.append(step)
        at = next((at for at, each in enumerate(self.written) if each.cursor == step.cursor), 0)
        return Answer(self.written[at:][: step.count])

    @contextmanager
    def journal(self, unit: str, step: Step) -> Iterator[Journalctl]:  # type: ignore[override]
        if self.refusals:
            raise self.refusals.pop(0)
        self.started.append(Journalctl(step))
        self.open += 1
        try:
            yield self.started[-1]
        finally:
            self.open -= 1


class Clock:
    """Stands for the modules `gevent` and `time`: who sleeps is woken when the test moves the time on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.breaths = 0
        "How often others were given a turn between runs; when they have had it depends on the true time."
        self._sleeping: list[tuple[float, int, float, Event]] = []
        self._number = count()

    def __getattr__(self, name: str) -> Any:
        return getattr(gevent, name)

    def rule(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        """Be the only time that followers, subscribers and polls know of."""
        for each in (follower, subscription, status_feed):
            monkeypatch.setattr(each, "gevent", self)
            monkeypatch.setattr(each, "time", self)
        for each in (intake, subscription):
            monkeypatch.setattr(each, "breathe", self._breathe)
        return self

    def _breathe(self) -> None:
        self.breaths += 1

    def monotonic(self) -> float:
        return self.now

    time = monotonic

    def sleep(self, seconds: float = 0.0) -> None:
        if seconds <= 0:
            gevent.sleep(0)
            return
        woken = Event()
        asleep = (self.now + seconds, next(self._number), seconds, woken)
        heapq.heappush(self._sleeping, asleep)
        try:
            woken.wait()
        finally:
            if asleep in self._sleeping:
                self._sleeping.remove(asleep)
                heapq.heapify(self._sleeping)

    def spawn_later(self, seconds: float, act: Callable[..., Any], *arguments: Any) -> gevent.Greenlet[..., Any]:
        def late() -> Any:
            self.sleep(seconds)
            return act(*arguments)

        return gevent.spawn(late)

    @property
    def naps(self) -> list[float]:
        """For how many seconds each sleeps that sleeps now."""
        return sorted(seconds for _, _, seconds, _ in self._sleeping)

    def forward(self, seconds: float) -> None:
        """Move the time on, and let everything happen that is due meanwhile, in order."""
        settle()
        end = self.now + seconds
        while self._sleeping and self._sleeping[0][0] <= end:
            due, _, _, woken = heapq.heappop(self._sleeping)
            self.now = due
            woken.set()
            settle()
        self.now = end
