"""Deadlines, and what must not be interrupted."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest

from ethpillar.timing import shielded, stop, within

from .interruption import Operation, sweep
from .waiting import until


def test_what_is_shielded_is_done_to_its_end_whoever_is_stopped() -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        done: list[int] = []

        def act() -> None:
            for number in range(3):
                gevent.sleep(0)
                done.append(number)

        yield lambda: shielded(act)
        until(lambda: done == [0, 1, 2], "all of it")

    assert sweep(scenario) == 1


def test_what_is_shielded_returns_and_raises_as_it_would_otherwise(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError("no")

    assert shielded(lambda: 5) == 5
    with pytest.raises(ValueError, match="no"):
        shielded(fail)
    assert capfd.readouterr().err == ""


def test_a_deadline_ends_its_own_block_only() -> None:
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01), within(60):
        gevent.sleep(60)
    with gevent.Timeout(60), within(0.01):
        gevent.sleep(60)
    with within(None):
        gevent.sleep(0)


def test_what_is_stopped_is_let_go_of_at_once() -> None:
    class Owner:
        def __init__(self) -> None:
            self.greenlet = gevent.spawn(self.run)

        def run(self) -> None:
            gevent.sleep(60)

    gc.collect()
    gc.disable()
    try:
        owner = Owner()
        gevent.sleep(0)
        stop(owner.greenlet)
        assert owner.greenlet.dead
        gone = weakref.ref(owner)
        del owner
        gevent.sleep(0)
        assert gone() is None
    finally:
        gc.enable()
    ended = gevent.spawn(lambda: "value")
    ended.join()
    stop(ended)
    assert ended.value == "value"
