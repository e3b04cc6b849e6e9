"""The states of real units, as systemd tells them."""

from __future__ import annotations

from typing import Any

from ..waiting import until
from .conftest import World
from .seed import CONSENSUS, EXECUTION, VALIDATOR


def of(update: list[dict[str, Any]], service: str) -> dict[str, Any]:
    return next(each for each in update if each["service"] == service)


def test_a_unit_that_runs_one_that_failed_and_one_that_is_not_there(world: World) -> None:
    until(lambda: world.real.show("validator", "ActiveState") == "failed", "a validator that failed")
    socket = world.enter_as()
    socket.emit("subscribe_status", {"interval": 1000})
    update = socket.wait("status_update")
    execution = of(update, "execution")
    assert execution["status"] == "active"
    assert execution["sub_state"] == "running"
    assert execution["description"] == EXECUTION
    assert execution["main_pid"] == int(world.real.show("execution", "MainPID"))
    assert execution["restarts"] == 0
    assert execution["enabled"] is True
    assert execution["result"] == "success"
    assert execution["exit_status"] == 0
    assert execution["since"].endswith("Z")
    validator = of(update, "validator")
    assert validator["status"] == "failed"
    assert validator["description"] == VALIDATOR
    assert validator["main_pid"] is None
    assert validator["result"] == "exit-code"
    assert validator["exit_status"] == 3
    assert not [each for each in update if each["service"] in ("csm_nimbusvalidator", "prometheus")]


def test_restarts_are_counted_and_the_last_run_s_end_is_told(world: World) -> None:
    socket = world.enter_as()
    socket.emit("subscribe_status", {"interval": 1000})
    before = of(socket.wait("status_update"), "consensus")
    for crash in (1, 2):
        pid = world.real.show("consensus", "MainPID")
        world.machine.run("kill", "-USR1", pid)
        wanted = before["restarts"] + crash
        until(lambda wanted=wanted: world.real.show("consensus", "NRestarts") == str(wanted), "a restart")  # type: ignore[misc]
    wanted = before["restarts"] + 2
    update = socket.wait("status_update", lambda got: of(got, "consensus")["restarts"] == wanted)
    assert of(update, "consensus")["description"] == CONSENSUS
    again = socket.wait(
        "status_update",
        lambda got: of(got, "consensus")["restarts"] == wanted and of(got, "consensus")["status"] == "active",
    )
    assert of(again, "consensus")["main_pid"] == int(world.real.show("consensus", "MainPID"))
    assert of(again, "consensus")["main_pid"] != before["main_pid"]


def test_a_killed_process_is_told_at_once_although_the_next_poll_is_far_away(world: World) -> None:
    socket = world.enter_as()
    socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    socket.wait("log_state", lambda state: state["state"] == "live")
    socket.emit("subscribe_status", {"interval": 300_000})
    before = of(socket.wait("status_update"), "execution")
    world.machine.run("kill", "-KILL", str(before["main_pid"]))
    after = socket.wait(
        "status_update",
        lambda got: (
            of(got, "execution")["status"] == "active" and of(got, "execution")["restarts"] == before["restarts"] + 1
        ),
    )
    assert of(after, "execution")["main_pid"] not in (None, before["main_pid"])
    assert any("code=killed, status=9/KILL" in line for line in socket.lines("execution"))


def test_a_killed_process_that_is_not_restarted_has_its_signal_told(world: World) -> None:
    world.machine.run("systemctl", "start", "dora")
    socket = world.enter_as()
    socket.call("subscribe_logs", {"service": "dora", "lines": 0})
    socket.wait("log_state", lambda state: state["state"] == "live")
    socket.emit("subscribe_status", {"interval": 300_000})
    before = of(socket.wait("status_update"), "dora")
    world.machine.run("kill", "-KILL", str(before["main_pid"]))
    after = socket.wait("status_update", lambda got: of(got, "dora")["status"] == "failed")
    assert of(after, "dora")["result"] == "signal"
    assert of(after, "dora")["exit_status"] == 9
