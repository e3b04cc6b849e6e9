"""Events through the whole gateway, without Redis and without a node: its last resorts, ends and goodbyes."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import (
    EthPillarError,
    MemoryShort,
    SessionStoreDown,
    ShuttingDown,
    Superseded,
    TooLarge,
)
from ethpillar.limits.refusals import Refusal
from ethpillar.server import Server

from ..waiting import until
from .served import TOKEN, Client, codes


def failing(*_: Any, **__: Any) -> Any:
    raise RuntimeError("CANARY")


def test_an_unexpected_error_at_connect_refuses_and_says_nothing(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server.store, "renew", failing)
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    assert client.heard() == ['44{"message":"Authentication error: Server error during validation."}']
    assert not server.gateway.sockets
    assert "An event failed" in told.text
    assert "failed (RuntimeError" in told.text
    assert "CANARY" not in told.text
    assert TOKEN not in told.text


def test_a_type_error_at_connect_refuses_as_well(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def fails(token: str) -> Any:
        asked.append(token)
        raise TypeError("CANARY")  # at which Flask-SocketIO would call the handler again, without the token

    monkeypatch.setattr(server.store, "renew", fails)
    client = Client(app)
    client.say("40" + json.dumps({"token": TOKEN}))
    assert client.heard()[0].startswith("44")
    assert asked == [TOKEN]
    assert "CANARY" not in told.text


def test_an_unexpected_error_in_an_event_is_told_and_the_socket_goes_on(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    client = Client(app).connect()
    (socket,) = server.gateway.sockets.values()
    monkeypatch.setattr(socket, "unsubscribe_status", failing)
    client.say('421["unsubscribe_status"]')
    error, ack = client.heard()
    assert json.loads(error[2:])[1]["code"] == "internal"
    assert json.loads(ack[3:])[0]["error"]["code"] == "internal"
    assert "An event failed" in told.text
    assert "CANARY" not in told.text
    monkeypatch.undo()
    client.say('422["unsubscribe_status"]')
    assert client.heard() == ['432[{"ok":true}]']


def test_what_waited_for_its_turn_on_a_socket_that_has_ended_is_not_done(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client(app).connect()
    (socket,) = server.gateway.sockets.values()
    asked: list[str] = []
    monkeypatch.setattr(server.store, "renew", asked.append)
    with socket.turns.take():
        waiting = [gevent.spawn(server.gateway._authenticate, socket, TOKEN) for _ in range(50)]
        gevent.sleep(0)
        socket.close()
    gevent.joinall(waiting, raise_error=True)
    assert not asked


def test_an_error_outside_of_every_event_is_only_logged(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    client = Client(app).connect()
    monkeypatch.setattr(server.gateway, "_tell", failing)
    client.say('42["no_such_event"]')
    assert client.heard() == []
    assert "An event failed (RuntimeError" in told.text
    assert "CANARY" not in told.text


def test_only_the_sockets_of_a_session_are_looked_at_when_it_ends(app: Any, server: Server) -> None:
    clients = [Client(app).connect() for _ in range(4)]
    find = server.gateway._socketio.server.manager.sid_from_eio_sid
    sockets = [server.gateway.sockets[find(client.sid, "/")] for client in clients]
    for socket, token in zip(sockets, "aabc", strict=True):
        socket.token = token
        server.gateway._entrance.take(token, socket)
    assert server.gateway.tokens() == {"a", "b", "c"}

    class Untouchable(dict[str, Any]):
        def values(self) -> Any:
            raise AssertionError("all sockets were looked at")

    server.gateway.sockets = Untouchable(server.gateway.sockets)
    server.gateway.session_ended("a")
    assert server.gateway.tokens() == {"a", "b", "c"}
    until(lambda: server.gateway.tokens() == {"b", "c"}, "the end of its sockets")
    heard = [client.heard() for client in clients]
    assert [json.loads(each[0][2:])[1]["code"] for each in heard[:2]] == ["session_expired"] * 2
    assert heard[2:] == [[], []]


def test_slow_closes_keep_nobody_from_hearing_that_the_server_stops(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [Client(app).connect() for _ in range(9)]
    closing, go = [], Event()
    for socket in list(server.gateway.sockets.values())[:6]:
        monkeypatch.setattr(socket, "close", lambda socket=socket: (closing.append(socket), go.wait()))
    goodbye = gevent.spawn(server.gateway.say_goodbye, ShuttingDown())
    until(lambda: len(closing) == 6, "all of them closing at once")
    for client in clients:
        (error,) = client.heard()
        assert json.loads(error[2:])[1]["code"] == "server_restarting"
    go.set()
    goodbye.get()


@pytest.mark.parametrize("hangs", [failing, lambda *_: gevent.sleep(60)])
@pytest.mark.parametrize("part", ["gateway", "watch", "registry"])
def test_whatever_hangs_or_fails_at_the_end_the_rest_is_closed(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    told: pytest.LogCaptureFixture,
    part: str,
    hangs: Callable[..., Any],
) -> None:
    closed: list[str] = []
    names = {"watch": "stop", "gateway": "say_goodbye", "registry": "close", "store": "close"}
    for each, name in names.items():
        act = hangs if each == part else lambda *_, each=each: closed.append(each)
        monkeypatch.setattr(getattr(server, each), name, act)
    server._timeout = 0.1
    server.shutdown()
    assert closed == [each for each in names if each != part]
    assert server.closing
    assert "CANARY" not in told.text


@pytest.mark.parametrize(
    ("packet", "code", "ack"),
    [
        ('421["subscribe_logs",5]', "bad_request", "ok"),
        ('421["subscribe_logs",{"service":5}]', "bad_request", "ok"),
        ('421["subscribe_status",{}]', "not_authenticated", "ok"),
        ('421["authenticate",5]', "bad_request", False),
    ],
)
def test_an_event_that_is_refused_is_told_and_acknowledged(app: Any, packet: str, code: str, ack: object) -> None:
    client = Client(app).connect()
    client.say(packet)
    until(lambda: client.engine.queue.qsize() >= 2, "the answers")
    heard = client.heard()
    (told,) = [json.loads(each[2:])[1] for each in heard if each.startswith("42")]
    assert told["code"] == code
    answers = [json.loads(each[3:])[0] for each in heard if each.startswith("431")]
    if ack is False:
        assert answers == [False]
    else:
        assert answers == [{"ok": False, "error": told}]


# -- events


def test_a_message_that_was_too_large_is_told_and_counted(app: Any, server: Server) -> None:
    client = Client(app).connect()
    [socket] = server.gateway.sockets.values()
    ack = server.gateway._oversized(socket)
    assert codes(client.heard()) == [TooLarge.code] == [ack["error"]["code"]]
    assert server.gateway._entrance._limits.refusals.counts[Refusal.MESSAGE] == 1


def test_events_have_their_turns_in_the_order_in_which_they_came(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if one of them lets others go first: an unsubscribe that came later would else have been for nothing."""
    client = Client(app).connect()
    app.extensions["socketio"].server.async_handlers = True  # a greenlet for each, as in production
    order: list[object] = []

    def payload(arguments: Any) -> dict[str, Any]:
        order.append(arguments[0]["n"])
        return {}

    delays = iter([0.03, 0.02, 0.01] + [0] * 30)
    monkeypatch.setattr("ethpillar.gateway.events.breathe", lambda: gevent.sleep(next(delays)))
    monkeypatch.setattr("ethpillar.gateway.events.wire.payload_object", payload)
    names = ["subscribe_logs", "unsubscribe_logs", "read_logs"] * 3
    client.say("\x1e".join(f'42["{name}",{{"n":{number}}}]' for number, name in enumerate(names)))
    until(lambda: len(order) == len(names), "all of them")
    assert order == list(range(len(names)))


