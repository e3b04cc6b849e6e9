"""The ring: contiguous, bounded, a cursor is found again; and when it may forget."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.reading import Gap
from ethpillar.nodes.items import Item
from ethpillar.nodes.ring import GIVEN_BACK, LEAST, Ring, Room, may_forget, may_give_back


def item(number: int, size: int = 10) -> Item:
    return Item(f"c{number}", number, b"x" * size)


def filled(entries: int, count: int) -> Ring:
    ring = Ring(entries, 10**6)
    for number in range(count):
        ring.append(item(number))
    return ring


def test_it_forgets_the_oldest() -> None:
    ring = filled(3, 5)
    assert (ring.start, ring.end, len(ring)) == (2, 5, 3)
    assert [each.cursor for each in ring.slice(2, 10)] == ["c2", "c3", "c4"]
    assert ring.after("c1") is None
    assert ring.after("c2") == 3
    assert ring.after("c4") == 5


def test_bytes_are_bounded_too_but_one_item_is_always_kept() -> None:
    ring = Ring(100, 5000)
    for number in range(10):
        ring.append(item(number, 1000))
    assert len(ring) == 3
    ring.append(item(10, 10**6))
    assert len(ring) == 1


def test_lines_are_weighed_as_they_are_kept() -> None:
    plain, wide = item(0, 10_000), Item("c", 0, ("x" * 9_999 + "\N{FIRE}").encode())
    assert sys.getsizeof(plain.data) < plain.size < 11_000
    assert sys.getsizeof(wide.data) < wide.size < 11_000


def test_a_gap_is_delivered_to_a_reader_that_resumes_before_it() -> None:
    ring = Ring(10, 10**6)
    ring.append(item(0))
    ring.append(Item("c0", 0, b"", 0, Gap(0, 5)))
    ring.append(item(1))
    assert ring.after("c0") == 1


def test_a_gap_that_leaves_the_ring() -> None:
    ring = Ring(2, 10**6)
    ring.append(Item("c9", 0, b"", 0, Gap(0, 5)))  # the entry before it was never here
    for number in range(5):
        ring.append(item(number))
        ring.append(Item(f"c{number}", 0, b"", 0, Gap(0, 5)))
    assert ring.after("c4") == ring.end - 1
    ring.append(item(5))
    assert ring.after("c4") is None
    assert ring.after("c5") == ring.end


def test_complete_until_something_is_forgotten() -> None:
    ring = Ring(2, 10**6)
    ring.complete = True
    ring.append(item(0))
    ring.append(item(1))
    assert ring.complete
    ring.append(item(2))
    assert not ring.complete


@pytest.mark.parametrize(
    ("entries", "size", "new", "expected"),
    [
        (10, 10**6, 10, 0),  # there is room
        (5, 10**6, 10, 1),  # one too many
        (10, 6000, 700, 1),  # five of about 1,050 bytes; 5,450 with the new one's overhead, 6,400 in all
        (10, 6000, 1600, 2),
        (10, 6000, 10**6, 5),  # all of them, and still too large
        (5, 6000, 1600, 2),  # both bounds: the stricter one counts
    ],
)
def test_what_would_be_forgotten(entries: int, size: int, new: int, expected: int) -> None:
    ring = Ring(entries, size)
    for number in range(5):
        ring.append(item(number, 600))
    assert ring.would_forget(item(5, new)) == expected
    ring.append(item(5, new))
    assert ring.start == expected


@pytest.mark.parametrize("start", range(10, 21))
@pytest.mark.parametrize("count", [0, 1, 3, 100])
def test_slices_from_either_half(start: int, count: int) -> None:
    ring = filled(10, 20)
    assert [each.realtime_us for each in ring.slice(start, count)] == list(range(start, 20))[:count]


@given(st.integers(1, 8), st.integers(500, 5000), st.lists(st.integers(0, 900), max_size=12), st.integers(0, 12))
def test_what_several_would_have_forgotten(entries: int, size: int, sizes: list[int], before: int) -> None:
    ring = Ring(entries, size)
    for number, length in enumerate(sizes[:before]):
        ring.append(item(number, length))
    new = [item(number, length) for number, length in enumerate(sizes[before:])]
    would, end = ring.would_forget(*new), ring.end
    for each in new:
        ring.append(each)
    assert not new or ring.start == would or would == end <= ring.start


@given(st.integers(1, 8), st.integers(500, 5000), st.lists(st.lists(st.integers(0, 900), max_size=12), max_size=4))
def test_several_at_once_are_as_one_after_the_other(entries: int, size: int, runs: list[list[int]]) -> None:
    at_once, one_by_one = Ring(entries, size), Ring(entries, size)
    for number, run in enumerate(runs):
        items = [item(number * 100 + each, length) for each, length in enumerate(run)]
        at_once.extend(items)
        for each in items:
            one_by_one.append(each)
        assert (at_once.start, at_once.end, at_once.size) == (one_by_one.start, one_by_one.end, one_by_one.size)


@given(st.integers(1, 8), st.integers(500, 5000), st.lists(st.integers(0, 900), max_size=40), st.data())
def test_against_a_list(entries: int, size: int, sizes: list[int], data: st.DataObject) -> None:
    ring = Ring(entries, size)
    every: list[Item] = []
    for number, length in enumerate(sizes):
        new = item(number, length)
        would = ring.would_forget(new)
        ring.append(new)
        every.append(new)
        if data.draw(st.booleans()):  # the index goes on from where it was
            asked = data.draw(st.integers(0, number))
            assert ring.after(f"c{asked}") == (asked + 1 if asked >= ring.start else None)
        if len(ring) > 1:
            assert ring.start == would
        assert ring.end == len(every)
        assert ring.slice(ring.start, 10**6) == every[ring.start :]
        assert len(ring) <= entries
        assert ring.lines_before(ring.end) == len(every)
    if every:
        start = data.draw(st.integers(ring.start, ring.end))
        count = data.draw(st.integers(0, 10))
        assert ring.slice(start, count) == every[start : start + count]
        assert ring.lines_before(start) == start
        for number, each in enumerate(every):
            assert ring.after(each.cursor) == (number + 1 if number >= ring.start else None)


# A ring of the items 10 to 19.
JOURNAL, AHEAD = -1, 2**63


@pytest.mark.parametrize(
    ("forgotten", "reached", "wanted", "expected"),
    [
        # nothing is forgotten, or nobody is there
        (10, [15], False, Room.GO),
        (10, [JOURNAL], True, Room.GO),
        (12, [], True, Room.GO),
        # everybody has what is forgotten
        (12, [12], False, Room.GO),
        (12, [20, 12], False, Room.GO),
        (12, [AHEAD], False, Room.GO),
        # others are in the journal, or have fallen out before
        (12, [12, JOURNAL], False, Room.GO),
        (12, [20, JOURNAL, 9], True, Room.GO),
        (12, [AHEAD, JOURNAL], True, Room.GO),
        # somebody is about to fall out, and the fastest waits for the follower
        (12, [20, 11], False, Room.GRACE),
        (12, [20, 10, JOURNAL], True, Room.GRACE),
        (12, [AHEAD, 10], False, Room.GRACE),
        # the fastest has not taken yet what there is
        (12, [19, 11], False, Room.WAIT),
        (12, [11], False, Room.WAIT),
        (12, [10, 11, JOURNAL], False, Room.WAIT),
        (12, [JOURNAL], False, Room.WAIT),
        # the same, while somebody can't read the journal for want of a channel
        (12, [19, 11, JOURNAL], True, Room.GIVE_BACK),
        (12, [11, JOURNAL], True, Room.GIVE_BACK),
        (12, [JOURNAL], True, Room.GIVE_BACK),
        (12, [JOURNAL, JOURNAL], True, Room.GIVE_BACK),
    ],
)
def test_whether_a_ring_may_forget(forgotten: int, reached: list[int], wanted: bool, expected: Room) -> None:
    ring = filled(10, 20)
    assert may_forget(ring, forgotten, reached, [False, wanted]) is expected


@given(
    st.integers(10, 20),
    st.lists(st.one_of(st.just(JOURNAL), st.just(AHEAD), st.integers(0, 20)), max_size=5),
    st.booleans(),
)
def test_nothing_is_forgotten_that_the_fastest_needs(forgotten: int, reached: list[int], wanted: bool) -> None:
    room = may_forget(filled(10, 20), forgotten, reached, [wanted])
    if room in (Room.GO, Room.GRACE):
        assert forgotten <= 10 or not reached or max(reached) >= forgotten
    assert wanted or room is not Room.GIVE_BACK


def test_a_copy_of_an_entry_is_found() -> None:
    def cursor(sequence: str, number: int, checksum: int) -> str:
        return f"s={sequence};i={number:x};b=b0;m={number:x};t={number:x};x={checksum:x}"

    ring = Ring(3, 10**6)
    for number in range(4):
        ring.append(Item(cursor("aa", number, 5), number, ("",)))
    assert ring.after(cursor("aa", 2, 5)) == ring.after(cursor("bb", 2, 5)) == 3
    assert ring.after(cursor("bb", 0, 5)) is None  # it was forgotten
    assert ring.after(cursor("bb", 2, 6)) is None
    ring.append(Item("s=aa;i=9;b=b0;m=3;t=3;x=5", 3, ("",)))  # the same line twice at once: which is meant?
    assert ring.after(cursor("bb", 3, 5)) is None
    assert ring.after("nothing") is None


@pytest.mark.parametrize(
    ("cursor", "found"),
    [
        ("s=bb;i=7;b=b0;m=2;t=2;x=5", 3),  # in another file
        ("s=aa;i=2;b=b0;m=2;t=2;x=5", 3),
        ("s=aa;i=7;b=b0;m=2;t=2;x=5", None),  # in this sequence it is another entry: the same line, once more at once
        ("s=aa;i=2;b=b0;m=2;t=2;x=6", None),
    ],
)
def test_in_one_sequence_an_entry_is_known_by_its_number(cursor: str, found: int | None) -> None:
    ring = Ring(10, 10**6)
    for number in range(4):
        ring.append(Item(f"s=aa;i={number:x};b=b0;m={number:x};t={number:x};x=5", number, b""))
    assert ring.after(cursor) == found


@given(st.integers(1, 2000), st.lists(st.integers(-1, 2000), max_size=5))
def test_what_everybody_has_had_is_given_back_first_and_something_always_is(count: int, at: list[int]) -> None:
    ring = filled(1500, count)
    reached = [min(each, ring.end) for each in at]
    inside = [each for each in reached if each >= ring.start]
    until = may_give_back(ring, reached)
    assert ring.start < until <= ring.start + GIVEN_BACK
    if inside and min(inside) >= ring.start + LEAST:
        assert until <= min(inside)
    before, size, end = ring.start, ring.size, ring.end
    ring.forget_until(until)
    assert (ring.start, ring.end) == (min(until, end - 1), end)
    assert ring.size < size or end - before == 1
    assert len(ring) >= 1
    assert ring.after(ring.slice(ring.start, 1)[0].cursor) == ring.start + 1


def test_a_ring_that_is_empty_gives_nothing_back() -> None:
    ring = Ring(10, 1000)
    ring.forget_until(may_give_back(ring, [0]))
    assert (ring.start, ring.end) == (0, 0)


def test_what_somebody_still_needs_is_kept_if_enough_is_free_before_it() -> None:
    ring = filled(1500, 2000)
    assert ring.start > LEAST
    assert may_give_back(ring, [ring.start + LEAST, ring.end]) == ring.start + LEAST


def test_of_what_is_forgotten_nothing_is_kept() -> None:
    ring = Ring(10, 10**6)
    for number in range(100):
        ring.append(Item(f"s=aa;i={number:x};b=b0;m={number:x};t={number:x};x={number:x}", number, b""))
        assert ring.after(f"s=bb;i=1;b=b0;m={number:x};t={number:x};x={number:x}") == number + 1  # has it indexed
    assert len(ring._copies) == len(ring._index) == len(ring) == 10
