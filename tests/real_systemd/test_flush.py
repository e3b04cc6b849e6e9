"""A journal that moves from memory to disk: entries get other cursors on systemd 252, and no line is lost.

journald writes to /run until `journalctl --flush` says that /var is there: at each boot, and when a person makes
/var/log/journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ..waiting import until
from .conftest import World
from .test_boots import following, pages_show, shows, shows_end_of
from .test_damage import clean, start_journald, stop_journald
from .test_feed import entries, flowing, in_a_row, numbers, quiet, run_dora, states

CONFIG = "/etc/systemd/journald.conf.d/zz-auto.conf"
MAKE_FOLDER = "mkdir -p /var/log/journal && systemd-tmpfiles --create --prefix /var/log/journal"


@pytest.fixture
def in_memory(world: World) -> Iterator[World]:
    """A machine without /var/log/journal."""
    world.machine.run("sh", "-c", f"cat > {CONFIG}", stdin="[Journal]\nStorage=auto\n")
    world.machine.run("systemctl", "stop", "execution")
    stop_journald(world)
    world.machine.run("sh", "-c", "rm -rf /var/log/journal /run/log/journal/* /run/systemd/journal/flushed")
    start_journald(world)
    assert in_use(world, "/run/log/journal")
    assert not in_use(world, "/var/log/journal")
    yield world
    world.machine.run("sh", "-c", f"rm {CONFIG}; {MAKE_FOLDER}")
    clean(world)


def in_use(world: World, folder: str) -> bool:
    """Return True if there is a journal in a folder."""
    return bool(world.machine.run("sh", "-c", f"ls {folder}/*/system.journal 2>/dev/null", check=False))


def flush(world: World) -> None:
    world.machine.run("sh", "-c", MAKE_FOLDER)
    world.machine.run("journalctl", "--flush")
    assert in_use(world, "/var/log/journal")
    assert not in_use(world, "/run/log/journal")


def test_a_log_that_is_followed_while_the_journal_moves_to_the_disk(in_memory: World) -> None:
    world = in_memory
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    live = following(world, token, lines=0)
    flowing(live)
    world.real.cut()
    flowing(live)
    flush(world)  # which the journalctl that follows does not see: there was no folder when it began
    flowing(live)
    world.real.cut()
    flowing(live)
    expected = quiet(world)
    shows_end_of(live, expected)
    assert in_a_row(numbers(live.lines("execution")))


def test_a_page_that_resumes_after_the_journal_has_moved_to_the_disk(in_memory: World) -> None:
    world = in_memory
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    before = following(world, token, lines=5000)
    flowing(before)
    old = quiet(world)
    shows(before, old)
    cursors = [each["cursor"] for each in entries(before, "execution")]
    before.call("unsubscribe_logs", {"service": "execution"})
    flush(world)
    world.machine.run("systemctl", "start", "execution")
    flowing(following(world, token, lines=0))
    expected = quiet(world)
    assert expected[: len(old)] == old
    # Several lines have the same time; only some of these begin one.
    for place in (0, 7, 8, 9, 10, 11, len(old) - 2, len(old) - 1):
        shows(following(world, token, after=cursors[place], batch=True), expected[place + 1 :])
    shows(following(world, token, lines=5000, batch=True), expected)
    pages_show(world, token, expected)


def journalctl(option: str) -> Callable[[World], None]:
    return lambda world: void(world.machine.run("journalctl", option))


def void(_: object) -> None:
    pass


MOVES: dict[str, list[Callable[[World], None]]] = {
    "to memory and back": [journalctl("--relinquish-var"), journalctl("--flush")],
    "back twice": [journalctl("--relinquish-var"), journalctl("--flush"), journalctl("--flush")],
    "to memory twice": [
        journalctl(option)
        for option in ("--relinquish-var", "--relinquish-var", "--flush", "--relinquish-var", "--flush")
    ],
    "with rotations": [
        journalctl(option) for option in ("--relinquish-var", "--rotate", "--sync", "--flush", "--rotate", "--flush")
    ],
    "with losses of the connection": [
        lambda world: world.real.cut(),
        journalctl("--relinquish-var"),
        lambda world: world.real.cut(),
        journalctl("--flush"),
        lambda world: world.real.cut(),
    ],
    "with restarts of journald": [
        journalctl("--relinquish-var"),
        lambda world: void(world.machine.run("systemctl", "restart", "systemd-journald")),
        journalctl("--flush"),
    ],
}


@pytest.mark.parametrize("pause", [True, False], ids=["lines between", "at once"])
@pytest.mark.parametrize("moves", MOVES.values(), ids=MOVES)
def test_a_log_that_is_followed_while_the_journal_moves_to_memory_and_back(
    world: World, moves: list[Callable[[World], None]], pause: bool
) -> None:
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    live = following(world, token, lines=0)
    flowing(live)
    for move in moves:
        move(world)
        if pause:
            flowing(live)
    flowing(live)
    expected = quiet(world)
    shows_end_of(live, expected)
    assert in_a_row(numbers(live.lines("execution")))
    clean(world)


def test_the_last_lines_of_a_quiet_log_do_not_come_again_when_the_journal_moves(world: World) -> None:
    world.machine.run("journalctl", "--relinquish-var")
    last = run_dora(world, "restart")[-1:]
    live = world.enter_as()
    live.call("subscribe_logs", {"service": "dora", "lines": 50})
    until(lambda: live.lines("dora")[-1:] == last, "the log")
    world.real.cut()
    live.wait("connection_state", lambda state: state["state"] == "connected")
    until(lambda: world.remote() > 0, "a journalctl that follows again")
    world.machine.run("journalctl", "--flush")
    world.machine.run("systemctl", "stop", "dora")
    expected = world.real.journal("dora")
    until(lambda: live.lines("dora")[-1:] == expected[-1:], "the last line")
    got = live.lines("dora")
    assert got == expected[-len(got) :]
    clean(world)


def test_a_journal_that_moves_and_is_made_smaller_loses_no_line_of_a_log_that_is_followed(world: World) -> None:
    world.machine.run("systemctl", "start", "execution")
    live = following(world, world.session_of("staker"), lines=0)
    for option in (
        "--relinquish-var",
        "--flush",
        "--rotate",
        "--vacuum-files=1",
        "--relinquish-var",
        "--vacuum-files=1",
    ):
        flowing(live)
        world.machine.run("journalctl", option)
    flowing(live)
    world.real.cut()
    flowing(live)
    last = quiet(world)[-1]
    until(lambda: live.lines("execution")[-1:] == [last], "the last line")
    assert in_a_row(numbers(live.lines("execution")))
    assert "gap" not in states(live)
    clean(world)
