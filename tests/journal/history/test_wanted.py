"""Which lines a search wants."""

from __future__ import annotations

import pytest

from ethpillar.journal.formats import Line
from ethpillar.journal.history.wanted import Wanted


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
