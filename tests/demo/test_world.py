"""What the demo's clients print, and when."""

from __future__ import annotations

import re

import pytest

from demo.clients import CLIENTS, GENESIS, Client, Slot, slot_at
from demo.simnode import SimNode
from demo.world import RESTART, RUN, Event, World, failing_events, slot_events

from .conftest import Run

SLOTS = [Slot(4_400_000 + number) for number in range(60)]


def test_slots() -> None:
    assert slot_at(GENESIS).number == 0
    assert slot_at(GENESIS + 12 * 32 + 11.9).number == 32
    assert Slot(32).epoch == 1
    assert Slot(32).start == GENESIS + 384


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.unit)
def test_a_client_s_lines_are_within_the_slot(client: Client) -> None:
    for slot in SLOTS:
        lines = client.lines(slot)
        assert all(0 <= offset < 12 for offset, _ in lines)
        assert all(line and line.isprintable() for _, line in lines)
        assert client.lines(slot) == lines  # the same each time
    assert any(client.lines(slot) for slot in SLOTS)


def test_the_clients_speak_of_the_same_block() -> None:
    by_unit = {client.unit.removesuffix(".service"): client for client in CLIENTS}
    for slot in SLOTS:
        consensus = " ".join(line for _, line in by_unit["consensus"].lines(slot))
        execution = " ".join(line for _, line in by_unit["execution"].lines(slot))
        assert f"slot: {slot.number}" in consensus
        assert ("Imported new potential chain segment" in execution) is not slot.empty
        assert ("New block received" in consensus) is not slot.empty
        if not slot.empty:
            assert f"number={slot.block:,}" in execution
        nimbus = by_unit["csm_nimbusvalidator"].lines(slot)
        assert f"slot={slot.number} epoch={slot.epoch}" in nimbus[0][1]


def test_every_level_comes_up() -> None:
    everything = "\n".join(line for client in CLIENTS for slot in SLOTS for _, line in client.lines(slot))
    for word in ("INFO", "WARN", "ERROR", "NTC", "WRN", "level=info", "level=warning", "level=error"):
        assert word in everything


def test_events_are_in_order() -> None:
    for slot in SLOTS:
        moments = [event.moment for event in slot_events(slot)]
        assert moments == sorted(moments)


def test_a_life_of_the_failing_unit() -> None:
    events: list[Event] = list(failing_events(1_800_000_000.0, restarts=4))
    assert [event.moment for event in events] == sorted(event.moment for event in events)
    systemd = [event.line for event in events if event.manager]
    assert systemd == [
        "Started dora.service - Dora Lightweight Beaconchain Explorer.",
        "dora.service: Main process exited, code=exited, status=1/FAILURE",
        "dora.service: Failed with result 'exit-code'.",
        "dora.service: Scheduled restart job, restart counter is at 5.",
        "Stopped dora.service - Dora Lightweight Beaconchain Explorer.",
    ]


def test_the_world_lives(node: SimNode, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = GENESIS + 4_400_000 * 12.0
    monkeypatch.setattr("time.time", lambda: begin)
    world = World(node, history=2)

    def show(name: str) -> dict[str, str]:
        words = ("show", "dora", "-p", "ActiveState,SubState,NRestarts,Result,MainPID,ExecMainStatus")
        assert name
        return dict(line.split("=") for line in run("systemctl", *words).stdout.decode().splitlines())

    world.advance(begin)
    assert (show("dora")["ActiveState"], show("dora")["NRestarts"]) == ("active", "2")
    failure = begin - RUN * 0.6 + RUN
    world.advance(failure + 1)
    assert show("dora") == {
        "MainPID": "0", "Result": "exit-code", "NRestarts": "2", "ExecMainStatus": "1",
        "ActiveState": "activating", "SubState": "auto-restart",
    }  # fmt: skip
    world.advance(failure + RESTART + 1)
    assert (show("dora")["ActiveState"], show("dora")["NRestarts"]) == ("active", "3")
    log = run("journalctl", "-u", "dora", "-o", "export").stdout.decode()
    assert "restart counter is at 3." in log
    times = [int(text) for text in re.findall(r"__REALTIME_TIMESTAMP=(\d+)", log)]
    assert times == sorted(times)
    for client in CLIENTS:
        assert run("journalctl", "-u", client.unit, "-o", "cat").stdout.count(b"\n") > 2
    world.stop()


def test_a_restart_is_told_in_systemds_order() -> None:
    lives = [*failing_events(1000.0, 0), *failing_events(1000.0 + RUN + RESTART, 1)]
    told = [event.line.partition(":")[2] or event.line for event in sorted(lives) if event.manager and event.line]
    words = [line.split()[0] for line in told]
    assert words == [
        "Started",
        "Main",
        "Failed",
        "Scheduled",
        "Stopped",
        "Started",
        "Main",
        "Failed",
        "Scheduled",
        "Stopped",
    ]
