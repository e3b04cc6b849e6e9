"""Changes of state are checked against a table."""

from __future__ import annotations

from enum import Enum

import pytest

from ethpillar.nodes.machine import IllegalTransition, Machine


class Light(Enum):
    RED = 1
    GREEN = 2


def test_a_change_that_the_table_does_not_have_is_a_fault() -> None:
    light = Machine(Light.RED, {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset()})
    light.to(Light.RED)
    light.to(Light.GREEN)
    with pytest.raises(IllegalTransition, match="Light: GREEN -> RED"):
        light.to(Light.RED)
    assert light.state is Light.GREEN
