"""One feed, many subscribers: whatever happens, each sees a contiguous run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ethpillar.errors import (
    CredentialRefused,
    EthPillarError,
    LimitReached,
    LogUnavailable,
    PermissionDenied,
    SessionStoreDown,
    UnitNotFound,
)
from ethpillar.journal.entry import Entry
from ethpillar.journal.text import MOST_LINES
from ethpillar.nodes.log_feed import LogFeed
from ethpillar.nodes.ring import Item, Ring
from ethpillar.nodes.subscription import LogSubscription
from ethpillar.timing import Backoff

from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, FakeStream, encode


def numbers(sink: FakeSink) -> list[int]:
    return [int(line.removeprefix("line ")) for line in sink.got]


def make_feed(journal: FakeJournal, entries: int = 1000) -> LogFeed:
    feed = LogFeed("execution.service", journal, encode, Ring(entries, 10**7), lambda _: None)
    feed._backoff = Backoff(0.001, 0.002)
    return feed


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def feed(journal: FakeJournal) -> Iterator[LogFeed]:
    made = make_feed(journal)
    yield made
    made.close()
    gevent.sleep(0)
    assert journal.open == 0


def expect(sink: FakeSink, wanted: range) -> None:
    until(lambda: len(sink.got) >= len(wanted), f"{len(wanted)} lines")
    assert numbers(sink) == list(wanted)


def test_backlog_then_live(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(200)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(150, 200))
    journal.write(30)
    expect(sink, range(150, 230))
    assert sink.states == [("live", {})]


@pytest.mark.parametrize("lines", [0, 1, 10, 50, 51, 120, 5000])
def test_any_backlog_joins_live_without_gap_or_repeat(journal: FakeJournal, feed: LogFeed, lines: int) -> None:
    journal.write(120)
    first = FakeSink()
    feed.subscribe(first)
    expect(first, range(70, 120))
    sink = FakeSink()
    feed.subscribe(sink, lines=lines)
    until(lambda: sink.states, "live")
    journal.write(5)
    expect(sink, range(120 - min(lines, 120), 125))


def test_an_empty_journal(journal: FakeJournal, feed: LogFeed) -> None:
    sinks = [FakeSink(), FakeSink()]
    feed.subscribe(sinks[0])
    feed.subscribe(sinks[1], lines=500)
    until(lambda: sinks[0].states and sinks[1].states, "live")
    journal.write(3)
    for sink in sinks:
        expect(sink, range(3))


def test_resume_after_a_cursor(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(300)
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[99].cursor)
    expect(sink, range(100, 300))
    journal.write(1)
    expect(sink, range(100, 301))
    assert sink.states == [("live", {})]


def test_resume_after_the_very_last_entry(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(60)
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[-1].cursor)
    until(lambda: sink.states, "live")
    journal.write(2)
    expect(sink, range(60, 62))


def test_a_cursor_that_was_vacuumed_away_is_a_gap(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(300)
    journal.vacuum(keep=100)
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[50].cursor)
    expect(sink, range(200, 300))
    assert sink.states[0] == ("gap", {"reason": "vacuumed", "from_us": 51, "to_us": 201})


def test_a_cursor_of_another_machine_is_a_gap(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(80)
    sink = FakeSink()
    feed.subscribe(sink, after="i=fffff;t=fffff")
    expect(sink, range(30, 80))
    assert sink.states[0][0] == "gap"
    journal.write(1)
    expect(sink, range(30, 81))


def test_a_broken_connection_loses_and_repeats_nothing(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(10)
    sinks = [FakeSink() for _ in range(3)]
    for sink in sinks:
        feed.subscribe(sink)
    for sink in sinks:
        expect(sink, range(10))
    for _ in range(10):
        journal.cut()
        journal.write(13)
        until(lambda: sinks[0].states[-1][0] == "reconnecting", "reconnecting")
        journal.mend()
        until(lambda: sinks[0].states[-1][0] == "live", "live again")
    for sink in sinks:
        expect(sink, range(140))
        assert not [state for state, _ in sink.states if state == "gap"]


def test_a_journalctl_that_ends_by_itself_is_started_again(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    journal.write(5)
    expect(sink, range(5))
    journal.end_streams()
    journal.write(5)
    expect(sink, range(10))


def test_entries_vacuumed_while_the_connection_was_gone_are_a_gap(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(10)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(10))
    journal.cut()
    journal.write(100)
    journal.vacuum(keep=20)
    journal.mend()
    until(lambda: len(sink.got) == 30, "the rest")
    assert numbers(sink) == [*range(10), *range(90, 110)]
    assert [details for state, details in sink.states if state == "gap"] == [
        {"reason": "vacuumed", "from_us": 10, "to_us": 91}
    ]


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


def test_a_unit_that_is_not_there(journal: FakeJournal, feed: LogFeed) -> None:
    journal.refusal = UnitNotFound("nope")
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.error, "the error")
    until(lambda: feed.dead, "the end of the feed")
    assert feed.idle


def test_a_feed_that_gives_up_is_dead_before_anybody_is_told(journal: FakeJournal, feed: LogFeed) -> None:
    class Curious(FakeSink):
        def failed(self, error: EthPillarError) -> None:
            super().failed(error)
            dead.append(feed.dead)

    dead: list[bool] = []
    for _ in range(3):
        feed.subscribe(Curious())
    journal.refusal = UnitNotFound("nope")
    until(lambda: len(dead) == 3, "the errors of all")
    assert dead == [True] * 3


@pytest.mark.parametrize("problem", [LimitReached(), CredentialRefused(), UnitNotFound("execution")])
def test_whatever_ends_a_log_names_its_service(journal: FakeJournal, feed: LogFeed, problem: EthPillarError) -> None:
    journal.refusal = problem
    sink = FakeSink()
    feed.subscribe(sink)
    error = until(lambda: sink.error, "the error")
    assert error.service == "execution"
    assert "execution" in error.message


def test_one_that_is_closed_while_its_feed_gives_up_hears_nothing_more(journal: FakeJournal, feed: LogFeed) -> None:
    sinks = [FakeSink() for _ in range(3)]
    subscriptions = [feed.subscribe(sink) for sink in sinks]
    gevent.sleep(0)
    failing = gevent.spawn(subscriptions[0].fail, UnitNotFound("nope"))
    gevent.sleep(0)
    subscriptions[0].close()
    failing.join()
    assert sinks[0].error is None
    subscriptions[1].fail(UnitNotFound("nope"))
    subscriptions[1].fail(UnitNotFound("again"))
    assert "nope" in str(sinks[1].error)


def test_an_unsubscribe_is_final(journal: FakeJournal, feed: LogFeed) -> None:
    sink, other = FakeSink(), FakeSink()
    subscription = feed.subscribe(sink)
    feed.subscribe(other)
    journal.write(5)
    expect(sink, range(5))
    subscription.close()
    journal.write(5)
    expect(other, range(10))
    assert len(sink.got) == 5


def test_systemd_s_own_lines_are_told(journal: FakeJournal, feed: LogFeed) -> None:
    feed.subscribe(FakeSink())
    journal.entries.append(Entry("i=0;t=1", 1, b"Started execution.service.", 6, "systemd", 1))
    journal.write(1)
    until(lambda: journal.changed, "the news")


def test_a_message_with_line_breaks_is_several_lines(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    journal.entries.append(Entry("i=0;t=1", 1, b"first\n  second\n", 6))
    journal._wake()
    until(lambda: len(sink.got) == 2, "two lines")
    assert sink.got == ["first", "  second"]


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
    left = feed._grace_left

    def counted() -> float:
        graces.append(left())
        return graces[-1]

    feed._grace_left = counted  # type: ignore[method-assign]
    quick = FakeSink()
    feed.subscribe(quick)
    frozen = [FakeSink() for _ in range(20)]
    for number, sink in enumerate(frozen):
        feed.subscribe(sink)
        journal.write(3)
        expect(quick, range(3 * number + 3))
        until(lambda sink=sink: sink.got, "a line")  # type: ignore[misc]
        sink.frozen = True
    feed._more_grace = float("inf")  # there was a moment, and it is over
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


def test_those_that_trickle_do_not_keep_a_quick_one_from_the_journal(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.nodes.subscription.SLICE", 0.0)
    journal.write(20_000)
    feed = make_feed(journal, entries=60)
    for _ in range(2):
        feed.subscribe(Trickling(), lines=5000)
    until(lambda: feed.catching_up.locked(), "both to read the journal")
    quick = FakeSink()
    feed.subscribe(quick, lines=3000)
    expect(quick, range(17_000, 20_000))
    feed.close()


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
    def journal_or_not(unit: str, **how: Any) -> Iterator[Any]:
        with open_journal(unit, **how) as stream:
            if bool(how.get("follow")) == follow and failed[0] < times:
                failed[0] += 1
                yield bad
            else:
                yield stream

    journal.journal = journal_or_not  # type: ignore[method-assign, assignment]
    return failed


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.subscription.Backoff", lambda: Backoff(0.001, 0.002))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("times", [1, 2])
def test_a_journalctl_that_fails_once_is_no_gap(journal: FakeJournal, times: int) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    failing(journal, times, Bad(1, b"Bad message"))
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[99].cursor)
    expect(sink, range(100, 300))
    assert not [state for state, _ in sink.states if state == "gap"]
    assert journal.doubted == times  # perhaps it was a right that is gone
    feed.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("bad", [Bad(1, b"Failed to seek to cursor: Invalid argument"), Bad(1)])
def test_a_cursor_that_journalctl_does_not_take_is_a_gap_at_last(journal: FakeJournal, bad: Bad) -> None:
    journal.write(80)
    feed = make_feed(journal)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    failing(journal, 1000, bad)
    sink = FakeSink()
    feed.subscribe(sink, after="i=fffff;t=fffff")
    expect(sink, range(30, 80))
    assert sink.states[0][0] == "gap"
    feed.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("problem", [LimitReached(), SessionStoreDown(), LogUnavailable("execution")])
def test_what_is_over_soon_ends_no_log_that_has_begun(journal: FakeJournal, problem: EthPillarError) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first, second = FakeSink(), FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    journal.refusal = problem
    feed.subscribe(second, lines=300)  # it needs the journal
    journal.end_streams()  # and so does the feed
    journal.write(10)
    until(lambda: "reconnecting" in {state for state, _ in first.states}, "the next try")
    journal.refusal = None
    expect(first, range(250, 310))
    expect(second, range(10, 310))  # the last 300 as of when they could be had
    assert first.error is second.error is None
    feed.close()


def test_a_unit_that_is_away_for_a_moment_goes_on(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    journal.refusal = UnitNotFound("execution")
    journal.end_streams()
    journal.write(1)
    expect(sink, range(1))


def test_a_right_that_is_gone_is_told(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(1)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")

    def doubt() -> bool:
        journal.refusal = PermissionDenied("execution")
        return True

    journal.rights_in_doubt = doubt  # type: ignore[method-assign]
    failing(journal, 1000, Bad(0))  # nothing is shown, and nothing is said
    journal.end_streams()
    assert until(lambda: sink.error, "the error").code == "permission_denied"


def test_a_follow_that_fails_is_tried_less_and_less_often(journal: FakeJournal) -> None:
    journal.write(10)
    feed = make_feed(journal)
    failed = failing(journal, 8, Bad(1), follow=True)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: failed[0] == 8, "eight failures")
    until(lambda: sink.states[-1][0] == "live", "live")
    attempts = [details["attempt"] for state, details in sink.states if state == "reconnecting"]
    assert attempts == list(range(1, 9))
    journal.write(1)
    expect(sink, range(11))
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


def test_one_that_is_closed_from_within_stops(journal: FakeJournal, feed: LogFeed) -> None:
    class Leaving(FakeSink):
        def lines(self, items: Sequence[Item]) -> None:
            super().lines(items)
            subscription.close()

    sinks = [Leaving(), FakeSink()]
    subscription = feed.subscribe(sinks[0])
    feed.subscribe(sinks[1])
    journal.write(1)
    expect(sinks[1], range(1))
    journal.write(5)
    expect(sinks[1], range(6))
    assert len(sinks[0].got) == 1
    assert subscription._greenlet is not None
    assert subscription._greenlet.dead


def test_an_entry_with_very_many_lines_is_bounded_work(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    journal.entries.append(Entry("i=0;t=1", 1, b"a\n" * 100_000, 6))
    journal._wake()
    until(lambda: sink.got, "it")
    assert len(sink.got) == MOST_LINES
    assert "".join(sink.got).count("a") == 100_000  # nothing of it is lost


def test_portions_are_about_as_much_work_each() -> None:
    small = [Entry(f"i={number}", 1, b"x", 6) for number in range(600)]
    assert [len(some) for some in LogFeed.portions(small)] == [256, 256, 88]
    large = [Entry(f"i={number}", 1, b"x\n" * 300, 6) for number in range(3)]
    assert [len(some) for some in LogFeed.portions([*small[:10], *large])] == [11, 1, 1]
    assert list(LogFeed.portions([])) == []


def test_lines_that_come_within_a_batch_s_window_are_handed_over_together(journal: FakeJournal, feed: LogFeed) -> None:
    class Batches(FakeSink):
        def lines(self, items: Sequence[Item]) -> None:
            super().lines(items)
            batches.append(len(items))

    batches: list[int] = []
    sink = Batches(window=0.5)
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    journal.write(1)
    until(lambda: len(feed.ring) == 1, "the first entry")
    journal.write(20)
    expect(sink, range(21))
    assert batches == [21]
    journal.write(1200)
    expect(sink, range(1221))
    assert max(batches) <= 500


def test_a_backlog_of_cut_lines_is_not_taken_for_all_there_is(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(300)
    read = FakeStream.read

    def joined(stream: FakeStream) -> list[Entry]:
        found = read(stream)
        return found[1:] if len(found) > 1 else found  # as if two were one line

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeStream, "read", joined)
        first = FakeSink()
        feed.subscribe(first)
        until(lambda: first.states, "live")
    assert len(feed.ring) < 50
    assert not feed.ring.complete


@pytest.mark.usefixtures("impatient")
def test_whoever_waits_for_the_journal_gets_a_turn(journal: FakeJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.subscription.SLICE", 0.0)
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


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("problem", [PermissionDenied("execution"), UnitNotFound("execution")])
def test_one_served_from_the_journal_has_patience_too(journal: FakeJournal, problem: EthPillarError) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first, second = FakeSink(), FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    check, tries = journal.check_unit, []

    def refused_twice(unit: str) -> str | None:
        tries.append(unit)
        if len(tries) < 3:
            raise problem
        return check(unit)

    journal.check_unit = refused_twice  # type: ignore[method-assign]
    feed.subscribe(second, lines=300)
    expect(second, range(300))
    assert second.error is None
    feed.close()


def test_a_busy_unit_does_not_hide_that_it_cannot_be_followed(journal: FakeJournal) -> None:
    journal.write(10)
    feed = make_feed(journal)
    failing(journal, 10**6, Bad(1), follow=True)
    sink = FakeSink()
    feed.subscribe(sink)
    for attempt in range(1, 8):
        until(lambda attempt=attempt: ("reconnecting", attempt) in told(sink), "the next try")  # type: ignore[misc]
        journal.write(3)
    feed.close()


def told(sink: FakeSink) -> list[tuple[str, int | None]]:
    return [(state, details.get("attempt")) for state, details in sink.states]


class Interleavings(RuleBasedStateMachine):
    """Any order of subscribe, unsubscribe, entries, breaks and slowness."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal()
        self.journal.write(20)
        self.feed = make_feed(self.journal, entries=40)
        self.connected = True
        self.sinks: list[tuple[FakeSink, LogSubscription]] = []

    @rule(count=st.integers(1, 90))
    def write(self, count: int) -> None:
        self.journal.write(count)

    @rule(lines=st.integers(0, 100), resume=st.booleans())
    def subscribe(self, lines: int, resume: bool) -> None:
        sink = FakeSink()
        after = self.journal.entries[len(self.journal.entries) // 2].cursor if resume else None
        self.sinks.append((sink, self.feed.subscribe(sink, lines, after)))

    @precondition(lambda self: self.sinks)
    @rule(data=st.data())
    def unsubscribe(self, data: st.DataObject) -> None:
        sink, subscription = self.sinks.pop(data.draw(st.integers(0, len(self.sinks) - 1)))
        subscription.close()
        got = len(sink.got)
        gevent.sleep(0)
        assert len(sink.got) == got

    @precondition(lambda self: self.sinks)
    @rule(data=st.data(), frozen=st.booleans())
    def slow(self, data: st.DataObject, frozen: bool) -> None:
        self.sinks[data.draw(st.integers(0, len(self.sinks) - 1))][0].frozen = frozen

    @rule()
    def cut(self) -> None:
        self.journal.cut()
        self.connected = False

    @rule()
    def mend(self) -> None:
        self.journal.mend()
        self.connected = True

    @rule()
    def end_streams(self) -> None:
        self.journal.end_streams()

    @rule(turns=st.integers(1, 30))
    def go_on(self, turns: int) -> None:
        for _ in range(turns):
            gevent.sleep(0)

    @invariant()
    def runs_are_contiguous(self) -> None:
        for sink, _ in self.sinks:
            got = numbers(sink)
            assert got == list(range(got[0], got[0] + len(got))) if got else True
            assert not [state for state, _ in sink.states if state == "gap"]

    def teardown(self) -> None:
        self.journal.mend()
        for sink, _ in self.sinks:
            sink.frozen = False
        for sink, _ in self.sinks:  # one that asked for no backlog sees only what comes after that
            until(lambda sink=sink: sink.states and sink.states[-1][0] == "live", "live")  # type: ignore[misc]
        self.journal.write(1)
        last = len(self.journal.entries) - 1
        for sink, _ in self.sinks:
            until(lambda sink=sink: sink.got and numbers(sink)[-1] == last, f"line {last}", deadline=20)  # type: ignore[misc]
        self.runs_are_contiguous()
        self.feed.close()
        gevent.sleep(0)
        assert self.journal.open == 0


Interleavings.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking a test that waits takes minutes
TestInterleavings = Interleavings.TestCase
