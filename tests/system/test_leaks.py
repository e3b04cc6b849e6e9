"""What is left after a storm: the server runs in this process, so that everything it holds can be counted."""

from __future__ import annotations

import os

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer, count, settle


@pytest.fixture
def server(local: LocalServer) -> LocalServer:
    return local


def use(world: World, token: str) -> None:
    """A page that comes, looks and goes."""
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait("status_update")
    until(lambda: socket.lines("execution"))
    socket.close()


def test_a_storm_leaves_no_greenlet_channel_or_map_entry(world: World, local: LocalServer) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(100)])
    token = world.session()
    use(world, token)
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry))
    before = count()
    for _ in range(3):
        sockets = [world.open(token) for _ in range(10)]
        for socket in sockets:
            socket.wait("authenticated")
        for turn in range(20):
            for number, socket in enumerate(sockets):
                socket.emit("subscribe_logs", {"service": "execution", "lines": turn * 10, "batch": number % 2 == 0})
                socket.emit("subscribe_status", {"interval": 1000 + turn})
                socket.emit("unsubscribe_logs", {"service": "execution"})
                socket.emit("subscribe_logs", {"service": "validator"})
                if turn % 3:
                    socket.emit("unsubscribe_status")
        for number, socket in enumerate(sockets):
            if number % 2:
                socket.call("unsubscribe_logs", {"service": "validator"})
            socket.close()
        until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "empty maps")
    settle(before)
    assert world.remote() == 0
    assert world.sshd.connections() == 0


def test_browsers_and_connections_that_die_leave_nothing(world: World, local: LocalServer) -> None:
    world.node.append(EXECUTION, "hello")
    token = world.session()
    use(world, token)
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry))
    before = count()
    for _ in range(5):
        sockets = [world.enter(token) for _ in range(3)]
        for socket in sockets:
            socket.emit("subscribe_logs", {"service": "execution"})
            socket.emit("subscribe_status", {"interval": 1000})
        sockets[0].wait("log_data")
        for pid in world.sshd.descendants():
            os.kill(pid, 9)
        sockets[0].wait("connection_state", lambda state: state["state"] == "connected")
        for socket in sockets:
            socket.close()
        until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "empty maps")
    settle(before)


def test_a_page_that_leaves_in_the_middle_of_everything(world: World, local: LocalServer) -> None:
    world.node.append(EXECUTION, "hello")
    token = world.session()
    use(world, token)
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry))
    before = count()
    for _ in range(10):
        socket = world.open(token)
        socket.emit("subscribe_logs", {"service": "execution", "lines": 5000})
        socket.emit("subscribe_status", {"interval": 1000})
        socket.wait("connect")
        socket.close()
        refused = world.open(world.session(password="wrong"))
        refused.wait("error")
        refused.close()
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "empty maps")
    settle(before)
    until(lambda: not world.sshd.connections() and not world.node.running(), "the end of everything on the node")
