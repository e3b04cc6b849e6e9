"""A journal that moves from memory to disk: entries get other cursors on systemd 252, and no line is lost.

journald writes to /run until `journalctl --flush` says that /var is there: at each boot, and when a person makes
/var/log/journal.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import World
from .test_boots import following, pages_show, shows, shows_end_of
from .test_damage import clean, start_journald, stop_journald
from .test_feed import entries, flowing, in_a_row, numbers, quiet

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
