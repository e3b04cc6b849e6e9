"""A node that allows few channels: the follower and the subscribers in the journal share them."""

from __future__ import annotations

import gevent
import pytest

from ethpillar.nodes.states import FeedState

from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, expect, make_feed, numbers

pytestmark = pytest.mark.usefixtures("impatient")


def test_a_subscriber_that_gets_no_channel_is_told_and_ended_at_last(journal: FakeJournal) -> None:
    journal.write(300)
    feed = make_feed(journal, entries=60)
    live, waiting, resuming = FakeSink(), FakeSink(), FakeSink()
    feed.subscribe(live)
    until(lambda: live.states, "live")
    journal.channels = 0  # others have them all
    feed.log.borrow = lambda: None
    feed.subscribe(waiting, lines=300)
    feed.subscribe(resuming, after=journal.entries[10].cursor)
    for sink in (waiting, resuming):
        error = until(lambda sink=sink: sink.error, "the error")  # type: ignore[misc]
        assert (error.code, error.service) == ("limit_reached", "execution")
        assert [(state, details["attempt"]) for state, details in sink.states] == [
            ("reconnecting", attempt) for attempt in range(1, 8)
        ]
        assert all(details["retry_in"] >= 0 for _, details in sink.states)
        assert sink.got == []
    journal.write(10)
    expect(live, range(250, 310))
    assert live.states == [("live", {})]
    assert live.error is None
    feed.close()


def test_the_follower_of_a_quiet_log_lends_its_channel(journal: FakeJournal) -> None:
    journal.write(300)
    journal.channels = 1
    feed = make_feed(journal, entries=60)
    live, others = FakeSink(), [FakeSink(), FakeSink(), FakeSink()]
    feed.subscribe(live)
    until(lambda: live.states, "live")
    for sink in others:
        feed.subscribe(sink, lines=300)
    for sink in others:
        expect(sink, range(300))
        until(lambda sink=sink: sink.states[-1] == ("live", {}), "live")  # type: ignore[misc]
    journal.write(10)
    expect(live, range(250, 310))
    for sink in others:
        expect(sink, range(310))
    assert journal.most_open == 1
    assert "gap" not in dict(live.states)
    feed.close()


def test_a_subscriber_that_gets_a_channel_in_time_goes_on_as_if_nothing_had_been(journal: FakeJournal) -> None:
    journal.write(300)
    journal.channels = 1
    feed = make_feed(journal, entries=60)
    live, waiting = FakeSink(), FakeSink()
    feed.subscribe(live)
    until(lambda: live.states, "live")
    feed.subscribe(waiting, lines=300)
    until(lambda: waiting.states, "a word")
    journal.channels = 2
    expect(waiting, range(300))
    until(lambda: waiting.states[-1] == ("live", {}), "live")
    assert waiting.error is None
    feed.close()


def test_the_follower_gives_its_channel_back_to_the_only_subscriber(journal: FakeJournal) -> None:
    journal.write(300)
    journal.channels = 1
    feed = make_feed(journal, entries=40)
    first = FakeSink()
    subscription = feed.subscribe(first)
    until(lambda: first.states, "live")
    sink = FakeSink()
    feed.subscribe(sink, lines=300)  # it needs the journal, where the follower is
    subscription.close()
    until(lambda: sink.states, "a word")
    journal.write(500)  # more than the ring takes
    until(lambda: sink.got and numbers(sink)[-1] == 799, "all of it")
    got = numbers(sink)
    assert got == list(range(got[0], 800))
    assert got[0] <= 500
    until(lambda: sink.states[-1][0] == "live", "live")
    journal.write(1)
    until(lambda: numbers(sink)[-1] == 800, "the next line")
    assert journal.most_open == 1
    assert not [state for state, _ in sink.states if state == "gap"]
    feed.close()


def test_a_frozen_subscriber_does_not_keep_a_waiting_one_from_the_channel(journal: FakeJournal) -> None:
    journal.write(100)
    journal.channels = 1
    feed = make_feed(journal, entries=60)
    frozen, waiting = FakeSink(), FakeSink()
    feed.subscribe(frozen)
    until(lambda: frozen.states, "live")
    frozen.frozen = True
    feed.subscribe(waiting, lines=5000)
    until(lambda: waiting.states, "a word")
    journal.write(300)
    until(lambda: waiting.got and numbers(waiting)[-1] == 399, "all of it")
    assert numbers(waiting) == list(range(400))
    frozen.frozen = False
    until(lambda: numbers(frozen)[-1] == 399, "the rest")
    assert numbers(frozen) == list(range(50, 400))
    assert journal.most_open == 1
    feed.close()


def test_two_subscribers_take_turns_at_the_only_channel_with_the_follower(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.nodes.catch_up.SLICE", 0.0)
    journal.write(2000)
    journal.channels = 1
    feed = make_feed(journal, entries=40)
    sinks = [FakeSink(), FakeSink()]
    first = FakeSink()
    subscription = feed.subscribe(first, lines=0)
    until(lambda: first.states, "live")
    for sink in sinks:
        feed.subscribe(sink, after=journal.entries[9].cursor)
    subscription.close()
    journal.write(500)
    for sink in sinks:
        until(lambda sink=sink: sink.got and numbers(sink)[-1] == 2499, "all of it")  # type: ignore[misc]
        assert numbers(sink) == list(range(10, 2500))
    assert journal.most_open == 1
    feed.close()


def test_a_log_that_is_closed_while_its_channel_is_lent_leaves_nothing(
    journal: FakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.nodes.subscription.SUBSCRIBER", {})
    journal.write(300)
    journal.channels = 1
    feed = make_feed(journal, entries=40)
    feed.log.borrow = lambda: None
    first, slow = FakeSink(), FakeSink()
    subscription = feed.subscribe(first)
    until(lambda: first.states, "live")
    feed.subscribe(slow, lines=300)
    subscription.close()
    until(lambda: slow.states, "a word")
    journal.channels = 0  # others take it
    journal.write(500)
    until(lambda: feed._follower._machine.state is FeedState.LENT, "the channel to be lent")
    feed.close()
    gevent.sleep(0)
    assert journal.open == 0
    assert feed.dead
