"""Which lines a search wants."""

from __future__ import annotations

import pytest

from ethpillar.journal.formats import Line
from ethpillar.journal.history.wanted import LONGEST, BadPattern, Wanted


def line(**eth: str) -> list[tuple[str, Line]]:
    return [("a text", Line("info", None, "a text", {}, None, False, eth or None))]


@pytest.mark.parametrize(
    ("kind", "number", "eth", "wanted"),
    [
        ("slot", 64, {"slot": "64"}, True),
        ("slot", 64, {"slot": "65"}, False),
        ("slot", 64, {"block": "64"}, False),
        ("slot", 64, {}, False),
        ("epoch", 2, {"epoch": "2"}, True),
        ("epoch", 2, {"slot": "64"}, True),
        ("epoch", 2, {"slot": "95"}, True),
        ("epoch", 2, {"slot": "96"}, False),
        ("epoch", 2, {"slot": "many"}, False),
        ("epoch", 2, {}, False),
    ],
)
def test_what_a_line_is_about(kind: str, number: int, eth: dict[str, str], wanted: bool) -> None:
    assert Wanted(eth=(kind, number)).any_of(line(**eth)) is wanted


def test_words_are_looked_for_whatever_their_case() -> None:
    wanted = Wanted(words=("A T", "EXT"))
    assert wanted.any_of(line())
    assert not Wanted(words=("a t", "other")).any_of(line())


@pytest.mark.parametrize(("digits", "number"), [("9" * 19, 10**19 - 1), ("1_000", 1000), ("1,000", 1000)])
def test_numbers_of_up_to_19_digits_are_read(digits: str, number: int) -> None:
    assert Wanted(eth=("slot", number)).any_of(line(slot=digits))
    assert not Wanted(eth=("slot", 10**20 - 1)).any_of(line(slot="9" * 20))


@pytest.mark.parametrize("pattern", ["(", "x" * (LONGEST + 1), r"((\pL{100}){100}){100}", "\ud800"])
def test_a_pattern_that_is_none_is_refused_without_a_word(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadPattern):
        Wanted(pattern=pattern)
    assert capfd.readouterr() == ("", "")


def test_a_pattern_may_be_as_long_as_that() -> None:
    assert Wanted(pattern="x" * LONGEST).pattern is not None
