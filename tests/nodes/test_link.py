"""A link to a node, over a pool that does as it is told."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import (
    CredentialRefused,
    EthPillarError,
    InternalError,
    LoginDenied,
    SessionStoreDown,
    SshTimeout,
    SshUnreachable,
)
from ethpillar.nodes import away as away_module
from ethpillar.nodes import link as link_module
from ethpillar.nodes import link_state
from ethpillar.nodes.link import Link
from ethpillar.nodes.link_state import REFUSED_TRIES, LinkState
from ethpillar.nodes.tally import Tally
from ethpillar.timing import Backoff

from ..interruption import sweep
from ..waiting import until


class Connection:
    def __init__(self) -> None:
        self.ended = Event()


class Pool:
    """Its logins take a moment, and fail with `problem` while there is one."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.tries: list[float] = []
        self.connection: Connection | None = None
        self.delay = 0.0
        self.heard = 0.0

    @property
    def alive(self) -> list[Connection]:
        return [self.connection] if self.connection is not None and not self.connection.ended.is_set() else []

    def connect(self) -> None:
        self.tries.append(time.monotonic())
        gevent.sleep(self.delay)
        if self.problem is not None:
            raise self.problem
        self.connection = Connection()

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.ended.set()

    def breaks(self, problem: Exception | None = None) -> None:
        """The connection is lost; another can't be made while there is a problem."""
        self.problem = problem
        assert self.connection is not None
        self.connection.ended.set()


class Listener:
    def __init__(self, pool: Pool | None = None) -> None:
        self.states: list[str] = []
        self.lost: list[EthPillarError] = []
        self.away: list[int] = []
        "After how many tries it was told so."
        self.back = 0
        self._pool = pool or Pool()

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        self.states.append(state)

    def node_away(self) -> None:
        self.away.append(len(self._pool.tries))

    def node_back(self) -> None:
        self.back += 1

    def node_lost(self, error: EthPillarError) -> None:
        self.lost.append(error)


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def link(pool: Pool) -> Iterator[Link]:
    made = Link("session", pool, give_up=60)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def listener(link: Link, pool: Pool) -> Listener:
    made = Listener(pool)
    link.listeners.add(made)
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "Backoff", lambda: Backoff(0.001, 0.01))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried unless somebody asks."""
    monkeypatch.setattr(link_module, "Backoff", lambda: Backoff(600, 600))
    monkeypatch.setattr(link_state, "SOON", 600.0)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    return caplog


def away(link: Link, pool: Pool, problem: Exception | None = None) -> None:
    """It was connected, and is not any more."""
    link.connect()
    gevent.sleep(0)  # it is being watched
    pool.breaks(problem)
    until(lambda: link.state is LinkState.RECONNECTING, "the loss")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("problem", [SessionStoreDown(), SshTimeout(), SshUnreachable()])
def test_a_first_login_that_fails_for_a_passing_reason_is_the_same_as_a_loss(
    pool: Pool, link: Link, listener: Listener, monkeypatch: pytest.MonkeyPatch, problem: EthPillarError
) -> None:
    monkeypatch.setattr(link_state, "HURRY_EVERY", 0.0)
    pool.problem = problem
    asking = [gevent.spawn(link.connect) for _ in range(5)]
    gevent.joinall(asking, timeout=5, raise_error=True)
    assert len(pool.tries) == 1
    assert link.state is LinkState.RECONNECTING
    waiting = gevent.spawn(link.wait_connected)
    until(lambda: listener.states == ["reconnecting"], "the wait")
    link.connect()  # somebody who comes brings the next try forward
    until(lambda: len(pool.tries) == 2, "the next try")
    pool.problem = None
    until(lambda: link.connect() or link.state is LinkState.CONNECTED, "a try")  # type: ignore[func-returns-value]
    waiting.get(timeout=5)
    assert listener.states[-1] == "connected"
    assert listener.back == 1
    assert not listener.lost


def test_a_first_login_may_be_asked_for_what_prevents_it(pool: Pool, link: Link) -> None:
    pool.problem = SshTimeout()
    with pytest.raises(SshTimeout):
        link.reach()
    pool.problem = None


@pytest.mark.parametrize("known", [False, True])
def test_a_login_that_takes_long_is_not_waited_for(
    pool: Pool, link: Link, listener: Listener, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """The wait is counted from the login's start: those who come later wait for less."""
    monkeypatch.setattr(link_module, "WAITED_FOR_KNOWN" if known else "WAITED_FOR", 0.05)
    pool.delay = 0.3
    for _ in range(3):
        link.connect(known)
    assert link.state is LinkState.CONNECTING
    assert not listener.states
    until(lambda: listener.states == ["connected"], "the login")
    assert (len(pool.tries), listener.back) == (1, 1)


