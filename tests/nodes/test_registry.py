"""Which nodes there are: no more than allowed, and nobody's in somebody's place."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import (
    AccountExpired,
    BadKey,
    CredentialRefused,
    EthPillarError,
    HostKeyChanged,
    LimitReached,
    SecondFactorRequired,
    SessionStoreDown,
    SshTimeout,
    SshUnreachable,
    TooManyNodes,
)
from ethpillar.nodes import registry as registry_module
from ethpillar.nodes.items import Encoder
from ethpillar.nodes.link_state import LinkState
from ethpillar.nodes.node import Node, NodeOptions
from ethpillar.nodes.registry import NodeRegistry
from ethpillar.sessions import SessionRecord
from ethpillar.ssh.target import Target
from ethpillar.turns import belong

from ..waiting import until


class Holder:
    def connection_state(self, state: str, details: dict[str, Any]) -> None: ...

    def node_away(self) -> None: ...

    def node_back(self) -> None: ...

    def node_lost(self, error: Exception) -> None: ...


def closed(node: Node) -> bool:
    return node._link.state is LinkState.CLOSED


def record(number: int) -> SessionRecord:
    return SessionRecord(f"token-{number:04}", Target("203.0.113.1", 22, "staker", f"password {number}"))


@pytest.fixture
def registry() -> Iterator[NodeRegistry]:
    options: Any = NodeOptions(Encoder(lambda *_: b""), lambda *_: "", node_linger=600, max_nodes=2)
    made = NodeRegistry(None, None, options)  # type: ignore[arg-type]
    yield made
    made.close()


def test_no_more_nodes_than_allowed_and_one_session_s_sockets_share_one(registry: NodeRegistry) -> None:
    first, second = Holder(), Holder()
    node = registry.acquire(record(1), first)
    assert registry.acquire(record(1), second) is node
    registry.acquire(record(2), first)
    with pytest.raises(LimitReached):
        registry.acquire(record(3), first)
    assert len(registry) == 2
    assert registry.acquire(record(2), second)


def test_nodes_that_let_nobody_in_give_their_places_to_others(registry: NodeRegistry) -> None:
    lost: list[Exception] = []

    class Losing(Holder):
        def node_lost(self, error: Exception) -> None:
            lost.append(error)

    holder = Losing()
    nodes = [registry.acquire(record(number), holder) for number in (1, 2)]
    elsewhere = SessionRecord("token-0003", Target("203.0.113.9", 22, "staker", "password"))
    gevent.spawn(lambda: (belong("another"), registry.acquire(elsewhere, Holder()))).get()
    until(lambda: closed(nodes[0]), "the end of the oldest")
    assert not closed(nodes[1])
    assert [type(each) for each in lost] == [TooManyNodes]
    registry.release(nodes[0], holder)  # late
    assert len(registry) == 2


def test_a_node_that_is_over_is_let_go_though_somebody_asks_all_the_time(
    registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "OVER_KEPT", 0.05)
    holder = Holder()
    registry._store = Mock(refused=lambda _: "ssh_auth_failed")
    node = registry.acquire(record(1), holder)
    with pytest.raises(CredentialRefused):
        node.connect()
    assert node.over
    started = time.monotonic()
    while registry.acquire(record(1), holder) is node:
        registry.release(node, holder)
        gevent.sleep(0.001)
        assert time.monotonic() - started < 5
    assert time.monotonic() - started > 0.04
    until(lambda: closed(node), "its end")
    assert len(registry) == 1
    registry.release(node, holder)  # late, and nobody's else
    assert len(registry) == 1


def test_a_login_that_fails_as_nobody_thought_of_is_one_more_failed_login(
    registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def login(*_: Any) -> Any:
        raise RuntimeError("CANARY")

    monkeypatch.setattr(registry_module.Login, "__call__", login)
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    registry._store = Mock(refused=lambda _: None)
    with pytest.raises(SshUnreachable):
        registry.acquire(record(1), Holder()).reach()
    assert "RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_node_that_only_lingers_makes_room(registry: NodeRegistry) -> None:
    holder = Holder()
    first, second = (registry.acquire(record(number), holder) for number in (1, 2))
    registry.release(second, holder)
    registry.release(first, holder)
    registry.acquire(record(3), holder)
    assert len(registry) == 2
    assert registry.acquire(record(1), holder) is first  # the one that nobody held for longest had to go
    with pytest.raises(LimitReached):
        registry.acquire(record(2), holder)
    until(lambda: closed(second), "the end of the other one")  # in the background
    assert not closed(first)


def test_a_session_that_ends_closes_its_nodes_and_no_others(registry: NodeRegistry) -> None:
    holder = Holder()
    one, other = registry.acquire(record(1), holder), registry.acquire(record(2), holder)
    assert registry.tokens() == {one.record.token, other.record.token}
    registry.end_session("unknown")
    registry.end_session(one.record.token)
    assert closed(one)
    assert not closed(other)
    assert registry.tokens() == {other.record.token}
    registry.end_session(one.record.token)
    registry.release(one, holder)


def test_a_session_with_two_credentials_has_two_nodes_and_ends_with_both(registry: NodeRegistry) -> None:
    holder = Holder()
    before = record(1)
    after = SessionRecord(before.token, Target("203.0.113.1", 22, "staker", "another password"))
    nodes = [registry.acquire(each, holder) for each in (before, after)]
    assert nodes[0] is not nodes[1]
    assert registry.tokens() == {before.token}
    registry.end_session(before.token)
    assert all(closed(each) for each in nodes)
    assert (len(registry), registry.tokens()) == (0, set())


def test_one_that_comes_back_in_time_finds_its_node(registry: NodeRegistry) -> None:
    holder = Holder()
    node = registry.acquire(record(1), holder)
    for _ in range(3):
        registry.release(node, holder)
        assert registry.acquire(record(1), holder) is node
    assert not registry._expiry
    registry.close()
    assert closed(node)


def test_a_node_that_nobody_holds_is_closed_after_a_while_and_others_stay(registry: NodeRegistry) -> None:
    registry._node_options = replace(registry._node_options, node_linger=0.01)
    holder, other = Holder(), Holder()
    held, left = registry.acquire(record(1), holder), registry.acquire(record(2), holder)
    registry.acquire(record(1), other)
    for node in (held, left):
        registry.release(node, holder)
    until(lambda: closed(left), "its end")
    assert not closed(held)
    assert registry.nodes() == [held]
    assert registry.tokens() == {held.record.token}


def test_a_node_that_is_over_is_forgotten_after_a_while_though_somebody_holds_it_again(
    registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "OVER_KEPT", 0.01)
    registry._store = Mock(refused=lambda _: "ssh_auth_failed")
    first, second = Holder(), Holder()
    node = registry.acquire(record(1), first)
    with pytest.raises(CredentialRefused):
        node.connect()
    registry.release(node, first)
    assert registry.acquire(record(1), second) is node
    until(lambda: closed(node), "its end")
    assert registry.acquire(record(1), second) is not node


def test_a_caller_that_is_stopped_while_nodes_are_closed_leaves_nothing(
    registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, done = Event(), []

    def slowly(node: Node) -> None:
        gate.wait()
        done.append(node)

    monkeypatch.setattr(Node, "close", slowly)
    node = registry.acquire(record(1), Holder())
    ending = gevent.spawn(registry.end_session, node.record.token)
    until(lambda: not len(registry), "the end to begin")
    ending.kill()
    gate.set()
    until(lambda: done == [node], "the end of the node")
    registry.close()
    assert not registry._closing


class Store:
    """What is remembered of refused credentials."""

    def __init__(self, known: str | None = None, down: bool = False) -> None:
        self.known = known
        self.down = down
        self.noted: list[tuple[str, float | None]] = []

    def refused(self, _: SessionRecord) -> str | None:
        return self.known

    def refuse(self, _: SessionRecord, code: str, seconds: float | None) -> None:
        if self.down:
            raise SessionStoreDown
        self.noted.append((code, seconds))


@pytest.mark.parametrize(
    ("known", "found", "raised", "noted", "tries"),
    [
        (None, CredentialRefused(), CredentialRefused, [("ssh_auth_failed", None)], 1),
        (None, SecondFactorRequired(), SecondFactorRequired, [("ssh_second_factor", None)], 1),
        (None, AccountExpired(), AccountExpired, [("ssh_account_expired", 150.0)], 1),
        (None, HostKeyChanged(), HostKeyChanged, [], 1),  # an operator cures that
        (None, SshTimeout(), SshTimeout, [], 1),
        (None, SessionStoreDown(), SessionStoreDown, [], 1),
        ("ssh_bad_key", None, BadKey, [], 0),
        ("ssh_account_expired", None, AccountExpired, [], 0),
        ("ssh_of_a_later_release", None, CredentialRefused, [], 0),
    ],
)
def test_a_credential_that_was_refused_is_not_tried_again(
    registry: NodeRegistry,
    monkeypatch: pytest.MonkeyPatch,
    known: str | None,
    found: EthPillarError | None,
    raised: type[EthPillarError],
    noted: list[tuple[str, float | None]],
    tries: int,
) -> None:
    made = []

    def login(*_: Any) -> Any:
        made.append(1)
        assert found is not None
        raise found

    monkeypatch.setattr(registry_module.Login, "__call__", login)
    registry._store = store = Store(known)  # type: ignore[assignment]
    with pytest.raises(raised):
        registry.acquire(record(1), Holder()).reach()
    assert (store.noted, len(made)) == (noted, tries)


def test_a_refusal_that_cannot_be_noted_is_a_refusal_all_the_same(
    registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module.Login, "__call__", Mock(side_effect=CredentialRefused()))
    registry._store = Store(down=True)  # type: ignore[assignment]
    with pytest.raises(CredentialRefused):
        registry.acquire(record(1), Holder()).connect()
