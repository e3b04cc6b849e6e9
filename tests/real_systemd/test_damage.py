"""A real journal, damaged: what can be read is read, and the rest is told."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from ethpillar.journal.export import NO_TEXT

from ..system.test_past import ask
from ..waiting import until
from .conftest import World
from .test_feed import entries, flowing, in_a_row, numbers, quiet, states

DATA, ENTRY, ENTRY_ARRAY = 1, 3, 6
"Types of objects in a journal file, see systemd's journal-def.h."


def objects(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the objects of a journal file are, each with its type."""
    at, end = struct.unpack_from("<QQ", data, 88)
    end += at
    while at + 16 <= min(len(data), end):
        size = struct.unpack_from("<Q", data, at + 8)[0]
        if size < 16:
            return
        yield at, data[at]
        at += (size + 7) // 8 * 8


class Journal:
    """The files of a machine's journal, while its journald does not run."""

    def __init__(self, world: World) -> None:
        self._world = world
        found = world.machine.run("sh", "-c", "ls -tr /var/log/journal/*/system*.journal")
        self.files = found.split()

    def find(self, file: str, kind: int, begin: bytes = b"") -> list[int]:
        """Where the objects of a kind are in a file, those whose content begins so; the oldest first."""
        data = base64.b64decode(self._world.machine.run("base64", "-w0", file))
        found = [at for at, each in objects(data) if each == kind]
        # A data object's head has 64 bytes, in compact files 72.
        return [at for at in found if not begin or data.startswith(begin, at + 64) or data.startswith(begin, at + 72)]

    def cut(self, file: str, at: int) -> None:
        """Lose the rest of a file, as a file system does that was not written whole."""
        self._world.machine.run("truncate", "-s", str(at), file)

    def overwrite(self, file: str, at: int, count: int = 8) -> None:
        """Overwrite some bytes of a file, as a bad disk does."""
        words = f"printf '%{count}s' | tr ' ' '\\377' | dd of={file} bs=1 seek={at} conv=notrunc status=none"
        self._world.machine.run("sh", "-c", words)


@pytest.fixture
def quiet_machine(world: World) -> Iterator[World]:
    """A machine with a journal of its own for the test: the damaged files are removed at its end."""
    clean(world)
    yield world
    clean(world)


def clean(world: World) -> None:
    world.machine.run("systemctl", "stop", "execution")
    stop_journald(world)
    world.machine.run("sh", "-c", "rm -rf /var/log/journal/*/* /run/log/journal/*")
    start_journald(world)


def stop_journald(world: World) -> None:
    sockets = [f"systemd-journald{each}.socket" for each in ("", "-dev-log", "-audit")]
    world.machine.run("systemctl", "stop", *sockets, "systemd-journald.service", check=False)
    until(lambda: not world.machine.find("systemd-journald"), "the end of journald")


def start_journald(world: World) -> None:
    sockets = ("systemd-journald.socket", "systemd-journald-dev-log.socket")
    world.machine.run("systemctl", "reset-failed", *sockets, "systemd-journald.service")  # each may start a few times
    world.machine.run("systemctl", "start", *sockets)
    world.machine.run("systemctl", "start", "systemd-journald.service")
    world.machine.run("journalctl", "--flush")


def filled(world: World, files: int = 3) -> None:
    """Writes that many files of a unit's numbered lines."""
    for number in range(files):
        world.machine.run("systemctl", "start", "execution")
        before = len(world.real.journal("execution"))
        until(lambda before=before: len(world.real.journal("execution")) > before + 60, "lines")  # type: ignore[misc]
        quiet(world)
        if number < files - 1:
            world.machine.run("journalctl", "--rotate")


def check(socket: Any, all_lines: list[str], damaged: int) -> list[str]:
    """What came is a part of all lines, in order; a gap stands where one is missing. Returns what came."""
    runs: list[list[str]] = [[]]
    for event, args in socket.received:
        if event == "log_state" and args[0]["state"] == "gap":
            assert args[0]["reason"] == "damaged"
            assert "journalctl --verify" in args[0]["hint"]
            assert args[0]["to"] is None or args[0]["from"] <= args[0]["to"]
            runs.append([])
        elif event == "log_data" and args[0]["service"] == "execution":
            runs[-1].append(args[0]["line"])
    for run in runs:
        assert not numbers(run) or in_a_row(numbers(run))
    got = [line for run in runs for line in run]
    places = iter(numbers(all_lines))
    assert all(each in places for each in numbers(got)), "each once, in order"
    assert len(runs) - 1 == damaged
    return got


