"""Pages of the past, against a journal in memory."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.entry import Entry
from ethpillar.journal.history.blocks import Blocks, chosen
from ethpillar.journal.history.bounds import Bounds
from ethpillar.journal.history.paging import NoSuchCursor, Paging
from ethpillar.journal.history.place import weight_of
from ethpillar.journal.history.query import Direction, Query
from ethpillar.journal.history.wanted import BadPattern, Wanted

from .model import SMALL, Journal, entry

BACK, FORTH = Direction.BACKWARDS, Direction.FORWARDS
UNITS = ("execution.service", "consensus.service", "validator.service")


def line(number: int, level: str = "INFO", text: str = "Imported block") -> str:
    return f"{level.ljust(5)}[09-12|08:15:01.004] {text} number={number}"


@st.composite
def journals(draw: st.DrawFn) -> Journal:
    """Lines of three units, some with stack traces, interleaved."""
    kinds = draw(st.lists(st.tuples(st.sampled_from(UNITS), st.sampled_from("iiiewwt")), max_size=60))
    began: set[str] = set()
    entries: list[Entry] = []
    for number, (unit, kind) in enumerate(kinds):
        trace = kind == "t" and unit in began
        level = {"i": "INFO", "e": "ERROR", "w": "WARN"}.get(kind, "INFO")
        began.add(unit)
        text = f"\tat org.example.Some.method(Some.java:{number})" if trace else line(number, level)
        entries.append(entry(number, text, unit))
    return Journal(entries)


def expected(journal: Journal, query: Query) -> list[str]:
    every = [each for each in journal.entries if not query.units or each.unit in query.units]
    blocks = Blocks(lambda _: None)
    return [each.entry.cursor for each in chosen([blocks.take(each) for each in every], query.wanted)]


def walk(journal: Journal, query: Query, bounds: Bounds = SMALL) -> list[str]:
    """The cursors of all pages, one after the other, in the order of the journal."""
    found: list[str] = []
    for _ in range(200):
        page = journal.page(query, bounds)
        cursors = [each.entry.cursor for each in page.shown]
        assert len(cursors) <= query.limit or not query.wanted.everything  # a search shows blocks as a whole
        assert page.gaps == []
        found = cursors + found if query.direction is BACK else found + cursors
        if not page.more:
            return found
        way_on = page.before if query.direction is BACK else page.after
        assert way_on != query.cursor
        query = replace(query, cursor=way_on, inclusive=False)
    raise AssertionError("it never ends")


WANTED = [
    Wanted(),
    Wanted(level="error"),
    Wanted(level="warn", words=("imported",)),
    Wanted(words=("number=1",)),
    Wanted(pattern=r"Some\.java:\d*3\b"),
]


@given(
    journals(),
    st.sampled_from([BACK, FORTH]),
    st.integers(1, 12),
    st.sampled_from(WANTED),
    st.sets(st.sampled_from(UNITS)),
    st.integers(1, 12),
)
def test_page_by_page_each_entry_comes_once_in_order(
    journal: Journal, direction: Direction, limit: int, wanted: Wanted, units: set[str], portion: int
) -> None:
    query = Query(tuple(sorted(units)), direction, wanted=wanted, limit=limit)
    assert walk(journal, query, replace(SMALL, portion=portion)) == expected(journal, query)


@pytest.mark.parametrize("direction", [BACK, FORTH])
@pytest.mark.parametrize(
    "wanted", [Wanted(level="error"), Wanted(words=("some.java",)), Wanted(level="warn", words=("=7",))]
)
@given(st.lists(st.tuples(st.integers(1, 120), st.sampled_from(UNITS), st.sampled_from("ewtt")), max_size=12))
def test_few_lines_among_many_are_found_as_without_the_quick_test(
    direction: Direction, wanted: Wanted, rare: list[tuple[int, str, str]]
) -> None:
    entries: list[Entry] = []
    for common, unit, kind in rare:
        entries += [entry(len(entries) + number, line(number), UNITS[number % 2]) for number in range(common)]
        entries.append(entry(len(entries), line(common, {"e": "ERROR", "w": "WARN"}.get(kind, "INFO")), unit))
        entries += [
            entry(len(entries) + number, f"\tat org.Some.method(Some.java:{number})", unit)
            for number in range(3 if kind == "t" else 0)
        ]
    journal = Journal(entries)
    query = Query((), direction, wanted=wanted, limit=9)
    bounds = replace(SMALL, first_slice=50, slice=400, portion=150, held=200)
    assert walk(journal, query, bounds) == expected(journal, query)


@given(journals(), st.integers(0, 59), st.integers(1, 9))
def test_a_page_beside_a_cursor_has_what_is_next_to_it(journal: Journal, at: int, limit: int) -> None:
    if at >= len(journal.entries):
        return
    cursor = journal.entries[at].cursor
    before = journal.page(Query((), BACK, cursor, limit=limit))
    after = journal.page(Query((), FORTH, cursor, limit=limit))
    every = [each.cursor for each in journal.entries]
    shown = [each.entry.cursor for each in (*before.shown, *after.shown)]
    assert shown == [each for each in every[at - len(before.shown) : at + 1 + len(after.shown)] if each != cursor]
    assert before.after == cursor
    assert after.before == cursor


def test_a_page_has_at_most_its_limit_and_begins_at_a_line() -> None:
    texts = [line(0), "\tat a.B.c(B.java:1)", "\tat a.B.d(B.java:2)", line(3), line(4)]
    journal = Journal([entry(number, text) for number, text in enumerate(texts)])
    page = journal.page(Query((), limit=4))
    assert [each.entry.message.decode() for each in page.shown] == texts[3:]
    assert page.before == journal.entries[3].cursor
    assert page.more


def test_a_trace_longer_than_a_page_is_cut() -> None:
    texts = [line(0), *[f"\tat a.B.c(B.java:{number})" for number in range(30)]]
    journal = Journal([entry(number, text) for number, text in enumerate(texts)])
    assert walk(journal, Query((), limit=5)) == [each.cursor for each in journal.entries]


def test_times_bound_a_page_on_both_sides() -> None:
    journal = Journal([entry(number, line(number)) for number in range(40)])
    since, until = journal.entries[10].realtime_us, journal.entries[20].realtime_us
    for direction in (BACK, FORTH):
        page = journal.page(Query((), direction, since_us=since, until_us=until, limit=100))
        assert [each.entry for each in page.shown] == journal.entries[10:21]
        assert (page.from_us, page.until_us, page.more) == (since, until, False)


def test_a_clock_that_was_set_back_hides_nothing_that_is_near() -> None:
    times = [*range(100, 120), *range(110, 130)]  # microseconds; set back by 10 in the middle
    journal = Journal([entry(number, line(number), at=1_000_000 + at) for number, at in enumerate(times)])
    page = journal.page(Query((), BACK, since_us=1_000_112, limit=100), replace(SMALL, out_of_range=10))
    assert sorted(each.entry.realtime_us for each in page.shown) == sorted(1_000_000 + at for at in times if at >= 112)


def test_a_cursor_that_is_gone_is_a_gap() -> None:
    journal = Journal([entry(number, line(number)) for number in range(20)], gone=set(range(10)))
    cursor = journal.entries[4].cursor
    forwards = journal.page(Query((), FORTH, cursor, limit=3))
    assert [each.entry for each in forwards.shown] == journal.entries[10:13]
    assert [gap["reason"] for gap in forwards.gaps] == ["vacuumed"]
    assert forwards.gaps[0]["after"] == cursor
    backwards = journal.page(Query((), BACK, cursor, limit=3))
    assert backwards.shown == []
    assert not backwards.more
    assert [gap["reason"] for gap in backwards.gaps] == ["vacuumed"]


def test_order_that_cannot_be_told_ends_a_page() -> None:
    numbers = [5, 6, 7, 3, 4]
    entries = [entry(number, line(number)) for number in numbers]
    page = Journal(entries).page(Query((), FORTH, limit=10))
    assert [each.entry for each in page.shown] == entries[:3]
    assert [gap["reason"] for gap in page.gaps] == ["order"]
    assert not page.more


def test_a_search_is_bounded_and_tells_the_way_on() -> None:
    journal = Journal([entry(number, line(number)) for number in range(300)])
    bounds = replace(SMALL, entries=50)
    page = journal.page(Query((), wanted=Wanted(level="error"), limit=5), bounds)
    assert page.shown == []
    assert page.more
    assert 50 <= page.scanned < 80
    assert page.before == journal.entries[-page.scanned].cursor
    ticks = iter(range(1000))
    page = journal.page(Query((), wanted=Wanted(level="error"), limit=5), clock=lambda: float(next(ticks)))
    assert page.more
    assert page.scanned < 300


def test_journalctl_that_breaks_in_a_slice_is_asked_again() -> None:
    journal = Journal([entry(number, line(number)) for number in range(20)])
    paging = Paging(Query((), wanted=Wanted(level="error")), lambda: 0.0, bounds=SMALL)
    first = paging.next_step()
    assert first is not None
    paging.feed(journal.answer(first, ()))
    paging.ended(1, b"Failed to iterate through journal: Bad message")
    again = paging.next_step()
    assert again is not None
    assert again.cursor == journal.answer(first, ())[-1].cursor
    while again is not None:
        paging.feed(journal.answer(again, ()))
        paging.ended(0)
        again = paging.next_step()
    assert paging.page().scanned == 20
    assert paging.page().gaps == []


def test_a_vacuum_after_the_first_portion_of_a_slice_is_no_end() -> None:
    journal = Journal([entry(number, line(number)) for number in range(20)])
    paging = Paging(Query((), wanted=Wanted(level="error")), lambda: 0.0, bounds=replace(SMALL, portion=3))
    first = paging.next_step()
    assert first is not None
    paging.feed(journal.answer(first, ())[:3])
    paging.ended(1, b"Failed to iterate through journal: Bad message")
    again = paging.next_step()
    assert again is not None
    assert again.cursor == journal.entries[-3].cursor
    assert paging.page().gaps == []


def test_a_page_that_is_full_within_a_slice_reads_no_more_of_it() -> None:
    journal = Journal([entry(number, line(number, "ERROR")) for number in range(20)])
    paging = Paging(Query((), wanted=Wanted(level="error"), limit=2), lambda: 0.0, bounds=replace(SMALL, portion=3))
    first = paging.next_step()
    assert first is not None
    assert not paging.feed(journal.answer(first, ())[:3])
    paging.ended(0)
    assert paging.next_step() is None
    assert [each.entry.cursor for each in paging.page().shown] == [each.cursor for each in journal.entries[-2:]]
    assert paging.page().scanned == 3


def test_what_is_no_cursor_is_said() -> None:
    paging = Paging(Query((), cursor="s=zz"), lambda: 0.0)
    paging.next_step()
    with pytest.raises(NoSuchCursor):
        paging.ended(1, b"Failed to seek to cursor: Invalid argument")
    paging.ended(0, b"Failed to seek to cursor: Invalid argument")


def test_long_lines_are_read_in_smaller_slices() -> None:
    journal = Journal([entry(number, line(number, text="x" * 1000)) for number in range(40)])
    page = journal.page(Query((), wanted=Wanted(words=("number=1",)), limit=50), replace(SMALL, slice_bytes=4_000))
    assert page.scanned == 40
    assert len(page.shown) == 11


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=30), st.sampled_from([BACK, FORTH]), st.booleans())
def test_a_page_has_a_bound_in_bytes_and_the_next_one_has_the_rest(
    sizes: list[int], direction: Direction, searching: bool
) -> None:
    journal = Journal([entry(number, line(number, text="x" * size)) for number, size in enumerate(sizes)])
    query = Query((), direction, limit=20, wanted=Wanted(words=("number",)) if searching else Wanted())
    found: list[str] = []
    for _ in range(100):
        page = journal.page(query, replace(SMALL, page_bytes=4_000))
        cursors = [each.entry.cursor for each in page.shown]
        assert sum(len(each.entry.message) for each in page.shown) <= 4_000
        found = cursors + found if direction is BACK else found + cursors
        if not page.more:
            break
        query = replace(query, cursor=page.before if direction is BACK else page.after)
    assert found == [each.cursor for each in journal.entries]


@pytest.mark.parametrize("pattern", ["(a", "(?=a)", r"(a)\1", "a{1001}", "x" * 1001, "\udc80"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        Wanted(pattern=pattern)


def test_wanted_lines() -> None:
    texts = [
        "INFO [09-12|08:15:01.004] Imported new potential chain segment number=19,123,456 hash=8f3ac2..d41e7f",
        "Sep 12 08:15:11.000 INFO Synced                                  slot: 13195105, block: 0x77ab, epoch: 412347",
    ]
    journal = Journal([entry(number, text) for number, text in enumerate(texts)])

    def found(wanted: Wanted) -> list[int]:
        page = journal.page(Query((), wanted=wanted))
        return [journal.entries.index(each.entry) for each in page.shown]

    assert found(Wanted(eth=("slot", 13195105))) == [1]
    assert found(Wanted(eth=("epoch", 412347))) == [1]
    assert found(Wanted(eth=("block", 19123456))) == [0]
    assert found(Wanted(words=("synced", "slot"))) == [1]
    assert found(Wanted(pattern="(?i)IMPORTED|synced")) == [0, 1]
    assert found(Wanted(level="critical")) == []


def test_what_came_in_the_same_moment_before_the_cursor_is_not_repeated() -> None:
    """journalctl may begin at the first of the entries that were received in one moment."""
    every = [entry(number, line(number)) for number in range(6)]
    paging = Paging(Query((), FORTH, cursor=every[2].cursor), lambda: 0.0, bounds=SMALL)
    assert paging.next_step() is not None
    paging.feed(every[1:])
    paging.ended(0)
    assert [each.entry for each in paging.page().shown] == every[3:]
    assert paging.page().gaps == []


def test_an_entry_whose_number_cannot_be_read_ends_a_page() -> None:
    paging = Paging(Query((), FORTH), lambda: 0.0, bounds=SMALL)
    step = paging.next_step()
    assert step is not None
    every = [entry(number, line(number)) for number in range(step.count or 0)]  # there may be more
    every[3] = every[3]._replace(cursor="s=a1;i=?;b=b1;m=3;t=5;x=1")
    paging.feed(every)
    paging.ended(0)
    assert paging.next_step() is None
    assert [each.entry for each in paging.page().shown] == every[:3]
    assert [gap["reason"] for gap in paging.page().gaps] == ["order"]


def test_a_journalctl_that_fails_at_the_start_for_no_known_reason_is_no_page() -> None:
    paging = Paging(Query(()), lambda: 0.0, bounds=SMALL)
    assert paging.next_step() is not None
    paging.ended(1, b"Something else")
    assert paging.next_step() is None
    assert paging.failed
    assert paging.in_doubt
    assert paging.page().gaps == []


def steps_of(query: Query, bounds: Bounds, journal: Journal) -> list[tuple[str | None, int | None]]:
    """Where each journalctl of a page starts, and how many entries it is asked for."""
    journal.page(query, bounds)
    return [(step.cursor, step.count) for step in journal.steps]


def test_a_plain_page_asks_for_what_it_needs_and_a_little_more() -> None:
    """The entry at a cursor comes as well, and enough to begin at a line and not within a stack trace."""
    for cursor, count in ((None, 24), (entry(30, line(30)).cursor, 25)):
        journal = Journal([entry(number, line(number)) for number in range(60)])
        assert steps_of(Query((), cursor=cursor, limit=20), SMALL, journal) == [(cursor, count)]


def test_a_search_begins_with_a_small_slice_and_goes_on_with_larger_ones() -> None:
    bounds = replace(SMALL, first_slice=7, slice=11, forwards_slice=9)
    for direction, further in ((BACK, 12), (FORTH, 10)):
        journal = Journal([entry(number, line(number)) for number in range(30)])
        query = Query((), direction, limit=5, wanted=Wanted(level="error"))
        counts = [count for _, count in steps_of(query, bounds, journal)]
        assert counts == [7, *[further] * (len(counts) - 1)]
        assert len(counts) in (4, 5)
    journal = Journal([entry(number, line(number)) for number in range(30)])
    assert steps_of(Query((), limit=8, wanted=Wanted(level="error")), bounds, journal)[0] == (None, 8)


def test_a_page_says_where_to_go_on_in_both_directions() -> None:
    journal = Journal([entry(number, line(number)) for number in range(20)])
    every = [each.cursor for each in journal.entries]
    newest = journal.page(Query((), limit=3))
    assert (newest.before, newest.after) == (every[17], every[19])
    oldest = journal.page(Query((), FORTH, limit=3))
    assert (oldest.before, oldest.after) == (every[0], every[2])
    beside = journal.page(Query((), cursor=every[10], limit=3))
    assert (beside.before, beside.after) == (every[7], every[10])
    last = journal.page(Query((), cursor=every[2], limit=5))
    assert (last.before, last.after, last.more) == (None, every[2], False)
    end = journal.page(Query((), FORTH, cursor=every[17], limit=5))
    assert (end.before, end.after, end.more) == (every[17], every[19], False)
    nothing = Journal([]).page(Query((), limit=5))
    assert (nothing.before, nothing.after, nothing.more, nothing.scanned) == (None, None, False, 0)


def test_a_page_holds_what_waits_and_what_it_shows() -> None:
    journal = Journal([entry(number, line(number)) for number in range(20)])
    paging = Paging(Query((), limit=5), lambda: 0.0, bounds=SMALL)
    step = paging.next_step()
    assert step is not None
    assert paging.weight() == 0
    some = journal.answer(step, ())
    paging.feed(some[:3])
    assert paging.weight() == weight_of(some[:3])
    paging.feed(some[3:])
    paging.ended(0)
    assert paging.weight() == 3 * weight_of([each.entry for each in paging.page().shown])


@pytest.mark.parametrize(
    ("query", "doubt"),
    [
        (Query(()), True),
        (Query((), cursor="s=a1;i=5;b=b1;m=4;t=5;x=1"), True),
        (Query((), since_us=5), False),  # there may well be nothing between two times
        (Query((), until_us=5), False),
        (Query((), cursor="s=a1;i=5;b=b1;m=4;t=5;x=1", since_us=5), True),
    ],
)
def test_nothing_at_all_is_doubtful_where_something_should_be(query: Query, doubt: bool) -> None:
    paging = Paging(query, lambda: 0.0, bounds=SMALL)
    while paging.next_step() is not None:
        paging.ended(0)
    assert paging.in_doubt is doubt
    paging = Paging(Query(()), lambda: 0.0, bounds=SMALL)
    paging.next_step()
    paging.feed([entry(1, line(1))])
    paging.ended(0)
    assert not paging.in_doubt


def test_a_page_takes_no_longer_than_it_may() -> None:
    now = [0.0]
    paging = Paging(Query((), wanted=Wanted(level="error")), lambda: now[0], bounds=SMALL)
    assert paging.next_step() is not None
    now[0] = SMALL.seconds - 0.1
    assert paging.feed([entry(9, line(9))])
    now[0] = SMALL.seconds
    assert not paging.feed([entry(8, line(8))])
    paging.ended(0)
    assert paging.next_step() is None
    assert paging.page().more


def test_a_journalctl_that_fails_where_the_cursor_is_not_is_read_on_with_care() -> None:
    paging = Paging(Query((), FORTH, cursor=entry(3, line(3)).cursor), lambda: 0.0, bounds=SMALL)
    assert paging.next_step() is not None
    paging.ended(1, b"Something else")
    assert not paging.failed
    assert paging.next_step() is not None


def test_a_journalctl_that_fails_after_some_entries_is_asked_again() -> None:
    every = [entry(number, line(number)) for number in range(6)]
    paging = Paging(Query((), FORTH), lambda: 0.0, bounds=SMALL)
    assert paging.next_step() is not None
    paging.feed(every[:3])
    paging.ended(1, b"Something else")
    assert not paging.failed
    step = paging.next_step()
    assert step is not None
    assert step.cursor == every[2].cursor


def test_a_page_ends_when_its_time_is_over_whatever_the_clock_said_at_first() -> None:
    now = [1000.0]
    paging = Paging(Query((), limit=5), lambda: now[0], bounds=SMALL)
    assert paging.next_step() is not None
    now[0] += SMALL.seconds - 0.1
    assert paging.feed([entry(2, line(2))])
    now[0] += 0.1
    assert not paging.feed([entry(1, line(1))])
    paging.ended(0)
    assert paging.next_step() is None
    assert paging.page().more


def test_a_page_whose_time_is_over_before_anything_came_has_not_failed() -> None:
    now = [0.0]
    paging = Paging(Query((), limit=5), lambda: now[0], bounds=SMALL)
    assert paging.next_step() is not None
    now[0] = SMALL.seconds
    assert not paging.feed([])
    paging.ended(0)
    assert paging.next_step() is None
    assert not paging.failed
    assert paging.page().more


def ignored(at: int) -> bytes:
    """What journalctl says when it does without a file that began at this time."""
    name = f"system@{7:032x}-{1:016x}-{at:016x}.journal"
    return f"Journal file /var/log/journal/x/{name} is truncated, ignoring file.\n".encode()


def test_files_that_journalctl_does_without_do_not_matter_where_there_is_nothing() -> None:
    paging = Paging(Query((), limit=5), lambda: 0.0, bounds=SMALL)
    assert paging.next_step() is not None
    assert paging.trusts(ignored(1_795_000_000_000_000))
    paging.ended(0)
    assert paging.next_step() is None
    assert paging.page().gaps == []


@pytest.mark.parametrize("from_cursor", [True, False])
@pytest.mark.parametrize(("after", "spanned"), [(-1, False), (0, True), (500, True), (2_000, True), (2_001, False)])
def test_a_file_that_is_left_out_matters_from_the_cursor_to_the_last_entry(
    after: int, spanned: bool, from_cursor: bool
) -> None:
    some = [entry(number, line(number)) for number in range(3)]
    paging = Paging(Query((), FORTH, some[0].cursor if from_cursor else None, limit=5), lambda: 0.0, bounds=SMALL)
    assert paging.next_step() is not None
    paging.trusts(ignored(some[0].realtime_us + after))
    paging.feed(some)
    paging.ended(0)
    assert (paging.next_step() is not None) is spanned  # it is read again, with care


@pytest.mark.parametrize(("entries", "over"), [(3, False), (2, True)])
def test_a_page_looks_at_no_more_entries_than_it_may(entries: int, over: bool) -> None:
    bounds = replace(SMALL, entries=entries)
    paging = Paging(Query((), limit=50, wanted=Wanted(level="error")), lambda: 0.0, bounds=bounds)
    step = paging.next_step()
    assert step is not None
    assert step.count is not None
    paging.feed([entry(number, line(number)) for number in (9, 8)])
    paging._judge(exhausted=False)
    assert (paging.next_step() is None) is over
