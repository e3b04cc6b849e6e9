"""Turns: in order, one at a time, whoever is stopped while waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import gevent.event
import pytest

from ethpillar.gateway.turn import Turns

from ..interruption import Operation, sweep


def test_in_the_order_in_which_they_came() -> None:
    turns, seen = Turns(), []
    inside = 0

    def act(number: int) -> None:
        nonlocal inside
        with turns.take():
            inside += 1
            assert inside == 1
            gevent.sleep(0)
            seen.append(number)
            inside -= 1

    gevent.joinall([gevent.spawn(act, number) for number in range(50)], raise_error=True)
    assert seen == list(range(50))


def test_one_that_is_stopped_while_it_waits_lets_nobody_in_early() -> None:
    turns, seen = Turns(), []
    gate = gevent.event.Event()

    def first() -> None:
        with turns.take():
            gate.wait()
            seen.append("first")

    def other(name: str) -> None:
        with turns.take():
            seen.append(name)

    greenlets = [gevent.spawn(first), gevent.spawn(other, "second"), gevent.spawn(other, "third")]
    gevent.sleep(0)
    greenlets[1].kill()
    gevent.sleep(0)
    assert seen == []
    gate.set()
    gevent.joinall(greenlets)
    assert seen == ["first", "third"]


def test_an_error_inside_passes_the_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError), turns.take():
        raise ValueError
    with turns.take():
        pass


def test_a_turn_that_is_given_up_anywhere_holds_up_nobody() -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        turns = Turns()
        order: list[str] = []
        first_may_end = gevent.event.Event()

        def take(name: str, until_when: gevent.event.Event | None = None) -> None:
            with turns.take():
                order.append(name)
                if until_when is not None:
                    until_when.wait()
                gevent.sleep(0)

        first = gevent.spawn(take, "first", first_may_end)
        gevent.sleep(0)
        gevent.spawn_later(0.001, first_may_end.set)
        yield lambda: take("second")
        last = gevent.spawn(take, "last")
        last.get(timeout=10)
        first.get(timeout=10)
        assert order in (["first", "last"], ["first", "second", "last"])

    assert sweep(scenario) >= 2
