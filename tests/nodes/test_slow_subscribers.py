"""Subscribers that are slow lose nothing and hold nobody up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from gevent.lock import BoundedSemaphore

from ethpillar.errors import LimitReached
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Step
from ethpillar.limits.ledger import Ledger
from ethpillar.nodes import intake
from ethpillar.nodes.intake import Grace
from ethpillar.nodes.items import Item
from ethpillar.nodes.log_feed import LogFeed

from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, expect, make_feed, numbers


def test_a_frozen_subscriber_holds_nobody_up_and_gets_everything_later(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=60)
    quick, frozen = FakeSink(), FakeSink()
    feed.subscribe(quick)
    feed.subscribe(frozen)
    journal.write(1)
    expect(quick, range(1))
    expect(frozen, range(1))
    frozen.frozen = True
    journal.write(2000)
    expect(quick, range(2001))
    assert len(feed.ring) <= 60
    frozen.frozen = False
    expect(frozen, range(2001))
    journal.write(1)
    expect(frozen, range(2002))
    assert not [state for state, _ in frozen.states if state == "gap"]
    feed.close()
    assert journal.open == 0


@pytest.mark.parametrize("before", [0, 30])
@pytest.mark.parametrize("lines", [0, 10])
def test_a_subscriber_that_is_frozen_from_the_start_gets_everything_later(before: int, lines: int) -> None:
    journal = FakeJournal()
    journal.write(before)
    feed = make_feed(journal, entries=40)
    quick, frozen = FakeSink(), FakeSink()
    feed.subscribe(quick, 0)
    until(lambda: quick.states, "live")
    frozen.frozen = True
    feed.subscribe(frozen, lines)
    gevent.sleep(0)  # it finds its place in the ring
    for _ in range(5):
        journal.write(50)
        until(lambda: numbers(quick)[-1:] == [len(journal.entries) - 1], "the quick one to have all")
    frozen.frozen = False
    until(lambda: numbers(frozen)[-1:] == [len(journal.entries) - 1], "the rest")
    assert numbers(frozen) == list(range(max(0, before - lines), len(journal.entries)))
    assert not [state for state, _ in frozen.states if state == "gap"]
    feed.close()


def test_a_frozen_subscriber_that_wants_only_live_lines_is_told_how_many_it_missed(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=60)
    quick, frozen = FakeSink(), FakeSink()
    feed.subscribe(quick)
    feed.subscribe(frozen, lossless=False)
    journal.write(1)
    expect(quick, range(1))
    expect(frozen, range(1))
    frozen.frozen = True
    journal.write(500)
    expect(quick, range(501))
    frozen.frozen = False
    until(lambda: numbers(frozen)[-1] == 500, "the last line")
    gap = next(details for state, details in frozen.states if state == "gap")
    assert gap["reason"] == "slow"
    assert len(frozen.got) + gap["skipped"] == 501
    feed.close()


def test_when_nobody_keeps_up_the_journal_waits(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=60)
    sink = FakeSink()
    feed.subscribe(sink)
    journal.write(1)
    expect(sink, range(1))
    sink.frozen = True
    journal.write(1000)
    until(lambda: len(feed.ring) == 60, "a full ring")
    for _ in range(50):
        gevent.sleep(0)
    assert feed.ring.end <= 62  # nothing is read that nobody takes
    sink.frozen = False
    expect(sink, range(1001))
    feed.close()


def test_one_that_joins_at_the_end_need_not_wait_for_one_that_is_frozen(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=60)
    frozen = FakeSink()
    feed.subscribe(frozen)
    journal.write(1)
    expect(frozen, range(1))
    frozen.frozen = True
    journal.write(1000)
    until(lambda: len(feed.ring) == 60, "a full ring")
    sinks = [FakeSink(), FakeSink()]
    feed.subscribe(sinks[0], lines=0)
    feed.subscribe(sinks[1], after=feed.ring.slice(feed.ring.end - 1, 1)[0].cursor)
    for sink in sinks:
        until(lambda sink=sink: numbers(sink)[-1:] == [1000], "the last line")  # type: ignore[misc]
        assert numbers(sink) == list(range(numbers(sink)[0], 1001))
    frozen.frozen = False
    expect(frozen, range(1001))
    feed.close()


def test_many_that_are_frozen_at_different_places_cost_the_others_a_moment_in_all(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=100)
    graces: list[float] = []

    class Counted(Grace):
        def left(self, now: float) -> float:
            graces.append(super().left(now))
            return graces[-1]

    grace = feed._follower._intake._grace = Counted()
    quick = FakeSink()
    feed.subscribe(quick)
    frozen = [FakeSink() for _ in range(20)]
    for number, sink in enumerate(frozen):
        feed.subscribe(sink)
        journal.write(3)
        expect(quick, range(3 * number + 3))
        until(lambda sink=sink: sink.got, "a line")  # type: ignore[misc]
        sink.frozen = True
    grace._more_at = float("inf")  # there was a moment, and it is over
    journal.write(1000)
    expect(quick, range(1060))
    assert all(each <= 0 for each in graces)
    for sink in frozen:
        sink.frozen = False
    for sink in frozen:
        until(lambda sink=sink: numbers(sink)[-1:] == [1059], "the rest")  # type: ignore[misc]
        assert numbers(sink) == list(range(numbers(sink)[0], 1060))
    feed.close()


class Trickling(FakeSink):
    """Takes a little now and then, and is never so slow that it loses its place."""

    def wait_ready(self, timeout: float | None = None) -> bool:
        gevent.sleep(0.3)
        return True

    def ready(self) -> bool:
        return False


def test_those_that_trickle_do_not_keep_a_quick_one_from_the_journal(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.nodes.catch_up.SLICE", 0.0)
    journal.write(20_000)
    feed = make_feed(journal, entries=60)
    for _ in range(2):
        feed.subscribe(Trickling(), lines=5000)
    until(lambda: feed.log.catching_up.locked(), "both to read the journal")
    quick = FakeSink()
    feed.subscribe(quick, lines=3000)
    expect(quick, range(17_000, 20_000))
    feed.close()


@pytest.mark.parametrize("lossless", [True, False])
def test_lines_that_were_skipped_are_counted_and_not_entries(journal: FakeJournal, lossless: bool) -> None:
    feed = make_feed(journal, entries=60)
    quick, frozen = FakeSink(), FakeSink()
    feed.subscribe(quick)
    feed.subscribe(frozen, lossless=lossless)
    for number in range(300):
        journal.entries.append(Entry(f"i={number:x};t={number + 1:x}", number + 1, b"line %d\n  more" % number, 6))
        if not number:
            journal._wake()
            until(lambda: len(quick.got) == len(frozen.got) == 2, "the first entry")
            frozen.frozen = True
    journal._wake()
    until(lambda: len(quick.got) == 600, "all of it")
    frozen.frozen = False
    until(lambda: frozen.got[-2:] == ["line 299", "  more"], "the last entry")
    skipped = [details["skipped"] for state, details in frozen.states if state == "gap"]
    assert len(frozen.got) + sum(skipped) == 600
    assert bool(skipped) is not lossless
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_whoever_waits_for_the_journal_gets_a_turn(journal: FakeJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.catch_up.SLICE", 0.0)
    journal.write(20_000)
    feed = make_feed(journal, entries=60)
    sinks = [FakeSink() for _ in range(4)]
    for sink in sinks:
        feed.subscribe(sink, lines=5000)
    until(lambda: all(sink.got for sink in sinks), "lines for all")
    assert any(len(sink.got) < 5000 for sink in sinks)  # none of them had to wait until others had everything
    for sink in sinks:
        expect(sink, range(15_000, 20_000))
    feed.close()


def test_lines_that_come_within_a_batch_s_window_are_handed_over_together(
    journal: FakeJournal, feed: LogFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Batches(FakeSink):
        def lines(self, items: Sequence[Item]) -> None:
            super().lines(items)
            batches.append(len(items))

    class Clock:
        """The time, which stands still until the test moves it."""

        now = 1.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr("ethpillar.nodes.subscription.time", clock)
    batches: list[int] = []
    sink = Batches(window=3600.0)
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    journal.write(1)
    until(lambda: len(feed.ring) == 1, "the first entry in the ring")
    journal.write(20)
    until(lambda: len(feed.ring) == 21, "all entries in the ring")
    assert batches == []
    clock.now = 3600.0
    feed.log.news.fire()
    expect(sink, range(21))
    assert batches == [21]
    journal.write(1200)  # more than a batch is not waited for
    expect(sink, range(1000))
    until(lambda: feed.ring.end == 1221, "the rest in the ring")
    assert batches == [21, 479, 500]
    clock.now = 7200.0
    feed.log.news.fire()
    expect(sink, range(1221))


@pytest.mark.usefixtures("impatient")
def test_logs_of_a_node_take_turns_at_its_journal(journal: FakeJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.catch_up.SLICE", 0.0)
    journal.write(20_000)
    journal.catching_up = BoundedSemaphore(1)
    feeds = [make_feed(journal, entries=60) for _ in range(3)]
    sinks = [FakeSink() for _ in feeds]
    for feed, sink in zip(feeds, sinks, strict=True):
        feed.subscribe(sink, lines=5000)
    until(lambda: all(sink.got for sink in sinks), "lines for all")
    assert any(len(sink.got) < 5000 for sink in sinks)
    for sink in sinks:
        expect(sink, range(15_000, 20_000))
    for feed in feeds:
        feed.close()


def test_a_cursor_that_is_none_and_a_backlog_that_is_longer_than_the_ring(journal: FakeJournal) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=40)
    sink = FakeSink()
    feed.subscribe(sink, lines=5000, after="i=fffff;t=fffff")
    until(lambda: sink.states[-1:] == [("live", {})], "live")
    assert numbers(sink) == list(range(260, 300))
    assert sink.states[0] == ("gap", {"reason": "vacuumed", "from_us": 0xFFFFF, "to_us": 261})
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_a_subscriber_that_makes_progress_is_never_given_up(journal: FakeJournal) -> None:
    journal.write(3000)
    feed = make_feed(journal, entries=60)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    feed.log.borrow = lambda: None
    open_journal, opened = journal.journal, [0]

    @contextmanager
    def refused_every_other_time(unit: str, step: Step) -> Iterator[Any]:
        opened[0] += 1
        if opened[0] % 2:
            raise LimitReached
        with open_journal(unit, step) as stream:
            reads = [stream.read() for _ in range(5)]
            stream.read = lambda: reads.pop(0) if reads else []  # type: ignore[method-assign]
            stream.status = lambda: 1  # type: ignore[method-assign]
            yield stream

    journal.journal = refused_every_other_time  # type: ignore[method-assign, assignment]
    sink = FakeSink()
    feed.subscribe(sink, lines=3000)
    expect(sink, range(3000))
    assert opened[0] > 50
    assert {details["attempt"] for state, details in sink.states if state == "reconnecting"} <= {1, 2}
    feed.close()


def test_a_ring_that_is_given_back_costs_nobody_a_line() -> None:
    ledger = Ledger(60_000)
    journal = FakeJournal()
    feed = make_feed(journal, entries=1000, ledger=ledger)
    quick, frozen = FakeSink(), FakeSink()
    feed.subscribe(quick)
    feed.subscribe(frozen)
    journal.write(1)
    expect(quick, range(1))
    expect(frozen, range(1))
    frozen.frozen = True
    for _ in range(20):
        journal.write(50)
        expect(quick, range(len(journal.entries)))
        while ledger.relieve():
            pass
        assert ledger.total <= ledger.budget / 2
    assert ledger.given_back > 0
    frozen.frozen = False
    expect(frozen, range(1001))
    assert not [state for state, _ in frozen.states if state == "gap"]
    feed.close()
    assert ledger.total == 0
    assert not ledger.tenants()


def test_what_nobody_has_had_is_given_back_too() -> None:
    ledger = Ledger(60_000)
    journal = FakeJournal()
    feed = make_feed(journal, entries=1000, ledger=ledger)
    frozen = FakeSink()
    feed.subscribe(frozen)
    journal.write(1)
    expect(frozen, range(1))
    frozen.frozen = True
    journal.write(300)
    until(lambda: len(feed.ring) > 200, "the ring to fill")
    while ledger.relieve():
        pass
    assert ledger.total <= ledger.budget / 2
    frozen.frozen = False
    expect(frozen, range(301))
    feed.close()


def test_those_whose_time_is_over_are_not_asked_about_for_each_entry(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = make_feed(journal, entries=100)
    quick, frozen = FakeSink(), [FakeSink() for _ in range(50)]
    feed.subscribe(quick)
    for number, sink in enumerate(frozen):
        feed.subscribe(sink)
        journal.write()
        expect(quick, range(number + 1))
        until(lambda sink=sink: sink.got, "a line")  # type: ignore[misc]
        sink.frozen = True
    feed._follower._intake._grace._more_at = float("inf")
    asked = 0
    decide = intake.may_forget

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return decide(*arguments)

    monkeypatch.setattr(intake, "may_forget", counted)
    journal.write(300)
    expect(quick, range(350))
    assert asked < 125  # several for each that is pushed out would be twice as many
    for sink in frozen:
        sink.frozen = False
    feed.close()


def test_reading_the_journal_asks_the_node_for_nothing_but_entries(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tells the client was asked when the log began; each slice would have to wait for a poll otherwise."""
    monkeypatch.setattr("ethpillar.nodes.catch_up.SLICE", 0.0)
    asked: list[str] = []
    check = journal.check_unit
    monkeypatch.setattr(journal, "check_unit", lambda unit: asked.append(unit) or check(unit))  # type: ignore[func-returns-value]
    journal.write(500)
    feed = make_feed(journal, entries=20)
    sinks = [FakeSink() for _ in range(3)]
    for sink in sinks:
        feed.subscribe(sink, 500)
    for sink in sinks:
        expect(sink, range(500))
    assert asked == ["execution.service"]
    assert journal.opened > 4
    feed.close()


