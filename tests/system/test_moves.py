"""A node that is renamed, moved or set up anew while a page is open: its host key is what tells it from others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ethpillar.sessions import watch

from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import Sshd
from .test_cli import flask


@pytest.fixture
def server(local: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    monkeypatch.setattr(watch, "RENEW_EVERY", 0.0)  # a record that is replaced is seen at the next look
    return local


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Sshd]:
    """Another machine, with another host key; the same node's programs are on it."""
    daemon = Sshd(tmp_path / "other", str(tmp_path / "node" / "bin"))
    yield daemon
    daemon.stop()


def pin(world: World, host: str, port: int) -> str | None:
    found: Any = world.store.get(f"ethpillar:hostkey:[{host}]:{port}")
    return None if found is None else found.decode().partition(" ")[2]


def open_page(world: World, token: str) -> Any:
    """A page with a log that has a line."""
    socket = world.enter(token, reconnection=False)
    socket.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "before")
    until(lambda: socket.lines("execution")[-1:] == ["before"], "a line")
    return socket


def cursor(socket: Any) -> str:
    found: str = socket.events("log_data")[-1]["cursor"]
    return found


def goes_on(world: World, token: str, after: str) -> Any:
    """A page that comes again with the same token, and has the rest of the log."""
    socket = world.enter(token, reconnection=False)
    world.node.append(EXECUTION, "after")
    socket.call("subscribe_logs", {"service": "execution", "after": after})
    until(lambda: socket.lines("execution") == ["after"], "the line after")
    assert "gap" not in [told["state"] for told in socket.events("log_state")]
    return socket


def test_a_node_that_gets_another_name_is_pinned_by_both(world: World) -> None:
    token = world.session()
    socket = open_page(world, token)
    known = world.sshd.fingerprint()
    world.write_session(token, host="localhost")
    until(lambda: pin(world, "localhost", world.sshd.port) == known, "a login by the new name")
    assert pin(world, "127.0.0.1", world.sshd.port) == known
    goes_on(world, token, cursor(socket))
    assert not [told for told in socket.events("error") if told["code"] == "host_key_changed"]


def test_a_name_that_is_spelled_otherwise_has_the_same_pin(world: World) -> None:
    open_page(world, world.session(host="localhost")).close()
    world.sshd.stop()
    world.sshd.new_host_key()
    world.sshd.start()
    error = world.open(world.session(host="LocalHost")).wait("connect_error")
    assert error["data"]["code"] == "host_key_changed"


def test_a_page_follows_its_node_to_a_new_machine(world: World, other: Sshd) -> None:
    """The dashboard writes the new address under the token: nothing is pinned for that yet."""
    token = world.session()
    socket = open_page(world, token)
    world.write_session(token, port=other.port)
    until(lambda: pin(world, "127.0.0.1", other.port) == other.fingerprint(), "a login at the new address")
    until(lambda: not world.sshd.connections(), "the end of the old connection")
    assert pin(world, "127.0.0.1", world.sshd.port) == world.sshd.fingerprint()
    goes_on(world, token, cursor(socket))
    world.write_session(token)
    until(lambda: world.sshd.connections(), "the way back")


def test_an_address_that_another_node_had_is_told_and_let_go_of(world: World, other: Sshd) -> None:
    open_page(world, world.session(port=other.port)).close()
    until(lambda: not other.connections(), "the end of the connection")
    token = world.session()
    socket = open_page(world, token)
    last = cursor(socket)
    port = other.port
    other.stop()
    other.new_host_key()  # that address is another machine's now
    other.start()
    failures, logins = other.failures(), other.logins()
    world.write_session(token, port=port)
    told = socket.wait("error", lambda told: told["code"] == "host_key_changed")
    assert "forget-host" in told["hint"]
    socket.wait("disconnect")
    assert world.open(token, reconnection=False).wait("connect_error")["data"]["code"] == "host_key_changed"
    assert (other.failures(), other.logins()) == (failures, logins)  # nothing secret was sent
    assert flask(world, "sessions", "forget-host", "127.0.0.1", "--port", str(port)).returncode == 0
    until(lambda: not world.server.rooms.registry.nodes(), "the end of what was found out", 30)  # type: ignore[attr-defined]
    goes_on(world, token, last)


def test_a_node_that_is_set_up_anew_while_a_page_is_open(world: World) -> None:
    token = world.session()
    socket = open_page(world, token)
    last = cursor(socket)
    world.sshd.stop()
    world.sshd.new_host_key()
    world.sshd.start()
    told = socket.wait("error", lambda told: told["code"] == "host_key_changed")
    assert "forget-host" in told["hint"]
    socket.wait("disconnect")
    assert [told["code"] for told in socket.events("error")].count("host_key_changed") == 1
    done = flask(world, "sessions", "forget-host", "127.0.0.1", "--port", str(world.sshd.port))
    assert done.returncode == 0
    until(lambda: not world.server.rooms.registry.nodes(), "the end of what was found out", 30)  # type: ignore[attr-defined]
    goes_on(world, token, last)


def test_a_session_with_a_host_key_of_its_own_follows_that_machine_only(world: World, other: Sshd) -> None:
    token = world.session(hostKey=world.sshd.fingerprint())
    socket = open_page(world, token)
    world.write_session(token, port=other.port, hostKey=world.sshd.fingerprint())
    told = socket.wait("error", lambda told: told["code"] == "host_key_changed")
    assert "forget-host" not in told["hint"]
    assert pin(world, "127.0.0.1", other.port) is None
    assert other.logins() == 0
    world.write_session(token, hostKey=world.sshd.fingerprint())
    goes_on(world, token, cursor(socket))


def test_a_node_that_moves_with_its_key_and_gets_a_further_one(world: World, other: Sshd) -> None:
    """The kind of key that is pinned is asked for, though the node shows another one first."""
    token = world.session()
    socket = open_page(world, token)
    rsa = world.sshd.fingerprint("rsa")
    world.store.set(f"ethpillar:hostkey:[127.0.0.1]:{other.port}", f"ssh-rsa {other.fingerprint('rsa')}", ex=1000)
    assert rsa == other.fingerprint("rsa")
    world.write_session(token, port=other.port)
    until(lambda: other.connections(), "a login at the new address")
    goes_on(world, token, cursor(socket))
    assert pin(world, "127.0.0.1", other.port) == rsa
