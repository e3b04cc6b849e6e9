"""No line is lost, repeated or reordered, through anything that breaks."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.simnode import SimNode

from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import RedisServer
from .proxy import Proxy
from .raw import HANDSHAKE, Raw, polling_session


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"SSH_KEEPALIVE": "1", "SSH_DEAD_AFTER": "1", "SSH_LOGIN_TIMEOUT": "3", "SSH_COMMAND_TIMEOUT": "3"}


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    made = Proxy(world.sshd.port)
    yield made
    made.close()


class Writer:
    """A unit that prints numbered lines until it is told to stop."""

    def __init__(self, node: SimNode) -> None:
        self._node = node
        self._stop = threading.Event()
        self.written = 0
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        while not self._stop.wait(random.random() / 50):
            count = random.choice((1, 1, 2, 5, 50))
            self._node.append_many(EXECUTION, [f"line {self.written + each}" for each in range(count)])
            self.written += count

    def stop(self) -> list[str]:
        """Stops it; every line it wrote."""
        self._stop.set()
        self._thread.join()
        return [f"line {number}" for number in range(self.written)]


def states(socket: Any) -> list[str]:
    return [state["state"] for state in socket.events("log_state")]


def test_numbered_lines_through_ten_disturbances(world: World, proxy: Proxy) -> None:
    token = world.session(port=proxy.port)
    sockets = [world.enter(token) for _ in range(4)]
    for number, socket in enumerate(sockets):
        assert socket.call("subscribe_logs", {"service": "execution", "batch": number % 2 == 1}) == {"ok": True}
        socket.wait("log_state")
    writer = Writer(world.node)

    def flowing() -> None:
        got = [len(socket.lines("execution")) for socket in sockets]
        until(lambda: all(len(s.lines("execution")) > n + 20 for s, n in zip(sockets, got, strict=True)), "lines", 60)

    def refuse() -> None:
        accepted = proxy.accepted
        proxy.refuse(True)
        proxy.cut()
        until(lambda: proxy.accepted >= accepted + 2, "refused tries", 60)
        proxy.refuse(False)

    def freeze() -> None:
        accepted = proxy.accepted
        proxy.freeze(True)
        until(lambda: proxy.accepted > accepted, "a new try", 60)
        proxy.cut()
        proxy.freeze(False)

    def restart_sshd() -> None:
        world.sshd.stop()
        accepted = proxy.accepted
        until(lambda: proxy.accepted > accepted, "a new try", 60)
        world.sshd.start()

    def trickle() -> None:
        proxy.trickle(True)
        proxy.cut()
        flowing()
        proxy.trickle(False)

    disturbances: list[Callable[[], None]] = [
        proxy.cut,
        world.node.break_journalctl,
        refuse,
        freeze,
        restart_sshd,
        world.node.reboot,
        trickle,
        lambda: (world.node.reboot(), proxy.cut()),  # type: ignore[list-item, return-value, func-returns-value]
        world.node.break_journalctl,
        proxy.cut,
    ]
    for disturb in disturbances:
        flowing()
        disturb()
    flowing()
    expected = writer.stop()
    for socket in sockets:
        until(lambda socket=socket: len(socket.lines("execution")) >= len(expected), "every line", 60)  # type: ignore[misc]
        assert socket.lines("execution") == expected
        assert socket.events("disconnect") == []
        assert "gap" not in states(socket)
        assert "reconnecting" in states(socket)
        assert {state["state"] for state in socket.events("connection_state")} == {"reconnecting", "connected"}
        assert socket.changes()[0] == {"state": "connected"}
        attempt = socket.changes()[1]
        assert attempt["attempt"] == 1
        assert 0 < attempt["retry_in"] < 1


def test_a_browser_that_comes_back_resumes_after_its_cursor(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(10)])
    token = world.session()
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    until(lambda: len(socket.lines("execution")) == 10)
    cursor = socket.events("log_data")[-1]["cursor"]
    socket.close()
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(10, 3000)])
    again = world.enter(token)
    again.call("subscribe_logs", {"service": "execution", "after": cursor, "batch": True})
    until(lambda: len(again.lines("execution")) >= 2990, "the rest")
    assert again.lines("execution") == [f"line {number}" for number in range(10, 3000)]


def test_an_upgrade_in_the_middle_of_a_burst(world: World) -> None:
    """Lines that polling has, and then the WebSocket: each once, in order, with the answers between them."""
    polling, upgraded = Raw(world.server.port), Raw(world.server.port)
    url = polling_session(polling)
    heard: list[str] = []

    def poll() -> str:
        status, _, body = polling.request("GET", url)
        assert status == 200
        heard.extend(body.decode().split("\x1e"))
        return body.decode()

    polling.request("POST", url, "40" + json.dumps({"token": world.session()}))
    while "authenticated" not in poll():
        pass
    polling.request("POST", url, '42["subscribe_logs",{"service":"execution","lines":0}]')
    while '"live"' not in poll():
        pass
    writer = Writer(world.node)
    until(lambda: writer.written > 100, "some lines")
    while '"line 50"' not in poll():
        pass
    upgraded.send(HANDSHAKE.replace("/?EIO=4&transport=websocket", url.replace("polling", "websocket")) + "\r\n")
    assert upgraded.answer()[0] == 101
    upgraded.say("2probe")
    assert upgraded.hear() == "3probe"
    while poll() != "6":  # what is on its way by polling comes there, and then a packet that ends it
        pass
    upgraded.say("5")
    before = writer.written
    until(lambda: writer.written > before + 100, "some more lines")
    expected = writer.stop()
    while not (heard[-1].startswith("42") and f'"{expected[-1]}"' in heard[-1]):
        heard.append(upgraded.hear())
        if heard[-1] == "2":
            upgraded.say("3")
    events = [json.loads(packet[2:]) for packet in heard if packet.startswith("42")]
    assert [event[1]["line"] for event in events if event[0] == "log_data"] == expected
    polling.close()
    upgraded.close()


def test_a_browser_resumes_after_a_restart_of_this_server(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(100)])
    token = world.session()
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    until(lambda: len(socket.lines("execution")) == 50)
    cursor = socket.events("log_data")[-1]["cursor"]
    world.server.terminate()
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(100, 200)])
    world.server.start()
    until(lambda: len(socket.events("authenticated")) == 2, "a new login")
    socket.call("subscribe_logs", {"service": "execution", "after": cursor})
    until(lambda: len(socket.lines("execution")) == 150, "the rest")
    assert socket.lines("execution") == [f"line {number}" for number in range(50, 200)]


def test_a_cursor_that_was_vacuumed_away_is_a_gap(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(100)])
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "lines": 100})
    until(lambda: len(socket.lines("execution")) == 100)
    first = socket.events("log_data")[0]
    socket.call("unsubscribe_logs", {"service": "execution"})
    until(lambda: world.remote() == 0)
    world.node.vacuum(10)
    socket.call("subscribe_logs", {"service": "execution", "after": first["cursor"]})
    until(lambda: len(socket.lines("execution")) == 110, "what is left")
    gap = socket.wait("log_state", lambda state: state["state"] == "gap")
    assert gap["reason"] == "vacuumed"
    assert gap["from"] == first["timestamp"]
    assert gap["to"] == socket.events("log_data")[100]["timestamp"]


@pytest.mark.parametrize("cursor", ["nonsense", "s=1", "s=" + "0" * 32 + ";i=1;b=2;m=3;t=fffffffffffff;x=4"])
def test_a_cursor_that_never_was_is_a_gap_and_the_log_goes_on(world: World, cursor: str) -> None:
    world.node.append_many(EXECUTION, ["one", "two"])
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution", "after": cursor})
    socket.wait("log_state", lambda state: state["state"] == "gap")
    socket.wait("log_state", lambda state: state["state"] == "live")
    world.node.append(EXECUTION, "three")
    until(lambda: "three" in socket.lines("execution"), "a live line")


def test_a_page_that_is_loaded_while_the_node_reboots_recovers_by_itself(world: World, proxy: Proxy) -> None:
    token = world.session(port=proxy.port)
    first = world.enter(token)
    proxy.refuse(True)
    proxy.cut()
    first.wait("connection_state", lambda state: state["state"] == "reconnecting")
    second = world.enter(token)
    second.wait("connection_state", lambda state: state["state"] == "reconnecting")
    second.emit("subscribe_logs", {"service": "execution"})
    second.emit("subscribe_status", {"interval": 1000})
    world.node.append(EXECUTION, "back")
    proxy.refuse(False)
    until(lambda: second.lines("execution") == ["back"], "the log", 60)
    second.wait("status_update")


def test_a_node_that_does_not_come_back_is_given_up_at_last(world: World, redis: RedisServer, proxy: Proxy) -> None:
    local = LocalServer(redis, SSH_GIVE_UP="1")
    try:
        token = world.session(port=proxy.port)
        socket = world.enter(token, url=local.url)
        socket.call("subscribe_logs", {"service": "execution"})
        proxy.refuse(True)
        proxy.cut()
        socket.wait("disconnect", deadline=30)
        connected, *states = socket.changes()
        assert connected == {"state": "connected"}
        assert [state["state"] for state in states[:-1]] == ["reconnecting"] * (len(states) - 1)
        assert [state["attempt"] for state in states[:-1]] == list(range(1, len(states)))
        assert all(state["retry_in"] >= 0 for state in states[:-1])
        assert states[-1] == {"state": "lost"}
        assert socket.events("error")[-1]["code"] == "ssh_unreachable"
        refused = world.open(token, url=local.url)  # it shares one try, and is not let in while that fails
        assert refused.wait("connect_error")["data"]["code"] == "ssh_unreachable"
        proxy.refuse(False)

        def back() -> bool:
            """Tries of a node that was given up keep a distance of two seconds."""
            again = world.open(token, url=local.url)
            until(lambda: again.events("connect_error") or again.events("authenticated"), "an answer")
            return bool(again.events("authenticated"))

        until(back, "its return")
    finally:
        local.close()


def pour(world: World, quick: Any) -> list[str]:
    """Megabytes of lines, until one that keeps up has them; the lines."""
    expected = [f"line {number} " + "x" * 1000 for number in range(20_000)]
    for at in range(0, len(expected), 2000):
        world.node.append_many(EXECUTION, expected[at : at + 2000])
    until(lambda: len(quick.lines("execution")) >= len(expected), "every line, for the quick one", 90)
    return expected


def test_a_frozen_browser_holds_nobody_up_and_loses_nothing(world: World) -> None:
    from .clients import JsClients

    token = world.session()
    quick = world.enter(token)
    other = JsClients(world.server.url)
    slow = other.open(token)
    slow.wait("authenticated")
    for socket in (quick, slow):
        socket.call("subscribe_logs", {"service": "execution", "lines": 0})
        socket.wait("log_state")
    other.freeze(True)
    expected = pour(world, quick)
    assert quick.lines("execution") == expected
    got = len(slow.lines("execution"))
    assert got < len(expected)
    other.freeze(False)
    until(lambda: len(slow.lines("execution")) >= len(expected), "every line, for the slow one", 90)
    assert slow.lines("execution") == expected
    other.close()


def test_a_frozen_browser_that_wants_only_live_lines_is_told_how_many_it_missed(world: World) -> None:
    from .clients import JsClients

    token = world.session()
    quick = world.enter(token)
    other = JsClients(world.server.url)
    slow = other.open(token)
    slow.wait("authenticated")
    quick.call("subscribe_logs", {"service": "execution", "lines": 0})
    slow.call("subscribe_logs", {"service": "execution", "lines": 0, "lossless": False})
    for socket in (quick, slow):
        socket.wait("log_state")
    other.freeze(True)
    expected = pour(world, quick)
    other.freeze(False)
    until(lambda: expected[-1] in slow.lines("execution"), "the last line", 90)
    skipped = [told["skipped"] for told in slow.events("log_state") if told["state"] == "gap"]
    assert skipped
    assert len(slow.lines("execution")) + sum(skipped) == len(expected)
    other.close()
