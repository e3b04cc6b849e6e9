"""When a node is closed, and that several reasons at once are one end."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ethpillar.nodes.node import Node, NodeOptions
from ethpillar.nodes.registry import NodeRegistry
from ethpillar.sessions import SessionRecord
from ethpillar.ssh.target import Target

RECORD = SessionRecord("3f0c6f0e-8f57-4b0c-9a53-0d6f1c1f0f11", Target("127.0.0.1", 22, "staker", "pw"))


class Holder:
    """A `NodeListener` that hears nothing, for these nodes never connect."""

    connection_state = node_lost = None


@pytest.fixture
def registry() -> NodeRegistry:
    options = NodeOptions(encode_line=lambda *_: "", encode_statuses=lambda *_: "")
    unused: Any = None
    return NodeRegistry(unused, unused, options, linger=60)


def test_several_ends_at_once_close_a_node_once(registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Node] = []

    def close(node: Node) -> None:
        closed.append(node)
        gevent.sleep(0)  # closing SSH takes turns of the hub

    monkeypatch.setattr(Node, "close", close)
    holder: Any = Holder()
    node = registry.acquire(RECORD, holder)
    registry.release(node, holder)
    ends = [
        gevent.spawn(registry.close),
        gevent.spawn(registry.end_session, RECORD.token),
        gevent.spawn(registry.close),
        gevent.spawn(registry.end_session, RECORD.token),
    ]
    gevent.joinall(ends, raise_error=True)
    assert closed == [node]
    assert len(registry) == 0


def test_a_session_with_two_nodes_loses_both(registry: NodeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Node] = []

    def close(node: Node) -> None:
        closed.append(node)
        registry.close()  # meanwhile

    monkeypatch.setattr(Node, "close", close)
    holder: Any = Holder()
    other = SessionRecord(RECORD.token, Target("127.0.0.1", 22, "staker", "another"))
    nodes = [registry.acquire(record, holder) for record in (RECORD, other)]
    registry.end_session(RECORD.token)
    assert closed == nodes
