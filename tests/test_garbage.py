"""Garbage in circles: what a collection looks at, and that all of it is found in the end."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from ethpillar.garbage import GROWN, NEW, Collector


class Circle:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.me = self


def fill(count: int) -> list[list[object]]:
    """Make so many objects that lesser collections follow."""
    return [[] for _ in range(count)]


@pytest.fixture
def grown() -> list[int]:
    return [0]


@pytest.fixture
def collector(grown: list[int]) -> Iterator[Collector]:
    made = Collector(lambda: grown[0])
    made.start()
    yield made
    made.stop()


def test_a_full_collection_never_comes_by_itself(collector: Collector) -> None:
    circle, before = weakref.ref(Circle()), gc.get_stats()[2]["collections"]
    kept = fill(600_000)
    assert gc.get_count()[2] >= NEW
    assert gc.get_stats()[2]["collections"] == before
    del kept
    collector.look()
    assert circle() is None


def test_what_outlived_a_collection_is_not_looked_at_again(collector: Collector) -> None:
    kept = fill(300_000)
    collector.look()
    assert len(gc.get_objects()) < 100_000 < gc.get_freeze_count()
    assert gc.get_count()[2] == 0
    del kept


def test_garbage_that_was_set_aside_is_found_once_memory_has_grown(collector: Collector, grown: list[int]) -> None:
    circle = Circle()
    seen = weakref.ref(circle)
    kept = fill(300_000)
    collector.look()
    del circle, kept
    collector._next = 0.0
    grown[0] = GROWN
    collector.look()
    assert seen() is not None
    grown[0] = GROWN + 1
    collector.look()
    assert seen() is None
    assert collector._next > 0


def test_a_complete_one_waits_for_its_turn_however_much_memory_has_grown(
    collector: Collector, grown: list[int]
) -> None:
    circle = Circle()
    seen = weakref.ref(circle)
    kept = fill(300_000)
    collector.look()
    del circle, kept
    collector._next = float("inf")
    grown[0] = 10 * GROWN
    collector.look()
    assert seen() is not None