def damage(journal: Journal, where: str) -> None:
    file = journal.files[1]
    found = journal.find(file, ENTRY)
    middle = found[len(found) // 2]
    if where == "file":
        journal.overwrite(file, 0, 200)
    elif where == "middle":
        journal.overwrite(file, middle)
    elif where == "end":
        journal.overwrite(journal.files[-1], journal.find(journal.files[-1], ENTRY)[-1])
    elif where == "array":
        arrays = journal.find(file, ENTRY_ARRAY)
        journal.overwrite(file, arrays[len(arrays) // 2])
    elif where == "page":
        journal.overwrite(file, middle // 4096 * 4096, 4096)
    elif where == "cut":
        journal.cut(file, middle)


@pytest.mark.parametrize("where", ["middle", "file", "end", "array", "page", "cut"])
def test_a_damaged_journal_is_gone_round(quiet_machine: World, where: str) -> None:
    world = quiet_machine
    filled(world)
    everything = world.real.journal("execution")
    token = world.session_of("staker")
    first = world.enter(token)
    first.call("subscribe_logs", {"service": "execution", "lines": 5000})
    until(lambda: first.lines("execution") == everything, "the log")
    cursors = [each["cursor"] for each in entries(first, "execution")]
    first.close()

    stop_journald(world)
    journal = Journal(world)
    assert len(journal.files) == 3
    damage(journal, where)
    start_journald(world)

    for how in ({"lines": 5000}, {"after": cursors[3]}, {"lines": 50}):
        socket = world.enter(token)
        socket.call("subscribe_logs", {"service": "execution", **how})
        socket.wait("log_state", lambda state: state["state"] == "live", 60)
        world.machine.run("systemctl", "start", "execution")
        flowing(socket)
        written = quiet(world)
        last = [each for each in written if numbers([each])][-1]
        until(lambda socket=socket, last=last: last in socket.lines("execution"), "the last line", 60)  # type: ignore[misc]
        got = socket.lines("execution")
        readable = {*world.real.journal("execution"), *world.real.journal("execution", "-r")}
        begun = everything[4:] if "after" in how else everything
        wanted = [line for line in begun if line in readable and line not in got]
        gaps = [args[0] for event, args in socket.received if event == "log_state" and args[0]["state"] == "gap"]
        damaged = len(gaps)
        if how != {"lines": 50}:
            missing = set(numbers(begun)) - set(numbers(got))
            assert damaged == bool(missing), (how, sorted(missing), gaps)
            assert numbers(wanted) == []
        check(socket, [*everything, *written], damaged)
        assert "ended" not in states(socket)
        socket.close()
    pages_go_round(world, token)


def test_an_entry_whose_text_is_damaged_is_a_line_that_says_so(quiet_machine: World) -> None:
    world = quiet_machine
    filled(world)
    everything = world.real.journal("execution")
    token = world.session_of("staker")
    stop_journald(world)
    journal = Journal(world)
    messages = journal.find(journal.files[1], DATA, b"MESSAGE=INFO")
    journal.overwrite(journal.files[1], messages[len(messages) // 2])
    start_journald(world)
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution", "lines": 5000})
    until(lambda: socket.lines("execution")[-1:] == everything[-1:], "the last line", 60)
    got = socket.lines("execution")
    assert len(got) == len(everything)
    other = [(here, there) for here, there in zip(got, everything, strict=True) if here != there]
    assert [here for here, _ in other] == [NO_TEXT.decode()]
    page = ask(socket, service="execution", limit=1000)
    assert NO_TEXT.decode() in [each["line"] for each in page["entries"]]


def pages_go_round(world: World, token: str) -> None:
    """The past, page by page, has all that can be read, once and in order, and tells the damage."""
    socket = world.enter(token)
    readable = {*world.real.journal("execution"), *world.real.journal("execution", "-r")}
    found: list[str] = []
    gaps: list[dict[str, Any]] = []
    answer = ask(socket, service="execution", limit=61)
    while True:
        found = [each["line"] for each in answer["entries"]] + found
        gaps += answer["gaps"]
        if not answer["more"]:
            break
        answer = ask(socket, service="execution", limit=61, before=answer["before"])
    assert readable <= set(found)
    assert numbers(found) == sorted(set(numbers(found)))
    wanted = numbers(world.real.journal("execution"))
    missing = set(range(min(wanted), max(wanted) + 1)) - set(numbers(found))
    assert {gap["reason"] for gap in gaps} == ({"damaged"} if missing else set()), missing
