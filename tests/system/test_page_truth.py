"""What sockets are told of a node that is away, that refuses, or that takes long: the truth, and not too often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .faulty import LOGIN, DeafServer
from .local import LocalServer
from .proxy import Proxy
from .raw import Raw

UNREACHABLE = "The node can't be reached over SSH at the moment. Trying again."


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"SSH_KEEPALIVE": "120", "STATUS_TIMEOUT": "2", "SSH_LOGIN_TIMEOUT": "20", "AUTH_TIMEOUT": "2"}


@pytest.fixture
def server(local: LocalServer) -> LocalServer:
    return local


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    made = Proxy(world.sshd.port)
    yield made
    made.close()


def about_node(socket: Any) -> list[str]:
    """What clears the page's alert, and what shows one about the node, in order."""
    found = []
    for event, arguments in list(socket.received):
        if event == "authenticated":
            found.append(event)
        elif event == "error" and arguments[0]["message"] == UNREACHABLE:
            assert arguments[0]["code"] == "ssh_unreachable"
            found.append("away")
    return found


def watched(world: World, proxy: Proxy) -> list[Any]:
    """A page: sockets of one session with a log and the states."""
    token = world.session(port=proxy.port)
    sockets = [world.enter(token) for _ in range(3)]
    sockets[0].call("subscribe_logs", {"service": "execution"})
    sockets[0].wait("log_state", lambda told: told["state"] == "live")
    sockets[1].emit("subscribe_status", {"interval": 1000})
    sockets[1].wait("status_update")
    return sockets


def words(update: list[dict[str, Any]]) -> dict[str, str]:
    return {each["service"]: each["status"] for each in update}


@pytest.mark.parametrize("how", ["refuses", "silent"])
def test_a_node_that_is_away_is_told_once_and_so_is_its_return(world: World, proxy: Proxy, how: str) -> None:
    sockets = watched(world, proxy)
    before = words(sockets[1].events("status_update")[-1])
    if how == "silent":
        proxy.freeze(True)
    else:
        proxy.refuse(True)
        proxy.cut()
    for socket in sockets:
        until(lambda socket=socket: about_node(socket) == ["authenticated", "away"], "the word", 30)  # type: ignore[misc]
    assert not [each for each in sockets[1].events("error") if each["code"] == "status_unavailable"]
    unknown = dict.fromkeys(before, "unknown")
    assert words(sockets[1].wait("status_update", lambda update: words(update) == unknown)) == unknown
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(50)])
    if how == "silent":
        proxy.freeze(False)
    else:
        proxy.refuse(False)
    for socket in sockets:
        until(lambda socket=socket: about_node(socket) == ["authenticated", "away", "authenticated"], "its return", 40)  # type: ignore[misc]
    until(lambda: words(sockets[1].events("status_update")[-1]) == before, "the states")
    until(lambda: len(sockets[0].lines("execution")) >= 50, "the lines")
    assert sockets[0].lines("execution") == [f"line {number}" for number in range(50)]
    assert not [socket for socket in sockets if socket.events("disconnect")]


def test_a_hanging_systemd_is_not_an_absence(world: World, proxy: Proxy) -> None:
    sockets = watched(world, proxy)
    world.node.hang_systemctl()
    sockets[1].wait("error", lambda error: error["code"] == "status_unavailable")
    world.node.hang_systemctl(False)
    heard = len(sockets[1].events("status_update"))
    until(lambda: len(sockets[1].events("status_update")) > heard, "the next update", 40)
    assert about_node(sockets[1]) == ["authenticated"]


def test_a_session_that_goes_on_failing_is_answered_later_each_time(world: World) -> None:
    token = world.session(password="wrong")
    times = []
    for _ in range(4):
        began = time.monotonic()
        socket = world.open(token, reconnection=False)
        assert socket.wait("connect_error")["data"]["code"] == "ssh_auth_failed"
        times.append(time.monotonic() - began)
        until(lambda began=began: time.monotonic() - began > 2.5, "the next step")  # type: ignore[misc]
    assert times[1] > 0.9
    assert times[2] > 1.9
    assert world.sshd.failures() == 1
    world.write_session(token)
    world.enter(token)


