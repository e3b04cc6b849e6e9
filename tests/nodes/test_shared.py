"""One call for all who need its result."""

from __future__ import annotations

import gc
import logging
import weakref

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import EthPillarError, LogUnavailable, SshUnreachable, StatusUnavailable
from ethpillar.nodes.shared import Shared

from ..waiting import until


class Call:
    """A function that waits for a gate; counts its runs."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.gate = Event()
        self.runs = 0
        self.shared = Shared(self, "A call", StatusUnavailable)

    def __call__(self) -> int:
        self.runs += 1
        number = self.runs
        self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return number


def test_calls_at_the_same_time_are_one_and_later_ones_another() -> None:
    call = Call()
    asks = [gevent.spawn(call.shared.get) for _ in range(5)]
    until(lambda: call.shared.running, "the run")
    call.gate.set()
    gevent.joinall(asks, raise_error=True)
    assert [each.value for each in asks] == [1] * 5
    assert not call.shared.running
    assert call.shared.get() == 2


def test_a_caller_that_is_stopped_stops_nobody_else() -> None:
    call = Call()
    first, second = gevent.spawn(call.shared.get), gevent.spawn(call.shared.get)
    until(lambda: call.runs, "the run")
    first.kill()
    call.gate.set()
    assert second.get() == 1


def test_each_caller_has_an_error_of_its_own_that_keeps_nothing_of_another_caller() -> None:
    call = Call(LogUnavailable("execution", hint="a hint"))
    kept: list[EthPillarError] = []

    class Held:
        pass

    held: list[weakref.ref[Held]] = []

    def ask() -> None:
        something = Held()
        held.append(weakref.ref(something))
        try:
            call.shared.get()
        except EthPillarError as problem:
            kept.append(problem.copy())

    asks = [gevent.spawn(ask) for _ in range(3)]
    until(lambda: call.runs, "the run")
    call.gate.set()
    gevent.joinall(asks, raise_error=True)
    del asks
    gc.collect()
    assert [each() for each in held] == [None] * 3
    for problem in kept:
        assert problem.payload() == LogUnavailable("execution", hint="a hint").payload()
        assert str(problem) == problem.message
        assert (problem.__traceback__, problem.__context__) == (None, None)


def test_an_unexpected_error_is_logged_and_raised_as_the_last_resort(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    call = Call(RuntimeError("CANARY"))
    call.gate.set()
    for _ in range(2):
        with pytest.raises(StatusUnavailable):
            call.shared.get()
    assert "A call failed (RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text


def test_whoever_waits_when_it_is_closed_is_told_and_there_is_no_other_run() -> None:
    call = Call()
    asks = [gevent.spawn(pytest.raises, StatusUnavailable, call.shared.get) for _ in range(3)]
    until(lambda: call.runs, "the run")
    call.shared.close()
    gevent.joinall(asks, timeout=5, raise_error=True)
    with pytest.raises(StatusUnavailable):
        call.shared.get()
    assert call.runs == 1
    call.shared.close()


def test_a_run_that_is_killed_by_somebody_else_is_not_waited_for_ever() -> None:
    call = Call()
    ask = gevent.spawn(pytest.raises, StatusUnavailable, call.shared.get)
    until(lambda: call.runs, "the run")
    assert call.shared._run is not None
    call.shared._run.kill()
    ask.get(timeout=5)
    call.gate.set()
    assert call.shared.get() == 2


def test_what_a_run_returned_is_not_kept() -> None:
    class Large:
        pass

    shared = Shared(Large, "A call", StatusUnavailable)
    found = weakref.ref(shared.get())
    gevent.sleep(0)  # the greenlet is through
    gc.collect()
    assert found() is None


def test_joining_waits_for_the_run_under_way_only() -> None:
    call = Call(SshUnreachable())
    call.shared.join()
    ask = gevent.spawn(pytest.raises, SshUnreachable, call.shared.get)
    until(lambda: call.runs, "the run")
    joined = gevent.spawn(call.shared.join)
    gevent.sleep(0)
    assert not joined.dead
    call.gate.set()
    joined.get(timeout=5)
    ask.get(timeout=5)