class InTurn(FakeSink):
    """Keeps up, and is slow to get its turn."""

    def lines(self, items: list[Item]) -> None:
        super().lines(items)
        for _ in range(20):
            gevent.sleep(0)


def test_those_who_wait_for_their_turn_do_not_fall_out(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=20)
    feed._follower._intake._grace._more_at = float("inf")  # nobody waits for those whose browsers are slow
    quick, late = FakeSink(), [InTurn() for _ in range(5)]
    for sink in (quick, *late):
        feed.subscribe(sink)
    until(lambda: all("live" in dict(sink.states) for sink in (quick, *late)), "all of them")
    opened = journal.opened
    journal.write(1000)
    for sink in (quick, *late):
        expect(sink, range(1000))
    assert journal.opened == opened  # none was served from the journal
    feed.close()


def test_one_who_leaves_while_the_follower_waits_for_it(journal: FakeJournal) -> None:
    feed = make_feed(journal, entries=20)
    quick, leaving = FakeSink(), InTurn()
    feed.subscribe(quick)
    subscription = feed.subscribe(leaving)
    until(lambda: "live" in dict(leaving.states), "it to be live")
    journal.write(1000)
    until(lambda: leaving.got, "a line")
    subscription.close()
    expect(quick, range(1000))
    feed.close()
