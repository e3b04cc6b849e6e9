"""What the operator finds in the log: why something was refused, and nothing while all is well."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import redis as redis_py

from ..waiting import until
from .conftest import World
from .parts import EthPillarServer, RedisServer

LIMITS = {
    "LOG_LEVEL": "info",
    "LOG_FORMAT": "json",
    "MAX_BAD_TOKENS_PER_ADDRESS": "10",
    "MAX_SOCKETS_PER_SESSION": "2",
    "MAX_LOGS_PER_SOCKET": "1",
    "TRUSTED_PROXIES": "none",
    "SSH_DENIED_NETWORKS": "192.0.2.0/24",
}


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return LIMITS


def lines(server: EthPillarServer) -> list[dict[str, str]]:
    """The server's log; each line of it is an object."""
    return [json.loads(line) for line in server.log.splitlines()]


def reasons(server: EthPillarServer) -> list[str]:
    return [line["reason"] for line in lines(server) if "reason" in line]


def too_many_sockets(world: World) -> None:
    token = world.session()
    world.enter(token)
    world.enter(token)
    world.open(token).wait("connect_error")


def too_many_logs(world: World) -> None:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    socket.call("subscribe_logs", {"service": "validator"})


def a_denied_network(world: World) -> None:
    world.open(world.session(host="192.0.2.7")).wait("connect_error")


def another_redis(world: World) -> None:
    world.open(str(uuid.uuid4())).wait("connect_error")


def a_broken_record(world: World) -> None:
    token = world.session(host="not a host!")
    world.open(token).wait("connect_error")
    said = [line for line in lines(world.server) if "not valid" in line["message"]]
    assert "`host`" in said[0]["message"]
    assert len(said[0]["session"]) >= 8


def someones_proxy(world: World) -> None:
    assert world.server.get("/healthz", **{"X-Forwarded-For": "203.0.113.7"})[0] == 200


def too_large(world: World) -> None:
    socket = world.enter()
    socket.emit("subscribe_logs", {"service": "x" * 100_000})
    socket.wait("error")


@pytest.mark.parametrize(
    ("reason", "setting", "act"),
    [
        ("sockets", "MAX_SOCKETS_PER_SESSION", too_many_sockets),
        ("logs", "MAX_LOGS_PER_SOCKET", too_many_logs),
        ("address", "SSH_DENIED_NETWORKS", a_denied_network),
        ("unknown_token", "REDIS_URL", another_redis),
        ("unknown_token", "REDIS_URL", a_broken_record),
        ("forwarded", "TRUSTED_PROXIES", someones_proxy),
        ("message", "MAX_MESSAGE_BYTES", too_large),
    ],
)
def test_a_refusal_is_in_the_log_with_its_setting(
    world: World, reason: str, setting: str, act: Callable[[World], None]
) -> None:
    act(world)
    until(lambda: reason in reasons(world.server), f"a line about {reason}")
    said = [line for line in lines(world.server) if line.get("reason") == reason]
    assert setting in said[0]["message"]


def test_a_flood_of_bad_tokens_is_one_line(world: World) -> None:
    for _ in range(30):
        world.open(str(uuid.uuid4())).wait("connect_error")
    until(lambda: "tokens" in reasons(world.server), "a line about bad tokens")
    assert reasons(world.server).count("tokens") == 1


def test_nothing_is_said_while_all_is_well(redis: RedisServer, tmp_path: Path, world: World) -> None:
    server = EthPillarServer(tmp_path, redis.url, LOG_LEVEL="info")
    try:
        world.clients.url = server.url
        socket = world.enter()
        socket.call("subscribe_logs", {"service": "execution"})
        socket.call("subscribe_status", {"interval": 1000})
        until(lambda: "Connected" in server.log, "the login")
        socket.wait("status_update")
        before = server.log
        for number in range(3):
            world.node.append("execution.service", f"line {number}")
        until(lambda: "line 2" in socket.lines("execution"), "the lines")
        until(lambda: len(socket.events("status_update")) >= 3, "further updates")
        assert server.log == before
    finally:
        world.clients.url = world.server.url
        server.stop()


def test_every_line_about_a_session_has_its_name_and_no_secret(
    redis: RedisServer, tmp_path: Path, world: World
) -> None:
    server = EthPillarServer(tmp_path, redis.url, LOG_LEVEL="debug")
    try:
        world.clients.url = server.url
        token = world.session()
        world.enter(token).call("unsubscribe_logs", {})
        until(lambda: "Refused (bad_request)" in server.log, "a refusal")
        socket = re.search(r"session (\w+), socket (\w+): Refused \(bad_request\)", server.log)
        assert socket is not None
        assert f"session {socket[1]}: Connected" in server.log
        assert f"socket {socket[2]}: Connected" in server.log
        assert token not in server.log
        redis_py.Redis.from_url(redis.url).delete(f"ssh_session:{token}")
        until(lambda: f"session {socket[1]}: It has ended" in server.log, "the session's end")
    finally:
        world.clients.url = world.server.url
        server.stop()
