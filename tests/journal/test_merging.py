"""Several logs as one: in order, each thing once, whatever arrives when."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.merging import Merge

ALL = 1 << 30
WINDOW, PAST_WITHIN = 0.1, 3.0


def settled(*names: str) -> Merge[str]:
    merge: Merge[str] = Merge(WINDOW, PAST_WITHIN)
    for name in names:
        merge.join(name, 0)
        merge.settle(name)
    return merge


def test_an_entry_waits_a_moment_for_an_earlier_one_of_another_log() -> None:
    merge = settled("a", "b")
    merge.add("a", 20, 1, "late", 1.0)
    assert merge.take(1.05, ALL) == []
    merge.add("b", 10, 1, "early", 1.06)
    assert merge.take(1.05, ALL) == []
    assert merge.delay(1.05) == pytest.approx(0.05)
    assert merge.take(1.11, ALL) == ["early", "late"]
    assert merge.delay(1.11) is None


def test_one_that_comes_after_its_moment_goes_as_it_comes() -> None:
    merge = settled("a", "b")
    merge.add("a", 20, 1, "late", 1.0)
    assert merge.take(2.0, ALL) == ["late"]
    merge.add("b", 10, 1, "early", 2.0)
    assert merge.take(3.0, ALL) == ["early"]


def test_each_log_keeps_its_own_order_whatever_its_times_say() -> None:
    merge = settled("a", "b")
    for number, when in enumerate((50, 10, 30)):
        merge.add("a", when, 1, f"a{number}", 0)
    merge.add("b", 40, 1, "b", 0)
    assert merge.take(1, ALL) == ["b", "a0", "a1", "a2"]


def test_the_past_of_one_log_keeps_the_others_back_but_not_for_long() -> None:
    merge = settled("a")
    merge.join("b", 0)
    merge.add("a", 20, 1, "a", 0)
    assert merge.take(1, ALL) == []
    assert merge.delay(1) == PAST_WITHIN - 1
    merge.add("b", 10, 1, "b", 1)
    assert merge.take(1.2, ALL) == ["b"]
    assert merge.take(1.2 + PAST_WITHIN - 0.1, ALL) == []  # from its last entry on
    assert merge.take(1.2 + PAST_WITHIN + 0.1, ALL) == ["a"]


def test_a_log_that_can_bring_no_past_at_the_moment_keeps_nobody_back() -> None:
    merge = settled("a")
    merge.join("b", 0)
    merge.add("a", 20, 1, "a", 0)
    merge.settle("b")
    assert merge.take(1, ALL) == ["a"]
    merge.join("c", 1)
    merge.add("a", 21, 1, "a", 1)
    assert merge.take(2, ALL) == []
    merge.leave("c")
    assert merge.take(2, ALL) == ["a"]


def test_what_is_kept_of_a_log_that_leaves_is_forgotten() -> None:
    merge = settled("a", "b")
    merge.add("a", 1, 5, "a", 0)
    merge.add("b", 2, 7, "b", 0)
    assert (merge.size("a"), merge.size("b")) == (5, 7)
    merge.leave("a")
    merge.add("a", 3, 5, "again", 0)
    assert merge.take(1, ALL) == ["b"]
    assert (merge.size("a"), merge.size("b"), len(merge)) == (0, 0, 1)


def test_something_without_a_time_stays_where_it_is_in_its_log() -> None:
    merge = settled("a", "b")
    merge.add("b", None, 0, "b starts", 0)
    merge.add("a", 10, 1, "a1", 0)
    merge.add("a", None, 0, "a lives", 0)
    merge.add("b", 20, 1, "b1", 0)
    merge.add("a", 30, 1, "a2", 0)
    assert merge.take(1, ALL) == ["b starts", "a1", "a lives", "b1", "a2"]


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.integers(1, 50), st.floats(0, 1)), max_size=60
)


@given(STEPS, st.integers(1, 120))
def test_each_thing_comes_once_and_in_its_log_s_order(steps: list[tuple[str, int, int, float]], most: int) -> None:
    merge: Merge[tuple[str, int]] = Merge(WINDOW, PAST_WITHIN)
    for name in "abc":
        merge.join(name, 0)
    now = 0.0
    given_: dict[str, int] = defaultdict(int)
    taken: list[tuple[str, int]] = []
    for name, when, size, pause in steps:
        now += pause
        merge.add(name, when, size, (name, given_[name]), now)
        given_[name] += 1
        delay = merge.delay(now)
        some = merge.take(now, most)
        assert bool(some) == (delay == 0)
        taken += some
    while (delay := merge.delay(now)) is not None:
        now += delay
        some = merge.take(now, most)
        assert some or merge.delay(now) or delay > 0
        taken += some
    for name in "abc":
        assert [number for each, number in taken if each == name] == list(range(given_[name]))
        assert merge.size(name) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=50))
def test_pasts_that_all_come_in_time_are_merged_by_time(entries: list[tuple[str, int]]) -> None:
    merge: Merge[int] = Merge(WINDOW, PAST_WITHIN)
    for name in "abc":
        merge.join(name, 0)
    for name in "abc":
        for when in sorted(when for each, when in entries if each == name):
            merge.add(name, when, 1, when, 0)
        merge.settle(name)
    assert merge.take(WINDOW, ALL) == sorted(when for _, when in entries)


def test_nothing_is_taken_where_there_is_no_room() -> None:
    merge = settled("a")
    merge.add("a", 10, 1, "early", 1.0)
    assert merge.take(2.0, 0) == []
    assert merge.take(2.0, 1) == ["early"]


def test_no_more_than_one_thing_beyond_a_size_is_taken() -> None:
    merge = settled("a")
    for number in range(4):
        merge.add("a", number, 5, str(number), 1.0)
    assert merge.take(2.0, 6) == ["0", "1"]
    assert merge.take(2.0, 5) == ["2"]
    assert merge.size("a") == 5
