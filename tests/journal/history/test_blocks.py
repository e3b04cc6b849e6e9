"""Entries taken apart, and which of them belong together."""

from __future__ import annotations

from ethpillar.journal.entry import Entry
from ethpillar.journal.history.blocks import BEFORE, BREATH, EDGE, MOST, Apart, Blocks, Shown, joined
from ethpillar.journal.history.wanted import Wanted

from .model import entry

LINE, TRACE = "INFO [09-12|08:15:01.004] Imported block number=1", "\tat org.example.Some.method(Some.java:12)"


def test_of_many_units_the_one_that_was_silent_for_longest_is_forgotten() -> None:
    blocks = Blocks(lambda _: None)
    first = blocks.take(entry(0, LINE, "first.service"))
    for number in range(1, MOST):
        blocks.take(entry(number, LINE, f"unit-{number}.service"))
    assert blocks.take(entry(MOST, TRACE, "first.service")).block == first.block
    blocks.take(entry(MOST + 1, LINE, "one-more.service"))
    assert len(blocks._parsers) == len(blocks._block) == MOST
    assert blocks.take(entry(MOST + 2, TRACE, "first.service")).block == first.block
    assert blocks.take(entry(MOST + 3, TRACE, "unit-1.service")).block == 0


def test_lines_that_journald_cut_are_whole_and_stand_where_their_last_piece_does() -> None:
    whole = [entry(number, f"line {number}") for number in range(3)]
    assert joined([*enumerate(whole)]) == [*enumerate(whole)]
    cut = [entry(3, "begins, ")._replace(goes_on=True), entry(4, "goes on, ")._replace(goes_on=True), entry(5, "ends")]
    end = entry(6, "without an end")._replace(goes_on=True)
    found = joined([*enumerate([*whole, *cut, end])])
    assert [(position, each.message) for position, each in found] == [
        *((number, each.message) for number, each in enumerate(whole)),
        (5, b"begins, goes on, ends"),
        (6, b"without an end"),
    ]


def run(messages: dict[int, tuple[str, str]], count: int = 600) -> list[tuple[int, Entry]]:
    """Ordinary lines of a unit, with others at some places."""
    every = [messages.get(number, ("execution.service", LINE)) for number in range(count)]
    return [(number, entry(number, text, unit)) for number, (unit, text) in enumerate(every)]


def positions(shown: list[Shown]) -> list[int]:
    return [each.position for each in shown]


ERROR = "ERROR[09-12|08:15:01.004] Something failed                         err=x"
ENDS = [*range(EDGE), *range(600 - EDGE, 600)]


def test_a_search_takes_apart_what_a_wanted_line_may_belong_to_and_no_more() -> None:
    unit = "execution.service"
    entries = run({300: (unit, ERROR), 301: (unit, TRACE), 302: (unit, TRACE)})
    shown = Apart(Wanted(level="error"), lambda _: None).take(entries)
    near = range(300 - BEFORE, 304)  # up to the line that ends the block
    assert positions(shown) == sorted([*ENDS, *near])
    assert [each.position for each in shown if each.block == shown[EDGE + BEFORE].block] == [300, 301, 302]


def test_the_blocks_of_other_units_between_do_not_end_one() -> None:
    unit, other = "execution.service", "consensus.service"
    entries = run({300: (unit, ERROR), 301: (other, LINE), 302: (unit, TRACE)})
    shown = Apart(Wanted(level="error"), lambda _: None).take(entries)
    assert [each.position for each in shown if each.block == shown[EDGE + BEFORE].block] == [300, 302]


def test_what_follows_something_left_out_belongs_to_nothing_before() -> None:
    other = "consensus.service"
    entries = run({EDGE - 1: (other, LINE), EDGE: (other, LINE), 600 - EDGE: (other, TRACE)})
    shown = Apart(Wanted(level="error"), lambda _: None).take(entries)
    assert positions(shown) == ENDS
    assert shown[EDGE].block == 0


def test_others_have_their_turn_now_and_then() -> None:
    breaths: list[int] = []
    Apart(Wanted(), lambda _: None, lambda: breaths.append(1)).take(run({}, 10 * BREATH))
    assert len(breaths) == 10


def test_what_follows_a_line_that_was_left_out_belongs_to_nothing_that_was_seen() -> None:
    unit, wanted = "execution.service", EDGE + 1 + BEFORE
    shown = Apart(Wanted(level="error"), lambda _: None).take(run({wanted: (unit, ERROR), EDGE + 1: (unit, TRACE)}))
    blocks = {each.position: each.block for each in shown}
    assert EDGE not in blocks
    assert blocks[EDGE - 1] != 0
    assert blocks[EDGE + 1] == 0


def test_further_lines_of_an_entry_belong_to_its_first() -> None:
    shown = Blocks(lambda _: None).take(entry(0, f"{LINE}\nplain words\nand more"))
    assert [line.continuation for _, line in shown.lines] == [False, True, True]
