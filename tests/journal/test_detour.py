"""Going round damage, against a journal in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.detour import last, read_on
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Answer, Gap, Run, Step

from .damaged import END, START, Files, entry


def files(*sizes: int, own: bool = False) -> Files:
    made, number = [], 0
    for file, size in enumerate(sizes):
        made.append([entry(number + each, file, own) for each in range(size)])
        number += size
    return Files(made)


def read(journal: Files, cursor: str, back: bool = False, size: int = 20) -> list[int | Gap]:
    """Everything from a cursor on: the numbers of entries, and gaps."""
    found: list[int | Gap] = []
    for _ in range(300):
        run = cast(Run, journal.carry_out(read_on(cursor, 1 if back else END, back=back, size=size)))
        found += [run.gap] if run.gap else []
        found += [number(each) for each in run.entries]
        if run.end:
            return found
        cursor = run.entries[-1].cursor
    raise AssertionError("it never ends")


def number(each: Entry) -> int:
    return (each.realtime_us - START) // 1_000


def at(which: int) -> int:
    return START + which * 1_000


def test_what_is_not_damaged_costs_one_journalctl() -> None:
    journal = files(10, 10)
    assert read(journal, entry(3).cursor) == list(range(4, 20))
    assert journal.asked == 1


@pytest.mark.parametrize("kind", ["torn", "unreadable"])
@pytest.mark.parametrize("own", [False, True])
def test_damage_in_the_middle(kind: str, own: bool) -> None:
    journal = files(40, 40, 40, own=own)
    getattr(journal, kind).update(journal.files[1][each].cursor for each in (10, 11))
    there = [*range(1, 50), Gap(at(49), at(52), "damaged"), *range(52, 120)]
    assert read(journal, journal.files[0][0].cursor) == there
    back = [*range(118, 51, -1), Gap(at(49), at(52), "damaged"), *range(49, -1, -1)]
    assert read(journal, journal.files[2][39].cursor, back=True) == back


@pytest.mark.parametrize("kind", ["torn", "unreadable"])
def test_damage_at_the_end(kind: str) -> None:
    journal = files(40)
    getattr(journal, kind).update(journal.files[0][each].cursor for each in (38, 39))
    assert read(journal, entry(30).cursor) == [*range(31, 38), Gap(at(37), None, "damaged")]
    first = cast(Entry, journal.carry_out(last(5, END)))
    assert number(first) == 33


@pytest.mark.parametrize("lines", [1, 10, 79, 117, 118, 119, 5000])
def test_the_first_of_the_last_entries(lines: int) -> None:
    journal = files(40, 40, 40)
    journal.torn.update(journal.files[1][each].cursor for each in (10, 11))
    readable = [each for each in range(120) if each not in (50, 51)]
    first = cast(Entry, journal.carry_out(last(lines, END)))
    assert number(first) == readable[-min(lines, 118)]


def test_the_entry_itself_is_damaged() -> None:
    journal = files(40)
    journal.unreadable.add(entry(5).cursor)
    assert read(journal, entry(5).cursor) == [Gap(at(5), at(6), "damaged"), *range(6, 40)]


def test_the_entry_itself_was_vacuumed() -> None:
    journal = files(40)
    del journal.files[0][:10]
    assert read(journal, entry(5).cursor) == [Gap(at(5), at(10), "vacuumed"), *range(10, 40)]


def test_a_whole_file_is_damaged() -> None:
    journal = files(20, 20, 20)
    journal.ignored.add(1)
    assert read(journal, entry(5).cursor) == [*range(6, 20), Gap(at(19), at(40), "damaged"), *range(40, 60)]
    back = [*range(54, 39, -1), Gap(at(19), at(40), "damaged"), *range(19, -1, -1)]
    assert read(journal, entry(55).cursor, back=True) == back
    assert read(journal, entry(45).cursor) == list(range(46, 60))  # it is of no matter any more


def test_nothing_can_be_read() -> None:
    journal = files(20)
    journal.torn.update(each.cursor for each in journal.files[0])
    assert journal.carry_out(last(5, END)) is None


def test_more_than_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.journal.detour.AT_ONCE", 20)
    monkeypatch.setattr("ethpillar.journal.detour.MOST", 50)
    journal = files(100, 500, 10)
    journal.torn.update(journal.files[1][each].cursor for each in (10, 11))
    there = [*range(1, 110), Gap(at(109), at(112), "damaged"), *range(112, 610)]
    assert read(journal, entry(0).cursor) == there


@pytest.mark.parametrize("kind", ["torn", "unreadable"])
def test_a_hole_so_wide_that_what_is_found_beyond_it_is_too_much(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.journal.detour.AT_ONCE", 20)
    monkeypatch.setattr("ethpillar.journal.detour.MOST", 50)
    journal = files(100, 500, 10)
    getattr(journal, kind).update(journal.files[1][each].cursor for each in range(10, 111))
    there = [*range(1, 110), Gap(at(109), at(211), "damaged"), *range(211, 610)]
    assert read(journal, entry(0).cursor) == there
    back = [*range(608, 210, -1), Gap(at(109), at(211), "damaged"), *range(109, -1, -1)]
    assert read(journal, journal.files[2][9].cursor, back=True) == back


BISECTING = "/j/x.journal: invalid entry while bisecting"


@pytest.mark.parametrize("says", ["Can't iterate through /j/x.journal, ignoring: Bad message", BISECTING])
@pytest.mark.parametrize(("sizes", "unseekable"), [((40,), {0}), ((20, 20, 20), {1}), ((20, 20, 20), {0, 1, 2})])
@pytest.mark.parametrize("back", [False, True])
def test_where_it_cannot_seek_all_is_read_from_an_end(
    says: str, sizes: tuple[int, ...], unseekable: set[int], back: bool
) -> None:
    every = sum(sizes)
    for start in range(every):
        journal = files(*sizes)
        journal.unseekable, journal.unseekable_says = unseekable, says
        known = next(each for file in journal.files for each in file if number(each) == start)
        assert read(journal, known.cursor, back, size=100) == [
            *(range(start)[::-1] if back else range(start + 1, every))
        ]


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize(
    ("back", "blind", "beyond"),
    [
        (True, range(52, 64), [Gap(at(49), at(52), "damaged"), *range(49, -1, -1)]),
        (False, range(40, 50), [Gap(at(49), at(52), "damaged"), *range(52, 120)]),
    ],
)
def test_where_it_can_not_seek_beside_damage_what_is_there_is_read_from_its_own_end(
    back: bool, blind: range, beyond: list[int | Gap], size: int
) -> None:
    """It is a matter of luck at which entry a page ends, and whether journalctl finds it again."""
    journal = files(40, 40, 40)
    journal.torn.update(entry(each, 1).cursor for each in (50, 51))
    journal.blind.update(entry(each, 1).cursor for each in blind)
    for start in blind:
        journal.asked = 0
        near = range(start - 1, 51, -1) if back else range(start + 1, 50)
        assert read(journal, entry(start, 1).cursor, back, size) == [*near, *beyond]
        assert journal.asked < 400


@pytest.mark.parametrize("kind", ["blind", "anxious"])
@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("back", [False, True])
def test_damage_is_told_once_though_it_can_not_seek_on_either_side(kind: str, size: int, back: bool) -> None:
    journal = files(40, 40, 40)
    journal.torn.update(entry(each, 1).cursor for each in (50, 51))
    getattr(journal, kind).update(entry(each, 1).cursor for each in [*range(45, 50), *range(52, 57)])
    there = [*range(42, 50), Gap(at(49), at(52), "damaged"), *range(52, 120)]
    if back:
        there = [*range(79, 51, -1), Gap(at(49), at(52), "damaged"), *range(49, -1, -1)]
    assert read(journal, entry(80, 2).cursor if back else entry(41, 1).cursor, back, size) == there


@pytest.mark.parametrize("kind", ["anxious", "startled"])
@pytest.mark.parametrize("places", [range(110, 120), range(119, 120), range(52, 60), range(120), range(79, 82)])
@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("back", [False, True])
def test_complaints_of_damage_elsewhere_are_no_gap(kind: str, places: range, size: int, back: bool) -> None:
    journal = files(40, 40, 40)
    journal.torn.update(entry(each, 1).cursor for each in (50, 51))
    if back:
        places = range(119 - places.stop + 1, 119 - places.start + 1)
    getattr(journal, kind).update(entry(each, each // 40).cursor for each in places)
    there = [*range(42, 50), Gap(at(49), at(52), "damaged"), *range(52, 120)]
    if back:
        there = [*range(79, 51, -1), Gap(at(49), at(52), "damaged"), *range(49, -1, -1)]
    assert read(journal, entry(80, 2).cursor if back else entry(41, 1).cursor, back, size) == there


def test_where_it_cannot_seek_a_file_that_it_does_without_is_a_gap() -> None:
    journal = files(20, 20, 20)
    journal.unseekable, journal.ignored = {0}, {1}
    assert read(journal, entry(5).cursor) == [*range(6, 20), Gap(at(19), at(40), "damaged"), *range(40, 60)]


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.sets(st.integers(0, 239), max_size=4),
    st.sets(st.integers(0, 239), max_size=4),
    st.sets(st.integers(0, 3), max_size=1),
    st.sets(st.integers(0, 3), max_size=1),
    st.integers(0, 239),
    st.booleans(),
    st.booleans(),
)
def test_what_can_be_read_comes_once_and_in_order(
    sizes: list[int],
    torn: set[int],
    unreadable: set[int],
    ignored: set[int],
    unseekable: set[int],
    start: int,
    back: bool,
    own: bool,
) -> None:
    journal = files(*sizes, own=own)
    every = [each for file in journal.files for each in file]
    start %= len(every)
    journal.torn = {each.cursor for each in every if number(each) in torn}
    journal.unreadable = {each.cursor for each in every if number(each) in unreadable}
    journal.ignored = {each for each in ignored if each < len(sizes)}
    journal.unseekable = {each for each in unseekable if each < len(sizes)}
    found = read(journal, every[start].cursor, back)
    numbers = [each for each in found if not isinstance(each, Gap)]
    assert numbers == sorted(set(numbers), reverse=back)
    wanted = {number(each) for each in journal.readable if (number(each) < start if back else number(each) > start)}
    assert set(numbers) <= wanted
    before, told = start, False
    for each in found:
        if isinstance(each, Gap):
            told = True
            continue
        assert told or abs(each - before) == 1  # nothing is missing without a word
        before, told = each, False
    # What lies between two places that are damaged, in one file, may be passed over; nothing else may.
    if len(journal.torn | journal.unreadable) + len(journal.ignored | journal.unseekable) <= 1:
        assert set(numbers) == wanted
    assert journal.asked < 400


def test_the_last_entries_of_a_journal_that_is_not_damaged_cost_two_journalctls() -> None:
    journal = files(40)
    first = cast(Entry, journal.carry_out(last(5, END)))
    assert (number(first), journal.asked) == (35, 2)


JUMP = b"Can't iterate through /j/x.journal, ignoring: Bad message"


def test_of_what_came_by_a_jump_only_what_the_end_does_not_know_better_is_believed() -> None:
    """Files that overlap in time: the known entry is there, though the way to it led over damage."""
    known, one, two, three, older = (entry(each) for each in (5, 6, 7, 8, 4))
    for from_end, complaint, believed in (
        ([three, older], JUMP, [one, two]),
        ([three, two, one, known], b"", [one, two]),
        ([three, one, known], b"", [one]),
    ):
        plan = read_on(known.cursor, END)
        assert next(plan).cursor == known.cursor
        assert plan.send(Answer([known, one, two], 0, JUMP)).count == 1
        assert plan.send(Answer([known], 0, JUMP)).cursor is None  # it jumps while it seeks: from the end then
        with pytest.raises(StopIteration) as end:
            plan.send(Answer(from_end, 0, complaint))
        assert end.value.value.entries == believed


ARCHIVED = b"Can't iterate through /j/system@%032x-%016x-%016x.journal, ignoring: Bad message"


def test_a_file_that_was_jumped_over_while_seeking_is_missing_where_its_name_says_that_it_began() -> None:
    known, one, two, three = (entry(each) for each in (5, 6, 7, 8))
    jump = ARCHIVED % (0, 0, two.realtime_us)
    plan = read_on(known.cursor, END)
    next(plan)
    plan.send(Answer([known, one, two], 0, jump))
    plan.send(Answer([known], 0, jump))
    with pytest.raises(StopIteration) as end:
        plan.send(Answer([three, entry(4)], 0, jump))
    assert end.value.value == Run([one])


def test_a_file_that_was_jumped_over_later_is_not_missing_before_that() -> None:
    known, one, two = (entry(each) for each in (5, 6, 7))
    jump = ARCHIVED % (0, 0, one.realtime_us)
    plan = read_on(known.cursor, END)
    next(plan)
    assert plan.send(Answer([known, one, two], 0, jump)).count == 1
    assert plan.send(Answer([known])).count == 2
    assert plan.send(Answer([known, one])).count == 3
    with pytest.raises(StopIteration) as end:
        plan.send(Answer([known, one, two], 0, jump))
    assert end.value.value == Run([one])


def run_on(journal: Files, which: int, back: bool = False, size: int = 20) -> Run:
    """What is read at once beyond an entry."""
    return cast(Run, journal.carry_out(read_on(entry(which).cursor, 1 if back else END, back=back, size=size)))


@pytest.mark.parametrize(("size", "come", "end"), [(1, 1, False), (8, 8, False), (9, 9, False), (10, 9, True)])
@pytest.mark.parametrize("back", [False, True])
def test_no_more_is_read_than_was_asked_for(size: int, come: int, end: bool, back: bool) -> None:
    run = run_on(files(10, 10), 9 if back else 10, back, size)
    assert (len(run.entries), run.end) == (come, end)


def test_damage_with_nothing_beyond_it_is_a_dead_end_and_the_end_of_the_journal_is_none() -> None:
    journal = files(40)
    journal.unreadable.add(entry(39).cursor)
    assert run_on(journal, 39) == Run([], Gap(at(39), None, "damaged"), end=True, dead_end=True)
    journal.unreadable.clear()
    journal.torn.add(entry(39).cursor)
    assert run_on(journal, 38) == Run([], Gap(at(38), None, "damaged"), end=True, dead_end=True)
    journal = files(40)
    del journal.files[0][30:]
    assert run_on(journal, 35) == Run([], end=True)  # it was vacuumed, and nothing has come since
    journal = files(40)
    journal.torn.add(entry(30).cursor)
    assert run_on(journal, 29).dead_end is False


def test_a_file_may_be_missing_beyond_damage() -> None:
    journal = files(20, 20, 20)
    journal.torn.update(entry(each).cursor for each in (10, 11))
    journal.ignored.add(1)
    there = [*range(6, 10), Gap(at(9), at(12), "damaged"), *range(12, 20), Gap(at(19), at(40), "damaged")]
    assert read(journal, entry(5).cursor) == [*there, *range(40, 60)]


def is_sought(step: Step) -> bool:
    """Whether it looks what there is at a time, which one entry tells."""
    return step.cursor not in (None, "t=1") and str(step.cursor).startswith("t=")


LITTLE, MUCH = 4, 9
"Entries that are read at once, and from an end of the journal."
PLACES = [range(0), range(2), range(8, 10), range(12, 14), range(5, 16), range(18), range(17, 18)]
"Entries at which journalctl has trouble with seeking."
ALONE = [range(each, each + 1) for each in (0, 8, 9, 12, 13, 17)]
"Entries with which it comes upon damage elsewhere. Two such beside each other can't be told from a hole between them."


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("kind", ["blind", "anxious", "startled"])
@pytest.mark.parametrize("damage", ["torn", "unreadable"])
@pytest.mark.parametrize("back", [False, True])
def test_from_every_entry_beside_a_hole(
    back: bool, damage: str, kind: str, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three files of six entries each, with a hole of two in the one in the middle."""
    if small:
        monkeypatch.setattr("ethpillar.journal.detour.AT_ONCE", LITTLE)
        monkeypatch.setattr("ethpillar.journal.detour.MOST", MUCH)
    hole, wrong = (10, 11), []
    every = ALONE if kind == "startled" else PLACES
    for places in every[: 1 if small else None]:
        for size in (1, 3, 20):
            for start in range(18):
                journal = files(6, 6, 6)
                getattr(journal, damage).update(entry(each, each // 6).cursor for each in hole)
                getattr(journal, kind).update(entry(each, each // 6).cursor for each in places)
                found = read(journal, entry(start, start // 6).cursor, back, size)
                older, newer = [*range(10)], [*range(12, 18)]
                older, newer, gap = range(10), range(12, 18), Gap(at(9), at(12), "damaged")
                if start in hole:
                    gap = replace(gap, to_us=at(start)) if back else replace(gap, from_us=at(start))
                beyond = start <= 9 if back else start >= 12
                there = [*newer[::-1], gap, *older[::-1]] if back else [*older, gap, *newer]
                wanted = [each for each in there if isinstance(each, Gap) or (each < start if back else each > start)]
                if beyond:
                    wanted.remove(gap)
                if found != wanted:
                    wrong.append((start, size, places, found))
                assert all(step.count == 1 for step in journal.steps if is_sought(step))
    assert not wrong


def test_a_cursor_without_a_time_beyond_which_there_is_nothing() -> None:
    run = cast(Run, Files([[]]).carry_out(read_on("s=a;i=5", END)))
    assert (run.entries, run.end) == ([], True)


@pytest.mark.parametrize(("closer", "least"), [(20, 589), (1, 200)])
def test_entries_are_looked_for_ever_nearer_to_a_hole(closer: int, least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.journal.detour.AT_ONCE", 20)
    monkeypatch.setattr("ethpillar.journal.detour.MOST", 50)
    monkeypatch.setattr("ethpillar.journal.detour.FIRST_LEAP", 400_000)
    monkeypatch.setattr("ethpillar.journal.detour.CLOSER", closer)
    journal = files(10, 600)
    journal.torn.update(journal.files[1][each].cursor for each in (0, 1))
    found = read(journal, entry(0).cursor)
    numbers = [each for each in found if not isinstance(each, Gap)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= least
    assert len(found) == len(numbers) + 1  # one gap, and what it hides is no more than what is missing
