"""A journal in memory and a feed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest

from ethpillar.nodes.log_feed import LogFeed
from ethpillar.timing import Backoff

from .by_hand import Clock
from .following import Following
from .journal_fake import FakeJournal, make_feed
from .subscribing import Subscribing


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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.reader.Backoff", lambda: Backoff(0.001, 0.002))
    monkeypatch.setattr("ethpillar.nodes.reader.EVERY", {})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().rule(monkeypatch)


def end(close: Callable[[], object], made: Following | Subscribing, clock: Clock) -> None:
    """End what is tested, of which nothing may go on."""
    close()
    gevent.sleep(0)
    assert made.node.open == 0
    assert clock.naps == []


@pytest.fixture
def following(clock: Clock) -> Iterator[Following]:
    made = Following(clock)
    yield made
    end(made.follower.close, made, clock)


@pytest.fixture
def subscribing(clock: Clock) -> Iterator[Subscribing]:
    made = Subscribing(clock)
    yield made
    end(made.subscription.close, made, clock)
