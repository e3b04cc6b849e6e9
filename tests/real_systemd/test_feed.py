"""Real units' logs: whole and in order, whatever happens to sshd, journald, the journal's files and the machine."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from ..waiting import until
from .conftest import World

NUMBER = re.compile(r"number=(\d+)$")


def entries(socket: Any, service: str) -> list[dict[str, Any]]:
    """The lines of a service so far, as objects, from `log_data` and `log_batch`."""
    found: list[dict[str, Any]] = []
    for event, args in list(socket.received):
        if event == "log_data" and args[0]["service"] == service:
            found.append(args[0])
        elif event == "log_batch" and args[0]["service"] == service:
            found += args[0]["entries"]
    return found


def states(socket: Any) -> list[str]:
    return [state["state"] for state in socket.events("log_state")]


def numbers(lines: list[str]) -> list[int]:
    """The numbers a writer printed, without systemd's own lines."""
    return [int(found[1]) for line in lines if (found := NUMBER.search(line))]


def in_a_row(found: list[int]) -> bool:
    return bool(found) and found == list(range(found[0], found[0] + len(found)))


def flowing(*sockets: Any) -> None:
    """Waits until each socket got some more lines."""
    got = [len(socket.lines("execution")) for socket in sockets]
    until(lambda: all(len(s.lines("execution")) > n + 20 for s, n in zip(sockets, got, strict=True)), "lines", 60)


def quiet(world: World, service: str = "execution") -> list[str]:
    """Stops a unit; all of its messages that are in the journal."""
    world.machine.run("systemctl", "stop", service)
    world.machine.run("journalctl", "--sync")
    return world.real.journal(service)


def test_backlog_and_live_lines_are_whole_and_in_order(world: World) -> None:
    world.machine.run("systemctl", "start", "execution")
    until(lambda: len(world.real.journal("execution")) > 100, "a log")
    socket = world.enter_as()
    assert socket.call("subscribe_logs", {"service": "execution", "lines": 30}) == {"ok": True}
    until(lambda: len(socket.lines("execution")) >= 30, "the backlog")
    flowing(socket)
    expected = quiet(world)
    until(lambda: socket.lines("execution")[-1:] == expected[-1:], "the last line")
    got = socket.lines("execution")
    assert got == expected[-len(got) :]
    assert in_a_row(numbers(got))
    found = entries(socket, "execution")
    assert all(each["cursor"].startswith("s=") for each in found)
    times = [each["timestamp"] for each in found]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for time in times)
    assert len({each["cursor"] for each in found}) == len(found)
    imported = next(each for each in found if NUMBER.search(each["line"]))
    assert (imported["level"], imported["message"]) == ("info", "Imported new potential chain segment")
    assert "gap" not in states(socket)


def run_dora(world: World, how: str) -> list[str]:
    """Starts or restarts the unit that prints 400 lines; its log, with what systemd says of it, which may come last."""

    def counts() -> tuple[int, int]:
        lines = world.real.journal("dora")
        return lines.count("line 400"), sum(line.startswith("Started") for line in lines)

    lines, starts = counts()
    world.machine.run("systemctl", how, "dora")
    until(lambda: counts() == (lines + 1, starts + 1), "400 lines")
    return world.real.journal("dora")


def test_a_backlog_longer_than_the_ring_s_and_one_that_is_all_there_is(world: World) -> None:
    expected = run_dora(world, "restart")
    socket = world.enter_as()
    socket.call("subscribe_logs", {"service": "dora", "lines": 5000, "batch": True})
    until(lambda: len(socket.lines("dora")) >= len(expected), "the log")
    assert socket.lines("dora") == expected


def test_numbered_lines_through_everything_that_happens_to_a_node(world: World) -> None:
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    sockets = [world.enter(token), world.enter(token)]
    for socket, batch in zip(sockets, (False, True), strict=True):
        socket.call("subscribe_logs", {"service": "execution", "lines": 0, "batch": batch})
        socket.wait("log_state", lambda state: state["state"] == "live")

    def restart_sshd() -> None:
        world.machine.run("systemctl", "restart", "ssh")
        world.real.cut()

    disturbances: list[Callable[[], object]] = [
        restart_sshd,
        world.real.cut,
        lambda: world.machine.kill("journalctl", "-f"),
        lambda: world.machine.run("journalctl", "--rotate"),
        lambda: world.machine.run("systemctl", "restart", "systemd-journald"),
        lambda: (world.machine.run("journalctl", "--rotate"), world.real.cut()),  # type: ignore[func-returns-value]
        lambda: world.machine.run("systemctl", "restart", "execution"),
        world.machine.reboot,
        world.real.cut,
        world.machine.reboot,
    ]
    for disturb in disturbances:
        flowing(*sockets)
        disturb()
    flowing(*sockets)
    expected = quiet(world)
    for socket in sockets:
        until(lambda socket=socket: socket.lines("execution")[-1:] == expected[-1:], "the last line", 60)  # type: ignore[misc]
        got = socket.lines("execution")
        assert got == expected[-len(got) :]
        assert in_a_row(numbers(got))
        assert "gap" not in states(socket)
        assert socket.events("disconnect") == []