def test_one_that_needs_no_answer_any_more_waits_no_longer(pool: Pool, link: Link) -> None:
    pool.delay = 600
    gone = Event()
    gevent.spawn_later(0.01, gone.set)
    with pytest.raises(SshUnreachable):
        link.connect(gone=gone)
    assert link.state is LinkState.CONNECTING


def test_those_who_were_let_in_during_a_login_hear_of_its_refusal(
    pool: Pool, link: Link, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "WAITED_FOR", 0.01)
    pool.delay, pool.problem = 2.0, CredentialRefused()
    link.connect()
    until(lambda: listener.lost, "the refusal")
    assert [error.code for error in listener.lost] == ["ssh_auth_failed"]
    assert link.over


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("first", [True, False])
def test_a_node_counts_as_away_once_after_the_third_failed_try(
    pool: Pool, link: Link, listener: Listener, first: bool
) -> None:
    if first:
        pool.problem = SshUnreachable()
        link.connect()
    else:
        away(link, pool, SshUnreachable())
    until(lambda: len(pool.tries) > 8, "several tries")
    assert listener.away == [3 if first else 4]  # a node that was connected has had one try more
    assert link.away
    pool.problem = None
    until(lambda: link.state is LinkState.CONNECTED, "the connection")
    assert listener.back == (1 if first else 2)
    assert not link.away
    pool.breaks(SshUnreachable())
    until(lambda: len(listener.away) == 2, "the next time")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("first", [True, False])
