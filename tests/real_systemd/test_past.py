"""The past of a real journal: pages across boots, rotations and a vacuum, searches of many lines, and their end."""

from __future__ import annotations

from typing import Any

import pytest

from ..system.test_past import ask, bare
from ..waiting import until
from .conftest import World

BIG = 60_000
MILLION = 1_000_000
BOTH = ["execution", "consensus"]


def write_big(world: World, count: int = BIG, unit: str = "execution-big") -> None:
    """A unit prints numbered lines, each thousandth of them an error."""
    say = 'printf "%s[11-26|02:07:02.540] Imported block number=%d\\n", i % 1000 == 999 ? "ERROR" : "INFO ", i'
    script = f"awk 'BEGIN {{ for (i = 0; i < {count}; i++) {say} }}'; exec sleep infinity"
    run = ("systemd-run", "--quiet", "--collect", f"--unit={unit}")
    world.machine.run(*run, "sh", "-c", script)
    tail = ("journalctl", "--quiet", f"--unit={unit}", "--lines=1", "-o", "cat")
    until(lambda: world.machine.run(*tail).endswith(f"number={count - 1}\n"), "the last line", 60 + count / 2_000)
    world.machine.run("systemctl", "stop", unit)


def back(world: World, socket: Any, disturb: Any = None, **payload: Any) -> list[dict[str, Any]]:
    """All pages backwards; something is done after each of them."""
    found: list[dict[str, Any]] = []
    answer = ask(socket, **payload)
    while True:
        found = bare(answer["entries"]) + found
        if not answer["more"]:
            return found
        if disturb is not None:
            disturb()
        answer = ask(socket, **payload, before=answer["before"])


def whole(world: World, *services: str) -> list[str]:
    """What the machine's own journalctl shows of these units."""
    units = [word for service in services for word in ("-u", service)]
    return world.machine.run("journalctl", "--quiet", "-o", "cat", *units).splitlines()


@pytest.fixture(scope="module")
def boots(real: Any) -> None:
    """Three boots with lines of two units, the last ones stopped, and rotated files between them."""
    for _ in range(2):
        real.machine.run("systemctl", "start", "execution", "consensus")
        until(lambda: len(real.journal("execution")) > 50, "a log")
        real.machine.run("journalctl", "--rotate")
        real.machine.reboot()
    real.machine.run("systemctl", "stop", "execution", "consensus")
    real.machine.run("journalctl", "--sync")


