"""Which lines a person wants to see."""

from __future__ import annotations

from typing import Any

import pytest

from ethpillar.journal.choice import Choice, level_named, slot_range, text_pattern
from ethpillar.journal.formats import Line


def line(level: str | None = None, slot: str | None = None) -> Line:
    return Line(level, None, "x", {}, eth=None if slot is None else {"slot": slot})


@pytest.mark.parametrize(
    ("choice", "wanted", "unwanted"),
    [
        (Choice(), line(), None),
        (Choice(level="warn"), line("warn"), line("info")),
        (Choice(level="warn"), line("error"), line("trace")),
        (Choice(level="warn"), line(None), line("debug")),  # perhaps it is a grave one
        (Choice(slots=(5, 7)), line(slot="5"), line(slot="4")),
        (Choice(slots=(5, 7)), line(slot="7"), line(slot="8")),
        (Choice(slots=(5, 5)), line(slot="5"), line()),
        (Choice(slots=(0, 7)), line(slot="0"), line(slot="none")),
        (Choice(level="warn", slots=(5, 7)), line("warn", "6"), line("info", "6")),
    ],
)
def test_the_least_severity_and_the_slots(choice: Choice, wanted: Line, unwanted: Line | None) -> None:
    assert choice.wants(wanted, "x", 0)
    assert unwanted is None or not choice.wants(unwanted, "x", 0)


@pytest.mark.parametrize(
    ("choice", "wanted", "unwanted"),
    [
        (Choice(since=5), (5, 6), (1, 4)),
        (Choice(until=5), (1, 5), (6,)),
        (Choice(since=5, until=7), (5, 7), (4, 8)),
        (Choice(since=5, until=7), (0,), ()),  # nobody knows its time
    ],
)
def test_the_times(choice: Choice, wanted: tuple[int, ...], unwanted: tuple[int, ...]) -> None:
    assert [choice.wants(line(), "x", at) for at in wanted] == [True] * len(wanted)
    assert [choice.wants(line(), "x", at) for at in unwanted] == [False] * len(unwanted)


@pytest.mark.parametrize(
    ("pattern", "wanted", "unwanted"),
    [("peer", "lost a Peer", "lost"), ("Peer", "lost a Peer", "lost a peer"), ("a|b", "xb", "xc")],
)
def test_in_a_pattern_capitals_make_case_count(pattern: str, wanted: str, unwanted: str) -> None:
    choice = Choice(text=text_pattern(pattern))
    assert choice.wants(line(), wanted, 0)
    assert not choice.wants(line(), unwanted, 0)


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (level_named, "warning", "warn"),
        (level_named, "Err", "error"),
        (level_named, "crit", "critical"),
        (level_named, "loud", None),
        (slot_range, "5", (5, 5)),
        (slot_range, "5-17", (5, 17)),
        (slot_range, "5..17", (5, 17)),
        (slot_range, "x", None),
        (slot_range, "5-", None),
        (text_pattern, "(", None),
    ],
)
def test_what_a_person_writes(read: Any, text: str, found: Any) -> None:
    if found is None:
        with pytest.raises(ValueError, match=r"."):
            read(text)
    else:
        assert read(text) == found
