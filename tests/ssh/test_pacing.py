"""Places for logins."""

from __future__ import annotations

import gevent
import gevent.event
import pytest
from gevent.lock import BoundedSemaphore

from ethpillar.ssh.pacing import place


def test_no_more_at_once_than_there_are_places() -> None:
    places, inside, most = BoundedSemaphore(2), 0, 0

    def login() -> None:
        nonlocal inside, most
        with place(places):
            inside += 1
            most = max(most, inside)
            gevent.sleep(0.01)
            inside -= 1

    gevent.joinall([gevent.spawn(login) for _ in range(10)], raise_error=True)
    assert most == 2
    assert places.counter == 2


def test_one_that_hangs_gives_its_place_up() -> None:
    places = BoundedSemaphore(1)
    inside, going_on = gevent.event.Event(), gevent.event.Event()

    def hang() -> None:
        with place(places, patience=0.01):
            inside.set()
            going_on.wait()

    hanging = gevent.spawn(hang)
    inside.wait()
    with place(places, patience=60):
        assert places.counter == 0
        going_on.set()
        hanging.join()
        assert places.counter == 0  # it does not give up what it no longer has
    assert places.counter == 1


def test_an_error_and_a_kill_give_the_place_back() -> None:
    places = BoundedSemaphore(1)
    with pytest.raises(ValueError), place(places):
        raise ValueError
    assert places.counter == 1

    def wait() -> None:
        with place(places):
            gevent.sleep(60)

    waiting = [gevent.spawn(wait) for _ in range(3)]
    gevent.sleep(0)
    gevent.killall(waiting)
    assert places.counter == 1
