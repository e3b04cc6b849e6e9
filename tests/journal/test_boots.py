"""The order of boots, and where only clocks tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.boots import Boot, Walk, boot_of, doubtful, in_order, is_numbered_after
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Gap, Run


def entry(boot: int, number: int, sequence: int = 0, at: int | None = None) -> Entry:
    at = number if at is None else at
    cursor = f"s={sequence + 10:x};i={number:x};b={boot + 1:x};m={number:x};t={at:x};x={number:x}"
    return Entry(cursor, at, b"line", 6)


def name(boot: int) -> str:
    return f"{boot + 1:x}"


def boots(*names: str) -> list[Boot]:
    return [Boot(each, "a") for each in names]


def ids(boots: list[Boot]) -> list[str]:
    return [each.id for each in boots]


@pytest.mark.parametrize("cursor", [None, "", "t=5", "nonsense", "b=xyz", "s=1;b="])
def test_a_cursor_without_a_boot(cursor: str | None) -> None:
    assert boot_of(cursor) is None
    assert doubtful([entry(0, 1), entry(0, 2)], cursor) is None


def test_numbers_of_one_sequence_leave_no_doubt() -> None:
    entries = [entry(0, 1), entry(0, 2), entry(1, 3, at=0), entry(2, 4)]
    assert doubtful(entries) is None
    assert doubtful(entries[2:], entries[1].cursor) is None
    assert doubtful(entries[::-1], back=True) is None
    assert doubtful(entries[::-1]) == 1
    assert is_numbered_after(entries[1].cursor, entries[0].cursor)


def test_another_boot_of_another_sequence_is_doubtful() -> None:
    entries = [entry(0, 1), entry(0, 2, sequence=1), entry(1, 3, sequence=2)]
    assert doubtful(entries) == 2
    assert doubtful(entries[2:], entries[1].cursor) == 0
    assert doubtful(entries[2:]) is None
    assert doubtful(entries[::-1], back=True) == 1


def test_boots_are_in_order_by_number_then_by_time_and_the_present_one_is_last() -> None:
    assert ids(in_order([], None)) == []
    assert ids(in_order([], name(3))) == [name(3)]
    one = [entry(0, 5, at=9).cursor, entry(1, 7, at=2).cursor, entry(2, 6, at=4).cursor]
    assert ids(in_order(one, None)) == [name(0), name(2), name(1)]
    several = [entry(each, 1, sequence=each, at=at).cursor for each, at in enumerate((5, 3, 4))]
    assert ids(in_order(several, None)) == [name(1), name(2), name(0)]
    assert ids(in_order(several, name(1))) == [name(2), name(0), name(1)]


@given(st.permutations(range(6)), st.lists(st.integers(0, 50), min_size=6, max_size=6))
def test_numbers_count_whatever_clocks_say(order: list[int], clocks: list[int]) -> None:
    cursors = [entry(each, each + 1, at=clocks[each]).cursor for each in order]
    assert ids(in_order(cursors, None)) == [name(each) for each in range(6)]


def test_a_walk_goes_with_journalctl_until_there_is_a_doubt() -> None:
    walk = Walk(lambda: boots(*[name(1), name(0), name(2)]))
    first = Run([entry(0, 2), entry(0, 3)])
    assert walk.check(entry(0, 1).cursor, first) is first
    assert walk.now is None
    run = walk.check(entry(0, 3).cursor, Run([entry(0, 4), entry(2, 1, sequence=1)], end=True))
    assert run == Run([entry(0, 4)])
    assert walk.now == name(0)
    assert walk.next()
    assert walk.now == name(2)
    assert not walk.next()


def test_a_walk_back() -> None:
    walk = Walk(lambda: boots(*[name(1), name(0), name(2)]), back=True)
    assert walk.check(entry(0, 3).cursor, Run([entry(2, 1, sequence=1)])) == Run([])
    assert walk.now == name(0)
    assert walk.next()
    assert walk.now == name(1)
    assert not walk.next()


def test_a_gap_before_another_boot_is_told_only_if_its_own_boot_has_nothing_more() -> None:
    gap = Gap(5, 9)
    beyond = Run([entry(1, 9, sequence=1)], gap)
    for more in (True, False):
        walk = Walk(lambda: boots(*[name(0), name(1)]))
        assert walk.check(entry(0, 5).cursor, beyond) == Run([])
        own = Run([entry(0, 6)] if more else [], end=True)
        assert walk.check(entry(0, 5).cursor, own) == own
        assert walk.next()
        first = Run([entry(1, 7, sequence=1)])
        assert walk.check("t=1", first).gap == (None if more else Gap(5, 7))


def test_an_entry_whose_whole_boot_is_gone_is_left_to_journalctl() -> None:
    walk = Walk(lambda: boots(*[name(1), name(2)]))
    run = walk.check(entry(0, 5).cursor, Run([entry(1, 9, sequence=1), entry(1, 10, sequence=1)], Gap(5, 9)))
    assert run == Run([entry(1, 9, sequence=1)], Gap(5, 9))
    assert walk.now == name(1)


def test_where_the_boots_are_not_known_there_is_no_doubt() -> None:
    walk = Walk(list)
    run = Run([entry(1, 9, sequence=1)])
    assert walk.check(entry(0, 5).cursor, run) is run
    assert walk.check(entry(1, 9).cursor, run) is run
    assert not walk.next()


@pytest.mark.parametrize(
    ("one", "other", "after"),
    [
        ("s=a;i=2", "s=a;i=1", True),
        ("s=a;i=1", "s=a;i=1", False),
        ("s=a;i=1", "s=a", True),
        ("s=a", "s=a", False),
        ("s=a;i=2", "s=b;i=1", False),
        ("i=2", "i=1", False),
    ],
)
def test_numbers_of_one_sequence_tell_what_was_written_after(one: str, other: str, after: bool) -> None:
    assert is_numbered_after(one, other) is after


def test_a_boot_without_a_time_is_an_old_one() -> None:
    assert [each.id for each in in_order(["b=c;t=1", "b=d"], None)] == ["d", "c"]


def test_a_walk_that_goes_to_its_end() -> None:
    walk = Walk(lambda: boots(name(0), name(1), name(2)))
    walk.start()
    assert walk.now == name(0)
    gap = Gap(5, None)
    walk.end(gap)
    assert (walk.now, walk.missing) == (name(2), gap)
    assert not walk.next()


def test_an_entry_without_a_number_is_the_oldest_of_its_sequence() -> None:
    assert ids(in_order(["s=a;i=1;b=c;t=1", "s=a;b=d;t=2"], None)) == ["d", "c"]


def test_of_entries_whose_boot_before_is_gone_it_goes_on_with_the_first_one_s() -> None:
    walk = Walk(lambda: boots(name(1), name(2)))
    run = walk.check(entry(0, 5).cursor, Run([entry(1, 9, sequence=1), entry(2, 10, sequence=2)]))
    assert run == Run([entry(1, 9, sequence=1)])
    assert walk.now == name(1)


@pytest.mark.parametrize(
    ("boot", "back", "at_start", "lacks"),
    [
        (0, False, False, True),
        (1, False, False, False),  # nothing comes after the last boot
        (0, True, False, False),  # or before the first one
        (1, True, False, True),
        (0, False, True, False),
        (1, False, True, True),
    ],
)
def test_boots_of_another_sequence_may_be_on_the_wrong_side(boot: int, back: bool, at_start: bool, lacks: bool) -> None:
    walk = Walk(lambda: [Boot(name(0), "a"), Boot(name(1), "b")], back)
    assert walk.lacks(entry(boot, 5, sequence=boot).cursor, at_start) is lacks


def test_boots_of_the_same_sequence_or_without_entries_are_where_they_should_be() -> None:
    walk = Walk(lambda: [Boot(name(0), "a"), Boot(name(1), "a"), Boot(name(2), None)])
    assert not walk.lacks(entry(0, 5).cursor)
    assert not walk.lacks(entry(7, 5).cursor)  # of no boot that is known


def test_what_is_missing_before_the_last_boot_is_told_with_its_first_entries() -> None:
    walk = Walk(lambda: boots(name(0), name(1), name(2)))
    walk.start()
    walk.end(Gap(5, None))
    assert walk.check("t=1", Run([entry(2, 9)])).gap == Gap(5, 9)
    assert walk.check(entry(2, 9).cursor, Run([entry(2, 10)])).gap is None
