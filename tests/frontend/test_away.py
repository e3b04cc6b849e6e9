"""Long absences: a server that is away for a minute, and a node that is not there when a page opens."""

from __future__ import annotations

import time

from ..system.conftest import EXECUTION, World
from ..waiting import until
from .test_hooks import ACTIVE, IN, Page, page

__all__ = ["page"]

AWAY = 60.0
"Seconds: four times as long as the page's old hooks went on trying."


def test_a_minute_without_a_server_and_a_first_look_without_a_node(page: Page, world: World) -> None:
    """Both in one, so that they wait together."""
    lines = [f"number {number}" for number in range(100)]
    world.node.append_many(EXECUTION, lines)
    tab = page.open(sockets=1, statuses=1, logs=[["execution", 5000]])
    tab.wait_lines("execution", lines)
    tab.until(f"{IN} && {ACTIVE}")
    world.server.stop()
    world.sshd.stop()
    gone = time.monotonic()
    later = page.open(sockets=1, statuses=1, logs=[["execution", 5000]])
    for each in (tab, later):
        each.until("app.seen.socket.lastError && !app.seen.socket.isConnected")
    tab.until("app.seen.status.statuses.execution === 'unknown' && !app.seen.status.isLoading")
    assert later.get("app.seen.status.isLoading || app.seen.logs.execution.isLoading") is False
    more = [f"number {number}" for number in range(100, 1100)]
    world.node.append_many(EXECUTION, more)
    until(lambda: time.monotonic() - gone > AWAY, "a minute", 2 * AWAY)
    assert tab.raws("execution") == lines
    assert tab.sockets()["made"] < 20  # it has not been in a hurry
    world.server.start()
    for each in (tab, later):
        each.until("app.seen.socket.isConnected", 60)
    until(lambda: "ssh_unreachable" in later.get("app.seen.socket.problem?.code ?? ''"), "the reason", 30)
    world.sshd.start()
    for each in (tab, later):
        each.until(f"{IN} && {ACTIVE}", 60)
        each.wait_lines("execution", lines + more)
        assert each.get("app.gaps('execution')") == 0
        assert each.get("app.seen.socket.lastError") is None
