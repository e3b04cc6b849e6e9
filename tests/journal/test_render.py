"""A line on a terminal: aligned, coloured where wanted, in the viewer's zone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from ethpillar.journal.formats import Line
from ethpillar.journal.render import Renderer

TIME = 1_753_092_672_345_678  # 2025-07-21 10:11:12.345678 UTC
LINE = Line("warn", "p2p", "Peer gone", {"id": "16U", "why": "too many peers"})


@pytest.fixture
def berlin() -> Iterator[None]:
    """A zone two hours ahead of UTC in summer."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_aligned() -> None:
    renderer = Renderer(False, utc=True)
    shown = [
        renderer.render(TIME, LINE, ""),
        renderer.render(TIME, Line("info", "sync", "Synced new block", {"slot": "7"}), ""),
        renderer.render(TIME, Line("info", None, "No component", {}), ""),
    ]
    assert shown == [
        'WARN  07-21 10:11:12.345 p2p Peer gone                                   id=16U why="too many peers"',
        "INFO  07-21 10:11:12.345 sync Synced new block                            slot=7",
        "INFO  07-21 10:11:12.345      No component",
    ]


def test_a_unit_has_its_column() -> None:
    renderer = Renderer(False, utc=True)
    assert renderer.render(TIME, Line(None, None, "x", {}), "", "execution") == "-     07-21 10:11:12.345 execution x"


@pytest.mark.usefixtures("berlin")
def test_times_are_the_viewers() -> None:
    assert "12:11:12.345" in (Renderer(False).render(TIME, LINE, "") or "")
    assert "10:11:12.345" in (Renderer(False, utc=True).render(TIME, LINE, "") or "")


def test_colours() -> None:
    shown = Renderer(True, utc=True).render(TIME, LINE, "") or ""
    assert shown.startswith("\x1b[33mWARN \x1b[0m \x1b[2m07-21")
    assert '\x1b[2mid=16U why="too many peers"\x1b[0m' in shown
    assert "\x1b" not in (Renderer(False, utc=True).render(TIME, LINE, "") or "")


def test_raw_is_the_line_as_printed() -> None:
    assert Renderer(True, raw=True).render(TIME, LINE, "as it was") == "as it was"


@pytest.mark.parametrize(("level", "word"), [("critical", "CRIT "), ("error", "ERROR"), (None, "-    ")])
def test_levels_fit_their_column(level: str | None, word: str) -> None:
    assert (Renderer(False, utc=True).render(TIME, Line(level, None, "x", {}), "") or "").startswith(word + " 07-21")


def test_only_from_a_level_but_always_what_has_none() -> None:
    renderer = Renderer(False, level="warn")
    assert renderer.render(TIME, Line("info", None, "x", {}), "") is None
    assert renderer.render(TIME, Line("error", None, "x", {}), "")
    assert renderer.render(TIME, Line(None, None, "x", {}), "")


def test_a_continuation_stands_below_its_line() -> None:
    renderer = Renderer(False, utc=True)
    first = renderer.render(TIME, Line("error", None, "Oh", {}), "") or ""
    more = renderer.render(TIME, Line("error", None, "    at x.y(z)", {}, None, True), "") or ""
    assert more == " " * first.index("Oh") + "    at x.y(z)"


def test_a_message_of_several_lines_is_indented() -> None:
    shown = Renderer(False, utc=True).render(TIME, Line("info", None, "one\ntwo", {"k": "a\nb"}), "") or ""
    assert shown.split("\n")[1].startswith(" " * 25 + "two")
    assert shown.endswith("k=a\\nb")


@pytest.mark.parametrize(("level", "shown"), [("debug", False), ("info", False), ("warn", True), ("error", True)])
def test_a_level_that_is_asked_for_is_shown_and_what_is_worse(level: str, shown: bool) -> None:
    text = Renderer(False, level="warn").render(TIME, Line(level, None, "x", {}), "")
    assert (text is not None) is shown


def test_without_a_level_everything_is_shown() -> None:
    assert Renderer(False).render(TIME, Line("trace", None, "x", {}), "") is not None


@pytest.mark.parametrize(
    ("unit", "component"), [(None, None), ("execution", None), (None, "p2p"), ("execution", "p2p")]
)
def test_further_lines_of_a_message_stand_below_its_first(unit: str | None, component: str | None) -> None:
    shown = Renderer(False, utc=True).render(TIME, Line("info", component, "one\ntwo", {}), "", unit) or ""
    first, second = shown.split("\n")
    assert second == " " * first.index("one") + "two"


def test_an_error_is_red_and_its_further_lines_are_not() -> None:
    renderer = Renderer(True, utc=True)
    assert "\x1b[31mOh\x1b[0m" in (renderer.render(TIME, Line("error", None, "Oh", {}), "") or "")
    more = renderer.render(TIME, Line("error", None, "    at x.y(z)", {}, None, True), "") or ""
    assert more.endswith(" at x.y(z)")


def test_fields_after_a_long_message_are_a_blank_away() -> None:
    for length, blanks in ((43, 1), (44, 1), (60, 1), (42, 2)):
        shown = Renderer(False, utc=True).render(TIME, Line("info", None, "m" * length, {"k": "1"}), "") or ""
        assert shown.endswith("m" + " " * blanks + "k=1")


@pytest.mark.parametrize(
    ("time_us", "shown"), [(0, " " * 18), (1, "01-01 00:00:00.000"), (253_370_764_800_000_000, " " * 18)]
)
def test_a_time_that_is_not_known_is_left_out(time_us: int, shown: str) -> None:
    assert Renderer(False, utc=True).render(time_us, Line("info", None, "x", {}), "") == f"INFO  {shown} x"
