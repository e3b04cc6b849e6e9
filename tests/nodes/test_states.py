"""The tables of states, and the machine that holds a state to its table."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from ethpillar.nodes.states import (
    FEED_TRANSITIONS,
    SUBSCRIBER_TRANSITIONS,
    FeedState,
    IllegalTransition,
    Machine,
    SubscriberState,
)

TABLES = [(FeedState, FEED_TRANSITIONS), (SubscriberState, SUBSCRIBER_TRANSITIONS)]


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_every_state_is_in_its_table_and_can_be_reached(states: type[Enum], table: Any) -> None:
    assert set(table) == set(states)
    first = next(iter(states))
    reached, found = {first}, [first]
    while found:
        new = table[found.pop()] - reached
        reached |= new
        found += new
    assert reached == set(states)


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_over_follows_every_state_and_nothing_follows_it(states: Any, table: Any) -> None:
    assert table[states.OVER] == frozenset()
    assert all(states.OVER in table[state] for state in states if state is not states.OVER)


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_a_machine_allows_what_its_table_does(states: Any, table: Any) -> None:
    for first in states:
        for second in states:
            machine: Machine[Any] = Machine(first, table)
            if second is first or second in table[first]:
                machine.to(second)
                assert machine.state is second
            else:
                with pytest.raises(IllegalTransition, match=second.name):
                    machine.to(second)
                assert machine.state is first
