"""The right to read a real journal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..waiting import until
from .conftest import World


@pytest.mark.parametrize("service", ["execution", "mevboost"])
def test_a_user_without_rights_is_told_what_to_do(world: World, service: str) -> None:
    socket = world.enter_as("guest")
    socket.emit("subscribe_logs", {"service": service})
    error = socket.wait("error")
    assert error["code"] == "permission_denied"
    assert error["service"] == service
    assert "systemd-journal" in error["hint"]
    assert socket.lines(service) == []
    socket.emit("subscribe_status", {"interval": 1000})
    assert socket.wait("status_update")


def test_a_user_without_rights_and_a_unit_that_is_not_there(world: World) -> None:
    socket = world.enter_as("guest")
    socket.emit("subscribe_logs", {"service": "no-such-unit"})
    assert socket.wait("error")["code"] == "unit_not_found"


@pytest.fixture(params=["!use_pty", "use_pty"])
def sudo(world: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """A node whose sudo gives its commands no terminal, as it used to, or one, as it does from 1.9.14 on."""
    world.machine.run("sh", "-c", f"echo 'Defaults {request.param}' > /etc/sudoers.d/test")
    yield world
    world.machine.run("rm", "/etc/sudoers.d/test")


def test_sudo_with_the_session_s_password(sudo: World) -> None:
    world = sudo
    world.machine.run("systemctl", "start", "execution")
    socket = world.enter_as("admin")
    assert socket.call("subscribe_logs", {"service": "execution", "lines": 100}) == {"ok": True}
    until(lambda: len(socket.lines("execution")) > 200, "the log")
    socket.call("unsubscribe_logs", {"service": "execution"})
    # It is root's, and sudo's child: sshd can't end it, but it sees that nobody reads.
    until(lambda: not world.remote(), "the end of journalctl", 2 + 3)
    world.machine.run("systemctl", "stop", "execution")
    expected = world.real.journal("execution")
    got = socket.lines("execution")
    start = expected.index(got[0])
    assert got == expected[start : start + len(got)]


def test_the_password_is_nowhere_on_the_node(world: World) -> None:
    socket = world.enter_as("admin")
    socket.call("subscribe_logs", {"service": "mevboost"})
    socket.wait("log_state", lambda state: state["state"] == "live")
    password = world.real.passwords["admin"]
    assert world.machine.find("sudo", "journalctl")
    assert not world.machine.find(password)
    assert password not in world.machine.run("journalctl", "--quiet", "--no-pager", "-o", "cat")
