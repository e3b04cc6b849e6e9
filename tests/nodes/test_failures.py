"""A failure is noticed once, however it shows between two polls, and its lines are those before it."""

from __future__ import annotations

import pytest

from ethpillar.journal.entry import Entry
from ethpillar.nodes.failures import SHOWN, Failures, lines_before_failure
from ethpillar.units import UnitStatus

UNIT = "execution.service"
UP, RESTARTING, DOWN = ("active", "running"), ("activating", "auto-restart"), ("failed", "failed")


def polls(*seen: tuple[tuple[str, str], int]) -> list[list[str] | None]:
    """The `last_lines` of each poll; they are numbered by how often they were read."""
    read: list[str] = []

    def last_lines(unit: str) -> list[str]:
        read.append(unit)
        return [f"failure {len(read)}"]

    noticed = Failures(last_lines)
    found = []
    for (status, sub_state), restarts in seen:
        (each,) = noticed.with_last_lines([UnitStatus(UNIT, status, sub_state, restarts=restarts)])
        found.append(list(each.last_lines) if each.last_lines else None)
    return found


def test_a_unit_that_is_up_has_none_whatever_it_has_been_through() -> None:
    assert polls((UP, 7), (UP, 7)) == [None, None]


def test_a_unit_that_is_down_when_we_first_look() -> None:
    assert polls((DOWN, 0), (DOWN, 0)) == [["failure 1"], ["failure 1"]]
    assert polls((RESTARTING, 3), (UP, 4)) == [["failure 1"], ["failure 1"]]


def test_a_failure_between_two_polls() -> None:
    assert polls((UP, 3), (UP, 4)) == [None, ["failure 1"]]


def test_one_failure_is_one_in_all_its_states() -> None:
    assert polls((UP, 3), (RESTARTING, 3), (RESTARTING, 3), (UP, 4)) == [None] + [["failure 1"]] * 3


def test_a_restart_loop_until_systemd_gives_up() -> None:
    assert polls((UP, 0), (RESTARTING, 0), (UP, 1), (UP, 3), (RESTARTING, 3), (DOWN, 3)) == [
        None,
        ["failure 1"],
        ["failure 1"],
        ["failure 2"],
        ["failure 3"],
        ["failure 3"],
    ]


def test_started_again_by_hand_and_failed_again() -> None:
    assert polls((DOWN, 0), (UP, 0), (DOWN, 0)) == [["failure 1"], ["failure 1"], ["failure 2"]]


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, True), (SHOWN, True), (SHOWN + 1, False)])
def test_the_lines_stay_for_a_while_once_the_unit_is_up_again(seconds: float, shown: bool) -> None:
    clock = 0.0
    noticed = Failures(lambda unit: ["fatal"], lambda: clock)

    def poll(state: tuple[str, str]) -> tuple[str, ...] | None:
        return noticed.with_last_lines([UnitStatus(UNIT, *state, restarts=0)])[0].last_lines

    assert poll(DOWN) == ("fatal",)
    clock = 10 * SHOWN
    assert poll(DOWN) == ("fatal",)  # for as long as it is down
    clock = seconds
    assert poll(UP) == (("fatal",) if shown else None)
    clock = 0.0
    assert poll(UP) == (("fatal",) if shown else None)  # once they are gone they stay away


def entries(*messages: str) -> list[Entry]:
    """`S ` begins systemd's own."""
    return [
        Entry(str(number), number, text.removeprefix("S ").encode(), pid=1 if text.startswith("S ") else 7)
        for number, text in enumerate(messages)
    ]


def test_the_lines_before_the_last_failure() -> None:
    exited = "S execution.service: Main process exited, code=exited, status=1/FAILURE"
    found = entries("one", exited, "S Started x.", "two", "\x1b[31mfatal\x1b[0m", exited, "S Failed", "Starting", "up")
    assert lines_before_failure(found) == ["two", "fatal"]
    assert lines_before_failure(entries("one", exited, exited)) == ["one"]
    assert lines_before_failure(
        entries("one", "S A process of this unit has been killed by the OOM killer.", exited)
    ) == ["one"]
    assert lines_before_failure(entries("only", "these")) == ["only", "these"]
    assert lines_before_failure(entries(*map(str, range(50)), exited)) == [str(number) for number in range(40, 50)]
    assert lines_before_failure([]) == []


def test_many_failures_at_once_on_a_slow_node_do_not_keep_the_states_back() -> None:
    clock = 0.0

    def slowly(unit: str) -> list[str]:
        nonlocal clock
        clock += 1.5
        return [unit]

    units = ["a.service", "b.service", "c.service", "d.service"]
    noticed = Failures(slowly, lambda: clock)
    found = noticed.with_last_lines([UnitStatus(unit, *DOWN, restarts=0) for unit in units])
    assert [each.unit for each in found] == units
    assert [each.last_lines for each in found] == [("a.service",), ("b.service",), None, None]


def test_one_that_failed_was_started_by_hand_and_failed_again_between_two_polls() -> None:
    read: list[str] = []
    noticed = Failures(lambda unit: [f"failure {len(read)}"] if read.append(unit) is None else [])  # type: ignore[func-returns-value]
    seen = [
        list(
            noticed.with_last_lines([UnitStatus(UNIT, "failed", "failed", since=since, restarts=0)])[0].last_lines or ()
        )
        for since in ("2026-09-12T08:15:01Z", "2026-09-12T08:15:01Z", "2026-09-12T08:17:01Z")
    ]
    assert seen == [["failure 1"], ["failure 1"], ["failure 2"]]


def test_one_whose_restarts_were_counted_anew() -> None:
    read: list[str] = []
    noticed = Failures(lambda unit: [f"failure {len(read)}"] if read.append(unit) is None else [])  # type: ignore[func-returns-value]
    for since, restarts, lines in (("A", 5, ["failure 1"]), ("B", 0, ["failure 2"])):
        (each,) = noticed.with_last_lines([UnitStatus(UNIT, "failed", "failed", since=since, restarts=restarts)])
        assert list(each.last_lines or ()) == lines
