"""Several services in one subscription, on the real parts."""

from __future__ import annotations

import time
from typing import Any

from ..waiting import until
from .conftest import EXECUTION, World

VALIDATOR = "validator.service"
BOTH = ["execution", "validator"]


def entries(socket: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for event, arguments in list(socket.received):
        if event == "log_data":
            found.append(arguments[0])
        elif event == "log_batch":
            assert arguments[0]["services"] == BOTH
            found += arguments[0]["entries"]
    return found


def lines(socket: Any) -> list[str]:
    return [each["line"] for each in entries(socket)]


def write(world: World, begin: int, end: int) -> None:
    """Alternating lines, a microsecond apart."""
    base = time.time_ns() // 1000
    for number in range(begin, end):
        unit = EXECUTION if number % 2 else VALIDATOR
        world.node.append_many(unit, [f"line {number}"], base + number)


def test_backlogs_are_merged_and_what_comes_later_follows(world: World) -> None:
    write(world, 0, 60)
    socket = world.enter()
    assert socket.call("subscribe_logs", {"services": BOTH, "lines": 30, "batch": True}) == {"ok": True}
    until(lambda: len(lines(socket)) == 60, "both backlogs")
    assert lines(socket) == [f"line {number}" for number in range(60)]
    assert {each["service"] for each in entries(socket)} == set(BOTH)
    until(lambda: len(socket.events("log_state")) == 2, "both to be live")
    for number in range(60, 70):
        write(world, number, number + 1)
        until(lambda number=number: lines(socket)[-1] == f"line {number}", "the line")
    assert lines(socket) == [f"line {number}" for number in range(70)]


def test_each_service_resumes_after_its_cursor_and_loses_nothing(world: World) -> None:
    write(world, 0, 40)
    first = world.enter()
    first.call("subscribe_logs", {"services": BOTH, "lines": 20})
    until(lambda: len(lines(first)) == 40, "both backlogs")
    seen = entries(first)[:31]  # a page that had no more when it went
    after = {each["service"]: each["cursor"] for each in seen}
    first.close()
    write(world, 40, 3000)
    second = world.enter()
    second.call("subscribe_logs", {"services": BOTH, "after": after, "batch": True})
    until(lambda: len(lines(second)) + len(seen) >= 3000, "the rest")
    assert [each["line"] for each in seen] + lines(second) == [f"line {number}" for number in range(3000)]


def test_a_node_that_goes_away_and_comes_back_costs_no_line(world: World) -> None:
    socket = world.enter()
    write(world, 0, 10)
    socket.call("subscribe_logs", {"services": BOTH, "batch": True})
    until(lambda: len(lines(socket)) == 10, "the backlogs")
    world.sshd.stop()
    socket.wait("connection_state", lambda told: told["state"] == "reconnecting")
    write(world, 10, 200)
    world.sshd.start()
    until(lambda: len(lines(socket)) == 200, "what was written meanwhile", 40)
    for odd in (0, 1):
        told = [line for line in lines(socket) if int(line.split()[1]) % 2 == odd]
        assert told == [f"line {number}" for number in range(odd, 200, 2)]


def test_one_that_is_not_there_is_told_and_the_others_are_followed(world: World) -> None:
    world.node.append(EXECUTION, "here")
    socket = world.enter()
    services = ["execution", "nothing-here"]
    assert socket.call("subscribe_logs", {"services": services}) == {"ok": True}
    assert socket.wait("error")["service"] == "nothing-here"
    assert socket.wait("log_data")["line"] == "here"
    assert socket.call("subscribe_logs", {"services": ["nothing-here"]})["ok"] is False


def test_unsubscribing_from_one_or_all_ends_what_runs_on_the_node(world: World) -> None:
    write(world, 0, 4)
    socket = world.enter()
    socket.call("subscribe_logs", {"services": BOTH})
    until(lambda: len(socket.events("log_state")) == 2, "both to be live")
    assert socket.call("unsubscribe_logs", {"service": "validator"}) == {"ok": True}
    world.node.append(VALIDATOR, "not shown")
    world.node.append(EXECUTION, "shown")
    until(lambda: lines(socket)[-1] == "shown", "the line")
    assert "not shown" not in lines(socket)
    assert socket.call("unsubscribe_logs", {"services": BOTH}) == {"ok": True}
    until(lambda: not world.remote(), "the end of both on the node", 40)
