"""Real boots with wrong clocks: every line of each comes once, in the order in which the machine booted.

journald's clock is wrong, by libfaketime; everything else on the machine has the right one. Each boot begins with files
of its own, so that nothing but clocks tells the journal's readers which boot was first.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..programs import missing, need
from ..system.test_past import ask, bare
from ..waiting import until
from .conftest import World
from .test_damage import clean, start_journald, stop_journald
from .test_feed import entries, flowing, in_a_row, numbers, quiet, states
from .test_past import back

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
CLOCK = "/etc/clock"
UNIT = f"""[Service]
Environment=LD_PRELOAD=/opt/test/{LIBRARY.name} FAKETIME_TIMESTAMP_FILE={CLOCK}
Environment=FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
"""


class Clock:
    """The clock of a machine's journald, and the files of its boots."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = itertools.count(1)
        data = base64.b64encode(LIBRARY.read_bytes()).decode()
        world.machine.run("sh", "-c", f"base64 -d > /opt/test/{LIBRARY.name}", stdin=data)
        self.set("+0")
        self._drop_in("systemd-journald.service", UNIT)
        clean(world)

    def _drop_in(self, unit: str, text: str) -> None:
        folder = f"/etc/systemd/system/{unit}.d"
        self._world.machine.run("sh", "-c", f"mkdir -p {folder}; cat > {folder}/clock.conf", stdin=text)
        self._world.machine.run("systemctl", "daemon-reload")

    def set(self, clock: str) -> None:
        """Set it: `+1h` and `-1h` are relative to the right time, `@2026-01-01 00:00:00` begins there."""
        self._world.machine.run("sh", "-c", f"cat > {CLOCK}.new; mv {CLOCK}.new {CLOCK}", stdin=clock + "\n")

    def reboot(self, clock: str, own_files: bool = True) -> None:
        """Boot with another clock."""
        stop_journald(self._world)
        self.set(clock)
        if own_files:
            words = f"cd /var/log/journal/*/ && mv system.journal system@{next(self._names)}.journal"
            self._world.machine.run("sh", "-c", words)
        self._world.machine.reboot()

    def right(self) -> None:
        """Make it right again."""
        self._world.machine.run("rm", "-rf", "/etc/systemd/system/systemd-journald.service.d", CLOCK)
        self._world.machine.run("systemctl", "daemon-reload")
        clean(self._world)


@pytest.fixture
def clock(world: World) -> Iterator[Clock]:
    need("faketime")
    if not LIBRARY.exists():
        missing(f"{LIBRARY}, where Debian has it on amd64,")
    made = Clock(world)
    yield made
    made.right()


def written(world: World) -> list[str]:
    """Lines of the writer, complete, in this boot; it has been stopped."""
    world.machine.run("systemctl", "start", "execution")
    of_boot = ("-b", world.machine.boot_id())
    until(lambda: len(numbers(world.real.journal("execution", *of_boot))) > 120, "lines")
    quiet(world)
    return world.real.journal("execution", *of_boot)


def following(world: World, token: str, **options: Any) -> Any:
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution", **options})
    socket.wait("log_state", lambda state: state["state"] == "live")
    return socket


def shows(socket: Any, expected: list[str]) -> None:
    shows_end_of(socket, expected)
    assert len(socket.lines("execution")) == len(expected)


def shows_end_of(socket: Any, expected: list[str]) -> None:
    last = numbers(expected)[-1]

    def complete() -> bool:
        got = socket.lines("execution")
        return last in numbers(got[-20:]) and got[-1:] == expected[-1:]

    until(complete, "the last line", 60)
    got = socket.lines("execution")
    assert got == expected[-len(got) :]
    assert "gap" not in states(socket)


CLOCKS = {
    "right": ("+0", "+0"),
    "behind": ("+0", "-300d"),
    "ahead": ("-300d", "+0"),
    "a little behind": ("+0", "-20s"),
    "the same times": ("@2026-01-01 00:00:00", "@2026-01-01 00:00:00"),
    "without a clock": ("@1970-01-02 00:00:00", "@1970-01-02 00:00:00"),
}


