"""Login shells whose start-up files print, trap their end, and leave processes behind: nothing of it is a node's."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.simnode import SimNode

from ..programs import need
from ..waiting import until
from .conftest import EXECUTION, World
from .parts import PASSWORD

# What prints on both streams: half a line, a title, clear, invalid UTF-8, a field and an entry of the export format.
NOISE = r"\033[H\033[2J\033]0;staker@node\007\377\376MESSAGE=none\n\n__CURSOR=s=1;i=2\nMainPID=1\nhalf"
LOUD = f"/usr/bin/printf '{NOISE}'; /usr/bin/printf '{NOISE}' >/dev/stderr"
TCSH = f'sh -c "/usr/bin/printf \\"{NOISE}\\"; /usr/bin/printf \\"{NOISE}\\" >&2"'
FILES = {
    "bash": (
        ".bashrc",
        f"{LOUD}\ntrap 'echo bye; echo bye >&2' EXIT\ntrap 'printf %s \"$BASH_COMMAND\"' DEBUG\nset -xv\n",
    ),
    "zsh": (".zshenv", f"{LOUD}\ntrap 'echo bye; echo bye >&2' EXIT\nzshexit() {{ echo -n bye }}\nset -xv\n"),
    "fish": (".config/fish/config.fish", f"{LOUD}\nfunction bye --on-event fish_exit; echo bye; echo bye >&2; end\n"),
    "tcsh": (".cshrc", f"{TCSH}\nset echo\nset verbose\n"),
    "dash": (None, f"{LOUD}\ntrap 'echo bye; echo bye >&2' EXIT\n"),
}


@pytest.fixture
def shell(world: World, request: pytest.FixtureRequest) -> Path:
    """A login shell and its start-up file; dash reads none, so there the shell itself prints, before and after."""
    name = request.param
    name, start = FILES[name][0], FILES[name][1]
    home = world.sshd.folder / "home"
    return set_up(world, home, request.param, name, start)


def set_up(world: World, home: Path, shell: str, name: str | None, start: str) -> Path:
    """Make a program the user's login shell, with a start-up file."""
    path = f'PATH="{world.node.state / "bin"}:$PATH"; export PATH\n'
    run = f'exec {need(shell)} "$@"\n'
    if name is None:
        run = f'{start}{need(shell)} "$@"\n'
    else:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(start)
    (world.sshd.folder / "shell").write_text(f"#!/bin/sh\n{path}{run}")
    return home / (name or ".profile")


def everything_works(world: World, node: SimNode) -> None:
    """Every command that goes over SSH: rights, states, backlog, live, a new unit's first line, resuming, the past."""
    node.append_many(EXECUTION, ["one", "two"])
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 60_000})
    update = socket.wait("status_update")
    assert {each["service"]: each["main_pid"] for each in update if each["main_pid"]} == {
        "execution": 4242,
        "validator": 4243,
    }
    for service in ("execution", "validator"):
        assert socket.call("subscribe_logs", {"service": service}) == {"ok": True}
    until(lambda: socket.lines("execution") == ["one", "two"], "the backlog")
    socket.wait("log_state", lambda state: (state["service"], state["state"]) == ("validator", "live"))
    node.append(EXECUTION, "three")
    node.append("validator.service", "first")
    until(lambda: socket.lines("execution") == ["one", "two", "three"], "a live line")
    until(lambda: socket.lines("validator") == ["first"], "a new unit's first line")
    node.break_journalctl()
    node.append(EXECUTION, "four")
    until(lambda: socket.lines("execution")[3:] == ["four"], "a line after a break")
    cursor = next(each["cursor"] for each in socket.events("log_data") if each["line"] == "one")
    again = world.enter()
    again.call("subscribe_logs", {"service": "execution", "after": cursor})
    until(lambda: again.lines("execution") == ["two", "three", "four"], "the rest")
    page = again.call("read_logs", {"service": "execution", "limit": 10})
    assert [each["line"] for each in page["entries"]] == ["one", "two", "three", "four"]
    states = [state["state"] for state in socket.events("log_state") + again.events("log_state")]
    assert "gap" not in states
    assert socket.events("error") + again.events("error") == []


@pytest.mark.parametrize("access", ["plain", "sudo-password"])
@pytest.mark.parametrize("shell", list(FILES), indirect=True)
def test_a_shell_that_prints_before_and_after_commands(world: World, node: SimNode, shell: Path, access: str) -> None:
    node.set_access(access, password=PASSWORD)
    everything_works(world, node)


@pytest.mark.parametrize("size", [1_000_000])
def test_a_shell_that_prints_a_megabyte(world: World, node: SimNode, size: int) -> None:
    noise = f"head -c {size} /dev/zero; head -c {size} /dev/urandom >&2; head -c {size} /dev/urandom\n"
    set_up(world, world.sshd.folder / "home", "bash", ".bashrc", noise)
    everything_works(world, node)


@pytest.mark.parametrize(
    "left",
    [
        "sleep 300 &",
        "sleep 300 & disown",
        "sleep 300 2>/dev/null >&2 &",
        "(timeout 20 sh -c 'while sleep 0.05; do :; done') &",
    ],
)
def test_a_shell_that_leaves_a_process_behind(world: World, node: SimNode, left: str) -> None:
    set_up(world, world.sshd.folder / "home", "bash", ".bashrc", f"echo -n half\n{left}\n")
    everything_works(world, node)


def test_a_process_that_is_left_behind_and_prints_half_lines(world: World, node: SimNode) -> None:
    job = "(for each in 1 2 3 4 5 6 7 8 9 0; do sleep 0.05; printf half; echo; printf half; done) &"
    set_up(world, world.sshd.folder / "home", "bash", ".bashrc", f"{job}\n{job}\n")
    node.append_many(EXECUTION, ["one", "two"])
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    expected = ["one", "two"]
    for number in range(20):
        until(lambda: socket.lines("execution") == expected, "a line")
        node.append(EXECUTION, f"line {number}")
        expected.append(f"line {number}")
    until(lambda: socket.lines("execution") == expected, "the last line")
    assert "gap" not in [state["state"] for state in socket.events("log_state")]


def test_a_start_up_file_that_reads_does_not_get_the_password(world: World, node: SimNode) -> None:
    node.set_access("sudo-password", password=PASSWORD)
    kept = world.sshd.folder / "read"
    set_up(world, world.sshd.folder / "home", "bash", ".bashrc", f'read -t 0.1 -r x; echo "$x" >> {kept}\n')
    everything_works(world, node)
    assert PASSWORD not in kept.read_text()


def test_nothing_but_journalctl_runs_while_a_log_is_followed(world: World, node: SimNode) -> None:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    socket.wait("log_state", lambda state: state["state"] == "live")

    def running() -> list[str]:
        found = []
        for pid in world.sshd.descendants():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if not words.startswith("sshd"):
                found.append(words)
        return found

    until(lambda: len(running()) == 1 and "journalctl" in running()[0], "only journalctl")
