"""Fixtures: one booted machine for a module, and a server, Redis and clients as in the other system tests."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..programs import missing
from ..system import conftest as simulated
from ..system.clients import JsClients
from ..system.parts import EthPillarServer, RedisServer, free_port
from ..waiting import until
from .machine import Machine
from .root import USERS, CannotRun, cached_root
from .seed import write_seed

redis, server, clients = simulated.redis, simulated.server, simulated.clients


def pytest_sessionstart() -> None:
    """SIGTERM ends a run as Ctrl-C does: with everything taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


class Node:
    """A machine with EthPillar's units and users; what a `World` wants of an sshd, it has as well."""

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        """Boots it. Raises `CannotRun`. :param root: what it boots from, if not a plain node"""
        self.port = free_port()
        self.passwords = {user: secrets.token_urlsafe(12) for user in USERS}
        seed = folder / "seed"
        seed.mkdir()
        write_seed(seed, self.port)
        self.write_more(seed)
        self.machine = Machine(root or cached_root(), seed, folder / "console")
        try:
            self.machine.run("chpasswd", stdin="".join(f"{user}:{word}\n" for user, word in self.passwords.items()))
        except BaseException:
            self.machine.stop()
            raise

    def write_more(self, seed: Path) -> None:
        """Writes what else there is on the machine: nothing."""

    def journal(self, unit: str, *options: str) -> list[str]:
        """The messages of a unit that are in the journal now, of all boots, as the machine's own journalctl tells."""
        printed = self.machine.run("sh", "-c", f"journalctl --quiet -u {unit} -o cat {' '.join(options)} 2>/dev/null")
        return printed.splitlines()

    def show(self, unit: str, key: str) -> str:
        """A property of a unit."""
        return self.machine.run("systemctl", "show", "--value", "--property", key, unit).strip()

    def connections(self) -> int:
        """How many sshd processes serve a login now."""
        return sum(len(self.machine.find("sshd", f": {user}")) for user in USERS)

    def cut(self) -> None:
        """Kills all connections, as soon as there is one: on a slow machine the server may be about to log in again.
        Their sshd is called `sshd: ...`, or `sshd-session: ...` from OpenSSH 9.8 on."""
        until(lambda: sum(self.machine.kill("sshd", f": {user}") for user in USERS), "a connection")


class World(simulated.World):
    """A node with a real systemd, Redis, the server and its clients."""

    def __init__(
        self, folder: Path, redis: RedisServer, server: EthPillarServer, node: Node, clients: JsClients
    ) -> None:
        super().__init__(folder, redis, server, node, node, clients)  # type: ignore[arg-type]
        self.real = node
        self.machine = node.machine

    def session_of(self, user: str) -> str:
        """The token of a new session of one of the node's users."""
        return self.session(username=user, password=self.real.passwords[user])

    def enter_as(self, user: str = "staker", **options: Any) -> Any:
        """A socket that is in, of a session of its own."""
        return self.enter(self.session_of(user), **options)

    def remote(self, program: str = "journalctl") -> int:
        """How many of these run on the node now."""
        return len(self.machine.find(program))


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"SSH_KEEPALIVE": "1", "SSH_DEAD_AFTER": "2", "SSH_LOGIN_TIMEOUT": "5", "SSH_COMMAND_TIMEOUT": "5"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    try:
        node = Node(tmp_path_factory.mktemp("machine"))
    except CannotRun as problem:
        missing(f"a machine that boots ({problem})")
        raise
    yield node
    node.machine.stop()


@pytest.fixture
def world(
    tmp_path: Path, redis: RedisServer, server: EthPillarServer, real: Node, clients: JsClients
) -> Iterator[World]:
    """Everything, and at the end nothing of it is left on the node."""
    made = World(tmp_path, redis, server, real, clients)
    yield made
    made.close()
    until(lambda: not made.remote() and not real.connections(), "the end of all connections")