def test_a_node_counts_as_away_after_a_while_however_few_the_tries(
    pool: Pool, link: Link, listener: Listener, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    monkeypatch.setattr(link_state, "AWAY_AFTER", 0.1)
    if first:
        pool.delay = 600
        gevent.spawn(link.connect)
    else:
        away(link, pool, SshUnreachable())
    until(lambda: listener.away, "its absence")
    assert len(pool.tries) == 1


@pytest.mark.usefixtures("quick")
def test_a_short_break_is_no_absence(pool: Pool, link: Link, listener: Listener) -> None:
    link.connect()
    gevent.sleep(0)
    pool.breaks()
    until(lambda: listener.back == 2, "the connection")
    assert not listener.away
    assert not link.away


def test_a_node_that_goes_silent_is_away_until_it_says_something(
    pool: Pool, link: Link, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_state, "AWAY_AFTER", 0.1)
    monkeypatch.setattr(away_module, "LOOK_EVERY", 0.01)
    link.connect()
    for _ in range(2):
        back = listener.back
        link.unanswered(time.monotonic())
        until(lambda: link.away, "its absence")
        pool.heard = time.monotonic()
        until(lambda: not link.away, "its return")
        assert listener.back == back + 1
    assert len(listener.away) == 2
    link.unanswered(time.monotonic() - 5)  # and one that has said something meanwhile is not
    until(lambda: listener.back == 4, "the look")
    assert len(listener.away) == 2


def test_who_keeps_the_states_hears_of_an_absence_before_the_listeners_do(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Telling(Listener):
        def node_away(self) -> None:
            told.append("away")

        def node_back(self) -> None:
            told.append("back")

    told: list[Any] = []
    monkeypatch.setattr(link_state, "AWAY_AFTER", 0.0)
    monkeypatch.setattr(away_module, "LOOK_EVERY", 0.01)
    link = Link("session", pool, 60, told.append)  # type: ignore[arg-type]
    link.listeners.add(Telling())
    link.connect()
    del told[:]
    link.unanswered(time.monotonic())
    until(lambda: len(told) == 2, "its absence")
    pool.heard = time.monotonic()
    until(lambda: len(told) == 4, "its return")
    assert told == [True, "away", False, "back"]
    link.close()


def test_a_connection_that_runs_nothing_is_let_go(pool: Pool) -> None:
    def prove(_: Any) -> None:
        raise SshTimeout

    link = Link("session", pool, 60, prove=prove)  # type: ignore[arg-type]
    with pytest.raises(SshTimeout):
        link.reach()
    assert pool.alive == []
    link.close()


def test_a_silent_node_that_is_lost_and_comes_back(
    pool: Pool, link: Link, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(away_module, "LOOK_EVERY", 0.01)
    link.connect()
    gevent.sleep(0)
    monkeypatch.setattr(link_state, "AWAY_AFTER", 0.0)
    link.unanswered(time.monotonic())
    until(lambda: link.away, "its absence")
    pool.breaks()
    until(lambda: link.state is LinkState.RECONNECTING, "the loss")
    until(lambda: link.state is LinkState.CONNECTED and not link.away, "its return", 10)
    assert (len(listener.away), listener.back) == (1, 2)


@pytest.fixture
def given_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    """A link to a node that was given up."""
    monkeypatch.setattr(link_module, "Backoff", lambda: Backoff(0.001, 0.01))
    made = Link("session", pool, give_up=0.05)  # type: ignore[arg-type]
    made.connect()
    gevent.sleep(0)
    pool.breaks(SshTimeout())
    until(lambda: made.state is LinkState.GIVEN_UP, "the end")
    yield made
    made.close()


def test_a_node_that_was_given_up_is_tried_when_somebody_asks_and_not_otherwise(
    pool: Pool, given_up: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = len(pool.tries)
    for ask in (given_up.connect, given_up.wait_connected, given_up.connect):  # a moment ago
        with pytest.raises(SshUnreachable):
            ask()
    assert len(pool.tries) == tries
    monkeypatch.setattr(link_module, "HURRY_EVERY", 0.0)
    asking = [gevent.spawn(pytest.raises, SshUnreachable, given_up.connect) for _ in range(5)]
    gevent.joinall(asking, timeout=5, raise_error=True)
    assert len(pool.tries) == tries + 1  # all of them share a try
    assert given_up.state is LinkState.GIVEN_UP
    pool.problem = None
    given_up.connect()
    assert given_up.state is LinkState.CONNECTED
    given_up.wait_connected()
    gevent.sleep(0)
    pool.breaks()
    until(lambda: given_up.state is LinkState.CONNECTED and len(pool.tries) == tries + 3, "it is watched again")


def test_nobody_is_let_in_to_a_node_that_was_given_up_before_it_is_back(
    pool: Pool, given_up: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "HURRY_EVERY", 0.0)
    monkeypatch.setattr(link_module, "WAITED_FOR", 0.05)
    pool.problem, pool.delay = None, 0.2
    with pytest.raises(SshUnreachable):
        given_up.connect()
    until(lambda: given_up.state is LinkState.CONNECTED, "the login")
    given_up.connect()


def test_a_node_that_was_given_up_and_then_refuses_is_over(
    pool: Pool, given_up: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "HURRY_EVERY", 0.0)
    pool.problem = CredentialRefused()
    for _ in range(3):
        with pytest.raises(CredentialRefused):
            given_up.connect()
    assert given_up.over


def test_a_first_login_that_is_killed_can_be_tried_again(pool: Pool, link: Link) -> None:
    pool.delay = 600
    asking = gevent.spawn(pytest.raises, SshUnreachable, link.connect)
    until(lambda: pool.tries, "the login")
    assert link._login._run is not None
    link._login._run.kill()
    asking.get(timeout=5)
    assert link.state is LinkState.IDLE
    pool.delay = 0.0
    for _ in range(3):
        link.connect()
    assert link.state is LinkState.CONNECTED
    assert len(pool.tries) == 2


def test_one_that_is_closed_before_it_hears_of_its_login_is_told(pool: Pool, link: Link) -> None:
    result = link._login.result

    def close(run: Any) -> None:
        result(run)
        link.close()

    link._login.result = close  # type: ignore[method-assign, assignment]
    with pytest.raises(SshUnreachable):
        link.connect()
    assert pool.connection is not None


def test_one_that_is_refused_is_over(pool: Pool, link: Link) -> None:
    pool.problem = CredentialRefused()
    for _ in range(3):
        with pytest.raises(CredentialRefused):
            link.connect()
        with pytest.raises(CredentialRefused):
            link.wait_connected()
    assert len(pool.tries) == 1
    assert link.over


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("back", [True, False])
def test_somebody_who_asks_during_the_wait_brings_the_next_try_forward(
    pool: Pool, link: Link, listener: Listener, back: bool
) -> None:
    away(link, pool, None if back else SshUnreachable())
    assert len(pool.tries) == 1
    for _ in range(5):  # a page has five sockets
        link.connect()
    until(lambda: len(pool.tries) == 2, "a try")
    if back:
        until(lambda: link.state is LinkState.CONNECTED, "the connection")
        assert listener.states == ["connected", "reconnecting", "connected"]
    else:
        until(lambda: len(listener.states) == 3, "the next wait")
        assert link.state is LinkState.RECONNECTING


@pytest.mark.usefixtures("slow")
def test_tries_that_are_brought_forward_keep_their_distance(
    pool: Pool, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_state, "HURRY_EVERY", 0.2)
    away(link, pool, SshUnreachable())
    until(lambda: link.connect() or len(pool.tries) == 5, "several tries")  # type: ignore[func-returns-value]
    distances = [later - earlier for earlier, later in zip(pool.tries[1:], pool.tries[2:], strict=False)]
    assert min(distances) > 0.19


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("give_up", [60.0, 0.1])
def test_a_node_that_logs_each_try_as_a_failed_login_is_not_tried_more_often_because_people_ask(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, give_up: float
) -> None:
    monkeypatch.setattr(link_state, "HURRY_EVERY", 0.01)
    monkeypatch.setattr(link_state, "REFUSED_WAIT", 0.01)
    monkeypatch.setattr(link_state, "REFUSED_WITHIN", 0.5)
    made = Link("session", pool, give_up=give_up)  # type: ignore[arg-type]
    pool.problem = LoginDenied()

    def asks() -> bool:
        with suppress(SshUnreachable):
            made.connect()
        return len(pool.tries) == 5

    until(asks, "some tries")
    assert all(later - earlier > 0.49 for earlier, later in zip(pool.tries, pool.tries[REFUSED_TRIES:], strict=False))
    made.close()


@pytest.mark.usefixtures("quick")
def test_a_node_that_is_refused_while_it_is_away_is_over_for_everyone(
    pool: Pool, link: Link, listener: Listener
) -> None:
    link.connect()
    gevent.sleep(0)
    waiting = []
    pool.breaks(SshTimeout())
    until(lambda: link.state is LinkState.RECONNECTING, "the loss")
    waiting = [gevent.spawn(pytest.raises, CredentialRefused, link.wait_connected) for _ in range(3)]
    until(lambda: len(pool.tries) > 3, "several tries")
    pool.problem = CredentialRefused()
    gevent.joinall(waiting, timeout=10, raise_error=True)
    assert [error.code for error in listener.lost] == ["ssh_auth_failed"]
    assert listener.states[-1] == "lost"
    with pytest.raises(CredentialRefused):
        link.connect()


@pytest.mark.usefixtures("quick")
def test_an_unexpected_error_while_connecting_is_one_more_try_that_failed(
    pool: Pool, link: Link, listener: Listener, log: pytest.LogCaptureFixture
) -> None:
    pool.problem = RuntimeError("CANARY")
    link.connect()
    assert link.state is LinkState.RECONNECTING
    pool.problem = None
    until(lambda: link.state is LinkState.CONNECTED, "the connection")
    away(link, pool, RuntimeError("CANARY"))
    waiting = gevent.spawn(link.wait_connected)
    until(lambda: len(pool.tries) > 5, "more tries")
    pool.problem = None
    waiting.get(timeout=10)
    assert not listener.lost
    assert "Connecting failed (RuntimeError" in log.text
    assert "CANARY" not in log.text


def test_an_unexpected_error_in_the_watch_leaves_nobody_waiting_for_ever(
    pool: Pool, link: Link, listener: Listener, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("CANARY")

    link.connect()
    gevent.sleep(0)
    monkeypatch.setattr(link._retries, "lost", fails)
    pool.breaks()
    until(lambda: listener.lost, "the end")
    for ask in (link.connect, link.wait_connected):
        with pytest.raises(SshUnreachable):
            ask()
    assert "Watching the connection failed (RuntimeError" in log.text
    assert "CANARY" not in log.text


def test_a_watch_that_is_killed_leaves_nobody_waiting_for_ever(pool: Pool, link: Link, listener: Listener) -> None:
    link.connect()
    assert link._supervisor is None  # nothing waits while the connection stands
    pool.breaks(SshUnreachable())
    until(lambda: link._supervisor, "the watch").kill()
    assert listener.lost
    with pytest.raises(SshUnreachable):
        link.wait_connected()


@pytest.mark.usefixtures("quick")
def test_another_connection_that_stands_takes_the_place_of_the_one_that_ended(
    pool: Pool, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.connect()
    first, second = pool.connection, Connection()
    assert first is not None
    both = property(lambda _: [each for each in (first, second) if not each.ended.is_set()])
    monkeypatch.setattr(Pool, "alive", both)
    first.ended.set()
    gevent.sleep(0.01)
    assert link.state is LinkState.CONNECTED
    assert len(pool.tries) == 1
    pool.problem = SshUnreachable()
    second.ended.set()
    until(lambda: link.state is LinkState.RECONNECTING, "the next try")


@pytest.mark.usefixtures("quick")
def test_a_listener_that_fails_keeps_nothing_from_the_others(
    pool: Pool, link: Link, listener: Listener, log: pytest.LogCaptureFixture
) -> None:
    class Failing(Listener):
        def connection_state(self, state: str, details: dict[str, Any]) -> None:
            raise RuntimeError("CANARY")

        def node_lost(self, error: EthPillarError) -> None:
            raise RuntimeError("CANARY")

    link.listeners.add(Failing())
    away(link, pool, SshUnreachable())
    pool.problem = None
    until(lambda: listener.states[-1:] == ["connected"], "the connection")
    pool.breaks(CredentialRefused())
    until(lambda: listener.lost, "the end")
    assert "A listener failed (RuntimeError" in log.text
    assert "CANARY" not in log.text


def test_an_error_that_is_kept_keeps_nothing_of_those_who_got_it(pool: Pool, link: Link) -> None:
    class Held:
        pass

    held: list[weakref.ref[Held]] = []

    def ask(act: Callable[[], None]) -> None:
        something = Held()
        held.append(weakref.ref(something))
        with pytest.raises(CredentialRefused):
            act()

    pool.problem = CredentialRefused()
    for act in (link.connect, link.connect, link.wait_connected):
        gevent.spawn(ask, act).get()
    pool.problem = None
    gc.collect()
    assert [each() for each in held] == [None] * 3


@pytest.mark.parametrize("first", [True, False])
def test_whoever_waits_when_it_is_closed_is_told(pool: Pool, link: Link, first: bool) -> None:
    if first:
        pool.delay = 600
        ask = link.connect
    else:
        away(link, pool)
        ask = link.wait_connected
    waiting = [gevent.spawn(pytest.raises, SshUnreachable, ask) for _ in range(3)]
    until(lambda: pool.tries and not link._settled.is_set(), "the wait")
    gevent.sleep(0)  # all of them wait
    link.close()
    gevent.joinall(waiting, timeout=5, raise_error=True)
    link.close()
    with pytest.raises(SshUnreachable):
        link.connect()


@contextmanager
def connecting() -> Iterator[Callable[[], None]]:
    """One of two who connect is stopped: the other one is in all the same, and closing leaves no greenlet."""
    pool = Pool()
    link = Link("session", pool, give_up=60)  # type: ignore[arg-type]
    other = gevent.spawn(link.connect)
    yield link.connect
    other.get(timeout=5)
    assert link.state is LinkState.CONNECTED
    assert len(pool.tries) == 1
    link.close()
    assert link._supervisor is None or link._supervisor.dead
    assert not link._login.running


def test_one_that_is_stopped_while_it_connects_stops_nobody_else() -> None:
    assert sweep(connecting) >= 1


@contextmanager
def closing() -> Iterator[Callable[[], None]]:
    """A close that is stopped can be repeated, and then nothing is left."""
    pool = Pool()
    pool.delay = 600
    link = Link("session", pool, give_up=60)  # type: ignore[arg-type]
    other = gevent.spawn(pytest.raises, SshUnreachable, link.connect)
    until(lambda: pool.tries, "a login")
    yield link.close
    link.close()
    other.get(timeout=5)
    assert not link._login.running


def test_a_close_that_is_stopped_can_be_repeated() -> None:
    sweep(closing)


@pytest.mark.usefixtures("quick")
def test_logins_are_counted_by_their_outcome_and_losses_by_their_end(pool: Pool, link: Link) -> None:
    tally = link._tally = Tally()
    away(link, pool, RuntimeError("CANARY"))
    until(lambda: tally.logins[InternalError.code], "a mistake of ours")
    pool.problem = SshTimeout()
    until(lambda: tally.logins[SshTimeout.code], "a try in vain")
    assert tally.reconnects == 0
    pool.problem = None
    until(lambda: link.state is LinkState.CONNECTED, "the connection")
    assert (tally.logins["ok"], tally.reconnects) == (2, 1)
