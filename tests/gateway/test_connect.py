"""Events through the whole gateway, without Redis and without a node: what answers a CONNECT."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ethpillar.errors import (
    EthPillarError,
    HostKeyChanged,
    RateLimited,
    SessionExpired,
    SessionStoreDown,
)
from ethpillar.server import Server

from ..waiting import until
from .served import TOKEN, Client, Watched, codes, let_in


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        (SessionExpired(), {"message": "Authentication error: Invalid or expired session."}),
        (SessionStoreDown(), {"message": "Authentication error: Server error during validation."}),
        (RateLimited(), {"message": RateLimited().message, "data": RateLimited().payload()}),
    ],
)
def test_a_refusal_at_connect_says_why(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch, problem: EthPillarError, answer: object
) -> None:
    def renew(_: str) -> None:
        raise problem

    monkeypatch.setattr(server.store, "renew", renew)
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    assert [json.loads(each[2:]) for each in client.heard()] == [answer]
    assert not server.gateway.sockets


def test_a_node_that_refuses_at_connect_is_told_once(app: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise HostKeyChanged

    let_in(server, monkeypatch, Watched(refuse))
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    [answer] = [json.loads(each[2:]) for each in client.heard()]
    assert answer["message"] == HostKeyChanged().message
    assert answer["data"]["code"] == "host_key_changed"
    assert "message" not in answer["data"]
    assert server.gateway.tokens() == set()


def test_one_that_shows_its_token_with_its_connect_is_welcomed_after_the_answer(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_in(server, monkeypatch, Watched())
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    until(lambda: client.engine.queue.qsize() >= 3, "the welcome")
    answer, *events = client.heard()
    assert answer.startswith("40")
    assert codes(events) == ["authenticated", "connection_state"]
    assert server.gateway.tokens() == {TOKEN}


def test_one_that_shows_none_is_let_in_and_waits(app: Any, server: Server) -> None:
    client = Client(app).connect()
    assert client.heard() == []
    [socket] = server.gateway.sockets.values()
    assert not socket.closed
    assert socket.token is None


def test_a_session_that_ends_during_the_login_is_the_answer_to_connect(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: Any) -> None:
        for holder in server.gateway._entrance.holders(TOKEN):
            holder.end(SessionExpired())

    let_in(server, monkeypatch, Watched(end))
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    assert client.heard() == ['44{"message":"Authentication error: Invalid or expired session."}']
    assert not server.gateway.sockets


def test_a_client_that_logs_in_while_the_server_stops_is_not_refused_so_that_it_comes_back(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        for socket in server.gateway.sockets.values():
            socket.close()

    let_in(server, monkeypatch, Watched(stop))
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    assert not any(each.startswith("44") for each in client.heard())


def test_a_client_for_whom_no_socket_can_be_made_is_refused_and_nothing_is_left(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Any) -> Any:
        raise KeyError("it has left")

    monkeypatch.setattr(server.gateway, "_new_socket", fails)
    client = Client(app)
    client.say("40")
    assert client.heard() == ['44{"message":"Authentication error: Server error during validation."}']
    assert not server.gateway.sockets
