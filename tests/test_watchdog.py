"""The loop's lag, measured and told."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator

import gevent
import pytest

from ethpillar.watchdog import LATE, SELDOM, Lag, Watchdog

from .waiting import DEADLINE


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    before = signal.getsignal(signal.SIGALRM)
    made = Watchdog()
    made.start()
    gevent.sleep(0.001)  # the turn in which it begins is not measured to its end
    yield made
    made.stop()
    signal.signal(signal.SIGALRM, before)


def hold_the_loop(watchdog: Watchdog, _secret: str) -> None:
    """Work until the watchdog has seen it, without a turn for anybody."""
    end = time.monotonic() + DEADLINE
    while not watchdog._ran and time.monotonic() < end:
        pass


def test_what_keeps_all_others_from_their_turn_is_named(watchdog: Watchdog, caplog: pytest.LogCaptureFixture) -> None:
    gevent.sleep(0)
    with caplog.at_level(logging.WARNING):
        hold_the_loop(watchdog, "hunter2")
        end = time.monotonic() + DEADLINE
        while not caplog.messages and time.monotonic() < end:
            gevent.sleep(0.01)
    assert "The loop was late by" in caplog.text
    assert "hold_the_loop:" in caplog.text
    assert "hunter2" not in caplog.text
    assert watchdog.lag.late >= 1
    assert watchdog.lag.longest >= LATE


def test_lines_about_it_do_not_fill_the_log(watchdog: Watchdog, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            late = watchdog.lag.late
            gevent.sleep(0)
            hold_the_loop(watchdog, "")
            end = time.monotonic() + DEADLINE
            while watchdog.lag.late == late and time.monotonic() < end:
                gevent.sleep(0.01)
    assert watchdog.lag.late >= 3
    assert len([each for each in caplog.records if each.name == "ethpillar.watchdog"]) == 1


def test_a_loop_that_waits_is_not_woken(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    gevent.sleep(2 * SELDOM)
    set_to: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _which, seconds: set_to.append(seconds))
    for _ in range(3):
        gevent.sleep(2 * SELDOM)
    assert set_to[:6] == [0, LATE + SELDOM] * 3, "It is set while somebody has a turn, and not while all wait."


def test_a_loop_that_hurries_asks_the_system_seldom(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _which, seconds: set_to.append(seconds))
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)
    watchdog._armed, watchdog._waited = 1.0, 0.0
    for _ in range(100):
        watchdog._begin()
        watchdog._end()
    assert set_to == []


def test_greenlets_have_their_turn_within_what_is_measured(watchdog: Watchdog) -> None:
    def work() -> None:
        end = time.monotonic() + 0.03
        while time.monotonic() < end:
            pass

    watchdog.lag.longest = 0.0
    gevent.spawn(work).join()
    gevent.sleep(2 * SELDOM)
    assert watchdog.lag.longest >= 0.03


def test_a_machine_that_is_busy_with_something_else_is_told_apart_from_work() -> None:
    lag = Lag()
    assert lag.add(0.3, 0.004)
    assert not lag.add(0.02, 0.05)
    assert (lag.longest, lag.worked, lag.late) == (0.3, 0.02, 1)
    assert str(lag).startswith("longest lag of the loop 300 ms, of which at most 20 ms were work of its own; 1 of 100")
