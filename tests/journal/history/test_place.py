"""Where a page is in the journal, and whether an entry is beyond the one before."""

from __future__ import annotations

import pytest

from ethpillar.journal.entry import Entry
from ethpillar.journal.history.bounds import Bounds
from ethpillar.journal.history.place import Place, Scanned, Slice
from ethpillar.journal.history.query import Query


def entry(sequence: str, number: int, boot: str, monotonic: int) -> Entry:
    return Entry(f"s={sequence};i={number:x};b={boot};m={monotonic:x};t=5;x=1", 5, b"", 6)


@pytest.mark.parametrize(
    ("other", "forwards", "back"),
    [
        (entry("a", 6, "b", 1), True, False),  # by number in one sequence, whatever the clocks say
        (entry("a", 4, "b", 9), False, True),
        (entry("a", 5, "b", 5), False, False),
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
