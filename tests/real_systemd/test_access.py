"""The right to read a real journal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..system.test_cli import flask
from ..waiting import until
from .conftest import World
from .test_damage import clean, start_journald, stop_journald


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


def test_a_journal_that_is_off_is_no_missing_right(world: World) -> None:
    config = "/etc/systemd/journald.conf.d/without.conf"
    world.machine.run("sh", "-c", f"cat > {config}", stdin="[Journal]\nStorage=none\n")
    stop_journald(world)
    world.machine.run("sh", "-c", "rm -rf /var/log/journal/*/* /run/log/journal/*")
    start_journald(world)
    try:
        socket = world.enter_as()
        socket.emit("subscribe_logs", {"service": "execution"})
        error = socket.wait("error")
        assert (error["code"], error["service"]) == ("log_unavailable", "execution")
        assert "Storage=none" in error["hint"]
    finally:
        world.machine.run("rm", config)
        clean(world)
    socket.emit("subscribe_logs", {"service": "execution"})
    socket.wait("log_state", lambda state: state["state"] == "live")


def test_old_lines_of_a_journal_that_was_switched_off_are_told_as_old(world: World) -> None:
    world.machine.run("systemctl", "start", "execution")
    until(lambda: len(world.real.journal("execution")) > 20, "lines")
    config = "/etc/systemd/journald.conf.d/without.conf"
    world.machine.run("sh", "-c", f"cat > {config}", stdin="[Journal]\nStorage=none\n")
    world.machine.run("systemctl", "restart", "systemd-journald")
    try:
        token = world.session_of("staker")
        socket = world.enter(token)
        socket.emit("subscribe_logs", {"service": "execution"})
        error = socket.wait("error")
        assert (error["code"], error["service"]) == ("log_elsewhere", "execution")
        assert "Storage=none" in error["hint"]
        assert len(socket.lines("execution")) > 10
        assert "what services print does not get into it" in flask(world, "sessions", "check", token).stdout
    finally:
        world.machine.run("rm", config)
        world.machine.run("systemctl", "restart", "systemd-journald")
        clean(world)


def test_a_unit_of_a_user_s_own_systemd_is_told_as_that(world: World) -> None:
    folder = "/home/guest/.config/systemd/user"
    unit = "[Service]\nExecStart=/bin/sh -c 'echo hello; exec sleep infinity'\n[Install]\nWantedBy=default.target\n"
    script = f"mkdir -p {folder}/default.target.wants; cat > {folder}/mine.service"
    world.machine.run("sh", "-c", f"{script}; ln -s ../mine.service {folder}/default.target.wants", stdin=unit)
    folder_of_names = "/var/lib/systemd/linger"  # what `loginctl enable-linger` does, which may fail in a container
    world.machine.run(
        "sh", "-c", f"chown -R guest /home/guest; mkdir -p {folder_of_names}; touch {folder_of_names}/guest"
    )
    world.machine.run("systemctl", "restart", "user@1001")  # it may run since an earlier login, without the new unit
    query = ("journalctl", "-q", "-o", "cat", "_SYSTEMD_USER_UNIT=mine.service")
    until(lambda: "hello" in world.machine.run(*query), "a line of the user's unit")
    socket = world.enter_as()
    socket.emit("subscribe_logs", {"service": "mine"})
    error = socket.wait("error")
    assert (error["code"], error["service"]) == ("unit_not_found", "mine")
    assert "uid 1001" in error["hint"]
    world.machine.run("rm", f"{folder_of_names}/guest")


@pytest.mark.parametrize("path", ["/etc/nologin", "/run/nologin"])
def test_a_node_under_maintenance_is_told_as_that_and_tried_again(world: World, path: str) -> None:
    world.machine.run("sh", "-c", f"echo 'Back at noon: a disk is changed.' > {path}")
    try:
        token = world.session_of("staker")
        socket = world.open(token)
        error = socket.wait("error")
        assert error["code"] == "ssh_unreachable"
        assert path in error["hint"]
        done = flask(world, "sessions", "check", token)
        assert done.returncode == 1
        assert "The node lets nobody run anything at the moment." in done.stdout
        assert "noon" not in str(socket.received) + done.stdout
    finally:
        world.machine.run("rm", path)
    world.machine.run("systemctl", "restart", "ssh")  # forgets its penalties, which it has from 9.8 on
    socket.emit("authenticate", token)  # else it takes half a minute
    socket.wait("connection_state", lambda state: state["state"] == "connected")


def test_an_sshd_that_punishes_this_server_s_address_is_told_as_that(world: World) -> None:
    config = "/etc/ssh/sshd_config.d/penalty.conf"
    world.machine.run("sh", "-c", f"cat > {config}", stdin="PerSourcePenalties authfail:600 min:1\n")
    try:
        if "Bad configuration option" in world.machine.run("sshd", "-t", check=False):
            return  # there are none before OpenSSH 9.8
        world.machine.run("systemctl", "restart", "ssh")
        wrong = flask(world, "sessions", "check", world.session(username="guest", password="wrong"))
        assert "refused the user name, password or key" in wrong.stdout
        done = flask(world, "sessions", "check", world.session_of("staker"))
        assert "PerSourcePenalties" in done.stdout
    finally:
        world.machine.run("rm", config)
        world.machine.run("systemctl", "restart", "ssh")
