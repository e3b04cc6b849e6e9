"""What `/metrics` says while people watch a node: it moves with what they do, and names nobody."""

from __future__ import annotations

import uuid

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import USER

TOKEN = "a-token-of-prometheus"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"METRICS_TOKEN": TOKEN}


def figures(world: World) -> dict[str, float]:
    status, _, text = world.server.get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_figures_move_with_what_people_do(world: World) -> None:
    before = figures(world)
    world.node.append(EXECUTION, "INFO [11-26|10:00:00.000] Imported new potential chain segment  number=1")
    world.node.append(EXECUTION, "??? what no client prints")
    token = world.session()
    one, two = world.enter(token), world.enter(token)
    for socket in (one, two):
        socket.call("subscribe_logs", {"service": "execution"})
        socket.call("subscribe_status", {"interval": 1000})
    until(lambda: len(one.lines("execution")) == len(two.lines("execution")) == 2, "the lines")
    one.wait("status_update")
    world.open(str(uuid.uuid4())).wait("connect_error")
    after = figures(world)
    gone_up = {name: after[name] - before.get(name, 0) for name in after}
    assert after["ethpillar_sockets"] == 2
    assert after["ethpillar_sessions"] == 1
    assert after['ethpillar_nodes{state="connected"}'] == 1
    assert after["ethpillar_log_subscribers"] == 2
    assert after["ethpillar_ring_bytes"] > 0
    assert gone_up['ethpillar_logins_total{result="ok"}'] == 1
    assert gone_up["ethpillar_journal_entries_total"] == 2
    assert gone_up["ethpillar_sent_lines_total"] == 4
    assert gone_up['ethpillar_unknown_lines_total{client="Geth"}'] == 1
    assert gone_up["ethpillar_poll_seconds_count"] >= 1
    assert gone_up['ethpillar_refused_total{reason="unknown_token"}'] == 1
    assert after["ethpillar_process_resident_memory_bytes"] > 1_000_000


def test_they_name_nobody(world: World) -> None:
    token = world.session()
    world.enter(token).call("subscribe_logs", {"service": "execution"})
    _, _, text = world.server.get("/metrics", Authorization=f"Bearer {TOKEN}")
    for word in (token, USER, "127.0.0.1", str(world.sshd.port), "execution"):
        assert word not in text


def test_a_reconnect_is_counted(world: World) -> None:
    socket = world.enter()
    before = figures(world)["ethpillar_reconnects_total"]
    world.sshd.stop()
    socket.wait("connection_state", lambda event: event["state"] == "reconnecting")
    world.sshd.start()
    until(lambda: figures(world)["ethpillar_reconnects_total"] == before + 1, "the count")
