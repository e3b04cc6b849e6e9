"""A node that is ill or odd: a full disk, a clock that jumps, commands that babble or hang, shells that greet."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from demo.simnode import SimNode

from ..programs import need
from ..waiting import until
from .clients import JsSocket
from .conftest import EXECUTION, World
from .parts import PASSWORD


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"SSH_COMMAND_TIMEOUT": "2", "STATUS_TIMEOUT": "2", "SSH_LOGIN_TIMEOUT": "5"}


class Wrapped:
    """A command of the node, with a shell script in its place; `$real` is the command itself."""

    def __init__(self, node: SimNode, name: str, script: str) -> None:
        self._path = node.state / "bin" / name
        real = self._path.with_name(name + ".real")
        if not real.exists():
            shutil.copy(self._path, real)  # at no moment is there no such command: that would be another fault
        self._real = real
        made = self._path.with_name(name + ".new")
        made.write_text(f'#!/bin/sh\nreal="{real}"\n{script}\n')
        made.chmod(0o755)
        made.replace(self._path)

    def undo(self) -> None:
        """The command is itself again."""
        copy = self._path.with_name(self._path.name + ".new")
        shutil.copy(self._real, copy)
        copy.replace(self._path)


def follow(world: World, *lines: str) -> object:
    """A socket that has the log and the states."""
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: socket.lines("execution") == list(lines), "the log")
    socket.emit("subscribe_status", {"interval": 1000})
    statuses = {each["service"]: each["status"] for each in socket.wait("status_update")}
    assert statuses["execution"] == "active"
    assert "consensus" not in statuses
    assert socket.events("error") == []
    return socket


def break_stream(node: SimNode, socket: JsSocket) -> None:
    """Ends the stream of a socket's log. One that is only just starting does not notice: hence again and again."""

    def broken() -> bool:
        node.break_journalctl()
        return "reconnecting" in {state["state"] for state in socket.events("log_state")}

    until(broken, "a stream that has to start anew")


FULL = 'echo "Failed: No space left on device" >&2; exit 1'


def test_a_full_disk(world: World, node: SimNode) -> None:
    node.append(EXECUTION, "before")
    streaming = world.enter()
    streaming.call("subscribe_logs", {"service": "execution"})
    until(lambda: streaming.lines("execution") == ["before"], "the log")
    streaming.wait("log_state", lambda state: state["state"] == "live")
    wrapped = [Wrapped(node, name, FULL) for name in ("journalctl", "systemctl")]
    socket = world.enter()
    answer = socket.call("subscribe_logs", {"service": "execution"})
    assert answer["error"]["code"] == "log_unavailable"  # not permission_denied: rights would not help
    assert "disk" in answer["error"]["hint"]
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait("error", lambda error: error["code"] == "status_unavailable")
    break_stream(node, streaming)  # it goes on trying, and says so
    streaming.wait("log_state", lambda state: state["state"] == "reconnecting" and state["attempt"] >= 2)
    node.append(EXECUTION, "meanwhile")
    for each in wrapped:
        each.undo()
    until(lambda: streaming.lines("execution") == ["before", "meanwhile"], "what came meanwhile")
    socket.wait("status_update")
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: socket.lines("execution") == ["before", "meanwhile"], "the log")
    assert streaming.events("error") == []


def followed(world: World, node: SimNode) -> Any:
    """A socket with a log that is live for sure."""
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "lines": 0})
    socket.wait("log_state", lambda told: told["state"] == "live")
    node.append(EXECUTION, "before")
    until(lambda: socket.lines("execution") == ["before"], "the log")
    return socket


@pytest.mark.parametrize("access", ["none", "own-user-only"])
def test_a_right_that_is_gone_is_told(world: World, node: SimNode, access: Any) -> None:
    socket = followed(world, node)
    node.set_access(access)
    node.break_journalctl()
    error = socket.wait("error", deadline=60)
    assert (error["code"], error["service"]) == ("permission_denied", "execution")
    assert socket.wait("log_state", lambda told: told["state"] == "ended")["reason"] == "permission_denied"


