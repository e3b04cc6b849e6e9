"""What runs beside EthPillar's own units, and what EthPillar does to them while a page is open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .proxy import Proxy


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    made = Proxy(world.sshd.port)
    yield made
    made.close()


LIGHTHOUSE = "Lighthouse Consensus Client service for HOODI"
TEKU = "Teku Beacon Node Consensus Client service for HOODI"


@pytest.mark.parametrize("service", ["prometheus", "grafana-server", "prometheus-node-exporter", "node_exporter"])
def test_units_beside_have_logs(world: World, service: str) -> None:
    world.node.set_unit(service, ActiveState="active", SubState="running")
    world.node.append(f"{service}.service", "ts=2026-11-26T10:00:00.000Z level=info msg=listening")
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": service}) == {"ok": True}
    until(lambda: len(socket.lines(service)) == 1, "its line")
    assert socket.events("log_data")[0]["level"] == "info"
    socket.emit("subscribe_status", {"interval": 1000})
    update = socket.wait("status_update")
    assert (service in [each["service"] for each in update]) == (service != "node_exporter")


@pytest.mark.parametrize("service", ["aztec", "aztec-sequencer", "csm-sentinel"])
def test_what_runs_in_docker_is_told_as_that(world: World, service: str) -> None:
    socket = world.enter()
    socket.emit("subscribe_logs", {"service": service})
    error = socket.wait("error")
    assert (error["code"], error["service"]) == ("unit_not_found", service)
    assert "docker" in error["hint"]


def test_a_consensus_client_that_is_switched_while_a_page_is_open(world: World) -> None:
    unit = "consensus.service"
    world.node.set_unit(unit, Description=LIGHTHOUSE, ActiveState="active", SubState="running")
    world.node.append(unit, "Nov 26 10:00:00.000 INFO Synced   slot: 11, epoch: 0")
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait(
        "status_update",
        lambda got: [each["client"] for each in got if each["service"] == "consensus"] == ["Lighthouse"],
    )
    socket.call("subscribe_logs", {"service": "consensus"})
    until(lambda: len(socket.lines("consensus")) == 1, "a line of Lighthouse")
    world.node.set_unit(unit, ActiveState="inactive", SubState="dead")
    world.node.append(unit, "Stopped consensus.service.", 6, manager=True)
    world.node.remove_unit(unit)  # the file is written anew
    world.node.set_unit(unit, Description=TEKU, ActiveState="active", SubState="running")
    world.node.append(unit, "Started consensus.service.", 6, manager=True)
    world.node.append(unit, "10:00:05.123 INFO  - Slot Event  *** Slot: 12, Block: empty")
    socket.wait(
        "status_update", lambda got: [each["client"] for each in got if each["service"] == "consensus"] == ["Teku"]
    )
    until(lambda: len(socket.lines("consensus")) == 4, "a line of Teku")
    last = socket.events("log_data")[-1]
    assert (last["level"], last["eth"]["slot"]) == ("info", "12")
    assert "gap" not in [state["state"] for state in socket.events("log_state")]


def test_a_unit_that_ethpillar_edits_is_the_same_log_all_the_time(world: World) -> None:
    socket = world.enter()
    socket.emit("subscribe_status", {"interval": 1000})
    socket.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "before")
    until(lambda: socket.lines("execution") == ["before"], "a line")
    world.node.set_unit("execution_temp", ActiveState="inactive")
    update = socket.wait("status_update")
    assert "execution_temp" not in [each["service"] for each in update]
    world.node.remove_unit(EXECUTION)
    socket.wait("status_update", lambda got: "not_installed" in [each["status"] for each in got])
    world.node.break_journalctl()
    world.node.append(EXECUTION, "while it is away")
    world.node.set_unit(EXECUTION, ActiveState="active", SubState="running")
    world.node.remove_unit("execution_temp")
    world.node.append(EXECUTION, "after")
    until(lambda: socket.lines("execution") == ["before", "while it is away", "after"], "all lines")
    assert "ended" not in [state["state"] for state in socket.events("log_state")]


def test_a_node_that_moves_to_another_address_is_found_by_a_page_that_comes_again(world: World, proxy: Proxy) -> None:
    token = world.session(port=proxy.port)
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "before")
    until(lambda: socket.lines("execution") == ["before"], "a line")
    cursor = socket.events("log_data")[-1]["cursor"]
    world.write_session(token)  # the dashboard writes the new address
    proxy.refuse(True)
    proxy.cut()
    socket.wait("connection_state", lambda told: told["state"] == "reconnecting")
    again = world.enter(token)
    world.node.append(EXECUTION, "after")
    again.call("subscribe_logs", {"service": "execution", "after": cursor})
    until(lambda: again.lines("execution") == ["after"], "the line after")


def test_a_node_that_is_renamed_is_told_and_its_log_goes_on(world: World, proxy: Proxy) -> None:
    name = world.folder / "node" / "bin" / "uname"

    def rename(text: str) -> None:
        name.write_text(f"#!/bin/sh\necho {text}\n")
        name.chmod(0o755)

    rename("old-name")
    token = world.session(port=proxy.port)
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "before")
    until(lambda: socket.lines("execution") == ["before"], "a line")
    socket.wait("connection_state", lambda told: told.get("node", {}).get("name") == "old-name")
    rename("new-name")
    proxy.cut()
    socket.wait("connection_state", lambda told: told.get("node", {}).get("name") == "new-name")
    world.node.append(EXECUTION, "after")
    until(lambda: socket.lines("execution") == ["before", "after"], "the line after")
    assert "gap" not in [state["state"] for state in socket.events("log_state")]
    assert world.enter(token).wait("connection_state")["node"]["name"] == "new-name"
