"""Polls that are shared, and what each of them asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import gevent
import pytest

from ethpillar.errors import EthPillarError, LimitReached, SessionStoreDown, SshUnreachable, StatusUnavailable
from ethpillar.nodes import status_feed
from ethpillar.nodes.status_feed import Snapshot, StatusFeed
from ethpillar.units import KNOWN_UNITS, UnitStatus

from ..waiting import until


class FakeSystemd:
    """Answers `systemctl show`, taking a moment; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.state = "active"
        self.delay = 0.0
        self.broken = False
        self.problem: EthPillarError | None = None

    def run(self, words: Sequence[str]) -> tuple[int, bytes]:
        units = list(words[words.index("--") + 1 :])
        self.asked.append(units)
        answer = f"LoadState=loaded\nActiveState={self.state}\n"
        gevent.sleep(self.delay)
        if self.problem is not None:
            raise self.problem
        return int(self.broken), "\n".join([answer] * len(units)).encode()


class FakeSink:
    def __init__(self) -> None:
        self.updates: list[Snapshot] = []
        self.errors: list[EthPillarError] = []
        self.keeps_up = True

    def ready(self) -> bool:
        return self.keeps_up

    def status(self, snapshot: Snapshot) -> None:
        self.updates.append(snapshot)

    def status_failed(self, error: EthPillarError) -> None:
        self.errors.append(error)


def encode(statuses: Sequence[UnitStatus]) -> str:
    return " ".join(status.unit for status in statuses)


@pytest.fixture
def systemd() -> FakeSystemd:
    return FakeSystemd()


@pytest.fixture
def read() -> list[str]:
    """The units whose last lines were read."""
    return []


@pytest.fixture
def feed(systemd: FakeSystemd, read: list[str]) -> Iterator[StatusFeed]:
    made = StatusFeed(systemd.run, encode, lambda unit: read.append(unit) or [])  # type: ignore[func-returns-value]
    yield made
    made.close()


def others(systemd: FakeSystemd) -> list[set[str]]:
    """The units of each poll that EthPillar does not know."""
    return [set(units) - {f"{name}.service" for name in KNOWN_UNITS} for units in systemd.asked]


def test_another_unit_is_asked_for_when_it_is_wanted_and_then_no_more(systemd: FakeSystemd, feed: StatusFeed) -> None:
    for number in range(20):
        assert feed.unit(f"getty@{number}.service").status == "active"
    assert feed.unit("getty@19.service").status == "active"
    assert feed.get(0.0).data == encode([UnitStatus(f"{name}.service", "active") for name in KNOWN_UNITS])
    assert others(systemd) == [*({f"getty@{number}.service"} for number in range(20)), set()]


def test_all_who_want_a_unit_at_once_share_a_poll_whatever_is_under_way(systemd: FakeSystemd, feed: StatusFeed) -> None:
    systemd.delay = 0.01
    under_way = gevent.spawn(feed.get, 0.0)
    until(lambda: systemd.asked, "the first poll")
    asks = [gevent.spawn(feed.unit, f"other{number % 5}.service") for number in range(50)]
    gevent.joinall([under_way, *asks], raise_error=True)
    assert others(systemd) == [set(), {f"other{number}.service" for number in range(5)}]


def test_a_poll_that_fails_is_told_and_the_next_one_answers(systemd: FakeSystemd, feed: StatusFeed) -> None:
    systemd.broken = True
    with pytest.raises(StatusUnavailable):
        feed.unit("other.service")
    systemd.broken = False
    assert feed.unit("other.service").status == "active"


def test_the_lines_before_a_failure_are_read_only_where_they_are_shown(
    systemd: FakeSystemd, feed: StatusFeed, read: list[str]
) -> None:
    systemd.state = "failed"
    feed.unit("other.service")
    assert "execution.service" in read
    assert "other.service" not in read


def test_a_change_is_seen_though_an_older_poll_is_under_way(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_feed, "SETTLE", 0.01)
    sink = FakeSink()
    systemd.delay = 0.1
    feed.subscribe(sink, 300)
    until(lambda: systemd.asked, "the first poll")
    systemd.state = "deactivating"
    feed.refresh()
    until(lambda: sink.updates and sink.updates[-1].units["execution.service"].status == "deactivating", "it", 2)


@pytest.mark.parametrize("problem", [SessionStoreDown(), LimitReached(), SshUnreachable()])
def test_whatever_keeps_a_poll_back_is_told_once_and_the_ticks_go_on(
    systemd: FakeSystemd, feed: StatusFeed, problem: EthPillarError
) -> None:
    sink = FakeSink()
    systemd.problem = problem
    subscription = feed.subscribe(sink, 0.01)
    until(lambda: len(systemd.asked) > 3, "several polls")
    systemd.problem = None
    until(lambda: sink.updates, "an update")
    assert [error.payload()["code"] for error in sink.errors] == ["status_unavailable"]
    subscription.close()


def test_an_update_that_a_browser_cannot_take_comes_when_it_can(systemd: FakeSystemd, feed: StatusFeed) -> None:
    sink = FakeSink()
    subscription = feed.subscribe(sink, 300)
    until(lambda: sink.updates, "the first update")
    sink.keeps_up = False
    systemd.state = "failed"
    feed.refresh()
    until(lambda: len(systemd.asked) == 2, "a poll")
    until(lambda: subscription._owed is not None, "an update that is owed")
    sink.keeps_up = True
    until(lambda: len(sink.updates) == 2, "the second update")
    assert sink.updates[-1].units["execution.service"].status == "failed"
    assert subscription._owed is None


def test_one_that_is_closed_from_within_stops(systemd: FakeSystemd, feed: StatusFeed) -> None:
    class Leaving(FakeSink):
        def status(self, snapshot: Snapshot) -> None:
            super().status(snapshot)
            subscription.close()

    sink = Leaving()
    subscription = feed.subscribe(sink, 0.01)
    until(lambda: subscription._greenlet.dead, "the end of the ticks")
    assert len(sink.updates) == 1
    assert not feed.subscriptions
