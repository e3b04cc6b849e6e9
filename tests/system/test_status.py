"""The states of units: at once when systemd speaks, and why a unit failed."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from ..waiting import until
from .conftest import EXECUTION, World
from .test_shared import shows

EXITED = "execution.service: Main process exited, code=exited, status=1/FAILURE"


def crash(world: World, restarts: int, *lines: str, result: str = "exit-code") -> None:
    """Geth prints this, ends, and systemd starts it again."""
    for line in lines:
        world.node.append(EXECUTION, line)
    world.node.set_unit(EXECUTION, NRestarts=str(restarts), Result=result, ExecMainStatus="1", MainPID="5000")
    world.node.append(EXECUTION, EXITED, 5, manager=True)
    world.node.append(EXECUTION, f"execution.service: Failed with result '{result}'.", 4, manager=True)
    world.node.append(EXECUTION, "Geth is up again")


def test_systemds_own_line_brings_an_update_at_once(world: World) -> None:
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 300_000})
    socket.wait("status_update")
    socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    socket.wait("log_state", lambda told: told["state"] == "live")
    polls = shows(world)
    world.node.set_unit(EXECUTION, ActiveState="deactivating", SubState="stop-sigterm")
    world.node.append(EXECUTION, "Stopping execution.service - Geth...", 6, manager=True)
    world.node.append(EXECUTION, "a line of the client's own changes nothing")
    socket.wait("status_update", lambda update: update[0]["status"] == "deactivating")
    assert shows(world) == polls + 1


def test_a_restart_loop_and_its_last_lines(world: World) -> None:
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    first = socket.wait("status_update")
    assert "last_lines" not in first[0]
    crash(world, 1, "INFO all is well", "\x1b[31mFatal: disk is full\x1b[0m")
    told = socket.wait("status_update", lambda update: update[0]["restarts"] == 1)[0]
    assert told["last_lines"] == ["INFO all is well", "Fatal: disk is full"]
    assert (told["status"], told["result"], told["exit_status"]) == ("active", "exit-code", 1)
    crash(world, 2, "Fatal: still full", result="oom-kill")
    told = socket.wait("status_update", lambda update: update[0]["restarts"] == 2)[0]
    assert told["last_lines"] == ["Geth is up again", "Fatal: still full"]
    assert told["result"] == "oom-kill"
    until(lambda: world.remote() == 0, "no journalctl left")


def test_a_failed_unit_shows_its_last_lines_to_a_page_that_comes_later(world: World) -> None:
    world.node.append(EXECUTION, "Fatal: no such file")
    world.node.append(EXECUTION, EXITED, 5, manager=True)
    world.node.set_unit(EXECUTION, ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="1")
    for _ in range(2):
        socket = world.enter()
        socket.emit("subscribe_status", {"interval": 60_000})
        update = socket.wait("status_update")
        assert update[0]["last_lines"] == ["Fatal: no such file"]


def test_without_a_right_to_the_journal_there_are_states_all_the_same(world: World) -> None:
    world.node.set_access("none")
    world.node.set_unit(EXECUTION, ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="1")
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    told = socket.wait("status_update")[0]
    assert told["status"] == "failed"
    assert "last_lines" not in told


def test_an_update_says_when_the_node_was_asked(world: World) -> None:
    before = datetime.now(UTC)
    socket = world.enter()
    socket.call("subscribe_status", {"interval": 1000})
    first = socket.wait("status_update")
    asked = {datetime.fromisoformat(each["at"]) for each in first}
    assert len(asked) == 1
    assert before <= asked.pop() <= datetime.now(UTC)
    world.sshd.stop()
    away = socket.wait("status_update", lambda update: update[0]["status"] == "unknown", 60)
    assert all("at" not in each for each in away)


def test_a_connected_node_says_its_name_zone_and_clock(world: World) -> None:
    token = world.session()
    told = world.enter(token).wait("connection_state", lambda told: "node" in told)
    assert told["state"] == "connected"
    assert told["node"]["name"] == os.uname().nodename
    assert abs(told["node"]["clock_offset_ms"]) < 1000
    assert set(told["node"]) == {"name", "zone", "clock_offset_ms"}
    assert world.enter(token).wait("connection_state") == told  # at once to one that comes later
