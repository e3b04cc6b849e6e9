"""Which log feeds there are, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import SshUnreachable
from ethpillar.nodes import feeds as feeds_module
from ethpillar.nodes.feeds import LogFeeds

from ..waiting import until

UNIT = "execution.service"


class Feed:
    """A feed that is idle until somebody says otherwise."""

    def __init__(self, unit: str, left: Callable[[Any], None]) -> None:
        self.unit = unit
        self.left = left
        self.idle = True
        self.dead = False
        self.closed = 0
        self.gate = Event()
        self.gate.set()

    def close(self) -> None:
        self.gate.wait()
        self.closed += 1


@pytest.fixture
def feeds(monkeypatch: pytest.MonkeyPatch) -> LogFeeds:
    monkeypatch.setattr(feeds_module, "FEED_LINGER", 0.05)
    return LogFeeds(Feed)  # type: ignore[arg-type]


def get(feeds: LogFeeds, unit: str = UNIT) -> Any:
    return feeds.get(unit)


def test_a_unit_has_one_feed_and_another_once_that_has_given_up(feeds: LogFeeds) -> None:
    first = get(feeds)
    assert get(feeds) is first
    assert get(feeds, "validator.service") is not first
    first.dead = True
    assert get(feeds) is not first


def test_a_feed_outlives_its_last_subscriber_for_a_moment(feeds: LogFeeds) -> None:
    first = get(feeds)
    for _ in range(3):
        first.left(first, True)
    assert get(feeds) is first
    until(lambda: first.closed, "the end")
    assert first.closed == 1
    assert not feeds._feeds
    assert not feeds._lingering
    assert get(feeds) is not first


def test_one_that_nobody_wants_any_more_goes_sooner(feeds: LogFeeds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "FEED_LINGER", 60)
    monkeypatch.setattr(feeds_module, "UNSUBSCRIBED", 0.05)
    unwanted, kept = get(feeds), get(feeds, "validator.service")
    unwanted.left(unwanted, False)
    assert get(feeds) is unwanted
    kept.left(kept, True)
    until(lambda: unwanted.closed, "the end")
    assert not kept.closed
    feeds.close()


def test_a_subscriber_who_comes_in_time_keeps_it(feeds: LogFeeds) -> None:
    first, other = get(feeds), get(feeds, "validator.service")
    first.left(first, True)
    first.idle = False
    other.left(other, True)
    until(lambda: other.closed, "the end of the other one")
    assert not first.closed
    assert get(feeds) is first


def test_each_time_it_is_left_it_has_as_long_again(feeds: LogFeeds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "FEED_LINGER", 60)
    first, other = get(feeds), get(feeds, "validator.service")
    first.left(first, True)
    timer = feeds._lingering[first]
    monkeypatch.setattr(feeds_module, "FEED_LINGER", 0.01)
    other.left(other, True)
    until(lambda: other.closed, "the end of the other one")
    assert not first.closed
    first.left(first, True)
    until(lambda: first.closed == 1, "the end")
    assert timer.dead


def test_of_many_that_are_left_the_last_ones_linger(feeds: LogFeeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them has a channel, of which a connection has ten."""
    monkeypatch.setattr(feeds_module, "FEED_LINGER", 60)
    made, timers = [get(feeds, f"unit{number}.service") for number in range(10)], []
    for feed in made:
        feed.left(feed, True)
        timers.append(feeds._lingering[feed])
    until(lambda: sum(feed.closed for feed in made) == 6, "the end of the others")
    assert [timer.dead for timer in timers] == [True] * 6 + [False] * 4  # those have nothing more to end
    assert [feed.closed for feed in made] == [1] * 6 + [0] * 4
    made[6].idle = False  # somebody follows it again: it does not count
    more = [get(feeds, "more.service"), get(feeds, "most.service")]
    for feed in more:
        feed.left(feed, True)
    until(lambda: made[7].closed, "the end of the next one")
    gevent.sleep(0)
    assert [feed.closed for feed in made[6:]] == [0, 1, 0, 0]
    assert get(feeds, "unit6.service") is made[6]
    feeds.close()


def test_one_that_has_given_up_goes_at_once_and_takes_no_other_with_it(feeds: LogFeeds) -> None:
    first = get(feeds)
    first.dead = True
    second = get(feeds)
    first.left(first, True)
    until(lambda: first.closed, "the end")
    assert get(feeds) is second
    assert not second.closed


def test_closing_ends_every_feed_and_waits_for_it_also_those_that_linger(feeds: LogFeeds) -> None:
    made = [get(feeds), get(feeds, "validator.service"), get(feeds, "consensus.service")]
    made[0].left(made[0], True)
    made[1].dead = True
    made.append(get(feeds, "validator.service"))
    made[1].left(made[1], True)
    made[2].gate.clear()
    closing = gevent.spawn(feeds.close)
    until(lambda: sum(each.closed for each in made) == 3, "the end of three")
    assert not closing.dead
    made[2].gate.set()
    closing.get(timeout=5)
    for each in made:
        each.left(each, True)
    assert [each.closed for each in made] == [1, 1, 1, 1]
    assert not feeds._lingering


def test_after_the_end_there_is_no_other_feed(feeds: LogFeeds) -> None:
    """Nobody would close it."""
    get(feeds)
    feeds.close()
    with pytest.raises(SshUnreachable):
        get(feeds)
    assert feeds.all() == []
