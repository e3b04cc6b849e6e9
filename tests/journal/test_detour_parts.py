"""The parts of going round damage that need no journal: where a file is missing, and which reading is nearer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from ethpillar.journal.detour import (
    AT_ONCE,
    MOST,
    _beyond,
    _closer,
    _Far,
    _from_end,
    _from_own_end,
    _is_closer,
    _over,
    _place,
    _search,
    _up_to,
    _up_to_jump,
    _without_ignored,
    last,
)
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Answer, Gap, Run, Step

from .damaged import END, Files, entry


@pytest.mark.parametrize(
    ("hole", "begins", "place"),
    [
        (10, True, None),  # a file that begins with an entry that is there is not missing before it
        (11, True, 0),
        (20, True, 0),
        (21, True, 1),
        (30, True, 1),
        (31, True, None),
        (9, False, None),
        (10, False, 0),  # one that was put aside ended before the next entry
        (19, False, 0),
        (20, False, 1),
        (29, False, 1),
        (30, False, None),
    ],
)
def test_after_which_entry_a_file_is_missing(hole: int, begins: bool, place: int | None) -> None:
    assert _place([10, 20, 30], hole, begins) == place
    assert _place([30, 20, 10], hole, begins) == (None if place is None else 1 - place)


def test_entries_end_where_a_further_file_is_missing() -> None:
    found = [Entry(f"t={at:x}", at, b"line") for at in (20, 30, 40)]
    every = [(15, True), (25, True), (35, True)]
    assert _without_ignored("t=a", found, [], True, False) == Run(found, None, True)
    assert _without_ignored("t=a", found, every[:1], True, False) == Run(found, Gap(10, 20, "damaged"), True)
    assert _without_ignored("t=a", found, every, True, False) == Run(found[:1], Gap(10, 20, "damaged"))
    assert _without_ignored("t=a", found, every[1:], True, False) == Run(found[:1])


FAR, NEAR = _Far([entry(9)]), _Far([entry(7)])


@pytest.mark.parametrize(
    ("one", "other", "closer"),
    [
        (NEAR, FAR, True),
        (FAR, NEAR, False),
        (NEAR, _Far([]), True),
        (_Far([]), FAR, False),
        (_Far([]), _Far([]), False),
        (NEAR._replace(full=True), FAR, False),  # there are nearer ones, which it does not know
        (NEAR._replace(full=True), _Far([]), False),
    ],
)
def test_a_reading_that_begins_nearer_to_the_damage_is_the_better_one(one: _Far, other: _Far, closer: bool) -> None:
    assert _is_closer(one, other, back=False) is closer


@pytest.mark.parametrize("reached", [True, False])
def test_what_is_beyond_a_known_entry_that_was_found_again(reached: bool) -> None:
    read = [entry(9), entry(8), entry(3)]
    found = _beyond(entry(3).cursor, read, Answer(read), reached, 10, back=False)
    assert found == _Far([entry(8), entry(9)], reached=reached, damaged=not reached)


@pytest.mark.parametrize(("most", "full"), [(2, True), (3, False)])
def test_as_many_entries_as_are_read_at_once_may_not_be_all(most: int, full: bool) -> None:
    read = [entry(9), entry(8)]
    assert _beyond(entry(3).cursor, read, Answer(read), False, most, back=False).full is full


JUMP = b"Can't iterate through /j/x.journal, ignoring: Bad message"
LOST = b"/j/x.journal: invalid entry while bisecting, cutting algorithm short."
Asked = tuple[Any, list[Step]]


def carried_out(plan: Generator[Step, Answer, Any], answer: Callable[[Step], Answer]) -> Asked:
    """What a plan returns, and what it asks for."""
    steps: list[Step] = []
    try:
        step = next(plan)
        while True:
            steps.append(step)
            step = plan.send(answer(step))
    except StopIteration as end:
        return end.value, steps


def jumping(read: list[Entry], sure: int, complaint: bytes = JUMP) -> Callable[[Step], Answer]:
    """A journalctl that comes upon damage if it is to print more than so many entries."""
    return lambda step: Answer(read[: step.count], 0, complaint if (step.count or 0) > sure else b"")


@pytest.mark.parametrize("length", [2, 3, 7])
@pytest.mark.parametrize("back", [False, True])
def test_of_an_island_with_a_jump_in_it_the_part_that_was_read_before_is_kept(length: int, back: bool) -> None:
    island = [entry(each) for each in (range(length)[::-1] if back else range(length))]
    for sure in range(1, length):
        found, steps = carried_out(_up_to_jump(_Far(island, full=True), back), jumping(island[::-1], sure))
        assert found == _Far(island[length - sure :], damaged=True)
        assert steps[0] == Step(island[-1].cursor, not back, 1)
    whole = _Far(island, full=True)
    assert carried_out(_up_to_jump(whole, back), jumping(island[::-1], length))[0] is whole  # it jumped after these


def test_an_island_of_one_entry_has_no_jump_in_it() -> None:
    found = _Far([entry(5)], full=True)
    assert carried_out(_up_to_jump(found, False), jumping([], 0)) == (found, [])


@pytest.mark.parametrize("back", [False, True])
def test_what_follows_an_entry_is_read_from_its_own_end_up_to_the_damage(
    back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.journal.detour.AT_ONCE", 5)
    read = [entry(each) for each in (range(20)[::-1] if back else range(20))]
    for known in range(15):
        for sure in range(known + 1, 20):
            found, steps = carried_out(_from_own_end(read[known].cursor, back), jumping(read, sure))
            assert found == read[known + 1 : min(sure, known + 6)]
            assert {(step.cursor, step.reverse) for step in steps} == {(None if back else "t=1", back)}
        found, steps = carried_out(_from_own_end(read[known].cursor, back), jumping(read, MOST))
        assert found == read[known + 1 : known + 6]
        assert len(steps) == 1
    assert carried_out(_from_own_end(read[3].cursor, back), jumping(read, 0, LOST))[0] == []
    assert carried_out(_from_own_end(entry(99).cursor, back), jumping(read, MOST))[0] == []


def test_from_beyond_damage_it_is_read_once_unless_it_jumped_on_the_way() -> None:
    known, *island = (entry(each) for each in range(5, 9))
    once = Step(island[-1].cursor, True, AT_ONCE + 1)
    read = [*island[::-1], known]

    def upon(step: Step) -> Answer:
        return Answer(read, 0, b"" if step.count == len(read) else JUMP)

    for plan, first in ((_up_to(known.cursor, island[-1], False), once), (_from_end(known.cursor, False), None)):
        asked = [first or Step(None, True, MOST)]
        found, steps = carried_out(plan, upon)
        assert (found if first else found[0]).reached
        assert steps == [*asked, Step(asked[0].cursor, True, len(read))]  # it jumped beyond the known entry
        assert first or found[1] is False
    for plan, first in ((_up_to(known.cursor, island[-1], False), once), (_from_end(known.cursor, False), None)):
        found, steps = carried_out(plan, lambda step: Answer(island[::-1]))
        assert (found, len(steps)) == (_Far(island) if first else (_Far(island), False), 1)
    found, steps = carried_out(_from_end(known.cursor, False), lambda step: Answer(island[::-1], 0, JUMP))
    assert found == (_Far(island, damaged=True), True)
    found, steps = carried_out(_up_to(known.cursor, island[-1], False), jumping(island[::-1], 2))
    assert found == _Far(island[1:], damaged=True)


def sought(known: int, nearest: int | None, back: bool, journal: Files) -> Asked:
    near = None if nearest is None else entry(nearest)
    found = journal.carry_out(_search(entry(known).cursor, near, 1 if back else END, back))
    return found, journal.steps


@pytest.mark.parametrize("back", [False, True])
def test_an_entry_is_looked_for_up_to_the_nearest_that_is_known(back: bool) -> None:
    journal = Files([[entry(each) for each in range(60)]])
    journal.torn.update(entry(each).cursor for each in range(21, 30))
    known, beyond, end = (30, 20, 0) if back else (20, 30, 59)
    found, steps = sought(known, None, back, journal)
    assert found.island[0] == entry(beyond)
    assert steps[0] == Step("t=1" if back else None, not back, 1)
    assert {step.count for step in steps if str(step.cursor).startswith("t=")} == {1}
    assert sought(end, None, back, Files(journal.files)) == (_Far([], reached=True), [steps[0]])
    for nearest, there in ((19, False), (10, True)) if back else ((31, False), (40, True)):
        journal.steps.clear()
        found, steps = sought(known, nearest, back, journal)
        assert [entry(beyond)] == found.island[:1] if there else not found.island
        times = [int(str(step.cursor)[2:], 16) for step in steps if str(step.cursor).startswith("t=")]
        assert times == sorted(times, reverse=back)
        assert all((at > entry(nearest).realtime_us) is back for at in times)


@pytest.mark.parametrize("back", [False, True])
def test_where_nothing_is_beyond_a_known_entry_that_has_left_nothing_is_found(back: bool) -> None:
    journal = Files([[entry(each) for each in range(20, 30)]])
    found, steps = sought(5 if back else 50, None, back, journal)
    assert found == _Far([])
    assert {step.count for step in steps} == {1}
    times = [int((step.cursor or "")[2:], 16) for step in steps[1:]]
    assert all(at < END for at in times)


@pytest.mark.parametrize("back", [False, True])
def test_where_too_many_entries_begin_is_looked_for_until_they_are_few(
    back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethpillar.journal.detour.AT_ONCE", 6)
    journal = Files([[entry(each) for each in range(80)]])
    journal.torn.update(entry(each).cursor for each in range(40, 43))
    known, beyond, far = (43, 39, 0) if back else (39, 43, 79)
    found = journal.carry_out(_closer(entry(known).cursor, _Far([entry(far)], full=True), back))
    assert isinstance(found, _Far)
    assert (found.island[0], found.full) == (entry(beyond), False)
    assert not str(journal.steps[-1].cursor).startswith("t=")  # nothing is looked for once that is known
    assert {step.count for step in journal.steps if str(step.cursor).startswith("t=")} == {1}


def test_what_came_after_all_was_vacuumed_is_no_damage() -> None:
    """It came between two journalctls."""
    new = entry(9)
    run, _ = carried_out(_over(entry(3).cursor, None, END, False, False), lambda step: Answer([new][: step.count]))
    assert run == Run([new], Gap(entry(3).realtime_us, new.realtime_us, "vacuumed"))


def test_a_nearer_entry_than_journalctl_showed_is_a_sign_of_damage() -> None:
    read = [entry(9), entry(8), entry(7)]

    def answer(step: Step) -> Answer:
        return Answer(read[: step.count] if step.reverse else [entry(7)])

    run, _ = carried_out(_over(entry(3).cursor, entry(9), END, False, False), answer)
    assert run.entries[0] == entry(7)
    assert run.gap is not None


def test_the_last_entries_are_asked_for_by_their_number() -> None:
    journal = Files([[entry(each) for each in range(40)]])
    assert journal.carry_out(last(5, END)) == entry(35)
    assert journal.steps == [Step(None, True, 1), Step(entry(39).cursor, True, 5)]


def test_the_newest_that_journalctl_shows_is_not_believed_where_it_came_upon_damage() -> None:
    journal = Files([[entry(each) for each in range(20)], [entry(each) for each in range(20, 40)]])
    journal.torn.add(entry(39).cursor)
    assert journal.carry_out(last(1, END)) == entry(38)
