"""Stopping an operation at each of its switches, to see what it leaves behind.

A greenlet can be stopped where it switches and nowhere else: by a kill or by somebody's timeout. `sweep` runs an
operation again and again, stops it at its first switch, its second, and so on until it is done before it can be
stopped, and each time a second time while it cleans up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import gevent
import greenlet

DEADLINE = 20.0
"Seconds that an operation may take to end, and that the greenlets it has begun may outlive it."

Operation = Callable[[], object]
Scenario = Callable[[], AbstractContextManager[Operation]]


def kill() -> BaseException:
    """What `Greenlet.kill` raises."""
    return gevent.GreenletExit()


def timeout() -> BaseException:
    """What a `gevent.Timeout` of somebody further out raises."""
    return gevent.Timeout()


class _Run:
    """One run of an operation, which is stopped at the switches with these numbers."""

    def __init__(
        self, operation: Operation, at: list[int], interruption: Callable[[], BaseException], all_of_it: bool
    ) -> None:
        """:param at: the first number counts from the start, each further one from the interruption before it"""
        self._operation = operation
        self._left = list(at)
        self._interruption = interruption
        self._count = 0
        self._over = False
        self._all_of_it = all_of_it
        self._hub = gevent.get_hub()
        self._running: gevent.Greenlet[[], None] = gevent.Greenlet(self._run)
        self._counted: set[Any] = {self._running}
        self.begun: list[gevent.Greenlet[..., Any]] = []
        "Greenlets that were begun meanwhile."

    def _run(self) -> None:
        try:
            self._operation()
        except BaseException:  # noqa: BLE001 (how it ends is its own affair; that it ends is not)
            return
        finally:
            self._over = True

    def _trace(self, _: str, between: tuple[Any, Any]) -> None:
        origin, target = between
        if origin in self._counted and target is self._hub and self._left and not self._over:
            self._count += 1
            if self._count == self._left[0]:
                self._left.pop(0)
                self._count = 0
                self._hub.loop.run_callback(self._stop)

    def _spawned(self, begun: gevent.Greenlet[..., Any]) -> None:
        self.begun.append(begun)
        if self._all_of_it:
            self._counted.add(begun)

    def _stop(self) -> None:
        if not self._over:
            self._running.throw(self._interruption())

    def __call__(self) -> bool:
        """Run it. Return True if it was stopped as often as it should be."""
        before = greenlet.settrace(self._trace)
        gevent.Greenlet.add_spawn_callback(self._spawned)
        try:
            self._running.start()
            self._running.join(DEADLINE)
            assert self._running.dead, "the operation goes on after it was stopped"
        finally:
            gevent.Greenlet.remove_spawn_callback(self._spawned)
            greenlet.settrace(before)
            self._running.kill()
        return not self._left


def sweep(
    scenario: Scenario,
    interruptions: tuple[Callable[[], BaseException], ...] = (kill, timeout),
    again: tuple[int, ...] = (1, 2),
    all_of_it: bool = False,
    step: int = 1,
    most: int = 1000,
) -> int:
    """Stop an operation at each switch, once and twice; return at how many switches it was stopped.

    :param scenario: makes a context for each run; entering it gives the operation, and leaving it fails if anything
        is left that should not be
    :param again: at which switches after the first interruption it is stopped once more
    :param all_of_it: stop the operation not only at its own switches, but at those of the greenlets it has begun, too
    :param step: stop it at every switch, or only at each second one, ...
    :param most: an operation with more switches fails
    """
    for stops, number in enumerate(range(1, most + 1, step)):
        stopped = False
        for interruption in interruptions:
            for at in ([number], *([number, second] for second in again)):
                stopped = _stop_one(scenario, at, interruption, all_of_it) or stopped
        if not stopped:
            return stops
    raise AssertionError(f"more than {most} switches")


def _stop_one(scenario: Scenario, at: list[int], interruption: Callable[[], BaseException], all_of_it: bool) -> bool:
    """Return True if it got as far as the first of the interruptions."""
    try:
        with scenario() as operation:
            run = _Run(operation, at, interruption, all_of_it)
            run()
        _wait_for(run.begun)
    except Exception as problem:
        problem.add_note(f"(stopped at switches {at} by {interruption.__name__})")
        raise
    return len(run._left) < len(at)


def _wait_for(greenlets: list[gevent.Greenlet[..., Any]]) -> None:
    end = time.monotonic() + DEADLINE
    while alive := [each for each in greenlets if not each.dead]:
        assert time.monotonic() < end, f"greenlets are left: {alive}"
        gevent.sleep(0.001)