def test_an_event_for_which_there_is_no_room_is_told_and_acknowledged(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(app).connect()
    [socket] = server.gateway.sockets.values()

    def full(_: Any) -> Any:
        raise MemoryShort

    monkeypatch.setattr(socket.room, "take", full)
    client.say('421["unsubscribe_status"]')
    client.say('422["authenticate","x"]')
    until(lambda: client.engine.queue.qsize() >= 4, "the answers")
    heard = client.heard()
    assert codes(heard) == [MemoryShort.code] * 2
    [ack] = [json.loads(each[3:])[0] for each in heard if each.startswith("431")]
    assert (ack["ok"], ack["error"]["code"]) == (False, MemoryShort.code)
    assert "432[false]" in heard
    assert server.gateway._entrance._limits.refusals.counts[Refusal.MEMORY] == 2


def test_a_page_of_the_past_is_the_ack(app: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(app).connect()
    [socket] = server.gateway.sockets.values()
    monkeypatch.setattr(socket, "read_logs", lambda payload: {"ok": True, "entries": [payload]})
    with socket.turns.take():  # it needs none
        client.say('421["read_logs",{"service":"execution"}]')
        assert client.heard() == ['431[{"ok":true,"entries":[{"service":"execution"}]}]']


def test_what_stands_against_a_page_of_the_past_is_told_unless_the_page_asked_anew(
    app: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(app).connect()
    [socket] = server.gateway.sockets.values()
    for problem, told in ((Superseded(), []), (SessionStoreDown(), [SessionStoreDown.code])):

        def read(_: Any, problem: EthPillarError = problem) -> Any:
            raise problem

        monkeypatch.setattr(socket, "read_logs", read)
        client.say('421["read_logs",{}]')
        heard = client.heard()
        assert codes(heard) == told
        [ack] = [json.loads(each[3:])[0] for each in heard if each.startswith("431")]
        assert (ack["ok"], ack["error"]["code"]) == (False, problem.code)


def test_an_event_of_a_socket_that_has_left_is_nothing(server: Server) -> None:
    assert server.gateway._guarded("read_logs", failing)("nobody") is None


# -- sessions


def test_only_sockets_of_another_node_follow_a_session_that_was_renewed(server: Server) -> None:
    followed: list[tuple[Socket, Any]] = []

    class Socket:
        def __init__(self, elsewhere: bool) -> None:
            self.elsewhere = elsewhere

        def end(self, error: EthPillarError) -> None: ...

        def is_elsewhere(self, _: Any) -> bool:
            return self.elsewhere

        def follow(self, record: Any) -> None:
            followed.append((self, record))

    there, here = Socket(elsewhere=True), Socket(elsewhere=False)
    for each in (there, here):
        server.gateway._entrance.take(TOKEN, each)
    record: Any = SimpleNamespace(token=TOKEN)
    server.gateway.session_renewed(record)
    until(lambda: followed, "the one that follows")
    assert followed == [(there, record)]


def test_a_payload_that_is_no_good_needs_no_turn_to_be_told_so_where_an_event_takes_its_own(
    app: Any, server: Server
) -> None:
    """Asking a node about a service may take seconds, which must not be the other events'."""
    client = Client(app).connect()
    (socket,) = server.gateway.sockets.values()
    with gevent.Timeout(10), socket.turns.take():
        client.say('421["subscribe_logs",{"service":5}]')
    assert codes(client.heard()) == ["bad_request"]