def test_a_right_that_has_changed_is_found_again(world: World, node: SimNode) -> None:
    socket = followed(world, node)
    node.set_access("sudo")
    node.break_journalctl()
    node.append(EXECUTION, "after")
    until(lambda: socket.lines("execution") == ["before", "after"], "the log goes on")
    assert socket.events("error") == []


def test_systemd_that_does_not_answer_does_not_keep_the_logs_back(world: World, node: SimNode) -> None:
    node.append(EXECUTION, "hello")
    node.hang_systemctl()
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: socket.lines("execution") == ["hello"], "the log")
    node.fail_systemctl()
    node.hang_systemctl(False)
    break_stream(node, socket)
    node.append(EXECUTION, "again")
    until(lambda: socket.lines("execution") == ["hello", "again"], "the log")


def test_a_clock_that_jumps(world: World, node: SimNode) -> None:
    """The order of lines is the journal's, whatever time they bear."""
    now, hour = time.time_ns() // 1000, 3600 * 10**6
    jumps = [0, 24 * hour, -hour, -30 * 365 * 24 * hour, 1, 10 * 365 * 24 * hour, 0]
    lines = [f"line {number}" for number in range(len(jumps))]
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "lines": 5000})
    socket.wait("log_state")
    for line, jump in zip(lines, jumps, strict=True):
        node.append(EXECUTION, line, realtime_us=now + jump)
    until(lambda: len(socket.lines("execution")) >= len(lines), "live lines")
    assert socket.lines("execution") == lines
    for at, first in enumerate(socket.events("log_data")[:-1]):
        again = world.enter(world.session())
        again.call("subscribe_logs", {"service": "execution", "after": first["cursor"]})
        until(lambda again=again, at=at: again.lines("execution") == lines[at + 1 :], "the rest")  # type: ignore[misc]
    break_stream(node, socket)
    node.append(EXECUTION, "after a break", realtime_us=now - hour)
    until(lambda: socket.lines("execution") == [*lines, "after a break"], "the log goes on")
    assert "gap" not in {state["state"] for state in socket.events("log_state")}


def test_a_journalctl_that_babbles(world: World, node: SimNode) -> None:
    node.append_many(EXECUTION, ["one", "two", "three"])
    garbage = r"awk 'BEGIN { RS=\"\"; ORS=\"\n\n\" } { print \"Journal file corrupted, ignoring\nodd=1\n\" \"\n\" $0 }'"
    Wrapped(node, "journalctl", f'"$real" "$@" | {garbage}'.replace('\\"', '"'))
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    until(lambda: socket.lines("execution") == ["one", "two", "three"], "the lines, and nothing else")
    for script in (
        'printf "MESSAGE=x\\n\\n"; sleep 0.1; exit 0',
        "head -c 3000000 /dev/urandom",
        'printf "\\n\\n\\n="',
    ):
        Wrapped(node, "journalctl", script)
        node.break_journalctl()
        other = world.enter()
        other.call("subscribe_logs", {"service": "execution"})
    wrapped = Wrapped(node, "journalctl", "exit 0")
    wrapped.undo()
    node.append(EXECUTION, "four")
    until(lambda: socket.lines("execution") == ["one", "two", "three", "four"], "recovery", 40)


BABBLE = [
    "echo nonsense; exit 0",
    "head -c 100000 /dev/urandom",
    "yes ActiveState=active",
    "yes ActiveState=active >&2",
    "exec sleep 20",
    'printf "ActiveState=active\\n\\n%.0s" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25',
]


