"""What a page has room for, and where it is cut."""

import pytest

from ethpillar.journal.history.blocks import Shown
from ethpillar.journal.history.page import Filling
from ethpillar.journal.history.query import Direction, Query
from ethpillar.journal.history.wanted import Wanted

from .model import entry

BACK, FORTH = Direction.BACKWARDS, Direction.FORWARDS
SEARCH = Wanted(words=("x",))


def found(*blocks: int, text: str = "x") -> list[Shown]:
    return [Shown(entry(number, text), [], block, number) for number, block in enumerate(blocks)]


@pytest.mark.parametrize(
    ("direction", "wanted", "blocks", "kept"),
    [
        (BACK, Wanted(), (1, 1, 2, 2, 2, 3), [5]),
        (FORTH, Wanted(), (1, 1, 2, 2, 2, 3), [0, 1]),
        (BACK, Wanted(), (1, 2, 2, 2, 2, 2), [3, 4, 5]),
        (FORTH, Wanted(), (1, 1, 1, 1, 1, 2), [0, 1, 2]),
        (BACK, SEARCH, (1, 2, 2, 2, 2, 2), [1, 2, 3, 4, 5]),
        (FORTH, SEARCH, (1, 1, 1, 1, 1, 2), [0, 1, 2, 3, 4]),
    ],
)
def test_a_page_is_cut_between_blocks(
    direction: Direction, wanted: Wanted, blocks: tuple[int, ...], kept: list[int]
) -> None:
    page = Filling(Query((), direction, wanted=wanted, limit=3), 1000)
    some = found(*blocks)
    assert page.add(some, end=True)
    assert [each.position for each in page.shown] == kept
    assert page.stopped_at == some[kept[0] if direction is BACK else kept[-1]].entry.cursor


@pytest.mark.parametrize("end", [False, True])
def test_a_page_with_all_that_was_asked_for_is_full_unless_there_is_no_more(end: bool) -> None:
    page = Filling(Query((), limit=3), 1000)
    assert page.add(found(1, 2, 3), end) is not end
    assert (page.left, page.stopped_at is None) == (0, end)


def test_a_page_is_full_by_its_bytes_and_has_one_entry_at_least() -> None:
    page = Filling(Query((), FORTH, limit=3), 10)
    assert page.add(found(1, 2, text="x" * 20), end=True)
    assert [each.position for each in page.shown] == [0]
    assert page.add(found(1, text="x"), end=True)
    assert len(page.shown) == 1


@pytest.mark.parametrize(("size", "kept"), [(3, 3), (2, 2), (1, 1), (0, 1)])
def test_a_page_has_as_many_entries_as_fit_by_their_bytes(size: int, kept: int) -> None:
    page = Filling(Query((), FORTH, limit=10), size)
    page.add(found(1, 2, 3), end=True)
    assert len(page.shown) == kept
