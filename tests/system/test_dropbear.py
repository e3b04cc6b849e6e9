"""The whole way to a node whose SSH server is Dropbear, by password and by key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.simnode import SimNode

from ..waiting import until
from .conftest import EXECUTION, World
from .dropbear import Dropbear
from .test_cli import flask
from .test_ssh import pin, refused


@pytest.fixture
def sshd(tmp_path: Path, node: SimNode) -> Iterator[Dropbear]:
    daemon = Dropbear(tmp_path / "sshd", str(tmp_path / "node" / "bin"))
    yield daemon
    daemon.stop()


@pytest.fixture(params=["password", "key"])
def token(world: World, request: pytest.FixtureRequest) -> str:
    by_key: dict[str, Any] = {"password": ..., "privateKey": world.sshd.private_key}
    return world.session(**(by_key if request.param == "key" else {}))


def test_log_status_and_pin(world: World, token: str) -> None:
    for number in range(60):
        world.node.append(EXECUTION, f"line {number}")
    socket = world.enter(token)
    assert world.store.get(pin(world)) == f"ssh-ed25519 {world.sshd.fingerprint()}".encode()
    assert socket.call("subscribe_logs", {"service": "execution", "lines": 50}) == {"ok": True}
    until(lambda: len(socket.lines("execution")) == 50, "the backlog")
    socket.wait("log_state", lambda state: state["state"] == "live")
    world.node.append(EXECUTION, "live at last")
    until(lambda: socket.lines("execution")[-1] == "live at last", "a live line")
    socket.emit("subscribe_status", {"interval": 1000})
    states = {each["service"]: each["status"] for each in socket.wait("status_update")}
    assert states["execution"] == "active"
    logs = [world.enter(token) for _ in range(3)]
    for each in logs:
        each.call("subscribe_logs", {"service": "execution", "lines": 60})
        until(lambda each=each: len(each.lines("execution")) == 60, "the same log")  # type: ignore[misc]
    assert socket.events("error") == []
    assert world.sshd.logins() == 1


def test_a_connection_that_ends_is_made_again_without_a_gap(world: World, token: str) -> None:
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    socket.wait("log_state", lambda state: state["state"] == "live")
    world.sshd.stop()
    world.node.append(EXECUTION, "while it was away")
    world.sshd.start()
    until(lambda: socket.lines("execution") == ["while it was away"], "the line", 30)
    assert "gap" not in [state["state"] for state in socket.events("log_state")]


def test_what_dropbear_refuses_is_told(world: World) -> None:
    refused(world, world.session(password="wrong"), "ssh_auth_failed")
    world.enter().close()
    until(lambda: not world.sshd.connections(), "the end of the connection")
    world.sshd.stop()
    world.sshd.new_host_key()
    world.sshd.start()
    refused(world, world.session(), "host_key_changed")


def test_sessions_check(world: World, token: str) -> None:
    for name in ("execution", "consensus", "validator"):
        world.node.set_unit(name, ActiveState="active", SubState="running")
        world.node.append(f"{name}.service", "hello")
    done = flask(world, "sessions", "check", token)
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout
