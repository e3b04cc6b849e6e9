"""`system`: the whole journal of a node, as the dashboard's button has it."""

from __future__ import annotations

import os
import subprocess

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import ROOT
from .test_cli import FLASK, flask

WARNING = "WARN [11-26|06:55:11.123] Served eth_call conn=127.0.0.1"


def _write(world: World) -> None:
    world.node.append(EXECUTION, WARNING)
    world.node.append("ssh.service", "Accepted password for staker")
    world.node.append(
        EXECUTION, "execution.service: Main process exited, code=exited, status=1/FAILURE", 5, manager=True
    )


def test_the_whole_journal_is_followed_and_each_line_says_where_it_is_from(world: World) -> None:
    _write(world)
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "system"}) == {"ok": True}
    socket.wait("log_state", lambda told: told["state"] == "live")
    world.node.append("validator.service", "and live")
    socket.wait("log_data", lambda told: told["line"] == "and live")
    told = socket.events("log_data")
    assert {each["service"] for each in told} == {"system"}
    assert told[0]["component"] == "kernel"  # of the node's boot
    told = told[-4:]
    assert [each["component"] for each in told] == ["execution", "ssh", "execution", "validator"]
    assert [each["level"] for each in told[:2]] == ["warn", None]
    assert told[0]["message"] == "Served eth_call"
    assert socket.call("unsubscribe_logs", {"service": "system"}) == {"ok": True}
    world.node.append(EXECUTION, "not wanted any more")
    again = world.enter()
    again.call("subscribe_logs", {"service": "system", "after": told[1]["cursor"]})
    until(lambda: len(again.events("log_data")) == 3, "the rest")
    assert again.lines("system")[-2:] == ["and live", "not wanted any more"]
    assert "not wanted any more" not in socket.lines("system")
    assert not socket.events("error") + again.events("error")


def test_the_whole_journal_goes_on_after_a_cut(world: World) -> None:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "system", "batch": True, "lines": 0})
    socket.wait("log_state", lambda told: told["state"] == "live")
    units = (EXECUTION, "validator.service", "ssh.service")
    for number in range(300):
        world.node.append(units[number % 3], f"line {number}")
        if number == 100:
            world.sshd.stop()
        if number == 200:
            world.sshd.start()
    until(lambda: len(socket.lines("system")) >= 300, "the lines", 40)
    assert socket.lines("system") == [f"line {number}" for number in range(300)]


def test_a_unit_called_system_is_a_unit(world: World) -> None:
    world.node.set_unit("system.service", LoadState="loaded", ActiveState="active", SubState="running", MainPID="9")
    world.node.append(EXECUTION, "another's")
    world.node.append("system.service", "its own")
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "system"})
    socket.wait("log_state", lambda told: told["state"] == "live")
    assert socket.lines("system") == ["its own"]


def test_no_right_to_the_whole_journal_is_told_about_it(world: World) -> None:
    world.node.set_access("none")
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "system"})["ok"] is False
    told = socket.wait("error")
    assert (told["code"], told["service"]) == ("permission_denied", "system")
    assert "system" in told["message"]


def test_the_command_shows_and_follows_it(world: World) -> None:
    _write(world)
    token = world.session()
    shown = flask(world, "node", "logs", token, "system", "-n", "2").stdout.splitlines()
    assert "ssh" in shown[0]
    assert "execution" in shown[1]
    command = [*FLASK, "node", "logs", token, "system", "-n", "1", "-f"]
    environment = {**os.environ, "REDIS_URL": world.redis.url}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "Main process exited" in process.stdout.readline()
        until(lambda: world.remote() == 1, "the follower")
        world.node.append("ssh.service", "Accepted password for another")
        line = process.stdout.readline()
        assert "ssh" in line
        assert "for another" in line
        process.send_signal(2)
        assert process.wait(20) == 0
