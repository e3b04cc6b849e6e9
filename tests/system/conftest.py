"""Fixtures: each test has a simulated node of its own behind a real sshd; a module shares Redis and the server."""

from __future__ import annotations

import json
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from demo.simnode import SimNode, install

from ..waiting import until
from .clients import JsClients
from .local import LocalServer
from .parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd

EXECUTION = "execution.service"


class World:
    """A node, its sshd, Redis, the server and its clients."""

    def __init__(
        self,
        folder: Path,
        redis: RedisServer,
        server: EthPillarServer,
        sshd: Sshd,
        node: SimNode,
        clients: JsClients,
    ) -> None:
        self.folder = folder
        self.redis = redis
        self.server = server
        self.sshd = sshd
        self.node = node
        self.store: redis_py.Redis = redis_py.Redis.from_url(redis.url)
        self.held: list[socket.socket] = []
        "Connections that a test holds open until its end."
        self.clients = clients
        clients.url = server.url

    def session(self, **changes: Any) -> str:
        """Writes a session as the dashboard does; its token."""
        token = str(uuid.uuid4())
        self.write_session(token, **changes)
        return token

    def write_session(self, token: str, **changes: Any) -> None:
        """Writes the session of a token; a key whose value is `...` is left out."""
        document = {
            "host": "127.0.0.1",
            "username": USER,
            "password": PASSWORD,
            "port": self.sshd.port,
            "lastAccessed": int(time.time() * 1000),
            **changes,
        }
        value = json.dumps({key: each for key, each in document.items() if each is not ...})
        self.store.set(f"ssh_session:{token}", value, ex=10200)

    def open(self, token: str | None = None, **options: Any) -> Any:
        """A socket that shows a token at connect."""
        return self.clients.open(token, **options)

    def enter(self, token: str | None = None, **options: Any) -> Any:
        """A socket that is in."""
        entered = self.open(token or self.session(), **options)
        entered.wait("authenticated")
        return entered

    def remote(self, program: str = "journalctl") -> int:
        """How many of these run on the node now."""
        return sum(1 for each in self.node.running() if each["argv"][0].endswith(program))

    def close(self) -> None:
        """Ends the clients' sockets, and what a test held open."""
        self.clients.close_sockets()
        for each in self.held:
            each.close()
        self.store.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def clients() -> Iterator[JsClients]:
    """The process of the JavaScript clients; each test has sockets of its own in it."""
    made = JsClients()
    yield made
    made.close()


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Settings of the server; a module may override this."""
    return {}


@pytest.fixture(scope="module")
def server(
    redis: RedisServer, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EthPillarServer]:
    started = EthPillarServer(tmp_path_factory.mktemp("server"), redis.url, **settings)
    yield started
    started.stop()
    assert "Traceback" not in started.log, started.log
    assert "greenlet failed" not in started.log, started.log


@pytest.fixture
def local(redis: RedisServer, settings: dict[str, str]) -> Iterator[LocalServer]:
    """The server in this process; a module whose `server` this is can count what it holds."""
    made = LocalServer(redis, **settings)
    yield made
    made.close()


@pytest.fixture
def node(tmp_path: Path) -> SimNode:
    """A node with Geth, whose units are installed and run."""
    state = tmp_path / "node"
    install(state, sys.executable)
    made = SimNode(state)
    made.set_unit(
        EXECUTION,
        LoadState="loaded",
        ActiveState="active",
        SubState="running",
        Description="Geth Execution Layer Client service for HOODI",
        MainPID="4242",
        UnitFileState="enabled",
    )
    made.set_unit(
        "validator.service",
        LoadState="loaded",
        ActiveState="active",
        SubState="running",
        Description="Lighthouse Validator Client service for HOODI",
        MainPID="4243",
        UnitFileState="enabled",
    )
    return made


@pytest.fixture
def sshd_options() -> dict[str, str]:
    """Lines of sshd_config; a test may override this."""
    return {}


@pytest.fixture
def sshd(tmp_path: Path, node: SimNode, sshd_options: dict[str, str]) -> Iterator[Sshd]:
    daemon = Sshd(tmp_path / "sshd", str(tmp_path / "node" / "bin"), **sshd_options)
    yield daemon
    daemon.stop()


@pytest.fixture
def world(
    tmp_path: Path, redis: RedisServer, server: EthPillarServer, sshd: Sshd, node: SimNode, clients: JsClients
) -> Iterator[World]:
    """Everything, and at the end nothing of it is left on the node."""
    made = World(tmp_path, redis, server, sshd, node, clients)
    yield made
    made.close()
    until(lambda: not made.remote() and not made.sshd.connections(), "the end of all connections")
