"""What is left after a storm: the server runs in this process, so that everything it holds can be counted."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from typing import Any

import pytest

from ethpillar.nodes.runs import BATCH, BATCH_BYTES
from ethpillar.web.outgoing import HIGH_BYTES, HIGH_PACKETS

from ..waiting import until
from .clients import JsClients
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


def came_back(socket: Any) -> bool:
    """Return True if its node was away and is connected again."""
    states = [event["state"] for event in socket.events("connection_state")]
    return "reconnecting" in states and states[-1] == "connected"


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
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(pid, 9)
        until(lambda: came_back(sockets[0]), "another connection")  # noqa: B023
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
        refused.wait("connect_error")
        refused.close()
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "empty maps")
    settle(before)
    until(lambda: not world.sshd.connections() and not world.node.running(), "the end of everything on the node")


class Polling:
    """A client on polling that can vanish: it asks for nothing any more, and says nothing of it."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        opened = json.loads(self._ask("GET", "")[1:])
        self._sid = "&sid=" + opened["sid"]
        self.say("40" + json.dumps({"token": token}))

    def _ask(self, method: str, sid: str, body: str | None = None) -> str:
        headers = {"Content-Type": "text/plain"} if body else {}
        self._connection.request(method, f"/?EIO=4&transport=polling{sid}", body, headers)
        return self._connection.getresponse().read().decode()

    def say(self, packet: str) -> None:
        self._ask("POST", self._sid, packet)

    def hear(self, word: str) -> None:
        until(lambda: word in self._ask("GET", self._sid), word)

    def vanish(self) -> None:
        self._connection.close()


def test_polling_clients_that_vanish_leave_nothing(world: World, local: LocalServer) -> None:
    engine = local.app.extensions["socketio"].server.eio
    world.node.append(EXECUTION, "hello")
    use(world, world.session())
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry))
    engine.ping_interval, engine.ping_timeout = 1, 1
    before = count()
    for _ in range(5):
        client = Polling(local.port, world.session())
        client.hear("authenticated")
        client.say('42["subscribe_logs",{"service":"execution"}]')
        client.hear("live")
        client.say('42["subscribe_status",{"interval":1000}]')
        client.hear("status_update")
        client.vanish()
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "empty maps", 60)
    settle(before)
    until(lambda: not world.sshd.connections() and not world.node.running(), "the end of everything on the node")


def test_what_is_queued_for_a_frozen_browser_is_bounded(world: World, local: LocalServer) -> None:
    token = world.session()
    quick = world.enter(token)
    frozen = JsClients(local.url)
    slow = [frozen.open(token) for _ in range(3)]
    for socket in (quick, *slow):
        until(lambda socket=socket: socket.events("authenticated"))  # type: ignore[misc]
        socket.call("subscribe_logs", {"service": "execution", "lines": 0})
        socket.wait("log_state")
    frozen.freeze(True)
    expected = [f"line {number} " + "x" * 1000 for number in range(10_000)]
    for at in range(0, len(expected), 1000):
        world.node.append_many(EXECUTION, expected[at : at + 1000])
    until(lambda: len(quick.lines("execution")) >= len(expected), "every line, for the quick one", 90)
    (node,) = local.rooms.registry._nodes.values()
    for feed in node._feeds._feeds.values():
        assert len(feed.ring) <= local.settings.ring_entries
        assert sum(item.size for item in feed.ring.slice(feed.ring.start, 10**6)) <= local.settings.ring_bytes
    behind = 0
    for socket in local.rooms.gateway.sockets.values():
        queue = socket.outbox._queue
        packets = queue.qsize()
        assert packets <= HIGH_PACKETS + BATCH
        assert queue.weight <= HIGH_BYTES + 2 * BATCH_BYTES
        behind += packets > 0
    assert behind >= len(slow)
    frozen.freeze(False)
    for socket in slow:
        until(lambda socket=socket: len(socket.lines("execution")) >= len(expected), "the rest", 90)  # type: ignore[misc]
        assert socket.lines("execution") == expected
    frozen.close()
