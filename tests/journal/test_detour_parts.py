"""The parts of going round damage that need no journal: where a file is missing, and which reading is nearer."""

from __future__ import annotations

import pytest

from ethpillar.journal.detour import _beyond, _Far, _is_closer, _place, _without_ignored
from ethpillar.journal.entry import Entry
from ethpillar.journal.steps import Answer, Gap, Run

from .damaged import entry


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
