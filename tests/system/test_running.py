"""Starting, stopping, and Redis coming and going."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import ROOT, EthPillarServer, RedisServer, free_port

SERVER_ERROR = "Authentication error: Server error during validation."


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    clean = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif((ROOT / ".env").exists(), reason="a .env of the developer's would be read")
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "ethpillar: REDIS_URL is not set"),
        ({"REDIS_URL": "http://user:hunter2@x"}, "ethpillar: REDIS_URL is invalid"),
        ({"REDIS_URL": "redis://x", "WS_PORT": "x"}, "ethpillar: WS_PORT is invalid"),
        ({"REDIS_URL": "redis://x", "FRONTEND_URL": "*"}, "ethpillar: FRONTEND_URL is invalid"),
    ],
)
def test_a_setting_that_is_wrong_is_one_line_and_exit_status_2(environment: dict[str, str], said: str) -> None:
    done = start(**environment)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


def test_sigterm_tells_clients_closes_ssh_and_exits(world: World) -> None:
    sockets = [world.enter(transports=[transport]) for transport in ("websocket", "polling")]
    for socket in sockets:
        socket.call("subscribe_logs", {"service": "execution"})
    assert world.server.terminate() < 10
    for socket in sockets:
        assert socket.wait("error")["code"] == "server_restarting"
        socket.wait("disconnect")
    until(lambda: not world.sshd.connections() and not world.remote(), "the end of SSH")
    world.server.start()
    for socket in sockets:  # by itself: it was not sent away, its connection broke
        until(lambda socket=socket: len(socket.events("authenticated")) == 2, "a new login")  # type: ignore[misc]


def test_the_end_is_told_once(redis: RedisServer, tmp_path: Path) -> None:
    server = EthPillarServer(tmp_path, redis.url)
    until(lambda: "; Redis answers" in server.log, "the first line")
    server.terminate()
    assert server.log.count("Shutting down") == 1
    assert server.log.count("Ready") == 1


def test_a_server_that_ends_while_it_asks_redis_says_nothing_of_that(redis: RedisServer, tmp_path: Path) -> None:
    redis.signal(signal.SIGSTOP)
    try:
        server = EthPillarServer(tmp_path, redis.url)
        server.terminate()
    finally:
        redis.signal(signal.SIGCONT)
    assert "failed" not in server.log


def test_an_outage_of_redis(world: World, redis: RedisServer) -> None:
    token = world.session()
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    redis.stop()
    try:
        until(lambda: world.server.get("/readyz")[0] == 503, "not ready")
        assert world.server.get("/healthz")[0] == 200
        refused = world.open(token)
        assert refused.wait("connect_error") == {"message": SERVER_ERROR}
        other = world.open()
        other.wait("connect")
        assert other.call("authenticate", token) is False
        assert other.wait("error")["code"] == "server_error"
        assert "auth" not in other.wait("error")["message"].lower()
        world.node.append(EXECUTION, "during the outage")
        until(lambda: socket.lines("execution") == ["during the outage"], "a stream that goes on")
        assert socket.events("disconnect") == []
    finally:
        redis.start()
    until(lambda: world.server.get("/readyz")[0] == 200, "ready again")
    world.write_session(token)  # the outage took Redis's memory with it
    assert other.call("authenticate", token) is True
    log = world.server.log
    assert "Redis does not answer" in log
    assert str(redis.port) not in log


def test_a_redis_that_hangs(world: World, redis: RedisServer) -> None:
    token = world.session()
    socket = world.enter(token)
    socket.call("subscribe_logs", {"service": "execution"})
    redis.signal(signal.SIGSTOP)
    try:
        assert world.open(token).wait("connect_error") == {"message": SERVER_ERROR}
        world.node.append(EXECUTION, "meanwhile")
        until(lambda: socket.lines("execution") == ["meanwhile"], "a stream that goes on")
        assert world.server.get("/healthz")[0] == 200
    finally:
        redis.signal(signal.SIGCONT)
    until(lambda: world.server.get("/readyz")[0] == 200, "ready again")
    world.enter(token)


class TestImpatient:
    @pytest.fixture
    def impatient(self, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
        started = EthPillarServer(tmp_path_factory.mktemp("impatient"), redis.url, AUTH_TIMEOUT="1")
        yield started
        started.stop()

    def test_a_socket_that_shows_no_token_in_time_is_let_go(self, world: World, impatient: EthPillarServer) -> None:
        socket = world.clients.open(None, url=impatient.url)
        assert socket.wait("error")["code"] == "session_required"
        assert "auth" not in socket.wait("error")["message"].lower()
        assert socket.wait("disconnect") == "io server disconnect"

    def test_one_that_shows_it_stays(self, world: World, impatient: EthPillarServer) -> None:
        token = world.session()
        early = world.clients.open(token, url=impatient.url)
        late = world.clients.open(None, url=impatient.url)
        late.wait("disconnect")
        early.emit("subscribe_status", {"interval": 1000})
        until(lambda: len(early.events("status_update")) >= 3, "updates beyond the deadline")
        assert early.events("disconnect") == []

    def test_one_whose_node_is_away_stays_and_may_try_again(self, world: World, impatient: EthPillarServer) -> None:
        token = world.session(port=free_port())
        socket = world.clients.open(token, url=impatient.url)
        assert socket.wait("error")["code"] == "ssh_unreachable"
        world.clients.open(None, url=impatient.url).wait("disconnect")
        assert socket.call("authenticate", token) is True  # it waits for the node, as it did before
        assert {error["code"] for error in socket.events("error")} == {"ssh_unreachable"}
        assert socket.events("disconnect") == []
