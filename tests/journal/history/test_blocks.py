"""Entries taken apart, and which of them belong together."""

from __future__ import annotations

from ethpillar.journal.history.blocks import MOST, Blocks, joined

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