@pytest.mark.parametrize("leaves", ["unsubscribes", "goes"])
def test_a_search_that_nobody_waits_for_any_more_ends_on_the_node(
    world: World, node: SimNode, tmp_path: Path, leaves: str
) -> None:
    """A journalctl that searches prints nothing, so it does not notice by itself that its channel was closed."""
    begun = tmp_path / "begun"
    begun.touch()
    script = f'case "$*" in *" -f"*|*"-n 1 "*) exec "$real" "$@";; *) echo $$ >>{begun}; exec sleep 600;; esac'
    silent = Wrapped(node, "journalctl", script)
    node.append_many(EXECUTION, ["one", "two"])
    token = world.session()
    first, second = world.enter(token), world.enter(token)
    for socket in (first, second):
        assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: begun.read_text(), "the search for the log")
    first.emit("read_logs", {"service": "execution", "level": "error"})
    until(lambda: len(begun.read_text().split()) > 1, "the search of the past")
    searches = begun.read_text().split()
    assert len(searches) == 2  # one for the log, however many wait for it
    assert all(Path("/proc", pid).exists() for pid in searches)
    for socket in (first, second):
        if leaves == "unsubscribes":
            socket.emit("unsubscribe_logs", {"service": "execution"})
        else:
            socket.close()
    if leaves == "unsubscribes":
        first.close()
    until(lambda: not any(Path("/proc", pid).exists() for pid in searches), "the end of both searches")
    silent.undo()
    again = world.enter()
    again.call("subscribe_logs", {"service": "execution"})
    until(lambda: again.lines("execution") == ["one", "two"], "the log")


def test_a_systemctl_that_babbles(world: World, node: SimNode) -> None:
    node.append(EXECUTION, "hello")
    for script in BABBLE:
        wrapped = Wrapped(node, "systemctl", script)
        socket = world.enter()
        socket.emit("subscribe_status", {"interval": 1000})
        assert socket.wait("error")["code"] == "status_unavailable", script
        wrapped.undo()
        socket.wait("status_update")
        socket.close()
    follow(world, "hello")


@pytest.mark.parametrize("script", ["exec sleep 20", "while :; do echo -n 'Password: ' >&2; done", "exec cat"])
def test_a_sudo_that_asks_for_ever(world: World, node: SimNode, script: str) -> None:
    node.set_access("none")
    Wrapped(node, "sudo", script)
    socket = world.enter()
    answer = socket.call("subscribe_logs", {"service": "execution"})
    assert answer["error"]["code"] == "permission_denied"
    assert "usermod" in answer["error"]["hint"]
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait("status_update")


GREETING = """
echo "Welcome to Ubuntu 24.04 LTS"; echo; echo " * System load: 0.5"; echo "A=b"; printf '\\033[1mbold\\033[0m\\n\\n'
echo "Last login: today" >&2; cat /etc/motd 2>/dev/null
"""


@pytest.mark.parametrize("access", ["plain", "sudo-password", "own-user-only"])
def test_a_shell_that_greets_every_command(world: World, node: SimNode, access: str) -> None:
    node.set_access(access, password=PASSWORD)
    shell = Path(world.sshd.folder / "shell")
    head, _, rest = shell.read_text().partition("\n")
    shell.write_text(f"{head}\n{GREETING}\n{rest}")
    node.append_many(EXECUTION, ["one", "two"])
    if access == "own-user-only":
        answer = world.enter().call("subscribe_logs", {"service": "execution"})
        assert answer["error"]["code"] == "permission_denied"  # the greeting is no journal
        return
    socket = follow(world, "one", "two")
    node.append(EXECUTION, "three")
    until(lambda: socket.lines("execution") == ["one", "two", "three"], "a live line")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["fish", "tcsh", "zsh", "bash", "dash"])
def test_a_login_shell(world: World, node: SimNode, name: str) -> None:
    found = need(name)
    folder = node.state / "bin"
    shell = Path(world.sshd.folder / "shell")
    shell.write_text(f'#!/bin/sh\nPATH="{folder}:$PATH"; export PATH\nexec {found} "$@"\n')
    node.append_many(EXECUTION, ["one", "two"])
    node.set_access("sudo-password", password=PASSWORD)
    socket = follow(world, "one", "two")
    cursor = socket.events("log_data")[0]["cursor"]  # type: ignore[attr-defined]
    again = world.enter()
    again.call("subscribe_logs", {"service": "execution", "after": cursor})
    until(lambda: again.lines("execution") == ["two"], "the rest")
