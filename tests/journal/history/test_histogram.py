"""Histograms of the past."""

import pytest

from ethpillar.journal.history.histogram import Histogram
from ethpillar.journal.history.paging import Paging
from ethpillar.journal.history.query import Query
from ethpillar.journal.history.wanted import Wanted

from .model import SMALL, Journal, entry

LEVELS = ["INFO ", "WARN ", "ERROR", "INFO "]


def journal() -> Journal:
    return Journal(
        [entry(number, f"{LEVELS[number % 4]}[09-12|08:15:01.004] Text number={number}") for number in range(40)]
    )


def count(query: Query, buckets: int) -> tuple[list[tuple[int, int, int, int]], bool, int]:
    breaths = []
    histogram = Histogram(query, buckets)
    paging = Paging(query, lambda: 0.0, bounds=SMALL, breathe=lambda: breaths.append(1), collector=histogram)
    past = journal()
    while (step := paging.next_step()) is not None:
        paging.feed(past.answer(step, query.units))
        paging.ended(0)
    page = paging.page()
    assert page.shown == []
    return histogram.counts(), page.more, page.scanned


def test_each_line_is_counted_in_its_stretch_of_time() -> None:
    entries = journal().entries
    query = Query((), since_us=entries[0].realtime_us, until_us=entries[-1].realtime_us)
    counts, more, scanned = count(query, 4)
    assert [each[1:] for each in counts] == [(10, 3, 2), (10, 2, 3), (10, 3, 2), (10, 2, 3)]
    assert counts[0][0] == entries[0].realtime_us
    assert (more, scanned) == (False, 40)


def test_only_wanted_lines_are_counted() -> None:
    entries = journal().entries
    query = Query((), since_us=entries[0].realtime_us, until_us=entries[19].realtime_us, wanted=Wanted(level="error"))
    counts, _, _ = count(query, 2)
    assert [each[1:] for each in counts] == [(2, 0, 2), (3, 0, 3)]


@pytest.mark.parametrize(("since", "until", "buckets"), [(None, 5, 1), (5, None, 1), (6, 5, 1), (1, 5, 0)])
def test_a_histogram_needs_two_times(since: int | None, until: int | None, buckets: int) -> None:
    with pytest.raises(ValueError, match="two times"):
        Histogram(Query((), since_us=since, until_us=until), buckets)


@pytest.mark.parametrize(
    ("since", "until", "buckets", "begins"),
    [
        (7, 7, 3, [7, 8, 9]),  # no stretch is shorter than a microsecond
        (0, 3, 4, [0, 1, 2, 3]),
        (0, 4, 2, [0, 3]),
        (10, 19, 2, [10, 15]),
    ],
)
def test_stretches_are_equal_and_hold_both_ends(since: int, until: int, buckets: int, begins: list[int]) -> None:
    histogram = Histogram(Query((), since_us=since, until_us=until), buckets)
    assert [each[0] for each in histogram.counts()] == begins


def test_one_stretch_is_enough() -> None:
    assert Histogram(Query((), since_us=1, until_us=5), 1).counts() == [(1, 0, 0, 0)]
