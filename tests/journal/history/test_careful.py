"""Pages of a damaged journal, and of boots that journalctl puts in a wrong order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ethpillar.journal.boots import Boot, Walk, boot_of, in_order
from ethpillar.journal.cursor import time_of
from ethpillar.journal.entry import Entry
from ethpillar.journal.history.careful import Careful
from ethpillar.journal.history.page import Page
from ethpillar.journal.history.paging import Paging
from ethpillar.journal.history.query import Direction, Query
from ethpillar.journal.history.wanted import Wanted
from ethpillar.journal.steps import Answer, Step

from ..damaged import START, Files
from ..damaged import entry as numbered
from .model import SMALL

BACK, FORTH = Direction.BACKWARDS, Direction.FORWARDS
NOW = 1_795_000_000_000_000
BEHIND = 1_000_000


def page(ask: Callable[[Step], Answer], query: Query, boots: Sequence[Boot] = (), portion: int = SMALL.portion) -> Page:
    paging = Paging(query, lambda: 0.0, bounds=replace(SMALL, portion=portion), boots=lambda: boots)
    steps = 0
    while (step := paging.next_step()) is not None:
        answer = ask(step)
        status, complaint, entries = answer.status, answer.complaint, list(answer.entries)
        if not paging.trusts(complaint):
            status, entries = 0, []
        if any(not paging.feed(entries[at : at + 3]) for at in range(0, len(entries), 3)):
            status, complaint = 0, b""
        paging.ended(status, complaint)
        steps += 1
        assert steps < 5_000
    return paging.page()


def pages(
    ask: Callable[[Step], Answer],
    boots: Sequence[Boot] = (),
    direction: Direction = BACK,
    limit: int = 7,
    portion: int = SMALL.portion,
    **wanted: Any,
) -> tuple[list[Entry], list[dict[str, Any]]]:
    """All pages in one direction: the entries, oldest first, and the gaps."""
    found: list[Entry] = []
    gaps: list[dict[str, Any]] = []
    cursor = None
    while True:
        got = page(ask, Query((), direction, cursor, limit=limit, wanted=Wanted(**wanted)), boots, portion)
        some = [each.entry for each in got.shown]
        found = [*some, *found] if direction is BACK else [*found, *some]
        gaps += got.gaps
        cursor = got.before if direction is BACK else got.after
        if not got.more:
            return found, gaps


@pytest.mark.parametrize("direction", [BACK, FORTH])
@pytest.mark.parametrize("kind", ["torn", "unreadable"])
@pytest.mark.parametrize("limit", [7, 40, 200])
@pytest.mark.parametrize("where", [(55,), (10, 11, 12), (0,), (119,), (39, 40), (5, 50, 100)])
def test_what_can_be_read_of_a_damaged_journal_is_paged(
    direction: Direction, kind: str, limit: int, where: tuple[int, ...]
) -> None:
    files = Files([[numbered(file * 40 + each) for each in range(40)] for file in range(3)])
    getattr(files, kind).update(numbered(each).cursor for each in where)
    found, gaps = pages(files.answer, direction=direction, limit=limit)
    assert found == files.readable
    within = [each for each in where if 0 < each < 119]
    assert all(gap["reason"] == "damaged" for gap in gaps)
    for number in within:
        at = START + number * 1_000
        assert any((gap["from_us"] or 0) < at and (gap["to_us"] is None or at < gap["to_us"]) for gap in gaps)
    assert files.asked < 3_000


@pytest.mark.parametrize("direction", [BACK, FORTH])
@pytest.mark.parametrize("limit", [7, 200])
def test_a_file_that_journalctl_does_without_is_a_gap(direction: Direction, limit: int) -> None:
    files = Files([[numbered(file * 40 + each) for each in range(40)] for file in range(3)], ignored={1})
    found, gaps = pages(files.answer, direction=direction, limit=limit)
    assert found == files.readable
    assert [gap["reason"] for gap in gaps] == ["damaged"]
    assert gaps[0]["after"] == numbered(39).cursor


@pytest.mark.parametrize("kind", ["torn", "unreadable"])
def test_a_search_goes_round_damage(kind: str) -> None:
    files = Files([[numbered(file * 40 + each) for each in range(40)] for file in range(3)])
    getattr(files, kind).add(numbered(60).cursor)
    found, gaps = pages(files.answer, words=("line", "5"))
    assert found == [each for each in files.readable if b"5" in each.message]
    assert [gap["reason"] for gap in gaps] == ["damaged"]


class Boots:
    """Boots with a sequence of numbers each, which journalctl puts in order by their clocks."""

    def __init__(self, *clocks: Sequence[int]) -> None:
        """:param clocks: of each boot, the times at which its clock began anew; ten entries are written after each"""
        self.entries: list[Entry] = []
        for boot, begins in enumerate(clocks):
            for begin in begins:
                for step in range(10):
                    number = len(self.entries)
                    at = begin + step * 1_000
                    cursor = f"s={boot + 1:x};i={number + 1:x};b={boot + 1:x};m={number:x};t={at:x};x={number:x}"
                    self.entries.append(Entry(cursor, at, b"line %d" % number, 6))
        newest = {boot_of(each.cursor): each.cursor for each in self.entries}
        self.order = in_order(newest.values(), f"{len(clocks):x}")

    def ask(self, step: Step) -> Answer:
        found = sorted(self.entries, key=lambda each: each.realtime_us)
        if step.boot is not None:
            found = [each for each in self.entries if boot_of(each.cursor) == step.boot]
        if step.cursor is not None:
            at = next((at for at, each in enumerate(found) if each.cursor == step.cursor), None)
            time = time_of(step.cursor) or 0
            if at is not None:
                found = found[: at + 1] if step.reverse else found[at:]
            else:
                found = [
                    each for each in found if (each.realtime_us <= time if step.reverse else each.realtime_us >= time)
                ]
        return Answer((found[::-1] if step.reverse else found)[: step.count])


CLOCKS = {
    "right": ([NOW], [NOW + 10**6], [NOW + 2 * 10**6]),
    "behind": ([NOW], [BEHIND]),
    "behind, then set": ([NOW], [BEHIND, NOW + 10**6], [BEHIND]),
    "the same times": ([BEHIND], [BEHIND]),
    "within another": ([NOW, NOW + 10**7], [NOW + 10**6]),
    "several behind": ([NOW], [NOW - 500, NOW + 10**6], [NOW - 10**6, NOW + 2 * 10**6], [BEHIND]),
}


@pytest.mark.parametrize("direction", [BACK, FORTH])
@pytest.mark.parametrize("limit", [3, 7, 200])
@pytest.mark.parametrize("clocks", CLOCKS.values(), ids=CLOCKS)
def test_boots_are_paged_in_the_order_of_boots(clocks: Any, limit: int, direction: Direction) -> None:
    journal = Boots(*clocks)
    found, gaps = pages(journal.ask, journal.order, direction, limit)
    assert found == journal.entries
    assert gaps == []


@pytest.mark.parametrize("direction", [BACK, FORTH])
@pytest.mark.parametrize("portion", [2, 3, 5, SMALL.portion])
@pytest.mark.parametrize("clocks", CLOCKS.values(), ids=CLOCKS)
def test_a_search_goes_through_all_boots(clocks: Any, portion: int, direction: Direction) -> None:
    journal = Boots(*clocks)
    found, _ = pages(journal.ask, journal.order, direction, portion=portion, words=("1",))
    assert found == [each for each in journal.entries if b"1" in each.message]


def test_times_hold_in_each_boot() -> None:
    journal = Boots([NOW], [BEHIND, NOW + 10**6], [BEHIND])
    got = page(journal.ask, Query((), since_us=BEHIND + 5_000, until_us=BEHIND + 7_000, limit=50), journal.order)
    expected = [each for each in journal.entries if BEHIND + 5_000 <= each.realtime_us <= BEHIND + 7_000]
    assert [each.entry for each in got.shown] == expected


@pytest.mark.parametrize("place", [0, 9, 10, 15, 29])
def test_what_is_around_an_entry_is_of_its_own_boot_first(place: int) -> None:
    journal = Boots([NOW], [BEHIND], [NOW + 10**6])
    cursor = journal.entries[place].cursor
    after = page(journal.ask, Query((), FORTH, cursor, inclusive=True, limit=5), journal.order)
    before = page(journal.ask, Query((), BACK, cursor, limit=5), journal.order)
    boots = [each.id for each in journal.order]
    written = sorted(journal.entries, key=lambda each: boots.index(boot_of(each.cursor) or ""))
    at = written.index(journal.entries[place])
    assert [each.entry for each in after.shown] == written[at : at + 5]
    assert [each.entry for each in before.shown] == written[max(0, at - 5) : at]


def test_a_page_around_an_entry_beside_damage_has_that_entry() -> None:
    journal = Files([[numbered(each) for each in range(30)]])
    journal.torn.update(journal.files[0][each].cursor for each in (10, 11))
    at = journal.files[0][9]
    found = page(journal.answer, Query((), FORTH, at.cursor, inclusive=True, limit=5))
    assert [each.entry for each in found.shown] == [at, *journal.files[0][12:16]]
    assert [gap["reason"] for gap in found.gaps] == ["damaged"]


class ThroughBoots(Walk):
    """A way through so many boots, of which it is in the first or in none yet."""

    def __init__(self, now: str | None, left: int) -> None:
        super().__init__(tuple, back=True)
        self.now = now
        self.left = left

    def next(self) -> bool:
        self.left -= 1
        return self.left >= 0


@pytest.mark.parametrize(("now", "left", "another"), [("b1", 1, True), ("b1", 0, False), (None, 1, False)])
def test_the_rest_of_a_boot_is_left_out_if_there_is_another(now: str | None, left: int, another: bool) -> None:
    careful = Careful(ThroughBoots(now, left), True, 1000, "s=a1;i=1;b=b1;m=1;t=1;x=1")
    assert careful.leave_boot() is another
    assert careful.leave_boot() is another  # nothing of the other one was read yet
    assert (careful.step(5).cursor == "t=3e8") is another
