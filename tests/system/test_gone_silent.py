"""A log that falls silent while it is followed, as what its unit prints goes elsewhere by now: it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ..waiting import until
from .broken import set_up_journald, switch_off
from .conftest import EXECUTION, World
from .local import LocalServer


@pytest.fixture
def server(local: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """One that looks into silence sooner."""
    monkeypatch.setattr("ethpillar.nodes.follower.SILENT", 0.1)
    monkeypatch.setattr("ethpillar.nodes.follower.LONG_SILENT", 0.3)
    monkeypatch.setattr("ethpillar.nodes.follower.ON_ITS_WAY", 0.3)
    monkeypatch.setattr("ethpillar.nodes.node_source.DROPS_KEPT", 0.0)
    monkeypatch.setattr("ethpillar.nodes.status_feed.RECENT", 0.0)
    return local


def restart(world: World, **properties: str) -> None:
    """The unit is started again, with what was changed in it."""
    at = f"@{time.time() + 2:.0f}"
    world.node.set_unit(EXECUTION, StateChangeTimestamp=at, MainPID="5151", **properties)
    world.node.append(EXECUTION, "Started execution.service.", manager=True)


def looks(world: World) -> int:
    """How often the node was asked something while the log was silent."""
    return len([call for call in world.node.calls() if call["argv"][0].endswith(("systemctl", "systemd-id128"))])


WAYS: dict[str, tuple[Callable[[World], None], str]] = {
    "to nowhere": (lambda world: restart(world, StandardOutput="null", StandardError="null"), "StandardOutput=null"),
    "to a file": (
        lambda world: restart(world, StandardOutput="append:/var/log/geth.log", StandardError="inherit"),
        "StandardOutput=append",
    ),
    "to a journal of its own": (lambda world: restart(world, LogNamespace="eth"), "LogNamespace="),
    "to a level that is dropped": (lambda world: restart(world, LogLevelMax="3"), "LogLevelMax=err"),
    "to a journal that keeps nothing": (switch_off, "Storage=none"),
    "to a journal that keeps no such level": (
        lambda world: set_up_journald(world, "MaxLevelStore=4"),
        "MaxLevelStore=warning",
    ),
}


@pytest.mark.parametrize("merged", [False, True], ids=["alone", "merged"])
@pytest.mark.parametrize(("goes", "hint"), WAYS.values(), ids=WAYS)
def test_a_log_that_falls_silent_says_why(world: World, goes: Callable[[World], None], hint: str, merged: bool) -> None:
    sockets = [world.enter(), world.enter()]
    for socket in sockets:
        asked: Any = {"services": ["execution", "validator"]} if merged else {"service": "execution"}
        socket.call("subscribe_logs", asked)
        socket.wait("log_state", lambda told: (told["service"], told["state"]) == ("execution", "live"))
    world.node.append(EXECUTION, "before")
    for socket in sockets:
        until(lambda socket=socket: socket.lines("execution") == ["before"], "a line")  # type: ignore[misc]
    goes(world)
    for socket in sockets:
        told = socket.wait("error", lambda told: told["service"] == "execution")
        assert told["code"] == "log_elsewhere"
        assert "execution" in told["message"]
        assert hint in told["hint"]
    before = looks(world)
    until(lambda: looks(world) > before + 3, "some more looks")
    for socket in sockets:
        assert len([told for told in socket.events("error") if told["service"] == "execution"]) == 1
    world.node.append(EXECUTION, "after all")  # the log goes on
    for socket in sockets:
        until(lambda socket=socket: "after all" in socket.lines("execution"), "the line after")  # type: ignore[misc]
        assert "ended" not in [told["state"] for told in socket.events("log_state")]


def test_what_was_set_and_is_not_in_force_yet_is_not_told(world: World) -> None:
    """`systemctl show` tells it from daemon-reload on; the program that runs still prints to the journal."""
    world.node.set_unit(EXECUTION, StateChangeTimestamp=f"@{time.time() - 60:.0f}")
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    socket.wait("log_state", lambda told: told["state"] == "live")
    world.node.append(EXECUTION, "before")
    until(lambda: socket.lines("execution") == ["before"], "a line")
    world.node.set_unit(EXECUTION, StandardOutput="null", StandardError="null")

    before = looks(world)
    until(lambda: looks(world) > before + 3, "some looks")
    assert not socket.events("error")


def test_a_journal_that_is_on_again_is_not_called_off(world: World) -> None:
    switch_off(world)
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    assert "Storage=none" in socket.wait("error")["hint"]
    (world.folder / "node" / "bin" / "systemd-analyze").unlink()
    again = world.enter()
    again.call("subscribe_logs", {"service": "execution"})
    again.wait("log_state", lambda told: told["state"] == "live")
    world.node.append(EXECUTION, "a line")
    until(lambda: "a line" in again.lines("execution"), "the line")
    assert not again.events("error")
