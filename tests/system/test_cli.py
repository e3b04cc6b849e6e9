"""The commands, as whoever runs the server types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import PASSWORD, ROOT, USER


def flask(world: World, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    environment = {**os.environ, "REDIS_URL": world.redis.url, "LOG_LEVEL": "warning"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def json_of(world: World, *words: str) -> Any:
    done = flask(world, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_sessions(world: World) -> None:
    created = flask(
        world, *("sessions", "create", "--host", "127.0.0.1", "--port", str(world.sshd.port), "--user", USER),
        stdin=PASSWORD + "\n",
    )  # fmt: skip
    token = created.stdout.strip()
    assert created.returncode == 0
    listed = json_of(world, "sessions", "list")
    mine = next(each for each in listed if each["port"] == world.sshd.port)
    assert mine["user"] == USER
    assert 10_000 < mine["ttl_seconds"] <= 10_200
    assert token not in flask(world, "sessions", "list").stdout
    shown = json_of(world, "sessions", "show", mine["session"])
    assert shown["host_key"] is None
    world.enter(token)
    assert json_of(world, "sessions", "show", token)["host_key"].endswith(world.sshd.fingerprint())
    assert json_of(world, "sessions", "revoke", token)["revoked"] is True
    gone = flask(world, "sessions", "show", token)
    assert gone.returncode == 1
    assert "no such session" in gone.stderr


def test_revoke_ends_the_session_s_sockets(world: World) -> None:
    token = world.session()
    socket = world.enter(token)
    assert flask(world, "sessions", "revoke", token).returncode == 0
    assert socket.wait("error")["code"] == "session_expired"
    socket.wait("disconnect")


def test_check_finds_everything_in_order(world: World) -> None:
    token = world.session()
    steps = json_of(world, "sessions", "check", token)
    assert [step["name"] for step in steps[:6]] == ["Redis", "Session", "TCP", "Host key", "Login", "Journal"]
    assert all(step["ok"] for step in steps[:6])
    units = {step["name"]: step["ok"] for step in steps[6:]}
    assert units["execution"] is True
    assert units["consensus"] is None
    assert "✓ Login: accepted" in flask(world, "sessions", "check", token).stdout


def test_check_says_what_is_wrong_and_the_fix(world: World) -> None:
    world.node.set_access("none")
    world.node.set_unit("execution.service", ActiveState="failed", SubState="failed", Result="oom-kill")
    done = flask(world, "sessions", "check", world.session())
    assert done.returncode == 1
    assert "✗ Journal" in done.stdout
    assert "usermod -aG systemd-journal" in done.stdout
    assert "✗ execution: failed (failed, result oom-kill" in done.stdout
    wrong = flask(world, "sessions", "check", world.session(password="wrong"))
    assert "✓ TCP" in wrong.stdout
    assert "✗ Login" in wrong.stdout
    gone = flask(world, "sessions", "check", world.session(port=1))
    assert "✗ TCP" in gone.stdout


def test_forget_host(world: World) -> None:
    world.enter()
    words = ("sessions", "forget-host", "127.0.0.1", "--port", str(world.sshd.port))
    assert json_of(world, *words)["forgotten"] is True
    assert json_of(world, *words)["forgotten"] is False


def test_node_status(world: World) -> None:
    token = world.session()
    found = json_of(world, "node", "status", token)
    assert {"execution", "validator"} <= {each["service"] for each in found if each["status"] == "active"}
    text = flask(world, "node", "status", token).stdout
    assert "execution" in text
    assert "Geth" in text


def test_node_logs(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(20)])
    token = world.session()
    done = flask(world, "node", "logs", token, "execution", "-n", "5")
    assert [line.rpartition("line ")[2] for line in done.stdout.splitlines()] == ["15", "16", "17", "18", "19"]
    found = flask(world, "node", "logs", token, "execution", "-n", "1", "--json")
    assert json.loads(found.stdout)["line"] == "line 19"
    missing = flask(world, "node", "logs", token, "nonesuch")
    assert missing.returncode == 1
    assert "nonesuch" in missing.stderr


def test_node_logs_that_follow(world: World) -> None:
    token = world.session()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "node", "logs", token, "execution", "-n", "1", "-f"]
    environment = {**os.environ, "REDIS_URL": world.redis.url, "LOG_LEVEL": "warning"}
    world.node.append(EXECUTION, "first")
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "first" in process.stdout.readline()
        until(lambda: world.remote() == 1, "the follower")
        world.node.append(EXECUTION, "second")
        assert "second" in process.stdout.readline()
        process.send_signal(2)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
