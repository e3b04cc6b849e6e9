"""Journals that fail: what is tried again, what is told, and what ends a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ethpillar.errors import (
    CredentialRefused,
    EthPillarError,
    LimitReached,
    LogUnavailable,
    PermissionDenied,
    SessionStoreDown,
    SshTimeout,
    SshUnreachable,
    UnitNotFound,
)
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Step
from ethpillar.nodes.items import Item
from ethpillar.nodes.log_feed import LogFeed
from ethpillar.nodes.tries import ReadFailed, Trouble

from ..waiting import until
from .journal_fake import Bad, FakeJournal, FakeSink, FakeStream, expect, failing, make_feed, refusing, told


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


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("times", [1, 2])
def test_a_journalctl_that_fails_once_is_no_gap(journal: FakeJournal, times: int) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    failing(journal, times, Bad(1, b"whatever"))
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
    assert [state for state, _ in sink.states if state != "reconnecting"] == ["gap", "live"]
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


@pytest.mark.usefixtures("impatient")
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


class Slow(Bad):
    """A journalctl that searches until its reader gives it up."""

    def read(self) -> list[Entry]:
        raise ReadFailed(Trouble.SLOW)


def test_a_search_that_takes_too_long_says_so_and_what_helps(journal: FakeJournal) -> None:
    feed = make_feed(journal)
    searches = failing(journal, 10**6, Slow(0))
    sink = FakeSink()
    feed.subscribe(sink)
    error = until(lambda: sink.error, "the error")
    assert (error.code, error.service) == ("log_unavailable", "execution")
    assert "journalctl --vacuum-size" in (error.hint or "")
    assert "SystemMaxUse=" in (error.hint or "")
    assert searches[0] == 1
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


@pytest.mark.usefixtures("impatient")
def test_a_good_cursor_survives_failures_of_other_kinds(journal: FakeJournal) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    troubles: list[EthPillarError] = [SshUnreachable(), LimitReached(), SshTimeout(), SessionStoreDown()] * 2
    refusing(journal, troubles, failing_then=Bad(1))
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[99].cursor)
    expect(sink, range(100, 300))
    assert not troubles
    assert "gap" not in dict(sink.states)
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_a_journal_that_shows_nothing_once_is_no_gap_for_one_that_fell_out(journal: FakeJournal) -> None:
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
    failed = failing(journal, 1, Bad(0))
    frozen.frozen = False
    expect(frozen, range(2001))
    assert failed == [1]
    assert journal.doubted == 1
    assert "gap" not in dict(frozen.states)
    feed.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", [{"lines": 300}, {"after": "i=9;t=a"}])
def test_a_journal_that_shows_nothing_once_is_no_end_of_a_backlog(journal: FakeJournal, how: dict[str, Any]) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first, sink = FakeSink(), FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    failing(journal, 2, Bad(0))
    journal.rights_in_doubt = [True, False].pop  # type: ignore[method-assign]
    feed.subscribe(sink, **how)
    expect(sink, range(10 if "after" in how else 0, 300))
    assert "gap" not in dict(sink.states)
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_one_missing_right_ends_no_log_that_had_other_failures_before(journal: FakeJournal) -> None:
    journal.write(10)
    feed = make_feed(journal)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    troubles = [*[SshUnreachable() for _ in range(6)], *[PermissionDenied("execution") for _ in range(4)]]
    refusing(journal, troubles)
    journal.end_streams()
    journal.write(5)
    expect(sink, range(15))
    assert not troubles
    assert sink.error is None
    assert journal.doubted == 4  # the right is looked for each time, and not remembered to be missing
    feed.close()


class Elsewhere(FakeStream):
    """A followed journal that begins with a later entry than it should, as that of a later boot does."""

    def read(self) -> list[Entry]:
        found = super().read()
        return found[1:] if self.count == len(found) else found


def begin_elsewhere(journal: FakeJournal, times: int) -> list[int]:
    """Lets the next followed journals begin elsewhere; returns a list of how many did."""
    open_journal, did = journal.journal, [0]

    @contextmanager
    def elsewhere(unit: str, step: Step) -> Iterator[FakeStream]:
        with open_journal(unit, step) as stream:
            if step.follow and did[0] < times:
                did[0] += 1
                stream.__class__ = Elsewhere
                journal.write(2)
            yield stream

    journal.journal = elsewhere  # type: ignore[method-assign]
    return did


def test_a_follow_that_begins_elsewhere_once_is_no_break(journal: FakeJournal) -> None:
    journal.write(10)
    feed = make_feed(journal)
    begin_elsewhere(journal, 1)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(12))
    until(lambda: sink.states, "live")
    assert sink.states == [("live", {})]
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_a_follow_that_begins_elsewhere_again_and_again_is_tried_less_and_less_often(journal: FakeJournal) -> None:
    journal.write(10)
    feed = make_feed(journal)
    did = begin_elsewhere(journal, 6)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states and sink.states[-1][0] == "live", "live")
    assert did == [6]
    assert told(sink) == [*[("reconnecting", attempt) for attempt in range(1, 6)], ("live", None)]
    expect(sink, range(22))
    feed.close()


def test_a_followed_journal_that_rightly_shows_nothing_counts_as_live(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.nodes.follower.BEGINS", 0.01)
    journal.write(10)
    feed = make_feed(journal)
    open_journal = journal.journal

    @contextmanager
    def of_this_boot(unit: str, step: Step) -> Iterator[Any]:
        last = f"i={len(journal.entries):x}"
        with open_journal(unit, replace(step, cursor=last) if step.follow else step) as stream:
            yield stream

    journal.journal = of_this_boot  # type: ignore[method-assign, assignment]
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    assert sink.states == [("live", {})]
    journal.write(1)
    journal.journal = open_journal  # type: ignore[method-assign]
    expect(sink, range(11))
    assert sink.states == [("live", {})]
    feed.close()


@pytest.mark.usefixtures("impatient")
def test_a_journal_that_was_emptied_is_one_gap(journal: FakeJournal) -> None:
    journal.write(10)
    feed = make_feed(journal)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(10))
    until(lambda: sink.states, "live")
    journal.vacuum(keep=0)
    for number in range(2, 5):
        journal.end_streams()
        until(lambda number=number: [each for each, _ in told(sink)].count("live") == number, "live again")  # type: ignore[misc]
    journal.write(5)
    expect(sink, range(15))
    assert [details for state, details in sink.states if state == "gap"] == [
        {"reason": "vacuumed", "from_us": 10, "to_us": None}
    ]
    feed.close()


# -- the last resorts


@pytest.mark.usefixtures("impatient")
def test_a_mistake_in_the_follower_ends_no_log_and_is_noted_without_its_text(
    journal: FakeJournal, caplog: pytest.LogCaptureFixture
) -> None:
    journal.write(3)
    feed = make_feed(journal)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    make, mistakes = feed.log.items.make, [ValueError("a secret"), KeyError("a secret")]

    def mistaken(entry: Entry, parser: Any) -> Item:
        if mistakes:
            raise mistakes.pop()
        return make(entry, parser)

    feed.log.items.make = mistaken  # type: ignore[method-assign]
    journal.write(3)
    expect(sink, range(6))
    assert told(sink)[:2] == [("live", None), ("reconnecting", 1)]
    assert "ValueError" in caplog.text
    assert "KeyError" in caplog.text
    assert "secret" not in caplog.text
    feed.close()


def test_a_mistake_in_a_subscriber_ends_that_one_and_is_noted_without_its_text(
    journal: FakeJournal, caplog: pytest.LogCaptureFixture
) -> None:
    class Mistaken(FakeSink):
        def lines(self, items: Any) -> None:
            raise ValueError("a secret")

    journal.write(3)
    feed = make_feed(journal)
    sinks = [Mistaken(), FakeSink()]
    for sink in sinks:
        feed.subscribe(sink)
    error = until(lambda: sinks[0].error, "the error")
    assert (error.code, error.service) == ("log_unavailable", "execution")
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
    journal.write(3)
    expect(sinks[1], range(6))
    feed.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("problem", [CredentialRefused(), PermissionDenied("execution")])
def test_what_ends_a_subscriber_from_within_is_told_once(journal: FakeJournal, problem: EthPillarError) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    first, second = FakeSink(), FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    refusing(journal, [problem] * 100)
    feed.subscribe(second, lines=300)
    error = until(lambda: second.error, "the error")
    assert error.service == "execution"
    assert second.errors == 1
    assert first.error is None
    feed.close()


def test_a_log_that_was_live_waits_for_a_channel_however_long_that_takes(journal: FakeJournal) -> None:
    journal.write(3)
    feed = make_feed(journal)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    journal.refusal = LimitReached()
    journal.end_streams()
    until(lambda: ("reconnecting", 9) in told(sink), "the ninth try")
    assert feed.log.follower_waits
    journal.refusal = None
    journal.write(1)
    expect(sink, range(4))
    until(lambda: sink.states[-1][0] == "live", "live again")
    assert not feed.log.follower_waits
    feed.close()


def test_a_follower_that_gives_up_ends_without_a_further_error(journal: FakeJournal, feed: LogFeed) -> None:
    journal.refusal = CredentialRefused()
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.error, "the error")
    feed._follower._greenlet.join(5)
    assert feed._follower._greenlet.successful()
    assert not sink.states