@pytest.mark.parametrize("clocks", CLOCKS.values(), ids=CLOCKS)
def test_boots_whose_clocks_are_wrong(world: World, clock: Clock, clocks: tuple[str, str]) -> None:
    clock.reboot(clocks[0], own_files=False)
    token = world.session_of("staker")
    live = following(world, token, lines=0)
    begun = written(world)
    until(lambda: live.lines("execution")[-1:] == begun[-1:], "all of this boot")
    clock.reboot(clocks[1])
    everything = begun + written(world)
    shows_end_of(live, everything)
    assert in_a_row(numbers(live.lines("execution")))
    cursors = [each["cursor"] for each in entries(live, "execution")]

    lost = len(everything) - len(cursors)
    for place in (5, len(begun) - lost - 1, len(begun) - lost + 7):
        shows(following(world, token, after=cursors[place], batch=True), everything[lost + place + 1 :])
    shows(following(world, token, lines=50), everything[-50:])
    shows(following(world, token, lines=5000, batch=True), everything)
    pages_show(world, token, everything)


def pages_show(world: World, token: str, expected: list[str]) -> None:
    """Pages in both directions have each entry once, in the order of boots."""
    socket = world.enter(token)
    found = back(world, socket, service="execution", limit=97)
    assert [each["line"] for each in found] == expected
    forwards, answer = [], ask(socket, service="execution", after=found[0]["cursor"], limit=150)
    while True:
        forwards += answer["entries"]
        if not answer["more"]:
            break
        answer = ask(socket, service="execution", after=answer["after"], limit=150)
    assert bare(forwards) == found[1:]


def test_a_clock_that_is_set_back_and_forth_while_following(world: World, clock: Clock) -> None:
    world.machine.run("systemctl", "start", "execution")
    live = following(world, world.session_of("staker"), lines=0)
    for time in ("-1h", "+1h", "-300d", "+0"):
        flowing(live)
        clock.set(time)
    flowing(live)
    world.real.cut()
    flowing(live)
    expected = quiet(world)
    shows_end_of(live, expected)
    assert in_a_row(numbers(live.lines("execution")))


def test_three_boots_of_which_the_second_hears_the_time_late(world: World, clock: Clock) -> None:
    everything = written(world)
    clock.reboot("@2026-01-01 00:00:00")
    world.machine.run("systemctl", "start", "execution")
    until(lambda: len(world.real.journal("execution", "-b")) > 60, "lines")
    clock.set("+0")
    everything += written(world)
    clock.reboot("@2026-01-01 00:00:00")
    everything += written(world)
    token = world.session_of("staker")
    whole = following(world, token, lines=5000)
    shows(whole, everything)
    cursor = entries(whole, "execution")[20]["cursor"]
    shows(following(world, token, after=cursor), everything[21:])
    pages_show(world, token, everything)


def test_a_volatile_journal_has_a_gap_for_what_the_reboot_took(world: World, clock: Clock) -> None:
    world.machine.run(
        "sh", "-c", "cat > /etc/systemd/journald.conf.d/volatile.conf", stdin="[Journal]\nStorage=volatile\n"
    )
    try:
        stop_journald(world)
        world.machine.run("sh", "-c", "rm -rf /var/log/journal/*/*")
        start_journald(world)
        live = following(world, world.session_of("staker"), lines=0)
        begun = written(world)
        until(lambda: live.lines("execution")[-1:] == begun[-1:], "all of this boot")
        count = len(live.lines("execution"))
        clock.reboot("-300d", own_files=False)
        rest = written(world)
        until(lambda: numbers(live.lines("execution"))[-1:] == numbers(rest)[-1:], "all of the next boot", 60)
        assert live.lines("execution")[count:] == rest
        assert [state["reason"] for state in live.events("log_state") if state["state"] == "gap"] == ["vacuumed"]
    finally:
        world.machine.run("rm", "/etc/systemd/journald.conf.d/volatile.conf")
