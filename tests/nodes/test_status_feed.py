"""Polls that are shared, and what each of them asks for."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence

import gevent
import pytest

from ethpillar.errors import (
    EthPillarError,
    LimitReached,
    SessionStoreDown,
    SshTimeout,
    SshUnreachable,
    StatusUnavailable,
)
from ethpillar.nodes import status_feed, status_state
from ethpillar.nodes.status_feed import OTHERS, Snapshot, StatusFeed
from ethpillar.nodes.status_state import StatusState
from ethpillar.units import CORE_UNITS, KNOWN_UNITS, UnitStatus

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
        self._keeps_up = True
        self._again: Callable[[], None] | None = None

    @property
    def keeps_up(self) -> bool:
        return self._keeps_up

    @keeps_up.setter
    def keeps_up(self, value: bool) -> None:
        self._keeps_up = value
        again, self._again = self._again, None
        if value and again is not None:
            again()

    def ready(self, again: Callable[[], None]) -> bool:
        if not self._keeps_up:
            self._again = again
        return self._keeps_up

    def status(self, snapshot: Snapshot) -> None:
        self.updates.append(snapshot)

    def status_failed(self, error: EthPillarError) -> None:
        self.errors.append(error)


def greenlets() -> int:
    return sum(isinstance(each, gevent.Greenlet) and not each.dead for each in gc.get_objects())


def encode(statuses: Sequence[UnitStatus], at: float | None = None) -> str:
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


def test_what_is_known_of_another_unit_outlives_the_polls_that_are_not_about_it(
    systemd: FakeSystemd, feed: StatusFeed
) -> None:
    feed.unit("other.service")
    feed.get(0.0)
    assert "other.service" not in systemd.asked[-1]
    known = feed.known("other.service")
    assert known is not None
    assert known.status == "active"
    for number in range(OTHERS):  # and it is no more than some
        feed.unit(f"getty@{number}.service")
    feed.get(0.0)
    assert feed.known("other.service") is None
    assert feed.known(f"getty@{OTHERS - 1}.service") is not None
    feed.set_away(True)
    feed.set_away(False)  # what was before the outage is not the present
    assert feed.known(f"getty@{OTHERS - 1}.service") is None


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
    until(lambda: subscription.state is StatusState.OWED, "an update that is owed")
    sink.keeps_up = True
    until(lambda: len(sink.updates) == 2, "the second update")
    assert sink.updates[-1].units["execution.service"].status == "failed"
    assert subscription.state is StatusState.CURRENT
    assert len(systemd.asked) == 2  # it is young enough


def test_an_update_that_was_owed_for_long_is_polled_anew(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = FakeSink()
    sink.keeps_up = False
    subscription = feed.subscribe(sink, 300)
    until(lambda: subscription.state is StatusState.OWED, "an update that is owed")
    systemd.state = "failed"
    monkeypatch.setattr(status_feed, "RECENT", 0.0)
    sink.keeps_up = True
    until(lambda: sink.updates, "the update")
    assert [each.units["execution.service"].status for each in sink.updates] == ["failed"]


def test_an_owed_update_that_a_newer_one_replaced_never_comes(systemd: FakeSystemd, feed: StatusFeed) -> None:
    sink = FakeSink()
    sink.keeps_up = False
    subscription = feed.subscribe(sink, 0.05)
    until(lambda: subscription.state is StatusState.OWED, "an update that is owed")
    systemd.state = "failed"
    sink.keeps_up = True
    until(lambda: len(sink.updates) > 5, "several updates")
    taken = [each.taken for each in sink.updates]
    assert taken == sorted(taken)
    assert subscription.state is StatusState.CURRENT


def test_a_second_outage_is_reported_as_well(systemd: FakeSystemd, feed: StatusFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink, 0.01)
    for outage in (1, 2, 3):
        until(lambda outage=outage: len(sink.updates) >= outage, "an update")  # type: ignore[misc]
        systemd.problem = SshUnreachable()
        until(lambda outage=outage: len(sink.errors) == outage, "the outage")  # type: ignore[misc]
        polls = len(systemd.asked)
        until(lambda polls=polls: len(systemd.asked) > polls + 2, "more failing polls")  # type: ignore[misc]
        assert len(sink.errors) == outage
        systemd.problem = None
        got = len(sink.updates)
        until(lambda got=got: len(sink.updates) > got, "the next update")  # type: ignore[misc]


def test_each_change_brings_an_update_at_once(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_feed, "SETTLE", 0.01)
    sink = FakeSink()
    feed.subscribe(sink, 300)
    until(lambda: sink.updates, "the first update")
    for state in ("deactivating", "inactive", "activating", "active"):
        systemd.state = state
        for _ in range(3):  # systemd writes several lines at once
            feed.refresh()
        got = len(sink.updates)
        until(lambda got=got: len(sink.updates) > got, "an update", 5)  # type: ignore[misc]
        assert sink.updates[-1].units["execution.service"].status == state
    assert len(systemd.asked) == 5


def test_a_change_during_a_refresh_brings_another(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_feed, "SETTLE", 0.01)
    sink = FakeSink()
    feed.subscribe(sink, 300)
    until(lambda: sink.updates, "the first update")
    systemd.delay = 0.05
    feed.refresh()
    until(lambda: len(systemd.asked) == 2, "the poll of the refresh")
    systemd.state = "failed"
    feed.refresh()
    until(lambda: sink.updates[-1].units["execution.service"].status == "failed", "the change", 5)


def test_an_update_at_a_long_interval_is_young(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not be a snapshot that somebody else's tick brought most of an interval ago."""
    monkeypatch.setattr(status_state, "RECENT", 0.05)
    early, late = FakeSink(), FakeSink()
    feed.subscribe(early, 1.0)
    gevent.sleep(0.3)
    started = time.monotonic()
    feed.subscribe(late, 1.0)
    until(lambda: len(late.updates) == 2, "the second update")
    assert late.updates[1].taken - started > 0.9


