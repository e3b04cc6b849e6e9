"""Two applications in one process, with different settings: they share nothing."""

from __future__ import annotations

import gc
import io
import types
from collections.abc import Iterator
from typing import Any

import pytest

import config
from ethpillar import create_app
from ethpillar.log_setup import SILENT
from ethpillar.server import Server

ROOM = "ethpillar."


def make(**settings: str) -> Any:
    app = create_app(config.load({"REDIS_URL": "unix:///nowhere", **settings}, env_file=None))
    return app.extensions["ethpillar"]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    one = make()
    two = make(
        FRONTEND_URL="https://dash.example",
        MAX_MESSAGE_BYTES="5000",
        MAX_LOGS_PER_SOCKET="2",
        AUTH_TIMEOUT="7",
        MAX_CONNECTIONS_PER_ADDRESS="3",
        SSH_LOGINS="1",
        RING_ENTRIES="10",
        NODE_LINGER="1",
    )
    yield one, two
    for each in (one, two):
        each.shutdown()


def state_of(root: Any) -> dict[int, Any]:
    """Every object of ours that an application holds and that may change."""
    found: dict[int, Any] = {}
    shared = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, str, int, float, bytes)
    todo = [root]
    while todo:
        each = todo.pop()
        if id(each) in found or isinstance(each, shared) or each is SILENT:
            continue
        if isinstance(each, types.FrameType | types.CodeType | types.CellType) and not isinstance(each, types.CellType):
            continue
        found[id(each)] = each
        todo += gc.get_referents(each)
    return {key: each for key, each in found.items() if type(each).__module__.startswith(ROOM)}


def test_each_has_its_own_settings(servers: tuple[Server, Server]) -> None:
    one, two = servers
    assert (one.web.max_message_bytes, two.web.max_message_bytes) == (65536, 5000)
    origins = ("http://localhost:3000", "https://dash.example")
    assert [one.web.origins.allows(each, {}) for each in origins] == [True, False]
    assert [two.web.origins.allows(each, {}) for each in origins] == [False, True]
    assert one.limits.connections.take("a")
    assert not two.limits.connections.has("a")
    assert [two.limits.connections.take("a") for _ in range(4)] == [True, True, True, False]
    assert one.limits.connections.take("a")
    one.limits.connections.release("a")
    one.registry.login_options.logins.acquire()
    assert two.registry.login_options.logins.free
    one.registry.login_options.logins.release()


def test_they_hold_no_object_of_ours_in_common(servers: tuple[Server, Server]) -> None:
    one, two = map(state_of, servers)
    assert len(one) > 10  # it does look
    shared = [type(one[key]).__qualname__ for key in one.keys() & two.keys()]
    assert [name for name in shared if name not in FROZEN] == []


FROZEN = {"UnitStatus", "Refusal"}
"Values that never change."


def test_a_body_of_one_is_bounded_as_its_own_settings_say(servers: tuple[Server, Server]) -> None:
    for server, size in zip(servers, (65536, 5000), strict=True):
        eio = server.gateway._socketio.server.eio
        assert eio.max_http_buffer_size == size


def test_a_body_may_have_many_packets_and_no_class_was_changed_for_that() -> None:
    from engineio.payload import Payload

    from ethpillar.web.engine import packets_of

    body = b"\x1e".join([b"3"] * 100)
    assert len(packets_of({"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)})) == 100
    assert Payload.max_decode_packets == 16
