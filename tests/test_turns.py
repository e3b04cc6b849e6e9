"""Whose turn is next, at the loop and at places of which there are few."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.turns import HOLD, Fair, Slots, Tenant, _loop, belong, breathe, tenant

from .interruption import Operation, sweep

TENANTS = st.lists(st.sampled_from([(), ("a",), ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c",)]), max_size=60)


@given(TENANTS)
def test_everything_is_taken_once_and_in_the_order_of_each_tenant(tenants: list[Tenant]) -> None:
    queue: Fair[tuple[Tenant, int]] = Fair()
    for number, each in enumerate(tenants):
        queue.put(each, (each, number))
    assert len(queue) == len(tenants)
    taken = [queue.take() for _ in tenants]
    assert sorted(taken, key=lambda item: item[1]) == list(zip(tenants, range(len(tenants)), strict=True))
    for each in set(tenants):
        numbers = [number for owner, number in taken if owner == each]
        assert numbers == sorted(numbers)
    with pytest.raises(LookupError):
        queue.take()


@given(TENANTS, st.sets(st.integers(0, 59)))
def test_what_is_given_up_is_not_taken(tenants: list[Tenant], given_up: set[int]) -> None:
    queue: Fair[int] = Fair()
    for number, each in enumerate(tenants):
        queue.put(each, number)
    for number in given_up:
        queue.discard(tenants[number] if number < len(tenants) else ("nobody",), number)
    left = set(range(len(tenants))) - given_up
    assert {queue.take() for _ in range(len(queue))} == left


def test_a_tenant_with_a_thousand_things_has_as_much_as_one_with_one() -> None:
    queue: Fair[str] = Fair()
    for _ in range(1000):
        queue.put(("attacker", "one"), "attacker")
        queue.put(("attacker", "two"), "attacker")
    queue.put(("victim", "x"), "victim")
    assert "victim" in [queue.take() for _ in range(2)]
    queue.put(("attacker", "three"), "three")
    assert "three" in [queue.take() for _ in range(3)]


@pytest.fixture
def hogs() -> Iterator[Counter[object]]:
    """What tenants did; each of 30 greenlets of one and the only one of another work without end."""
    done: Counter[object] = Counter()

    def work(name: str) -> None:
        belong(name)
        while True:
            end = time.perf_counter() + HOLD * 1.1
            while time.perf_counter() < end:
                pass
            done[tenant()] += 1
            breathe()

    greenlets = [gevent.spawn(work, "many") for _ in range(30)] + [gevent.spawn(work, "one")]
    yield done
    gevent.killall(greenlets)


def test_the_loop_looks_at_its_timers_between_two_pieces_of_work(hogs: Counter[object]) -> None:
    while hogs.total() < 31:
        gevent.sleep(0)  # each has begun
    for _ in range(5):
        before = hogs.total()
        gevent.sleep(0.001)
        assert hogs.total() - before < 10  # with sleep(0) they would have fifty


def test_who_works_without_end_has_no_more_than_another(hogs: Counter[object]) -> None:
    while hogs[("one",)] < 40:
        gevent.sleep(0.001)
    assert hogs[("many",)] <= 30 + 40 + 2


def test_who_needs_little_does_not_wait_for_who_works_without_end(hogs: Counter[object]) -> None:
    """A line of a quiet log passes several greenlets, and would wait for a noisy one before each."""
    while hogs.total() < 100:
        gevent.sleep(0.001)
    loop = _loop()
    assert not loop.is_light(("many",))
    assert loop.is_light(("quiet",))

    def quiet() -> list[bool]:
        belong("quiet")
        waited = []
        for held in (1.5 * HOLD, 3 * HOLD):
            turns = hogs.total()
            loop.since = time.monotonic() - held
            breathe()
            waited.append(hogs.total() > turns)
        return waited

    assert gevent.spawn(quiet).get() == [False, True]
    assert len(loop._used) < 10, "Only who had a turn is remembered, and not for long."


def test_a_greenlet_belongs_to_whom_its_maker_belonged() -> None:
    def child() -> Tenant:
        return tenant()

    def parent() -> list[Tenant]:
        belong("address", "session")
        child_of_it = gevent.spawn(child)
        belong("another")
        return [child_of_it.get(), gevent.spawn(child).get(), tenant()]

    assert gevent.spawn(parent).get() == [("address", "session"), ("another",), ("another",)]


def test_a_place_goes_to_the_tenant_that_has_had_none() -> None:
    places, order = Slots(1), []

    def want(name: str) -> None:
        with places.hold((name,)):
            order.append(name)
            gevent.sleep(0)

    gevent.joinall([gevent.spawn(want, name) for name in ["many"] * 20 + ["one"]])
    assert order.index("one") <= 2
    assert len(order) == 21
    assert places.free == 1


@pytest.mark.parametrize("ready", [False, True])
def test_who_is_stopped_while_waiting_keeps_no_place(ready: bool) -> None:
    places = Slots(1)
    assert places.acquire()

    def hold() -> None:
        with places.hold(("x",)):
            gevent.sleep(60)

    waiting = gevent.spawn(hold)
    gevent.sleep(0)
    if ready:
        places.release()
    waiting.kill()
    if not ready:
        places.release()
    assert places.acquire(timeout=0)


def test_a_wait_for_a_place_has_an_end() -> None:
    places = Slots(1)
    assert places.acquire()
    assert not places.acquire(("x",), timeout=0.01)
    places.release()
    assert places.free == 1
    with gevent.Timeout(0.01, False):  # somebody else's timeout is not swallowed
        places.acquire()
        places.acquire()
        raise AssertionError("unreachable")


def test_one_that_is_stopped_anywhere_keeps_no_place_and_no_turn() -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        places = Slots(1)
        assert places.acquire()
        gevent.spawn_later(0.001, places.release)

        def use() -> None:
            belong("address")
            with places.hold(tenant()):
                _loop().wait(tenant())

        yield use
        assert places.acquire(timeout=10)
        assert places.free == 0
        assert not places._waiting
        assert not _loop()._waiting

    assert sweep(scenario) >= 2
