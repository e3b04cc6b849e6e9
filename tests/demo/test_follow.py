"""journalctl -f on the simulated node: nothing torn, nothing left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from typing import IO

import pytest

from demo.simnode import SimNode

from ..waiting import until
from .conftest import Run, Start

UNIT = "execution.service"
FOLLOW = ("journalctl", "-q", "-u", UNIT, "-o", "cat", "-f")


def read_lines(stream: IO[bytes] | None, count: int) -> list[bytes]:
    assert stream is not None
    return [stream.readline().rstrip(b"\n") for _ in range(count)]


def test_ten_lines_then_what_comes(node: SimNode, start: Start) -> None:
    node.append_many(UNIT, [str(number) for number in range(30)])
    process = start(*FOLLOW)
    assert read_lines(process.stdout, 10) == [str(number).encode() for number in range(20, 30)]
    node.append(UNIT, "live")
    assert read_lines(process.stdout, 1) == [b"live"]


def test_no_tail_all_and_none(node: SimNode, start: Start) -> None:
    node.append_many(UNIT, [str(number) for number in range(30)])
    for arguments in (["--no-tail"], ["-n", "all"]):
        assert read_lines(start(*FOLLOW, *arguments).stdout, 30)[0] == b"0"
    process = start(*FOLLOW, "-n", "0")
    # It begins at some moment: until then what is written is past.
    until(lambda: node.append(UNIT, "new") or select.select([process.stdout], [], [], 0)[0], "a new line")
    assert read_lines(process.stdout, 1) == [b"new"]


def test_a_unit_that_has_no_entries_yet(node: SimNode, start: Start) -> None:
    process = start("journalctl", "-u", "later", "-o", "cat", "-f", "-n", "all")
    until(node.calls)
    node.append("later", "at last")
    assert read_lines(process.stdout, 1) == [b"at last"]


def test_it_starts_at_a_cursor(node: SimNode, start: Start) -> None:
    node.append_many(UNIT, ["a", "b"])
    cursor = node.last_cursor
    node.append_many(UNIT, [str(number) for number in range(30)])
    process = start(*FOLLOW, "-n", "all", f"--cursor={cursor}")
    assert read_lines(process.stdout, 31)[:2] == [b"b", b"0"]


def test_following_shows_the_current_boot_only(node: SimNode, start: Start) -> None:
    """So from systemd 251 on, also after a cursor of an earlier boot; --merge takes it back."""
    node.append(UNIT, "before")
    cursor = node.last_cursor
    node.append(UNIT, "before, too")
    node.reboot()
    node.append(UNIT, "after")
    words = (*FOLLOW, "-n", "all", f"--cursor={cursor}")
    assert read_lines(start(*words).stdout, 1) == [b"after"]
    assert read_lines(start(*words, "--merge").stdout, 3) == [b"before", b"before, too", b"after"]
    node.set_systemd(249)
    assert read_lines(start(*words).stdout, 1) == [b"before"]


def test_entries_written_meanwhile_are_whole_and_in_order(node: SimNode, start: Start) -> None:
    process = start(*FOLLOW, "-n", "all", "-u", "validator")
    expected = [f"{number} ".encode() + b"x" * (number % 300) for number in range(20_000)]

    def write() -> None:
        for at in range(0, len(expected), 500):
            node.append_many(UNIT if at % 1000 else "validator", expected[at : at + 500])

    writer = threading.Thread(target=write)
    writer.start()
    assert read_lines(process.stdout, len(expected)) == expected
    writer.join()


@pytest.mark.parametrize("access", ["plain", "none", "own-user-only"])
def test_it_ends_when_nobody_reads_though_nothing_comes(node: SimNode, start: Start, access: str) -> None:
    node.set_access(access)  # type: ignore[arg-type]
    process = start(*FOLLOW)
    until(node.calls)
    assert process.stdout is not None
    process.stdout.close()
    process.wait(20)
    assert node.running() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_it_ends_by_a_signal(node: SimNode, start: Start, number: signal.Signals) -> None:
    process = start(*FOLLOW)
    until(node.calls)
    process.send_signal(number)
    assert process.wait(20) == -number


def test_it_waits_for_a_slow_reader(node: SimNode, start: Start) -> None:
    node.append_many(UNIT, [f"{number} " + "x" * 1000 for number in range(5000)])
    process = start(*FOLLOW, "-n", "all")
    until(lambda: _sleeps_in_write(process), "a full pipe")
    lines = read_lines(process.stdout, 5000)
    assert [int(line.split()[0]) for line in lines] == list(range(5000))


def _sleeps_in_write(process: subprocess.Popen[bytes]) -> bool:
    with open(f"/proc/{process.pid}/wchan") as file:
        where = file.read()
    with open(f"/proc/{process.pid}/syscall") as file:
        return where.startswith(("pipe", "anon_pipe")) or file.read().startswith("1 ")


def test_without_rights_it_says_so_and_hangs(node: SimNode, start: Start) -> None:
    node.set_access("none")
    process = start(*FOLLOW)
    assert read_lines(process.stderr, 1) == [b"No journal files were opened due to insufficient permissions."]
    assert process.poll() is None
    assert [each["argv"][0] for each in node.running()] == ["journalctl"]


def test_it_can_end_by_itself(node: SimNode, start: Start, run: Run) -> None:
    process = start(*FOLLOW)
    node.append(UNIT, "one")
    read_lines(process.stdout, 1)
    node.break_journalctl()
    assert process.wait(20) == 1
    assert process.stderr is not None
    assert b"Bad message" in process.stderr.read()
    assert run("journalctl", "-u", UNIT, "-o", "cat").stdout == b"one\n"
    again = start(*FOLLOW)
    assert read_lines(again.stdout, 1) == [b"one"]
    assert again.poll() is None


def test_a_reboot_ends_everything(node: SimNode, start: Start) -> None:
    process = start(*FOLLOW)
    until(node.calls)
    until(node.running)
    node.reboot()
    process.wait(20)
    assert node.running() == []


def test_running_knows_only_its_own(node: SimNode, start: Start, tmp_path: object) -> None:
    process = start(*FOLLOW)
    until(node.calls)
    other = SimNode(str(tmp_path) + "/other")
    assert other.running() == []
    assert [each["pid"] for each in node.running()] == [process.pid]
    assert os.getpid() not in [each["pid"] for each in node.running()]