@pytest.mark.usefixtures("boots")
def test_pages_have_each_line_once_across_boots_and_rotations(world: World) -> None:
    socket = world.enter_as()
    expected = whole(world, *BOTH)
    found = back(world, socket, lambda: world.machine.run("journalctl", "--rotate"), services=BOTH, limit=97)
    assert [each["line"] for each in found] == expected
    assert len({each["cursor"] for each in found}) == len(found)
    boots = [each["boot"] for each in ask(socket, services=BOTH, limit=1000)["entries"] if "boot" in each]
    assert len(boots) == len(set(boots)) >= 2
    page = ask(socket, services=BOTH, after=found[0]["cursor"], limit=150)
    assert bare(page["entries"]) == found[1:151]
    middle = found[len(found) // 2]
    around = ask(socket, services=BOTH, around=middle["cursor"], limit=20)
    assert middle in bare(around["entries"])
    since = ask(socket, services=BOTH, since=middle["timestamp"], limit=1000)["entries"]
    assert [each["timestamp"] for each in since] == [
        each["timestamp"] for each in found if each["timestamp"] >= middle["timestamp"]
    ][-1000:]


FIVE = [f"execution-of{number}" for number in range(5)]


def write_five(world: World, count: int, first: int) -> None:
    """Five units print numbered lines, all at once."""
    for unit in FIVE:
        say = f'printf "{unit} %d\\n", i'
        script = f"awk 'BEGIN {{ for (i = {first}; i < {first + count}; i++) {say} }}'; exec sleep infinity"
        world.machine.run("systemd-run", "--quiet", "--collect", f"--unit={unit}", "sh", "-c", script)
    last = f" {first + count - 1}\n"
    for unit in FIVE:
        tail = ("journalctl", "--quiet", f"--unit={unit}", "--lines=1", "-o", "cat")
        until(lambda tail=tail: world.machine.run(*tail).endswith(last), "the last line", 120)  # type: ignore[misc]
    world.machine.run("systemctl", "stop", *FIVE)


def test_a_hundred_thousand_entries_of_five_units_page_by_page(world: World) -> None:
    write_five(world, 10_000, 0)
    world.machine.reboot()
    write_five(world, 10_000, 10_000)
    socket = world.enter_as()
    pages = 0

    def disturb() -> None:
        nonlocal pages
        pages += 1
        if pages % 25 == 0:
            world.machine.run("journalctl", "--rotate")
        if pages == 75:
            world.machine.run("journalctl", "--vacuum-files=2")

    expected = whole(world, *FIVE)
    first = world.machine.run("sh", "-c", f"journalctl --quiet -u {FIVE[0]} -o export | head -1")
    found = back(world, socket, disturb, services=FIVE, limit=1000)
    assert len({each["cursor"] for each in found}) == len(found) > 70_000
    assert [each["line"] for each in found] == expected[-len(found) :]
    for unit in FIVE:  # what each printed, in its order, up to the end
        numbers = [int(each["line"].split()[1]) for each in found if each["line"].startswith(f"{unit} ")]
        assert numbers == list(range(numbers[0], 20_000))
    gone = ask(socket, services=FIVE, after=first.strip().removeprefix("__CURSOR="))
    assert [gap["reason"] for gap in gone["gaps"]] == ["vacuumed"]


def test_the_errors_of_a_large_journal_are_found_and_counted(world: World) -> None:
    write_big(world)
    socket = world.enter_as()
    found: list[dict[str, Any]] = []
    answer = ask(socket, service="execution-big", level="error", limit=7)
    scanned = answer["scanned"]["entries"]
    while True:
        found = answer["entries"] + found
        if not answer["more"]:
            break
        answer = ask(socket, service="execution-big", level="error", limit=7, before=answer["before"])
        scanned += answer["scanned"]["entries"]
    assert [each["fields"]["number"] for each in found] == [str(number) for number in range(999, BIG, 1000)]
    assert scanned >= BIG
    first, last = found[0]["timestamp"], found[-1]["timestamp"]
    counted = ask(socket, service="execution-big", since=first, until=last, counts=10)
    looked_at = [each for each in found if each["timestamp"] >= counted["scanned"]["from"]]  # a slow machine: not all
    assert sum(errors for *_, errors in counted["counts"]) == len(looked_at) > 0


def test_searches_that_are_left_leave_nothing_on_the_node(world: World) -> None:
    write_big(world)
    token = world.session_of("staker")
    for begin in range(0, 100, 20):
        sockets = [world.open(token) for _ in range(20)]
        for socket in sockets:
            socket.wait("authenticated")
        for number, socket in enumerate(sockets):
            match = f"nothing {begin + number}"
            socket.emit("read_logs", {"service": "execution-big", "match": match, "id": "find"})
        for socket in sockets:
            socket.close()
    stays = world.enter(token)
    until(lambda: not world.remote(), "the end of all searches", 60)
    assert ask(stays, service="execution-big", match=f"number={BIG - 1}", limit=1)["entries"]


def test_a_vacuum_between_pages_is_told_and_nothing_comes_twice(world: World) -> None:
    write_big(world)
    world.machine.run("journalctl", "--rotate")
    write_big(world, 500)
    socket = world.enter_as()
    first = ask(socket, service="execution-big", limit=300)
    world.machine.run("journalctl", "--vacuum-files=1")
    second = ask(socket, service="execution-big", limit=300, before=first["before"])
    lines = [each["cursor"] for each in [*second["entries"], *first["entries"]]]
    assert len(lines) == len(set(lines))
    oldest = ask(socket, service="execution-big", after=first["entries"][0]["cursor"], limit=1000)
    known = bare(first["entries"])[1:]
    assert bare(oldest["entries"])[: len(known)] == known
    world.machine.run("journalctl", "--rotate")
    world.machine.run("journalctl", "--vacuum-time=1us")
    gone = ask(socket, service="execution-big", after=first["entries"][0]["cursor"])
    assert [gap["reason"] for gap in gone["gaps"]] == ["vacuumed"]


def test_the_errors_among_a_million_entries_are_found(world: World) -> None:
    """What is read is compressed on the node; here it is unpacked, and most of it passed over by its bytes."""
    write_big(world, MILLION, "execution-million")
    socket = world.enter_as()
    live = world.enter_as()
    live.call("subscribe_logs", {"service": "consensus"})
    live.wait("log_state", lambda state: state["state"] == "live")
    world.machine.run("systemctl", "start", "consensus")
    found: list[dict[str, Any]] = []
    payload = {"service": "execution-million", "level": "error", "limit": 1000}
    answer = ask(socket, **payload)
    scanned, during = answer["scanned"]["entries"], len(live.lines("consensus"))
    while True:
        found = answer["entries"] + found
        if not answer["more"]:
            break
        answer = ask(socket, **payload, before=answer["before"])
        scanned += answer["scanned"]["entries"]
    assert [each["fields"]["number"] for each in found] == [str(number) for number in range(999, MILLION, 1000)]
    assert scanned >= MILLION
    until(lambda: len(live.lines("consensus")) > during, "lines of another log", 60)
    world.machine.run("systemctl", "stop", "consensus")
