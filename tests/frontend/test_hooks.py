"""The hooks in a real Chromium, with the real server and a simulated node behind a real sshd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..system.conftest import EXECUTION, World
from ..waiting import until
from .browser import Browser, Tab


class Page:
    """Opens tabs, and looks at the end whether one complained."""

    def __init__(self, browser: Browser, world: World) -> None:
        self._browser = browser
        self._world = world
        self._tabs: list[Tab] = []

    def open(self, token: str | None = None, **parts: Any) -> Tab:
        """Open a tab, with a session of its own unless a token is given; see `Browser.open`."""
        tab = self._browser.open(self._world.server.url, token or self._world.session(), **parts)
        self._tabs.append(tab)
        return tab

    def close(self) -> None:
        """Close all tabs."""
        said = [each for tab in self._tabs for each in tab.said()]
        for tab in self._tabs:
            tab.close()
        assert said == []


@pytest.fixture
def page(browser: Browser, world: World) -> Iterator[Page]:
    made = Page(browser, world)
    yield made
    made.close()


IN = "app.seen.socket?.isAuthenticated"
ACTIVE = "app.seen.status?.statuses.execution === 'active' && !app.seen.status.isStale"
FIVE_LOGS = [["execution", 100], ["execution", 10], ["validator"], ["consensus"]]


def _numbered(world: World, first: int, last: int) -> list[str]:
    lines = [f"number {number}" for number in range(first, last)]
    world.node.append_many(EXECUTION, lines)
    return lines


def test_ten_hooks_have_one_socket_and_one_subscription_each(page: Page, world: World) -> None:
    _numbered(world, 0, 20)
    logs = [["execution", 100], ["execution", 10], ["validator", 50], ["execution", 5]]
    tab = page.open(sockets=3, statuses=3, logs=logs)
    tab.until(f"{IN} && {ACTIVE}")
    tab.until("app.raws('execution').length === 5")
    assert tab.sockets() == {"made": 1, "open": 1}
    assert world.sshd.logins() == 1
    assert tab.get("document.querySelectorAll('pre')[0].children.length") == 20


def test_strict_mode_and_silent_units(page: Page, world: World) -> None:
    tab = page.open(strict=True, sockets=1, statuses=1, logs=[["validator"], ["nothing_here"]])
    tab.until(f"{IN} && {ACTIVE}")
    tab.until("app.seen.logs.validator.isLoading === false && app.seen.logs.validator.isLive")
    tab.until("app.seen.logs.nothing_here.problem?.code === 'unit_not_found'")
    assert tab.get("app.seen.logs.nothing_here.isLoading") is False
    assert tab.get("app.seen.socket.lastError") is None
    assert tab.sockets() == {"made": 1, "open": 1}


def test_a_hundred_navigations_leave_nothing(page: Page, world: World) -> None:
    _numbered(world, 0, 50)
    tab = page.open(sockets=1)
    tab.until(IN)
    pages = [
        {"sockets": 2, "statuses": 1, "logs": [["execution", 50]]},
        {"sockets": 1, "logs": [["validator"], ["execution", 100]]},
        {"statuses": 2, "logs": [["execution", 50], ["validator", 20]]},
        {"sockets": 1},
    ]

    def visit(times: int) -> dict[str, int]:
        for number in range(times):
            tab.show(**pages[number % len(pages)])
            if number % 10 == 0:
                tab.until(f"{IN} && app.seen.logs.execution?.logs.length !== 0")
        tab.show(sockets=1)
        until(lambda: world.remote() == 0, "the end of the logs")
        return tab.do("weight")

    before, after = visit(20), visit(100)
    assert tab.sockets() == {"made": 1, "open": 1}
    assert after["listeners"] <= before["listeners"]
    assert after["nodes"] <= before["nodes"] + 500  # React keeps the last pages; a hundred of them are thousands
    assert after["heap"] < before["heap"] * 1.2 + 500_000
    tab.show()
    until(lambda: tab.sockets()["open"] == 0, "the socket's end")


def test_a_restart_of_the_server_loses_and_repeats_no_line(page: Page, world: World) -> None:
    lines = _numbered(world, 0, 30)
    tab = page.open(sockets=1, statuses=1, logs=[["execution", 1000]])
    tab.wait_lines("execution", lines)
    world.server.terminate()
    tab.until("!app.seen.socket.isConnected && app.seen.socket.lastError")
    assert tab.raws("execution") == lines
    lines += _numbered(world, 30, 230)
    tab.until("app.seen.status.statuses.execution === 'unknown'")
    world.server.start()
    lines += _numbered(world, 230, 260)
    tab.wait_lines("execution", lines)
    tab.until(f"{IN} && {ACTIVE}")
    assert tab.get("app.gaps('execution')") == 0
    assert tab.get("app.seen.socket.lastError") is None


def test_ssh_that_is_cut_in_the_middle_of_lines(page: Page, world: World) -> None:
    lines = _numbered(world, 0, 100)
    tab = page.open(sockets=1, statuses=1, logs=[["execution", 20_000]])
    tab.wait_lines("execution", lines)
    tab.until(f"{IN} && {ACTIVE}")
    for cut in range(3):
        lines += _numbered(world, len(lines), len(lines) + 2000)
        world.sshd.stop()
        lines += _numbered(world, len(lines), len(lines) + 200)
        if cut == 1:
            tab.until("app.seen.status.isStale && !app.seen.logs.execution.isLive")
            tab.until("app.seen.status.statuses.execution === 'unknown'")
            tab.until("app.seen.status.details.execution.status === 'active'")
        world.sshd.start()
    tab.wait_lines("execution", lines)
    tab.until(ACTIVE)
    tab.until("app.seen.logs.execution.isLive && app.seen.socket.problem === null")
    assert tab.sockets() == {"made": 1, "open": 1}


def test_a_node_that_refuses_the_password_is_asked_once_and_the_reason_shown(page: Page, world: World) -> None:
    tab = page.open(world.session(password="wrong"), sockets=2, statuses=1, logs=[["execution"]])
    tab.until("app.seen.socket.problem?.code === 'ssh_auth_failed' && !app.seen.socket.isConnected")
    assert "refused" in tab.get("app.seen.socket.lastError")
    assert tab.get("app.seen.socket.problem.hint")
    assert tab.get("[app.seen.status, app.seen.logs.execution].every((each) => each.error && !each.isLoading)")
    assert world.sshd.failures() == 1
    made = tab.sockets()["made"]
    tab.do("token", token=world.session())  # the user signs in again
    tab.until(f"{IN} && {ACTIVE} && app.seen.socket.lastError === null")
    assert tab.sockets() == {"made": made + 1, "open": 1}
    assert made <= 2


def test_an_unknown_session_is_tried_with_pauses_told_and_left(page: Page, world: World) -> None:
    tab = page.open("6c0f6a3e-6f0c-4b7e-9a55-0d5d6c1f3a10", sockets=1)
    tab.until("app.seen.socket.lastError?.includes('Invalid or expired session')")
    tab.until(
        "app.seen.socket.retryAt === null && app.seen.socket.problem && app.seen.socket.socket.active === false", 40
    )
    until(lambda: tab.sockets() == {"made": 4, "open": 0}, "four tries", 40)
    world.write_session("6c0f6a3e-6f0c-4b7e-9a55-0d5d6c1f3a10")
    tab.get("app.seen.socket.reconnect()")
    tab.until(IN)


def test_logging_out_stops_every_tab_with_the_reason(page: Page, world: World) -> None:
    token = world.session()
    tabs = [page.open(token, sockets=1, statuses=1, logs=[["execution"]]) for _ in range(2)]
    for tab in tabs:
        tab.until(f"{IN} && {ACTIVE}")
    world.store.delete(f"ssh_session:{token}")
    for tab in tabs:
        tab.until("app.seen.socket.problem?.code === 'session_expired' && !app.seen.socket.isConnected")
        assert tab.get("app.seen.status.statuses.execution") == "unknown"
        until(lambda tab=tab: tab.sockets() == {"made": 1, "open": 0}, "its end")  # type: ignore[misc]


def test_a_page_falls_back_to_polling(page: Page, world: World) -> None:
    lines = _numbered(world, 0, 10)
    tab = page.open(polling=True, sockets=1, logs=[["execution"]])
    tab.wait_lines("execution", lines)
    assert tab.sockets() == {"made": 0, "open": 0}
    tab.show()  # a tab that is closed without a word is missed by the server only later
    until(lambda: world.sshd.connections() == 0, "the end of the session")
