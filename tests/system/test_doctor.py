"""`flask doctor` and `flask top` beside a running server and a real Redis."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from ..waiting import until
from .conftest import EXECUTION, World
from .test_cli import flask


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:  # a path of pytest's is too long for a socket
        yield {"CONTROL_SOCKET": str(Path(folder) / "control"), "TRUSTED_PROXIES": "none"}


def doctor(world: World, settings: dict[str, str], **changes: str) -> dict[str, dict[str, Any]]:
    done = flask(world, "doctor", "--json", **{**settings, "MAX_NODES": "10", **changes})
    return {step["name"]: step for step in json.loads(done.stdout)}


def test_all_is_well(world: World, settings: dict[str, str]) -> None:
    found = doctor(world, settings)
    assert [name for name, step in found.items() if step["ok"] is False and name != "Packages"] == []
    assert found["Rights in Redis"]["ok"] is True
    assert found["Clock"]["ok"] is True
    assert "sessions" in found["Running server"]["found"]


def test_a_user_of_redis_that_may_too_little(world: World, settings: dict[str, str]) -> None:
    allowed = ["~ssh_session:*", "+@read", "+ping", "+time"]
    world.store.execute_command("ACL", "SETUSER", "small", "on", ">secret", *allowed)
    try:
        url = world.redis.url.replace("redis://", "redis://small:secret@")
        if not url.startswith("redis://"):
            url = f"{world.redis.url}{'&' if '?' in world.redis.url else '?'}username=small&password=secret"
        rights = doctor(world, settings, REDIS_URL=url)["Rights in Redis"]
        assert rights["ok"] is False
        assert "EVAL" in rights["found"]
        assert "STRLEN" not in rights["found"]
    finally:
        world.store.execute_command("ACL", "DELUSER", "small")


def test_a_replica(world: World, settings: dict[str, str]) -> None:
    world.store.replicaof("127.0.0.1", "1")
    try:
        assert "replica" in doctor(world, settings)["Redis"]["found"]
    finally:
        world.store.replicaof("NO", "ONE")


def test_a_proxy_that_nobody_named(world: World, settings: dict[str, str]) -> None:
    assert world.server.get("/healthz", **{"X-Forwarded-For": "203.0.113.7"})[0] == 200
    found = doctor(world, settings)["Proxies"]
    assert found["ok"] is False
    assert "TRUSTED_PROXIES" in found["fix"]


def test_top_says_who_is_connected_and_names_nobody(world: World, settings: dict[str, str]) -> None:
    token = world.session()
    one, two = world.enter(token), world.enter(token)
    one.call("subscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "hello")
    until(lambda: one.lines("execution"), "the line")
    done = flask(world, "top", "--json", "--every", "0.1", **settings)
    answer = json.loads(done.stdout)
    assert token not in done.stdout
    row = next(each for each in answer["sessions"] if each["logs"])
    assert (row["sockets"], row["logs"], row["node"]) == (2, 1, "connected")
    assert row["channels"] >= 1
    assert row["memory_bytes"] > 0
    assert row["session"] in flask(world, "top", **settings).stdout
    two.close()


def test_only_its_user_may_open_the_socket(world: World, settings: dict[str, str]) -> None:
    assert stat.S_IMODE(os.stat(settings["CONTROL_SOCKET"]).st_mode) == 0o600
    none = flask(world, "top", CONTROL_SOCKET="/nonexistent/control")
    assert none.returncode == 1
    assert "no server answers" in none.stderr


def test_redis_refuses_the_password(world: World, settings: dict[str, str]) -> None:
    store: redis_py.Redis = world.store
    store.config_set("requirepass", "secret")
    try:
        found = doctor(world, settings)["Redis"]
        assert found["ok"] is False
        assert "password" in found["found"]
    finally:
        store.config_set("requirepass", "")
