"""Where a page is in the journal, and whether an entry is beyond the one before."""

from __future__ import annotations

import pytest

from ethpillar.journal.entry import Entry
from ethpillar.journal.history.bounds import Bounds
from ethpillar.journal.history.place import ENTRY, Place, Scanned, Slice, weight_of
from ethpillar.journal.history.query import Direction, Query


def entry(sequence: str, number: int, boot: str, monotonic: int) -> Entry:
    return Entry(f"s={sequence};i={number:x};b={boot};m={monotonic:x};t=5;x=1", 5, b"", 6)


@pytest.mark.parametrize(
    ("other", "forwards", "back"),
    [
        (entry("a", 6, "b", 1), True, False),  # by number in one sequence, whatever the clocks say
        (entry("a", 4, "b", 9), False, True),
        (entry("a", 5, "b", 5), False, False),
        (Entry("s=a;i=4g;b=b;m=9;t=5;x=1", 5, b"", 6), False, False),  # that is no number
        (entry("c", 1, "b", 6), True, False),  # in another one by the time since the boot
        (entry("c", 9, "b", 4), False, True),
        (entry("c", 9, "b", 5), True, True),
        (entry("c", 1, "d", 1), True, True),  # in another boot it can't be told
    ],
)
def test_an_entry_is_beyond_the_one_before(other: Entry, forwards: bool, back: bool) -> None:
    for backwards, right in ((False, forwards), (True, back)):
        place = Place(Query(()))
        assert place.goes_on(entry("a", 5, "b", 5), backwards)
        assert place.goes_on(other, backwards) is right
        assert place.last == (other if right else entry("a", 5, "b", 5))
        assert place.first == entry("a", 5, "b", 5)


@pytest.mark.parametrize("cursor", ["", "t=5", "s=a", "s=a;i=", "s=a;i=x;b=b"])
def test_a_cursor_without_a_number_says_nothing(cursor: str) -> None:
    assert not Place(Query(())).goes_on(Entry(cursor, 5, b"", 6), False)


def written(*times: int) -> list[Entry]:
    return [Entry(f"s=a;i={number + 1:x}", at, b"", 6) for number, at in enumerate(times)]


@pytest.mark.parametrize(
    ("times", "back", "inside", "scanned", "end"),
    [
        ([10, 15, 20], False, [10, 15, 20], 3, False),  # both ends belong to it
        ([9, 10, 20, 21], False, [10, 20], 4, False),
        ([21, 20, 10, 9], True, [20, 10], 4, False),
        ([15, 21, 22, 23, 15], False, [15], 4, True),  # three in a row beyond the end
        ([15, 21, 22, 16, 23, 15], False, [15, 16, 15], 6, False),  # a clock was set back between
        ([15, 9, 8, 7, 15], True, [15], 4, True),
        ([10, 9, 8, 15], True, [10, 15], 4, False),  # what is at an end is not beyond it
        ([20, 21, 22, 15], False, [20, 15], 4, False),
        ([5, 6, 7, 8, 15], False, [15], 5, False),  # before the begin there may be any number
    ],
)
def test_entries_within_the_times_asked_for(
    times: list[int], back: bool, inside: list[int], scanned: int, end: bool
) -> None:
    found = Scanned(3)
    entries, over = found.within(written(*times), Query((), since_us=10, until_us=20), back)
    assert [each.realtime_us for each in entries] == inside
    assert (found.entries, over) == (scanned, end)


def test_a_slice_is_full_once_it_has_more_bytes_than_it_may() -> None:
    found = Slice(10, Bounds(slice_bytes=10, portion_bytes=6))
    found.take([Entry("s=a;i=1", 1, b"x" * 5, 6)])
    assert not found.portion_is_full
    found.portion()
    found.take([Entry("s=a;i=2", 2, b"x" * 5, 6)])
    assert not found.full
    found.take([Entry("s=a;i=3", 3, b"x", 6)])
    assert found.full
    assert found.portion_is_full