def test_a_systemd_that_hangs_is_not_waited_for_again_and_again(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.problem = SshTimeout()
    with pytest.raises(SshTimeout):
        feed.unit("a.service")
    for _ in range(3):
        with pytest.raises(StatusUnavailable):
            feed.unit("b.service")
    assert len(systemd.asked) == 1
    with pytest.raises(SshTimeout):
        feed.get(0.0)  # the ticks go on
    systemd.problem = None
    feed.get(0.0)
    assert feed.unit("b.service").status == "active"  # it answers again, so it is believed again
    systemd.problem = SshTimeout()
    with pytest.raises(SshTimeout):
        feed.unit("c.service")
    monkeypatch.setattr(status_feed, "HANG_KEPT", 0.0)
    systemd.problem = None
    assert feed.unit("c.service").status == "active"


def test_all_who_wait_for_a_poll_that_fails_get_an_error_of_their_own(systemd: FakeSystemd, feed: StatusFeed) -> None:
    systemd.delay, systemd.problem = 0.01, SshUnreachable()
    raised: list[EthPillarError] = []

    def ask() -> None:
        try:
            feed.get(0.0)
        except EthPillarError as problem:
            raised.append(problem)

    gevent.joinall([gevent.spawn(ask) for _ in range(5)], raise_error=True)
    assert len(systemd.asked) == 1
    assert len({id(problem) for problem in raised}) == 5


def test_an_unexpected_error_in_a_poll_is_a_failed_poll(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> str:
        raise RuntimeError("CANARY")

    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    monkeypatch.setattr(feed, "_encode", fails)
    sink = FakeSink()
    feed.subscribe(sink, 0.01)
    until(lambda: len(systemd.asked) > 3, "more polls")
    assert [error.code for error in sink.errors] == ["status_unavailable"]
    monkeypatch.setattr(feed, "_encode", encode)
    until(lambda: sink.updates, "an update")
    assert "A status poll failed (RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text


def test_an_unexpected_error_in_an_update_ends_no_subscription(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(FakeSink):
        def status(self, snapshot: Snapshot) -> None:
            super().status(snapshot)
            if len(self.updates) == 1:
                raise RuntimeError("CANARY")

    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    sink = Failing()
    feed.subscribe(sink, 0.01)
    until(lambda: len(sink.updates) > 2, "more updates")
    assert "RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_feed_that_is_closed_in_the_middle_of_everything_leaves_no_greenlet(
    systemd: FakeSystemd, feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_feed, "SETTLE", 0.0)
    systemd.delay = 30.0
    before = greenlets()
    for _ in range(3):
        feed.subscribe(FakeSink(), 0.01)
    feed.refresh()
    asks = [gevent.spawn(pytest.raises, StatusUnavailable, feed.get, 0.0) for _ in range(3)]
    until(lambda: systemd.asked, "a poll")
    feed.close()
    gevent.joinall(asks, timeout=5, raise_error=True)
    del asks
    until(lambda: greenlets() <= before, "the end of every greenlet")
    with pytest.raises(StatusUnavailable):
        feed.get(0.0)


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


def test_an_answer_that_is_none_is_a_failed_poll(systemd: FakeSystemd, feed: StatusFeed) -> None:
    feed._run = lambda words: (0, b"Welcome to Ubuntu")
    with pytest.raises(StatusUnavailable):
        feed.get(0.0)


def test_a_poll_that_never_asks_for_a_unit_is_not_waited_for_for_ever(systemd: FakeSystemd, feed: StatusFeed) -> None:
    polled = feed.get(0.0)
    feed.get = lambda max_age: polled  # type: ignore[method-assign]
    with pytest.raises(StatusUnavailable):
        feed.unit("other.service")


def test_a_node_that_is_missing_is_not_a_systemd_that_fails() -> None:
    systemd, sink, missing = FakeSystemd(), FakeSink(), True
    systemd.problem = SshUnreachable()
    feed = StatusFeed(systemd.run, lambda *_: "", lambda _: [], missing=lambda: missing)
    feed.subscribe(sink, 0.01)
    until(lambda: len(systemd.asked) > 3, "some polls")
    assert not sink.errors + sink.updates  # type: ignore[operator]
    feed.set_away(True)
    until(lambda: feed.unknown in sink.updates, "the update")
    missing = False
    feed.set_away(False)
    until(lambda: sink.errors, "the error")
    feed.close()


def test_one_that_is_closed_at_the_moment_at_which_its_poll_ends_sends_nothing(
    feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = FakeSink()
    subscription = feed.subscribe(sink, 3600)
    until(lambda: bool(sink.updates), "the first update")
    get = feed.get

    def get_and_close(age: float) -> Snapshot:
        subscription._machine.to(StatusState.CLOSED)
        return get(age)

    monkeypatch.setattr(feed, "get", get_and_close)
    subscription._send_or_owe(0.0)  # an illegal transition otherwise
    assert len(sink.updates) == 1


def test_an_answer_that_is_none_is_no_mistake_of_ours(
    feed: StatusFeed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)

    def unreadable(*_: object) -> list[UnitStatus]:
        raise ValueError

    monkeypatch.setattr(status_feed, "parse_show", unreadable)
    with pytest.raises(StatusUnavailable):
        feed.get(0.0)
    assert not caplog.records


def test_what_is_known_of_a_unit_without_asking_anybody(systemd: FakeSystemd, feed: StatusFeed) -> None:
    known, unknown = f"{KNOWN_UNITS[0]}.service", "nobody.service"
    assert (feed.known(known), feed.description(known)) == (None, None)
    assert (feed.polls(known), feed.polls(unknown)) == (True, False)
    answer = b"LoadState=loaded\nActiveState=active\nDescription=Geth\n"
    feed._run = lambda words: (0, b"\n".join([answer] * (len(words) - words.index("--") - 1)))
    feed.get(0.0)
    assert (feed.description(known), feed.description(unknown)) == ("Geth", None)
    feed.unit(unknown)
    feed.get(0.0)
    assert feed.description(unknown) == "Geth"
    assert systemd.asked == []


def test_units_that_the_node_never_had_are_only_in_an_update_with_everything(
    feed: StatusFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        feed, "_run", lambda words: (0, b"\n".join([b"LoadState=not-found\nActiveState=inactive\n"] * len(feed._units)))
    )
    snapshot = feed.get(0.0)
    assert snapshot.data == ""
    assert set(snapshot.everything.split()) == {f"{name}.service" for name in CORE_UNITS}


def test_all_are_told_at_once_that_a_node_is_away_and_then_polls_find_out_whether_it_is_back(
    systemd: FakeSystemd, feed: StatusFeed
) -> None:
    quick, slow = FakeSink(), FakeSink()
    feed.subscribe(slow, 600.0)
    until(lambda: slow.updates, "the first update")
    feed.subscribe(quick, 0.02)
    until(lambda: quick.updates, "its first update")
    feed.set_away(True)
    unknown = feed.unknown
    until(lambda: slow.updates[-1] is unknown, "the update of the one with a long interval")
    until(lambda: unknown in quick.updates and quick.updates[-1] is not unknown, "a poll that found it")
    sent = quick.updates.index(unknown)  # type: ignore[arg-type]
    assert quick.updates[sent - 1].units
    assert quick.updates[sent + 1].units  # and not the same again
