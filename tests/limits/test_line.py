"""Who is next of those that wait."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.line import Line


def taken(line: Line[str]) -> list[str]:
    return [line.take() for _ in range(len(line))]


def test_of_one_part_each_in_its_turn() -> None:
    line: Line[str] = Line()
    for item in "abc":
        line.put("part", 1, item)
    assert taken(line) == ["a", "b", "c"]


def test_each_part_has_as_much_as_any_other() -> None:
    line: Line[str] = Line()
    for part, count in (("a", 6), ("b", 3), ("c", 1)):
        for _ in range(count):
            line.put(part, 1, part)
    assert "".join(taken(line)) == "abcababaaa"


def test_a_part_that_wants_much_at_once_comes_when_the_others_have_had_as_much() -> None:
    line: Line[str] = Line()
    line.put("a", 3, "A")
    for _ in range(5):
        line.put("b", 1, "b")
    assert "".join(taken(line)) == "bbAbbb"


def test_a_part_that_wanted_nothing_for_a_while_has_saved_up_nothing() -> None:
    line: Line[str] = Line()
    for _ in range(20):
        line.put("a", 1, "a")
    assert [line.take() for _ in range(10)] == ["a"] * 10
    for _ in range(10):
        line.put("late", 1, "l")
    assert sorted([line.take() for _ in range(10)]) == ["a"] * 5 + ["l"] * 5


def test_one_that_waits_no_more_is_passed_over() -> None:
    line: Line[str] = Line()
    numbers = [line.put("part", 1, item) for item in "abc"]
    line.discard(numbers[0])
    assert len(line) == 2
    assert taken(line) == ["b", "c"]
    line.discard(line.put("part", 1, "d"))
    assert not line
    with pytest.raises(LookupError):
        line.take()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=60), st.integers())
def test_everything_comes_once_and_each_part_in_order(wanted: list[tuple[int, int]], seed: int) -> None:
    dice = random.Random(seed)
    line: Line[int] = Line()
    numbers = {item: line.put(part, cost, item) for item, (part, cost) in enumerate(wanted)}
    gone = {item for item in numbers if dice.random() < 0.3}
    for item in gone:
        line.discard(numbers[item])
    found = [line.take() for _ in range(len(line))]
    assert sorted(found) == sorted(set(numbers) - gone)
    for part in range(4):
        mine = [item for item in found if wanted[item][0] == part]
        assert mine == sorted(mine)
    assert not line
    assert not line._times
