"""Slots for logins."""

from __future__ import annotations

import gevent
import gevent.event
import pytest

from ethpillar.ssh.login_slots import login_slot
from ethpillar.turns import Slots


def test_no_more_at_once_than_there_are_places() -> None:
    slots, inside, most = Slots(2), 0, 0

    def login() -> None:
        nonlocal inside, most
        with login_slot(slots):
            inside += 1
            most = max(most, inside)
            gevent.sleep(0.01)
            inside -= 1

    gevent.joinall([gevent.spawn(login) for _ in range(10)], raise_error=True)
    assert most == 2
    assert slots.free == 2


def test_one_that_hangs_gives_its_slot_up() -> None:
    slots = Slots(1)
    inside, going_on = gevent.event.Event(), gevent.event.Event()

    def hang() -> None:
        with login_slot(slots, held_for=0.01):
            inside.set()
            going_on.wait()

    hanging = gevent.spawn(hang)
    inside.wait()
    with login_slot(slots, held_for=60):
        assert slots.free == 0
        going_on.set()
        hanging.join()
        assert slots.free == 0  # it does not give up what it no longer has
    assert slots.free == 1


def test_an_error_and_a_kill_give_the_slot_back() -> None:
    slots = Slots(1)
    with pytest.raises(ValueError), login_slot(slots):
        raise ValueError
    assert slots.free == 1

    def wait() -> None:
        with login_slot(slots):
            gevent.sleep(60)

    waiting = [gevent.spawn(wait) for _ in range(3)]
    gevent.sleep(0)
    gevent.killall(waiting)
    assert slots.free == 1
