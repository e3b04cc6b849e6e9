"""What is worth waking somebody for, and when it is over."""

from __future__ import annotations

import re

import pytest

from ethpillar.cli.alarms import BLIND, CALM, RESTARTS_IN, SILENCE_LEAST, Alarms, Kind, Notice, Rules

NOON = 12 * 60
MISS = "ERRO Unable to publish attestation slot: 5"
SENT = "INFO Successfully published attestations slot: 6"


def told(alarms: Alarms, now: float, minute: int = NOON) -> list[tuple[str, Kind, bool]]:
    return [(each.service, each.kind, each.over) for each in alarms.due(now, minute)]


@pytest.fixture
def alarms() -> Alarms:
    return Alarms(Rules())


def test_a_failure_is_told_once_and_once_when_it_is_over(alarms: Alarms) -> None:
    for second in range(0, 60, 15):
        alarms.status("execution", "failed", 0, "disk full", second)
        assert told(alarms, second) == ([("execution", Kind.FAILED, False)] if second == 0 else [])
    alarms.status("execution", "active", 0, "", 60)
    assert told(alarms, 60 + CALM - 1) == []
    assert told(alarms, 60 + CALM) == [("execution", Kind.FAILED, True)]
    assert told(alarms, 1000) == []


def test_a_service_that_fails_again_and_again_is_one_trouble(alarms: Alarms) -> None:
    found = []
    for second in range(0, 3000, 60):
        alarms.status("execution", "failed" if second % 120 == 0 else "active", 0, "", second)
        found += told(alarms, second)
    assert found == [("execution", Kind.FAILED, False)]


def test_restarts_in_a_loop(alarms: Alarms) -> None:
    for number, second in enumerate((0, 100, 200)):
        alarms.status("validator", "active", number, "", second)
        assert told(alarms, second) == []
    alarms.status("validator", "active", 3, "", 300)
    assert told(alarms, 300) == [("validator", Kind.LOOP, False)]
    alarms.status("validator", "active", 3, "", 300 + RESTARTS_IN + 1)
    assert told(alarms, 300 + RESTARTS_IN + CALM + 1) == [("validator", Kind.LOOP, True)]


def test_restarts_now_and_then_wake_nobody(alarms: Alarms) -> None:
    for number in range(20):
        alarms.status("validator", "active", number, "", number * RESTARTS_IN * 0.6)
        assert told(alarms, number * RESTARTS_IN * 0.6) == []


def test_silence_longer_than_it_ever_was(alarms: Alarms) -> None:
    alarms.learn("mevboost", [0, 100, 1300, 1400])  # it was silent for 20 minutes once
    assert told(alarms, 1400 + 1200 * 1.5) == []
    assert told(alarms, 1400 + 1200 * 1.5 + 1) == [("mevboost", Kind.SILENT, False)]
    alarms.line("mevboost", "info", "back", 4000)
    assert told(alarms, 4000 + CALM) == [("mevboost", Kind.SILENT, True)]
    alarms.learn("execution", [0, 1, 2])
    assert told(alarms, 2 + SILENCE_LEAST) == []


def test_a_service_that_never_spoke_is_not_silent(alarms: Alarms) -> None:
    alarms.status("csm", "active", 0, "", 0)
    assert told(alarms, 1e6) == []


def test_a_node_out_of_sight_has_no_silent_services(alarms: Alarms) -> None:
    alarms.learn("execution", [0])
    alarms.blind("no SSH", 10)
    assert told(alarms, 10 + BLIND - 1) == []
    alarms.blind("no SSH", 5000)
    assert told(alarms, 5000) == [("", Kind.BLIND, False)]
    alarms.seen(5100)
    alarms.line("execution", "info", "x", 5100)
    assert told(alarms, 5100 + CALM) == [("", Kind.BLIND, True)]


def test_a_critical_line_is_one_trouble_until_there_is_none_for_a_while(alarms: Alarms) -> None:
    for second in (0, 100, 200):
        alarms.line("execution", "critical", "panic: out of memory", second)
        assert told(alarms, second) == ([("execution", Kind.CRITICAL, False)] if second == 0 else [])
    assert told(alarms, 200 + CALM) == [("execution", Kind.CRITICAL, True)]


def test_missed_attestations_in_a_row(alarms: Alarms) -> None:
    for second, text in enumerate([MISS, MISS, SENT, MISS, MISS, "INFO something else"]):
        alarms.line("validator", "error", text, second)
    assert told(alarms, 6) == []
    alarms.line("validator", "error", MISS, 7)
    assert told(alarms, 7) == [("validator", Kind.ROW, False)]
    alarms.line("validator", "info", SENT, 8)
    assert told(alarms, 8 + CALM) == [("validator", Kind.ROW, True)]


def test_a_pattern_of_ones_own() -> None:
    alarms = Alarms(Rules(re.compile("peers: 0"), None, 2))
    for second, text in enumerate(["peers: 0", "peers: 5", "peers: 0"]):
        alarms.line("consensus", "info", text, second)
    assert told(alarms, 3) == []
    alarms.line("consensus", "info", "peers: 0", 4)
    assert told(alarms, 4) == [("consensus", Kind.ROW, False)]


def test_quiet_hours_tell_afterwards_what_there_was() -> None:
    alarms = Alarms(Rules(quiet=(23 * 60, 7 * 60)))
    alarms.status("execution", "failed", 0, "", 0)
    assert told(alarms, 0, minute=3 * 60) == []
    alarms.status("execution", "active", 0, "", 100)
    assert told(alarms, 1000, minute=6 * 60 + 59) == []
    assert told(alarms, 1060, minute=7 * 60) == [("execution", Kind.FAILED, False), ("execution", Kind.FAILED, True)]
    alarms.status("execution", "failed", 0, "", 2000)
    assert told(alarms, 2000, minute=23 * 60) == []


def test_a_notice_says_what_it_is_about() -> None:
    assert Notice("execution", Kind.FAILED, False, "", 0).title == "execution has failed"
    assert Notice("", Kind.BLIND, False, "", 0).title == "The node can't be looked at"
    assert "well again" in Notice("execution", Kind.LOOP, True, "", 0).title
