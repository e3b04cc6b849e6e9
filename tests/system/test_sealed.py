"""A server with `SESSION_KEY`."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from ethpillar.sessions import SessionStore

from ..waiting import until
from .conftest import World
from .parts import PASSWORD, USER

KEY = Fernet.generate_key().decode()


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"SESSION_KEY": KEY}


def test_a_sealed_session_and_a_plain_one_both_get_in(world: World) -> None:
    token = "0f8fad5b-d9cb-469f-a165-70867728950e"
    document = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": world.sshd.port}
    store = SessionStore.from_url(world.redis.url, 10200, [KEY])
    store.create(token, document)

    def written() -> bytes:
        return bytes(world.store.get(f"ssh_session:{token}") or b"")  # type: ignore[arg-type]

    before = written()
    assert PASSWORD.encode() not in before
    assert USER.encode() not in before
    world.enter(token)
    world.enter()
    until(lambda: written() != before, "its renewal")
    after = json.loads(written())
    assert after["sealed"] == json.loads(before)["sealed"]
    assert after["lastAccessed"] > json.loads(before)["lastAccessed"]
    store.close()


def test_one_that_another_key_sealed_is_no_session(world: World) -> None:
    token = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    store = SessionStore.from_url(world.redis.url, 10200, [Fernet.generate_key().decode()])
    store.create(token, {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": world.sshd.port})
    store.close()
    error = world.open(token).wait("connect_error")
    assert error["message"] == "Authentication error: Invalid or expired session."
