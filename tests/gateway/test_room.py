"""Room in memory for what a socket asks for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import LimitReached, MemoryShort
from ethpillar.gateway import room
from ethpillar.gateway.room import EVENT, EventRoom, weigh
from ethpillar.limits.counts import Counts
from ethpillar.limits.ledger import GRAIN, Ledger

from ..interruption import Operation, sweep


def in_memory(value: object) -> int:
    """Bytes of a value of JSON, by Python's own word."""
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        return size + sum(in_memory(key) + in_memory(each) for key, each in value.items())
    return size + sum(map(in_memory, value)) if isinstance(value, list) else size


@pytest.mark.parametrize(
    "payload",
    [
        {"service": "x" * 60_000},
        {"x": "\N{ROCKET}" * 10_000},
        {"x": [[]] * 20_000},
        {"x": [{}] * 20_000},
        {"x": {str(number): number for number in range(5_000)}},
        {"x": list(range(10_000))},
    ],
)
def test_what_an_event_carries_is_weighed_as_it_is_in_memory(payload: dict[str, object]) -> None:
    decoded = json.loads(json.dumps(payload))
    assert in_memory(decoded) / 3 <= weigh([decoded]) <= 4 * in_memory(decoded)


@pytest.mark.parametrize("depth", [50, 200, 300])
@pytest.mark.parametrize("around", [lambda inner: {"a": inner}, lambda inner: [inner]])
def test_what_is_nested_is_not_taken_for_light(depth: int, around: Callable[[object], object]) -> None:
    value: object = 1
    for _ in range(depth):
        value = around(value)
    assert in_memory(value) / 2 <= weigh([value])


def test_what_json_cannot_say_is_heavy() -> None:
    assert weigh(["\ud800"]) > 60_000


def test_events_under_way_are_counted_and_let_go_of() -> None:
    ledger = Ledger()
    events = EventRoom(ledger.account("events", ("a",)))
    with events.take([{}]), events.take([{"x": "x" * 60_000}]):
        assert ledger.of(("a",)) >= 2 * EVENT + 60_000 - GRAIN
    assert ledger.of(("a",)) < GRAIN
    events.account.close()
    assert not ledger.tenants()


def test_one_socket_may_not_have_much_waiting() -> None:
    events = EventRoom(Ledger().account("events"))
    heavy = [{"x": "x" * 60_000}]
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(events.take(heavy))
        with pytest.raises(LimitReached):  # noqa: PT012 (which of them it is does not matter)
            for _ in range(10):
                held.enter_context(events.take(heavy))
    with events.take(heavy):
        pass


def test_an_address_that_holds_too_much_has_one_event_at_a_time() -> None:
    ledger = Ledger(1_000_000)
    full = ledger.account("rings", ("a",), 600_000)
    events = EventRoom(ledger.account("events", ("a",)))
    other = EventRoom(ledger.account("events", ("b",)))
    with events.take([{}]):
        with pytest.raises(MemoryShort), events.take([{}]):
            pass
        with other.take([{}]), other.take([{}]):
            pass
    full.close()
    with events.take([{}]), events.take([{}]):
        pass


def test_a_subscription_waits_for_memory_and_is_refused_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(1_000_000)
    events = EventRoom(ledger.account("events", ("a",)))
    events.wait(Event())
    full = ledger.account("rings", ("a",), 600_000)
    waiting = gevent.spawn(events.wait, Event())
    gevent.sleep(0)
    assert not waiting.ready()
    full.close()
    waiting.get(timeout=10)
    monkeypatch.setattr(room, "WAIT", 0.01)
    ledger.account("rings", ("a",), 600_000)
    with pytest.raises(MemoryShort):
        events.wait(Event())


def test_an_event_that_is_stopped_anywhere_gives_its_room_back() -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        ledger = Ledger(1_000_000)
        events = EventRoom(ledger.account("events", ("a",)))
        full = ledger.account("rings", ("a",), 600_000)
        gevent.spawn_later(0.001, full.close)

        def act() -> None:
            with events.take([{"x": "x" * 60_000}]):
                events.wait(Event())
                gevent.sleep(0)

        yield act
        assert events._events == events._carried == 0
        full.close()
        events.account.close()
        assert not ledger.tenants()

    assert sweep(scenario) >= 2


def test_a_socket_has_so_many_events_under_way_and_no_more() -> None:
    events = EventRoom(Ledger().account("events"))
    with ExitStack() as held:
        for _ in range(room.EVENTS):
            held.enter_context(events.take([{}]))
        with pytest.raises(LimitReached), events.take([{}]):
            pass
    with events.take([{}]):
        pass


def test_a_client_has_so_many_under_way_over_all_its_sockets_and_each_socket_one() -> None:
    counts = Counts(5)
    one, other = (EventRoom(Ledger().account("events"), client="a", counts=counts) for _ in range(2))
    elsewhere = EventRoom(Ledger().account("events"), client="b", counts=counts)
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(one.take([{}]))
        with pytest.raises(LimitReached), one.take([{}]):
            pass
        with other.take([{}]):
            with pytest.raises(LimitReached), other.take([{}]):
                pass
            with elsewhere.take([{}]), elsewhere.take([{}]):
                pass
    assert not len(counts)


def test_an_answer_that_is_being_made_is_weighed_and_keeps_no_event_back() -> None:
    ledger = Ledger()
    events = EventRoom(ledger.account("events", ("a",)))
    with events.take([{}]), events.carry(8 * room.CARRIED):
        assert ledger.of(("a",)) >= 8 * room.CARRIED
        with events.take([{}]):
            pass
    assert ledger.of(("a",)) < GRAIN


def test_subscriptions_are_weighed_and_an_answer_leaves_nothing_behind() -> None:
    ledger = Ledger()
    subscriptions = [0]
    events = EventRoom(ledger.account("events", ("a",)), lambda: subscriptions[0])
    with events.take([{}]):
        subscriptions[0] = 100
    assert 100 * room.SUBSCRIPTION <= ledger.of(("a",)) < 100 * room.SUBSCRIPTION + GRAIN
    for _ in range(3):
        with events.carry(1000):
            pass
    assert events._events == events._carried == events._answers == 0
