"""Runs of items: what they hold, where they end, and that those who ask at the same place get the same one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.reading import Gap
from ethpillar.nodes.items import Item
from ethpillar.nodes.ring import Ring
from ethpillar.nodes.runs import BATCH, BATCH_BYTES, RecentRuns, Run, cut

KINDS = st.lists(st.sampled_from(["small", "small", "small", "large", "gap"]), max_size=60)


def item(number: int, kind: str = "small") -> Item:
    if kind == "gap":
        return Item(f"c{number - 1}", number, b"", 0, Gap(0, 1))
    return Item(f"c{number}", number, b"x" * (BATCH_BYTES if kind == "large" else 10), 1 + number % 3)


@given(KINDS, st.integers(1, 20))
def test_cut_takes_what_comes_first_up_to_a_gap_a_size_or_a_number(kinds: list[str], most: int) -> None:
    left = [item(number, kind) for number, kind in enumerate(kinds)]
    while left:
        run = cut(left, most)
        assert run == tuple(left[: len(run)])
        assert 1 <= len(run) <= most
        assert run.lines == sum(each.lines for each in run)
        assert len(run) == 1 or all(each.gap is None for each in run)
        assert sum(len(each.data) for each in run[:-1]) <= BATCH_BYTES
        more = [*left, item(99)]
        assert run.whole == (len(cut(more, most)) == len(run))
        left = left[len(run) :]


def test_those_at_the_same_place_get_the_same_run_until_there_is_more() -> None:
    ring = Ring(5000, 10**7)
    for number in range(10):
        ring.append(item(number))
    run = ring.run(0)
    assert len(run) == 10
    assert ring.run(0) is run
    assert ring.run(4) == run[4:]
    ring.append(item(10))
    assert len(ring.run(0)) == 11
    for number in range(11, 700):
        ring.append(item(number))
    whole = ring.run(4)
    assert len(whole) == BATCH - 4
    ring.append(item(700))
    assert ring.run(4) is whole
    assert len(ring.run(BATCH)) == 201
    ring.forget_runs()
    assert ring.run(4) == whole
    assert ring.run(4) is not whole


def test_what_is_made_of_a_run_is_made_once() -> None:
    made: list[int] = []

    def make(run: Run) -> int:
        made.append(len(run))
        return len(made)

    run = Run([item(1), item(2)])
    assert [run.once("a", make), run.once("a", make), run.once("b", make)] == [1, 1, 2]
    assert made == [2, 2]


def test_the_runs_that_were_asked_for_last_are_kept() -> None:
    runs = RecentRuns()
    made = [Run([item(number)]) for number in range(3)]
    for number in (0, 1, 0, 2):
        assert runs.keep(number, made[number]) is made[number]
    assert [runs.get(number, number + 1) for number in range(3)] == [made[0], None, made[2]]
    runs.clear()
    assert runs.get(0, 1) is None


def test_a_run_ends_with_the_item_that_makes_it_too_large() -> None:
    half = Item("c1", 1, b"x" * (BATCH_BYTES // 2))
    assert len(cut([half] * 9)) == 3  # two of them are just not too large
    assert not cut([half] * 2).whole
    assert cut([half] * 3).whole
