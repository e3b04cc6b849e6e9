"""Which nodes there are: no more than allowed, and nobody's in somebody's place."""

from __future__ import annotations

import logging
import time
from typing import Any
from unittest.mock import Mock

import gevent
import pytest

from ethpillar.errors import LimitReached, SshUnreachable
from ethpillar.nodes import registry as registry_module
from ethpillar.nodes.node import NodeOptions
from ethpillar.nodes.registry import NodeRegistry
from ethpillar.sessions import SessionRecord
from ethpillar.ssh.target import Target


class Holder:
    def connection_state(self, state: str, details: dict[str, Any]) -> None: ...

    def node_lost(self, error: Exception) -> None: ...


def record(number: int) -> SessionRecord:
    return SessionRecord(f"token-{number:04}", Target("203.0.113.1", 22, "staker", f"password {number}"))


@pytest.fixture
def registry() -> NodeRegistry:
    options: Any = NodeOptions(lambda *_: "", lambda *_: "", node_linger=600, max_nodes=2)
    return NodeRegistry(None, None, options)  # type: ignore[arg-type]


def test_no_more_nodes_than_allowed_and_one_session_s_sockets_share_one(registry: NodeRegistry) -> None:
    first, second = Holder(), Holder()
    node = registry.acquire(record(1), first)
    assert registry.acquire(record(1), second) is node
    registry.acquire(record(2), first)
    with pytest.raises(LimitReached):
        registry.acquire(record(3), first)
    assert len(registry) == 2
    assert registry.acquire(record(2), second)


def test_a_node_that_is_over_is_let_go_though_somebody_asks_all_the_time(
    registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "OVER_KEPT", 0.05)
    holder = Holder()
    node = registry.acquire(record(1), holder)
    node._terminal = SshUnreachable()
    started = time.monotonic()
    while registry.acquire(record(1), holder) is node:
        registry.release(node, holder)
        gevent.sleep(0.001)
        assert time.monotonic() - started < 5
    assert time.monotonic() - started > 0.04
    assert node._closed
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
        registry.acquire(record(1), Holder()).connect()
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
    gevent.sleep(0)  # it is closed in the background
    assert second._closed
    assert not first._closed
