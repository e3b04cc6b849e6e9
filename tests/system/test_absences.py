"""A node that goes away and comes back, for every kind of socket, in the moments at which that is least convenient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .proxy import Proxy
from .raw import Raw

UNREACHABLE = "The node can't be reached over SSH at the moment. Trying again."
PATIENCE = 60.0
"Seconds to wait for a node that is tried more and more rarely."


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"SSH_KEEPALIVE": "120", "STATUS_TIMEOUT": "2", "SSH_COMMAND_TIMEOUT": "5"}


@pytest.fixture
def server(local: LocalServer) -> LocalServer:
    return local


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    made = Proxy(world.sshd.port)
    yield made
    made.close()


def told(socket: Any) -> list[str]:
    """Whether its node is there, as the page understands it: what clears its alert, and what shows one."""
    found = []
    for event, arguments in list(socket.received):
        if event == "authenticated":
            found.append("there")
        elif event == "error" and arguments[0]["message"] == UNREACHABLE:
            found.append("away")
    return found


def words(update: list[dict[str, Any]]) -> dict[str, str]:
    """Return the status of each service."""
    return {each["service"]: each["status"] for each in update}


class Page:
    """Sockets of each kind: logs by line and in batches, states at two intervals, over both transports."""

    def __init__(self, world: World, token: str) -> None:
        self.world = world
        self.plain, self.batch, self.polling, self.states, self.everything = self.sockets = [
            world.enter(token, transports=[transport])
            for transport in ("websocket", "websocket", "polling", "websocket", "polling")
        ]
        for socket in (self.plain, self.polling):
            assert socket.call("subscribe_logs", {"service": "execution"})["ok"]
        assert self.batch.call("subscribe_logs", {"service": "execution", "batch": True})["ok"]
        for socket in self.logs:
            socket.wait("log_state", lambda state: state["state"] == "live")
        self.states.emit("subscribe_status", {"interval": 1000})
        self.everything.emit("subscribe_status", {"interval": 5000, "all": True})
        self.before = {socket.id: words(socket.wait("status_update")) for socket in (self.states, self.everything)}

    @property
    def logs(self) -> list[Any]:
        """The sockets that follow the log."""
        return [self.plain, self.batch, self.polling]

    def hears(self, *expected: str) -> None:
        """Wait until each socket has heard this of its node, and nothing else."""
        for socket in self.sockets:
            until(lambda socket=socket: told(socket) == list(expected), f"{expected}", PATIENCE)  # type: ignore[misc]

    def is_unknown(self) -> None:
        """Wait until no state is believed any more."""
        for socket in (self.states, self.everything):
            unknown = dict.fromkeys(self.before[socket.id], "unknown")
            until(lambda socket=socket, unknown=unknown: last(socket) == unknown, "no green card", PATIENCE)  # type: ignore[misc]

    def is_well(self, lines: list[str]) -> None:
        """Wait until it shows the states again, and each line once."""
        for socket in (self.states, self.everything):
            until(lambda socket=socket: last(socket) == self.before[socket.id], "the states", PATIENCE)  # type: ignore[misc]
        for socket in self.logs:
            until(lambda socket=socket: len(socket.lines("execution")) >= len(lines), "the lines", PATIENCE)  # type: ignore[misc]
            assert socket.lines("execution") == lines
        assert not [socket for socket in self.sockets if socket.events("disconnect")]


def last(socket: Any) -> dict[str, str]:
    """Return the states that it shows."""
    return words(socket.events("status_update")[-1])


def write(world: World, lines: list[str], count: int = 20) -> None:
    """Let the node print some more numbered lines."""
    more = [f"line {number}" for number in range(len(lines), len(lines) + count)]
    world.node.append_many(EXECUTION, more)
    lines += more


def leave(proxy: Proxy) -> None:
    """The node is away, and says so."""
    proxy.refuse(True)
    proxy.cut()


def come_back(proxy: Proxy) -> None:
    """The node is there again."""
    proxy.refuse(False)
    proxy.freeze(False)


@pytest.mark.parametrize("go", [leave, lambda proxy: proxy.freeze(True)], ids=["refuses", "says nothing"])
def test_every_kind_of_socket_of_two_sessions_hears_of_an_absence(
    world: World, proxy: Proxy, go: Callable[[Proxy], None]
) -> None:
    lines: list[str] = []
    write(world, lines)
    pages = [Page(world, world.session(port=proxy.port)) for _ in range(2)]
    go(proxy)
    write(world, lines)
    for page in pages:
        page.hears("there", "away")
        page.is_unknown()
    come_back(proxy)
    write(world, lines)
    for page in pages:
        page.hears("there", "away", "there")
        page.is_well(lines)


def test_a_node_that_flaps_is_told_as_often_as_it_is_away(world: World, proxy: Proxy) -> None:
    lines: list[str] = []
    write(world, lines)
    page = Page(world, world.session(port=proxy.port))
    for _ in range(2):  # a break that is over at once is no absence
        proxy.cut()
        write(world, lines)
        page.is_well(lines)
    page.hears("there")
    for times in (1, 2):
        leave(proxy)
        write(world, lines)
        page.hears("there", *("away", "there") * (times - 1), "away")
        page.is_unknown()
        come_back(proxy)
        page.hears("there", *("away", "there") * times)
        page.is_well(lines)


def test_what_is_subscribed_to_while_the_node_goes_away_begins_when_it_is_back(world: World, proxy: Proxy) -> None:
    lines: list[str] = []
    write(world, lines)
    token = world.session(port=proxy.port)
    plain, batch, states = (world.enter(token) for _ in range(3))
    proxy.freeze(True)  # they are on their way to the node when it goes
    plain.emit("subscribe_logs", {"service": "execution"})
    batch.emit("subscribe_logs", {"services": ["execution", "validator"], "batch": True})
    states.emit("subscribe_status", {"interval": 1000})
    until(lambda: all(told(socket) == ["there", "away"] for socket in (plain, batch, states)), "the word", PATIENCE)
    leave(proxy)
    assert set(words(states.wait("status_update")).values()) == {"unknown"}
    come_back(proxy)
    until(lambda: plain.lines("execution") == lines, "the backlog", PATIENCE)
    until(lambda: told(batch)[-1] == "there", "its return", PATIENCE)
    write(world, lines)
    until(lambda: plain.lines("execution") == lines, "the lines", PATIENCE)

    def merged() -> list[str]:
        return [entry["line"] for each in batch.events("log_batch") for entry in each["entries"]]

    until(lambda: merged() == lines, "the merged lines", PATIENCE)
    until(lambda: last(states)["execution"] == "active", "the states", PATIENCE)


def test_a_newcomer_hears_after_each_true_ack_that_the_node_is_away(world: World, proxy: Proxy) -> None:
    token = world.session(port=proxy.port)
    first = world.enter(token)
    leave(proxy)
    until(lambda: told(first) == ["there", "away"], "the word", PATIENCE)
    connection = Raw(world.server.port)
    connection.upgrade()
    connection.hear()
    connection.say('40{"token":"' + token + '"}')
    heard: list[str] = []

    def order(*marks: str) -> bool:
        """Whether these came, in this order, and the word about the node as the last."""
        heard.append(connection.hear())
        places = [[number for number, each in enumerate(heard) if mark in each] for mark in marks]
        return all(places) and all(one[-1] < other[-1] for one, other in pairwise(places))

    until(lambda: order("authenticated", UNREACHABLE), "the word")
    for number in (1, 2):
        connection.say(f'42{number}["authenticate","{token}"]')
        until(lambda number=number: order(f"43{number}[true]", UNREACHABLE), "it again")  # type: ignore[misc]
    assert told(first) == ["there", "away"]
    come_back(proxy)
    until(lambda: order(UNREACHABLE, "authenticated"), "its return", PATIENCE)
    connection.close()


def test_a_node_that_comes_back_with_another_host_key_is_not_believed(world: World, proxy: Proxy) -> None:
    token = world.session(port=proxy.port)
    page = Page(world, token)
    leave(proxy)
    page.hears("there", "away")
    world.sshd.stop()
    world.sshd.new_host_key()
    world.sshd.start()
    come_back(proxy)
    for socket in page.sockets:
        socket.wait("disconnect", deadline=PATIENCE)
        socket.wait("disconnect", deadline=PATIENCE)
        assert [each["code"] for each in socket.events("error")] == ["ssh_unreachable", "host_key_changed"]
        assert socket.changes()[-1] == {"state": "lost"}
    for socket in (page.states, page.everything):
        assert set(last(socket).values()) == {"unknown"}
    refused = world.open(token).wait("connect_error")
    assert refused["data"]["code"] == "host_key_changed"
    assert refused["data"]["hint"]
    world.store.delete(f"ethpillar:hostkey:[127.0.0.1]:{proxy.port}")

    def enters() -> bool:
        again = world.open(token)
        until(lambda: again.events("connect_error") or again.events("authenticated"), "an answer", PATIENCE)
        return bool(again.events("authenticated"))

    until(enters, "a way in")


@pytest.mark.parametrize("how", ["before", "meanwhile"])
def test_a_page_of_the_past_that_the_node_does_not_give_is_an_error_in_time(
    world: World, proxy: Proxy, how: str
) -> None:
    lines: list[str] = []
    write(world, lines)
    page = Page(world, world.session(port=proxy.port))
    if how == "before":
        leave(proxy)
        page.hears("there", "away")
    else:
        proxy.freeze(True)
    answer = page.plain.call("read_logs", {"service": "execution"}, deadline=PATIENCE)
    assert answer["ok"] is False
    assert answer["error"]["code"] in ("ssh_unreachable", "ssh_timeout")
    come_back(proxy)
    until(lambda: told(page.plain)[-1] == "there", "its return", PATIENCE)
    again = page.plain.call("read_logs", {"service": "execution"}, deadline=PATIENCE)
    assert [entry["line"] for entry in again["entries"]] == lines
    page.is_well(lines)