@pytest.fixture
def slow(world: World) -> Iterator[DeafServer]:
    """A node that takes a password and does not answer."""
    made = DeafServer(world.node)
    made.deaf[LOGIN] = 2
    yield made
    made.close()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_what_ends_sockets_ends_the_wait_for_an_answer(
    world: World, local: LocalServer, slow: DeafServer, transport: str
) -> None:
    token = world.session(port=slow.port)
    waiting = [world.open(token, transports=[transport], timeout=60_000) for _ in range(2)]
    until(lambda: len(local.rooms.gateway.sockets) == 2, "both in the table")
    assert not [socket for socket in waiting if socket.events("connect")]
    waiting[0].close()
    until(lambda: len(local.rooms.gateway.sockets) == 1, "the end of the one that left")
    world.store.delete(f"ssh_session:{token}")
    assert waiting[1].wait("connect_error", deadline=7)["message"].startswith("Authentication error: Invalid")
    until(lambda: not local.rooms.gateway.sockets, "an empty table")


def test_what_comes_while_connect_waits_is_kept(world: World, slow: DeafServer) -> None:
    """And the wait is not counted as a session that shows no token in time, nor as one that becomes no socket."""
    connection = Raw(world.server.port)
    connection.upgrade()
    connection.hear()
    connection.say('40{"token":"' + world.session(port=slow.port) + '"}')
    connection.say('421["subscribe_status",{"interval":1000}]')
    heard: list[str] = []

    def answered() -> bool:
        heard.append(str(connection.hear()))
        return any(each.startswith("431") for each in heard)

    until(answered, "the ack", 15)  # eight seconds after the login began it is let in
    order = [next(number for number, each in enumerate(heard) if each.startswith(start)) for start in ("40", "431")]
    assert order == sorted(order)
    assert any("authenticated" in each for each in heard)
    connection.close()


def test_a_silent_unit_ends_the_page_s_spinner(world: World) -> None:
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    assert socket.wait("log_data") == {"service": "execution", "line": ""}
    modern = world.enter()
    modern.call("subscribe_logs", {"service": "execution", "lines": 10})
    modern.wait("log_state", lambda told: told["state"] == "live")
    world.node.append(EXECUTION, "the first one")
    for each in (socket, modern):
        each.wait("log_data", lambda told: told["line"] == "the first one")
    assert len(socket.events("log_data")) == 2
    assert len(modern.events("log_data")) == 1
    later = world.enter()
    later.call("subscribe_logs", {"service": "execution"})
    later.wait("log_state", lambda told: told["state"] == "live")
    assert later.lines("execution") == ["the first one"]


def test_output_that_goes_to_a_file_is_told_and_the_log_stays(world: World) -> None:
    world.node.set_unit("validator.service", StandardOutput="append", StandardError="append")
    world.node.append("validator.service", "Started validator.service", manager=True)
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "validator"}) == {"ok": True}
    told = socket.wait("error")
    assert told["code"] == "log_elsewhere"
    assert told["service"] == "validator"
    assert "validator" in told["message"]
    world.node.append("validator.service", "Stopped validator.service", manager=True)
    socket.wait("log_data", lambda told: told["line"].startswith("Stopped"))


@pytest.mark.parametrize("everything", [False, True])
def test_a_page_whose_session_has_ended_shows_no_state_any_more(world: World, everything: bool) -> None:
    token = world.session()
    socket = world.enter(token, reconnection=False)
    socket.emit("subscribe_status", {"interval": 1000, "all": everything})
    before = words(socket.wait("status_update"))
    world.store.delete(f"ssh_session:{token}")
    socket.wait("disconnect")
    assert socket.events("error")[-1]["code"] == "session_expired"
    assert words(socket.events("status_update")[-1]) == dict.fromkeys(before, "unknown")
