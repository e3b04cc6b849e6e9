"""Where a page is in the journal, and whether an entry is beyond the one before."""

from __future__ import annotations

import pytest

from ethpillar.journal.entry import Entry
from ethpillar.journal.history.place import Place
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