def test_lines_that_the_journal_lost_are_a_gap_and_no_others_are(world: World) -> None:
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    sockets = [world.enter(token), world.enter(token)]
    for socket, batch in zip(sockets, (False, True), strict=True):
        socket.call("subscribe_logs", {"service": "execution", "lines": 0, "batch": batch})
    # Who follows has the files open, and reads on in those that were removed.
    for words in (["--vacuum-files=1"], ["--vacuum-time=1s"]):
        flowing(*sockets)
        world.machine.run("journalctl", "--rotate", *words)
    flowing(*sockets)
    for socket in sockets:
        assert in_a_row(numbers(socket.lines("execution")))
        assert "gap" not in states(socket)

    world.machine.run("systemctl", "stop", "ssh")
    world.real.cut()
    before = len(world.real.journal("execution"))
    until(lambda: len(world.real.journal("execution")) > before + 50, "lines that nobody reads")
    world.machine.run("journalctl", "--rotate")
    world.machine.run("journalctl", "--vacuum-time=1us")
    world.machine.run("systemctl", "start", "ssh")
    for socket in sockets:
        socket.wait("log_state", lambda state: state["state"] == "gap", 60)
    flowing(*sockets)
    expected = quiet(world)
    for socket in sockets:
        until(lambda socket=socket: socket.lines("execution")[-1:] == expected[-1:], "the last line", 60)  # type: ignore[misc]
        assert states(socket).count("gap") == 1
        assert_gap_is_where_lines_are_missing(socket)
        assert set(expected) <= set(socket.lines("execution"))


def assert_gap_is_where_lines_are_missing(socket: Any) -> None:
    runs: list[list[str]] = [[]]
    for event, args in socket.received:
        if event == "log_state" and args[0]["state"] == "gap":
            assert args[0]["reason"] == "vacuumed"
            assert args[0]["from"] < args[0]["to"]
            runs.append([])
        elif event == "log_data":
            runs[-1].append(args[0]["line"])
        elif event == "log_batch":
            runs[-1] += [each["line"] for each in args[0]["entries"]]
    for run in runs:
        assert in_a_row(numbers(run))
    for one, other in itertools.pairwise(runs):
        assert numbers(one)[-1] < numbers(other)[0]


def test_a_browser_resumes_after_its_cursor_across_a_reboot(world: World) -> None:
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    flowing(socket)
    socket.close()
    got = entries(socket, "execution")
    before = world.machine.boot_id()
    world.machine.reboot()
    assert world.machine.boot_id() != before
    again = world.enter(token)
    again.call("subscribe_logs", {"service": "execution", "after": got[-1]["cursor"], "batch": True})
    flowing(again)
    expected = quiet(world)
    until(lambda: again.lines("execution")[-1:] == expected[-1:], "the last line")
    both = [each["line"] for each in got] + again.lines("execution")
    assert both == expected[-len(both) :]
    assert in_a_row(numbers(both))
    assert "gap" not in states(again)


def test_a_unit_that_has_been_silent_since_the_boot(world: World) -> None:
    # A followed journal shows the current boot only, so it does not begin at the last entry, which is of another one.
    world.machine.run("systemctl", "restart", "dora")
    world.machine.run("systemctl", "disable", "dora")
    world.machine.reboot()
    expected = world.real.journal("dora")
    sockets = [world.enter_as(), world.enter_as()]
    for socket in sockets:
        socket.call("subscribe_logs", {"service": "dora", "lines": 5000})
        socket.wait("log_state", lambda state: state["state"] == "live")
        until(lambda socket=socket: socket.lines("dora") == expected, "the last boot's log")  # type: ignore[misc]
    expected = run_dora(world, "start")
    for socket in sockets:
        until(lambda socket=socket: len(socket.lines("dora")) >= len(expected), "400 lines")  # type: ignore[misc]
        assert socket.lines("dora") == expected
        assert "gap" not in states(socket)


def test_a_node_that_crashes_twice(world: World) -> None:
    # journald finds its files not closed, puts them aside, and numbers its entries anew.
    world.machine.run("systemctl", "start", "execution")
    token = world.session_of("staker")
    sockets = [world.enter(token), world.enter(token)]
    for socket, batch in zip(sockets, (False, True), strict=True):
        socket.call("subscribe_logs", {"service": "execution", "lines": 0, "batch": batch})
    for _ in range(2):
        flowing(*sockets)
        world.machine.crash()
    flowing(*sockets)
    assert ".journal~" in world.machine.run("ls", "-R", "/var/log/journal")
    expected = quiet(world)
    for socket in sockets:
        until(lambda socket=socket: socket.lines("execution")[-1:] == expected[-1:], "the last line", 60)  # type: ignore[misc]
        got = socket.lines("execution")
        assert got == expected[-len(got) :]
        assert "gap" not in states(socket)


def test_the_remote_journalctl_ends_soon_after_the_last_unsubscribe(world: World) -> None:
    token = world.session_of("staker")
    sockets = [world.enter(token), world.enter(token)]
    for socket in sockets:
        socket.call("subscribe_logs", {"service": "mevboost"})
        socket.wait("log_state", lambda state: state["state"] == "live")
    assert len(world.machine.find("journalctl", "-f")) == 1
    sockets[0].call("unsubscribe_logs", {"service": "mevboost"})
    sockets[1].call("unsubscribe_logs", {"service": "mevboost"})
    # Two seconds are promised; the rest is for a machine that is slow today.
    until(lambda: not world.remote(), "the end of journalctl", 2 + 3)
    assert world.real.connections()


def test_a_line_that_journald_cut_is_whole_again(world: World) -> None:
    script = "head -c 150000 /dev/zero | tr '\\0' x; echo; echo the end"
    world.machine.run("systemd-run", "--unit=long", "--remain-after-exit", "sh", "-c", script)
    until(lambda: world.real.journal("long")[-1:] == ["the end"], "all that it prints")
    assert sum(set(text) == {"x"} for text in world.real.journal("long")) == 4  # as journald has it
    socket = world.enter_as()
    assert socket.call("subscribe_logs", {"service": "long"}) == {"ok": True}
    until(lambda: "the end" in socket.lines("long"), "the log")
    assert [len(text) for text in socket.lines("long") if set(text) == {"x"}] == [150_000]
    world.machine.run("systemctl", "stop", "long")
