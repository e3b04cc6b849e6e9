"""Logs whose journal is damaged: what can be read comes, the rest is a gap, and the log is live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import HINT, Answer, Step
from ethpillar.nodes.log_feed import LogFeed

from ..journal.damaged import START, Files, entry
from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, make_feed


class Stream:
    """What one journalctl on damaged files prints."""

    def __init__(self, journal: DamagedJournal, answer: Answer, follow: bool) -> None:
        self._journal = journal
        self._answer = answer
        self._left = list(answer.entries)
        self._follow = follow and answer.status == 0
        self._closed = False
        self._seen = journal.total
        self.count = 0

    def read(self) -> list[Entry]:
        while True:
            found, self._left = self._left[:7], self._left[7:]
            if self._follow and not found:
                found = self._journal.all_after(self._seen)
                self._seen += len(found)
            self.count += len(found)
            if found or not self._follow or self._closed:
                return found
            self._journal.wait()

    def status(self) -> int:
        return -1 if self._closed else self._answer.status

    def complaint(self) -> bytes:
        return self._answer.complaint

    def close(self) -> None:
        self._closed = True
        self._journal._wake()


class DamagedJournal(FakeJournal):
    """Three files of 100 entries each; more can be written."""

    def __init__(self) -> None:
        super().__init__()
        self.files = Files([[entry(file * 100 + each) for each in range(100)] for file in range(3)])

    @property
    def total(self) -> int:
        return sum(map(len, self.files.files))

    def all_after(self, count: int) -> list[Entry]:
        return [each for file in self.files.files for each in file][count:]

    def wait(self) -> None:
        self._news.wait()

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.files.files[-1].append(entry(self.total))
        self._wake()

    def ask(self, unit: str, step: Step) -> Answer:
        return self.files.answer(step)

    @contextmanager
    def journal(  # type: ignore[override]
        self, unit: str, step: Step
    ) -> Iterator[Stream]:
        if step.cursor is None and step.count is not None:
            back = self.files.answer(Step(None, True, step.count))
            answer = Answer(list(back.entries)[::-1] if not back.status else (), back.status, back.complaint)
        else:
            answer = self.files.answer(Step(step.cursor or "t=1", False, 10**6))
        yield Stream(self, answer, step.follow)


@pytest.fixture
def damaged() -> Iterator[tuple[DamagedJournal, LogFeed]]:
    journal = DamagedJournal()
    feed = make_feed(journal)
    yield journal, feed
    feed.close()


def numbers(sink: FakeSink) -> list[int]:
    return [int(line.removeprefix("line ")) for line in sink.got]


def gaps(sink: FakeSink) -> list[dict[str, Any]]:
    return [details for state, details in sink.states if state == "gap"]


def gap(older: int, newer: int | None) -> dict[str, Any]:
    times = [None if each is None else START + each * 1_000 for each in (older, newer)]
    return {"reason": "damaged", "from_us": times[0], "to_us": times[1], "hint": HINT}


def tear(journal: DamagedJournal, kind: str, *which: int) -> None:
    getattr(journal.files, kind).update(entry(each).cursor for each in which)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["torn", "unreadable"])
@pytest.mark.parametrize("lines", [50, 250])
def test_a_backlog_across_damage(damaged: tuple[DamagedJournal, LogFeed], kind: str, lines: int) -> None:
    journal, feed = damaged
    tear(journal, kind, 270, 271, 150)
    sink = FakeSink()
    feed.subscribe(sink, lines)
    until(lambda: sink.states and sink.states[-1][0] == "live", "live")
    readable = [each for each in range(300) if each not in (150, 270, 271)]
    assert numbers(sink) == readable[-lines:]
    assert gaps(sink) == ([gap(149, 151)] if lines > 150 else []) + [gap(269, 272)]
    journal.write(5)
    until(lambda: numbers(sink)[-1] == 304, "live lines")
    assert numbers(sink) == [*readable[-lines:], *range(300, 305)]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["torn", "unreadable"])
def test_damage_at_the_end(damaged: tuple[DamagedJournal, LogFeed], kind: str) -> None:
    journal, feed = damaged
    tear(journal, kind, 298, 299)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states and sink.states[-1][0] == "live", "live")
    assert numbers(sink) == list(range(248, 298))
    journal.write(5)
    until(lambda: numbers(sink)[-1] == 304, "live lines")
    assert numbers(sink) == [*range(248, 298), *range(300, 305)]
    assert gaps(sink) == [gap(297, None)]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["torn", "unreadable"])
@pytest.mark.parametrize("where", [20, 21, 150])
def test_resuming_across_damage(damaged: tuple[DamagedJournal, LogFeed], kind: str, where: int) -> None:
    journal, feed = damaged
    tear(journal, kind, where)
    sink = FakeSink()
    feed.subscribe(sink, after=entry(20).cursor)
    until(lambda: sink.states and sink.states[-1][0] == "live", "live")
    assert numbers(sink) == [each for each in range(21, 300) if each != where]
    assert gaps(sink) == [gap(max(20, where - 1), where + 1)]


@pytest.mark.usefixtures("impatient")
def test_a_whole_file(damaged: tuple[DamagedJournal, LogFeed]) -> None:
    journal, feed = damaged
    journal.files.ignored.add(1)
    sinks = [FakeSink(), FakeSink(), FakeSink()]
    for sink, how in zip(sinks, ({"lines": 50}, {"lines": 180}, {"after": entry(50).cursor}), strict=True):
        feed.subscribe(sink, **how)  # type: ignore[arg-type]
    for sink in sinks:
        until(lambda sink=sink: sink.states and sink.states[-1][0] == "live", "live")  # type: ignore[misc]
    readable = [*range(100), *range(200, 300)]
    assert numbers(sinks[0]) == readable[-50:]
    assert gaps(sinks[0]) == []
    assert numbers(sinks[1]) == readable[-180:]
    assert numbers(sinks[2]) == readable[51:]
    assert gaps(sinks[1]) == gaps(sinks[2]) == [gap(99, 200)]


@pytest.mark.usefixtures("impatient")
def test_a_damaged_journal_is_not_read_at_the_same_place_for_ever(damaged: tuple[DamagedJournal, LogFeed]) -> None:
    journal, feed = damaged
    tear(journal, "unreadable", 290)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states and sink.states[-1][0] == "live", "live")
    asked = journal.files.asked
    for _ in range(20):
        journal.write(1)
        until(lambda: numbers(sink)[-1] == journal.total - 1, "the line")
    assert journal.files.asked == asked


@pytest.mark.usefixtures("impatient")
def test_nothing_can_be_read(damaged: tuple[DamagedJournal, LogFeed]) -> None:
    journal, feed = damaged
    tear(journal, "unreadable", *range(300))
    sink = FakeSink()
    feed.subscribe(sink)
    error = until(lambda: sink.error, "the error")
    assert error.code == "log_unavailable"
    assert "journalctl --verify" in (error.hint or "")