BACK, FORTH = Direction.BACKWARDS, Direction.FORWARDS


@pytest.mark.parametrize(
    ("query", "anchor"),
    [
        (Query(()), None),  # the newest entry
        (Query((), since_us=10), None),
        (Query((), until_us=26), "t=1a"),
        (Query((), until_us=0), "t=1"),  # journalctl knows no time 0
        (Query((), FORTH), "t=1"),
        (Query((), FORTH, since_us=26), "t=1a"),
        (Query((), FORTH, since_us=1), "t=1"),
        (Query((), FORTH, until_us=26), "t=1"),
        (Query((), FORTH, "s=a;i=5", since_us=26), "s=a;i=5"),
    ],
)
def test_where_a_page_starts(query: Query, anchor: str | None) -> None:
    assert Place(query).anchor == anchor


def test_the_next_slice_starts_at_an_entry_that_is_known() -> None:
    place = Place(Query((), cursor="s=a;i=1", inclusive=True))
    assert place.inclusive
    place.move(entry("a", 5, "b", 5))
    assert place.anchor == entry("a", 5, "b", 5).cursor
    assert not place.inclusive


def test_an_entry_that_is_not_beyond_the_one_before_moves_nothing() -> None:
    place = Place(Query(()))
    for number, right in ((5, True), (3, False), (4, False), (6, True), (5, False)):
        assert place.goes_on(entry("a", number, "b", 1), False) is right


@pytest.mark.parametrize(("come", "cut", "exhausted"), [(2, False, True), (3, False, False), (2, True, False)])
def test_a_slice_with_fewer_entries_than_asked_for_is_the_last(come: int, cut: bool, exhausted: bool) -> None:
    found = Slice(3, Bounds())
    found.take(written(*range(1, come + 1)))
    found.cut = cut
    assert found.count == come
    assert found.exhausted is exhausted


def test_the_entries_of_a_slice_wait_until_they_are_judged() -> None:
    found = Slice(10, Bounds(portion=3))
    found.take(written(1, 2))
    assert not found.judged
    assert not found.portion_is_full
    assert found.weight == weight_of(written(1, 2)) == 2 * ENTRY
    found.take([Entry("s=a;i=3", 3, b"twelve bytes", 6)])
    assert found.portion_is_full
    assert found.weight == 3 * ENTRY + 12
    assert len(found.portion()) == 3
    assert found.portion() == []
    assert (found.judged, found.weight, found.count) == (True, 0, 3)


def test_the_times_that_were_looked_at() -> None:
    found = Scanned(3)
    assert (found.from_us, found.until_us) == (None, None)
    query = Query((), since_us=10, until_us=20)
    for times, seen in (
        ([15, 16], (15, 16)),
        ([5, 25], (15, 16)),
        ([18, 12], (12, 18)),
        ([14], (12, 18)),
        ([20, 10], (10, 20)),
    ):
        found.within(written(*times), query, False)
        assert (found.from_us, found.until_us) == seen
    assert found.entries == 9
    found.within(written(1, 99), Query(()), True)
    assert (found.from_us, found.until_us, found.entries) == (1, 99, 11)


def test_entries_beyond_the_end_are_counted_from_one_portion_to_the_next() -> None:
    found, query = Scanned(3), Query((), until_us=20)
    assert found.within(written(15, 21, 22), query, False)[1] is False
    assert found.within(written(23, 24), query, False) == ([], True)
    assert found.entries == 4  # the last one was not looked at any more


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [(None, None, [5, 15, 25]), (10, None, [15, 25]), (None, 20, [5, 15]), (10, 20, [15])],
)
def test_each_of_the_times_may_be_missing(since: int | None, until: int | None, inside: list[int]) -> None:
    query = Query((), since_us=since, until_us=until)
    found, end = Scanned(out_of_range=3).within(written(5, 15, 25), query, back=False)
    assert [each.realtime_us for each in found] == inside
    assert not end
