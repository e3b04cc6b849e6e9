"""What a node does for people, stopped at each of its switches: nothing stays open, counted, running or in a map."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gevent
import pytest

from ethpillar.errors import EthPillarError
from ethpillar.nodes.history import SEARCHES, History
from ethpillar.nodes.shared import Shared
from ethpillar.nodes.status_feed import StatusFeed

from ..interruption import Operation, sweep
from ..waiting import until
from .journal_fake import FakeJournal, FakeSink, make_feed
from .test_history import ERRORS, Source, query
from .test_status_feed import FakeSink as StatusSink
from .test_status_feed import FakeSystemd, encode


@pytest.mark.parametrize("where", ["ring", "journal"])
def test_a_subscription(where: str) -> None:
    """All that its feed's follower does meanwhile is stopped with it, and another subscriber hears everything."""

    @contextmanager
    def scenario() -> Iterator[Operation]:
        journal, sink, other = FakeJournal(), FakeSink(), FakeSink()
        journal.write(30)
        feed = make_feed(journal, entries=1000 if where == "ring" else 10)
        subscriptions = []

        def watch() -> None:
            subscriptions.append(feed.subscribe(sink, 20))
            while len(sink.got) < 20:
                gevent.sleep(0)
            subscriptions[-1].close()

        yield watch
        subscriptions.append(feed.subscribe(other, 20))
        until(lambda: len(other.got) >= 20, "the lines of another subscriber")
        journal.write(1)
        until(lambda: other.got[-1] == "line 30", "the next line")
        for each in subscriptions:
            each.close()
        feed.close()
        assert not journal.open
        assert feed.idle

    assert sweep(scenario, all_of_it=True, again=(1,)) >= 3


def test_a_feed_that_is_closed() -> None:
    """A close that is stopped can be repeated, and then nothing is left."""

    @contextmanager
    def scenario() -> Iterator[Operation]:
        journal, sinks = FakeJournal(), [FakeSink() for _ in range(3)]
        journal.write(30)
        feed = make_feed(journal, entries=10)
        for sink in sinks:
            feed.subscribe(sink, 20)
        sinks[0].frozen = True
        until(lambda: journal.open, "a journalctl")
        yield feed.close
        feed.close()
        until(lambda: not journal.open, "the end of every journalctl")

    assert sweep(scenario) >= 1


def test_a_subscription_to_states() -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        systemd, sink, other = FakeSystemd(), StatusSink(), StatusSink()
        feed = StatusFeed(systemd.run, encode, lambda _: [])
        subscriptions = []

        def watch() -> None:
            subscriptions.append(feed.subscribe(sink, 60.0))
            while not sink.updates:
                gevent.sleep(0)
            feed.unit("execution.service")
            subscriptions[-1].close()

        yield watch
        feed.subscribe(other, 60.0)
        until(lambda: other.updates, "an update for another subscriber")
        for each in subscriptions:
            each.close()
        feed.close()
        assert not feed.subscriptions

    assert sweep(scenario, all_of_it=True, again=(1,)) >= 3


@pytest.mark.parametrize("shared", [False, True])
def test_a_search_of_the_past(shared: bool) -> None:
    """One that others wait for goes on without the caller who is stopped."""

    @contextmanager
    def scenario() -> Iterator[Operation]:
        source = Source()
        history = History(source, clock=lambda: 0.0)
        asking = gevent.spawn(history.read, query(wanted=ERRORS)) if shared else None
        yield lambda: history.read(query(wanted=ERRORS))
        if asking is not None:
            assert asking.get(timeout=10).page.shown == []
        until(lambda: not len(history), "the end of every search")
        assert source.running == 0
        assert history._turns.counter == SEARCHES

    assert sweep(scenario) >= 1


def test_a_call_that_is_shared() -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        calls = []

        def act() -> int:
            gevent.sleep(0)
            calls.append(1)
            return len(calls)

        shared = Shared(act, "A call", EthPillarError)
        other = gevent.spawn(shared.get)
        yield shared.get
        assert other.get(timeout=10) == 1
        assert not shared.running
        with suppress(EthPillarError):
            assert shared.get() == 2
        shared.close()

    assert sweep(scenario) >= 1
