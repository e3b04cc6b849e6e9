"""One socket's events, with what may happen while one of them waits for something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import EthPillarError, LimitReached, SshTimeout, SshUnreachable, UnitNotFound
from ethpillar.gateway.browser import BrowserSocket
from ethpillar.gateway.options import GatewayOptions

from ..interruption import Operation, sweep
from ..waiting import until


class Outbox:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def emit(self, name: str, payload: Any = None) -> None:
        self.sent.append((name, payload))


class Subscription:
    """One of either kind; closing it takes a moment, and ends even if its caller is stopped."""

    interval = 5.0
    everything = False

    def __init__(self, open_ones: set[Subscription]) -> None:
        self._open = open_ones
        self._open.add(self)

    def close(self, may_be_back: bool = False) -> None:
        gevent.spawn(self._open.discard, self).join()


class Node:
    """Gives out subscriptions."""

    def __init__(self) -> None:
        self.connected = True
        self.problem: EthPillarError | None = None
        self.answers = Event()  # systemd does
        self.answers.set()
        self.open: set[Subscription] = set()
        self.holders: set[BrowserSocket] = set()
        self.status = self

    away = False
    about: ClassVar[dict[str, Any]] = {}
    hint = None

    def connect(self, gone: Event) -> None: ...

    def check_unit(self, unit: str) -> None:
        self.answers.wait()
        if self.problem is not None:
            raise self.problem

    def log_feed(self, unit: str) -> Node:
        return self

    def subscribe(self, *_: Any) -> Subscription:
        return Subscription(self.open)


class Registry:
    """A node for each record; a record here is the node itself."""

    def acquire(self, node: Node, holder: BrowserSocket) -> Node:
        node.holders.add(holder)
        return node

    def release(self, node: Node, holder: BrowserSocket) -> None:
        node.holders.discard(holder)


@pytest.fixture
def socket() -> BrowserSocket:
    made: Any = BrowserSocket(Outbox(), None, Registry(), GatewayOptions(60, 64))  # type: ignore[arg-type]
    return made


def at_once(*acts: Callable[[], Any]) -> None:
    gevent.joinall([gevent.spawn(act) for act in acts], raise_error=True)


def test_one_that_leaves_while_its_interval_is_changed_leaves_nothing(socket: BrowserSocket) -> None:
    node: Any = Node()
    socket.enter(node)
    socket.subscribe_status({})
    assert len(node.open) == 1
    at_once(lambda: socket.subscribe_status({"interval": 1000}), socket.close)
    assert not node.open
    assert not node.holders


def test_one_that_leaves_while_it_changes_nodes_leaves_nothing(socket: BrowserSocket) -> None:
    before: Any = Node()
    after: Any = Node()
    socket.enter(before)
    socket.subscribe_status({})
    at_once(lambda: socket.enter(after), socket.close)
    assert not before.open
    assert not before.holders
    assert not after.holders


def test_logs_that_end_with_other_credentials_are_told_to_have_ended(socket: BrowserSocket) -> None:
    before: Any = Node()
    after: Any = Node()
    socket.enter(before)
    socket.subscribe_logs({"service": "execution"})
    socket.subscribe_status({})
    sent: Any = socket.outbox
    del sent.sent[:]
    socket.enter(after)
    assert not before.open
    ended = {"service": "execution", "state": "ended", "reason": "session_changed"}
    connected = ("connection_state", {"state": "connected"})
    socket.welcome()
    assert sent.sent == [("log_state", ended), ("authenticated", None), connected]
    assert len(after.open) == 1  # the states go on
    socket.subscribe_logs({"service": "execution"})
    assert len(after.open) == 2


def test_a_log_whose_subscriber_knows_no_end_of_logs_begins_again(socket: BrowserSocket) -> None:
    before: Any = Node()
    after: Any = Node()
    socket.enter(before)
    socket.subscribe_logs({"service": "execution"})
    socket.subscribe_logs({"service": "validator", "lines": 10})
    socket.enter(after)
    until(lambda: len(after.open) == 1, "the plain one")
    assert set(socket._logs._followed) == {"execution.service"}
    socket.subscribe_logs({"service": "execution"})  # a page that does it itself does no harm
    assert len(after.open) == 1


def test_a_log_that_can_not_begin_again_is_told(socket: BrowserSocket) -> None:
    before: Any = Node()
    after: Any = Node()
    after.problem = UnitNotFound("execution")
    socket.enter(before)
    socket.subscribe_logs({"service": "execution"})
    socket.enter(after)
    until(lambda: "error" in names(socket), "the error")
    assert socket.outbox.sent[-1][1]["code"] == UnitNotFound.code  # type: ignore[attr-defined]
    assert not after.open


def test_a_socket_follows_its_session_to_another_node(socket: BrowserSocket) -> None:
    before: Any = Node()
    after: Any = Node()
    before.record, after.record = SimpleNamespace(digest="a"), SimpleNamespace(digest="b")
    after.digest = "b"
    assert not socket.is_elsewhere(after)
    socket.enter(before)
    socket.subscribe_status({})
    socket.follow(before.record)
    assert socket.is_elsewhere(after)
    assert before.holders == {socket}
    socket.follow(after)
    assert not before.holders
    assert not before.open
    assert after.holders == {socket}
    assert len(after.open) == 1
    assert not socket.is_elsewhere(after)
    sent: Any = socket.outbox
    assert [name for name, _ in sent.sent] == ["authenticated", "connection_state"]


def test_a_log_that_is_wanted_while_the_connection_breaks_waits_for_it(socket: BrowserSocket) -> None:
    node: Any = Node()
    socket.enter(node)
    node.problem = SshUnreachable()
    socket.subscribe_logs({"service": "execution"})
    assert len(node.open) == 1
    for node.problem in (UnitNotFound("validator"), SshTimeout(), LimitReached()):
        with pytest.raises(EthPillarError) as raised:
            socket.subscribe_logs({"service": "validator"})
        assert raised.value.payload()["service"] == "validator"
        assert "validator" in raised.value.message  # that is how the page knows where to show it
        assert len(node.open) == 1


def hanging(socket: BrowserSocket, *services: str) -> tuple[Any, list[Any]]:
    """A node whose systemd hangs, and these logs that are subscribed to meanwhile."""
    node: Any = Node()
    node.answers.clear()
    socket.enter(node)
    asks = [gevent.spawn(socket.subscribe_logs, {"service": service}) for service in services]
    gevent.sleep(0)
    return node, asks


def test_logs_that_wait_for_systemd_keep_nothing_else_back(socket: BrowserSocket) -> None:
    node, asks = hanging(socket, "execution", "consensus", "validator", "execution")
    asks.append(gevent.spawn(in_turn, socket, lambda: socket.unsubscribe_logs({"service": "validator"})))
    asks.append(gevent.spawn(in_turn, socket, lambda: socket.subscribe_status({})))
    gevent.joinall(asks[3:], timeout=5, raise_error=True)  # a second time for the same service does nothing
    assert all(each.dead for each in asks[3:])
    assert len(node.open) == 1
    node.answers.set()
    gevent.joinall(asks, timeout=5, raise_error=True)
    assert set(socket._logs._followed) == {"execution.service", "consensus.service"}
    assert len(node.open) == 3
    assert not socket._logs._checking


def in_turn(socket: BrowserSocket, act: Callable[[], None]) -> None:
    with socket.turns.take():
        act()


def test_a_log_that_is_wanted_again_while_it_is_checked_is_followed_once(socket: BrowserSocket) -> None:
    node, asks = hanging(socket, "execution")
    socket.unsubscribe_logs({"service": "execution"})
    asks.append(gevent.spawn(socket.subscribe_logs, {"service": "execution"}))
    node.answers.set()
    gevent.joinall(asks, timeout=5, raise_error=True)
    assert len(node.open) == 1
    socket.unsubscribe_logs({"service": "execution"})
    assert not node.open


def test_logs_that_are_being_checked_count(socket: BrowserSocket) -> None:
    socket._logs._most = 2
    node, asks = hanging(socket, "execution", "consensus")
    with pytest.raises(LimitReached):
        socket.subscribe_logs({"service": "validator"})
    node.problem = UnitNotFound("execution")
    node.answers.set()
    gevent.joinall(asks, timeout=5)
    assert [type(each.exception) for each in asks] == [UnitNotFound, UnitNotFound]
    node.problem = None
    socket.subscribe_logs({"service": "validator"})
    assert len(node.open) == 1


def test_one_that_leaves_while_its_logs_are_checked_leaves_nothing(socket: BrowserSocket) -> None:
    node, asks = hanging(socket, "execution", "consensus")
    socket.close()
    node.problem = UnitNotFound("execution")
    node.answers.set()
    gevent.joinall(asks, timeout=5, raise_error=True)
    assert not node.open
    assert not node.holders


@pytest.mark.parametrize("what", ["subscribe_logs", "unsubscribe_logs", "subscribe_status", "enter", "close"])
def test_an_event_that_is_stopped_anywhere_holds_what_the_socket_knows_of(what: str) -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        before: Any = Node()
        after: Any = Node()
        socket: Any = BrowserSocket(Outbox(), None, Registry(), GatewayOptions(60, 64))  # type: ignore[arg-type]
        socket.enter(before)
        socket.subscribe_status({})
        socket.subscribe_logs({"service": "execution"})
        before.answers.clear()
        gevent.spawn_later(0.001, before.answers.set)
        yield {
            "subscribe_logs": lambda: socket.subscribe_logs({"services": ["consensus", "validator"]}),
            "unsubscribe_logs": lambda: socket.unsubscribe_logs({"service": "execution"}),
            "subscribe_status": lambda: socket.subscribe_status({"interval": 1000}),
            "enter": lambda: socket.enter(after),
            "close": socket.close,
        }[what]
        before.answers.set()
        socket.close()
        until(lambda: not any((before.open, after.open, before.holders, after.holders)), "the end of everything")

    assert sweep(scenario) >= 1


# -- what a socket tells of its node


def names(socket: BrowserSocket) -> list[str]:
    return [name for name, _ in socket.outbox.sent]  # type: ignore[attr-defined]


def welcomed(socket: BrowserSocket, **state: Any) -> Any:
    """A node that the socket is in."""
    node: Any = Node()
    for name, value in state.items():
        setattr(node, name, value)
    socket.enter(node)
    socket.welcome()
    return node


def test_one_that_is_in_hears_how_its_node_is(socket: BrowserSocket) -> None:
    welcomed(socket, about={"name": "node-1"})
    assert socket.outbox.sent == [  # type: ignore[attr-defined]
        ("authenticated", None),
        ("connection_state", {"state": "connected", "name": "node-1"}),
    ]


def test_one_that_is_in_while_its_node_is_away_hears_that_too(socket: BrowserSocket) -> None:
    welcomed(socket, connected=False, away=True, hint="Is it on?")
    until(lambda: "error" in names(socket), "the error")  # after the ack
    told = dict(socket.outbox.sent)  # type: ignore[attr-defined]
    assert told["connection_state"] == {"state": "reconnecting"}
    assert (told["error"]["code"], told["error"]["hint"]) == ("ssh_unreachable", "Is it on?")


def test_an_absence_is_told_once_and_its_end_once(socket: BrowserSocket) -> None:
    node = welcomed(socket)
    socket.outbox.sent.clear()  # type: ignore[attr-defined]
    socket.node_away()  # it is there again already
    assert names(socket) == []
    node.away = True
    socket.node_away()
    socket.node_away()
    assert names(socket) == ["error"]
    socket.node_back()
    socket.node_back()
    assert names(socket) == ["error", "authenticated"]
    socket.node_away()
    assert names(socket) == ["error", "authenticated", "error"]


def test_one_that_is_not_in_yet_hears_nothing_of_its_node(socket: BrowserSocket) -> None:
    node: Any = Node()
    node.away = True
    socket.enter(node)
    socket.connection_state("connected", {})
    socket.node_away()
    socket.node_back()
    socket.node_lost(SshUnreachable())
    assert names(socket) == []
    assert not socket.closed


def test_a_poll_that_fails_is_told(socket: BrowserSocket) -> None:
    welcomed(socket)
    socket.status_failed(SshTimeout())
    assert names(socket)[-1] == "error"
