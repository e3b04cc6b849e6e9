"""Rates and counts: who is beyond one is told so, nothing else changes, and the frontend never gets near any."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engineio import packet as eio_packet

from ethpillar.gateway.codec import OVERSIZED_PACKET
from ethpillar.limits import limits
from ethpillar.limits.buckets import ByClient
from ethpillar.web.dispatch import MAX_PACKETS

from ..frames import frame
from ..waiting import until
from .conftest import EXECUTION, World
from .local import LocalServer
from .parts import EthPillarServer, RedisServer
from .raw import Raw, polling_session

HERE, THERE = "203.0.113.1", "203.0.113.2"
PAGE, TABS = 5, 10
BURST = 30


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "MAX_CONNECTIONS_PER_ADDRESS": "4",
        "MAX_BAD_TOKENS_PER_ADDRESS": "3",
        "MAX_BAD_TOKENS": "1",
        "MAX_SOCKETS_PER_SESSION": "2",
        "MAX_LOGS_PER_SOCKET": "1",
        "MAX_EVENTS_PER_SECOND": "2",
        "MAX_EVENTS_BURST": str(BURST),
        "MAX_NODES": "2",
    }


def open_from(world: World, address: str, token: str | None, **options: Any) -> Any:
    """A socket of somebody behind the proxy."""
    return world.open(token, extraHeaders={"X-Forwarded-For": address}, **options)


def check(error: dict[str, Any], code: str) -> None:
    """An error of a limit, with a hint, which the frontend does not take for a reason to log in again."""
    assert error["code"] == code
    assert error["hint"]
    assert "auth" not in error["message"].lower()


def test_sockets_of_a_session(world: World) -> None:
    token = world.session()
    first, second = world.enter(token), world.enter(token)
    refused = world.open(token)
    check(refused.wait("connect_error")["data"], "limit_reached")
    other = world.open()
    other.wait("connect")
    assert other.call("authenticate", token) is False
    check(other.wait("error"), "limit_reached")
    assert first.call("authenticate", token) is True  # it is one already
    second.close()
    until(lambda: other.call("authenticate", token), "a place")
    assert first.events("error") == []


def test_logs_of_a_socket(world: World) -> None:
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"})["ok"]
    answer = socket.call("subscribe_logs", {"service": "validator"})
    check(answer["error"], "limit_reached")
    assert socket.call("subscribe_logs", {"service": "execution"})["ok"]  # the same one again
    socket.call("unsubscribe_logs", {"service": "execution"})
    assert socket.call("subscribe_logs", {"service": "validator"})["ok"]


def test_events_of_a_socket(world: World) -> None:
    token = world.session()
    neighbour, socket = world.enter(token), world.enter(token)
    neighbour.call("subscribe_logs", {"service": "execution"})
    for _ in range(BURST + 20):
        socket.emit("unsubscribe_status")
    check(socket.wait("error"), "rate_limited")
    until(lambda: answered(socket), "events that are answered again")
    assert socket.events("disconnect") == []
    for _ in range(BURST + 200):
        socket.emit("unsubscribe_status")
    assert socket.wait("disconnect") == "io server disconnect"
    world.node.append(EXECUTION, "still here")
    until(lambda: neighbour.lines("execution") == ["still here"], "the neighbour's log")
    assert neighbour.events("error") == []


def answered(socket: Any) -> bool:
    """Return True if an event is answered; one that is dropped is not."""
    try:
        return bool(socket.call("unsubscribe_status", deadline=2)["ok"])
    except AssertionError:
        return False


def test_more_packets_in_a_body_than_a_socket_may_send_are_not_decoded(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    decode = eio_packet.Packet.decode
    monkeypatch.setattr(eio_packet.Packet, "decode", lambda self, text: decoded.append(text) or decode(self, text))
    paid: list[tuple[str, float]] = []
    monkeypatch.setattr(ByClient, "pay", lambda _, client, cost: (cost and paid.append((client, cost))) or 0.0)
    for _ in range(3):
        connection = Raw(local.port)
        url = polling_session(connection, X_Forwarded_For=HERE)
        connection.request("POST", url, "\x1e".join(["4["] * 20_000), X_Forwarded_For=HERE)
        connection.request("POST", url, "d=" + "%1e".join(["4["] * 10_000), X_Forwarded_For=HERE)
        connection.close()
    assert decoded == [OVERSIZED_PACKET] * 3
    assert [each for each in paid if each != (HERE, 1)] == [(HERE, limits.HANDSHAKE), (HERE, MAX_PACKETS)] * 3
    assert paid.count((HERE, 1)) == 3 * 3  # each request


def test_a_websocket_that_sends_pings_without_end(world: World) -> None:
    connection = Raw(world.server.port)
    connection.connect(world.session())
    drip = frame(9, b"") * 500
    until(lambda: not connection.send(drip), "the end of a connection that pings")
    connection.close()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_who_goes_on_before_it_is_a_socket_is_cut_off_at_once(world: World, transport: str) -> None:
    connection = Raw(world.server.port)
    if transport == "websocket":
        assert connection.upgrade() == 101
        until(lambda: not connection.say("40/nowhere,"), "the end")
    else:
        url = polling_session(connection)
        until(lambda: connection.request("POST", url, "\x1e".join(["40/nowhere,"] * 16))[0] != 200, "the end")


def test_nodes(world: World) -> None:
    tokens = [world.session() for _ in range(3)]
    first, second = (world.enter(token) for token in tokens[:2])
    third = world.open(tokens[2])
    check(third.wait("connect_error")["data"], "limit_reached")
    assert third.events("authenticated") == []
    second.close()

    def enters() -> bool:
        again = world.open(tokens[2])
        until(lambda: again.events("connect_error") or again.events("authenticated"), "an answer")
        return bool(again.events("authenticated"))

    until(enters, "a place")
    assert first.call("subscribe_logs", {"service": "execution"})["ok"]


def test_bad_tokens(world: World) -> None:
    good, fresh = world.session(), world.session()
    inside = open_from(world, HERE, good)
    inside.wait("authenticated")
    guesser = open_from(world, HERE, None)
    guesser.wait("connect")
    codes = []
    for _ in range(6):
        guesser.call("authenticate", str(uuid.uuid4()))
        codes.append(until(lambda: guesser.events("error")[len(codes) :], "an error")[0])
    assert [each["code"] for each in codes[:2]] == ["session_expired"] * 2
    check(codes[-1], "rate_limited")
    open_from(world, HERE, fresh).wait("authenticated")  # a good one does not pay for others' bad ones
    assert inside.call("authenticate", good) is True  # a token in use is no guess
    open_from(world, HERE, good).wait("authenticated")
    assert str(uuid.UUID(good)) not in world.server.log


def test_silent_connections_of_an_address_keep_none_of_its_clients_out(redis: RedisServer, tmp_path: Path) -> None:
    server = EthPillarServer(tmp_path, redis.url, TRUSTED_PROXIES="none", MAX_CONNECTIONS_PER_ADDRESS="5")
    try:
        silent = [Raw(server.port) for _ in range(20)]
        assert server.get("/healthz")[0] == 200
        until(lambda: sum(each.ended() for each in silent) >= 15, "those that gave way")
        for each in silent:
            each.close()
    finally:
        server.stop()


def test_strangers_with_many_addresses_shut_nobody_out(world: World) -> None:
    for number in range(12):
        guesser = Raw(world.server.port)
        guesser.connect(X_Forwarded_For=f"2001:db8:7:{number:x}::1")
        for token in ("x", str(uuid.uuid4())):
            guesser.say(f'42["authenticate","{token}"]')
            assert guesser.hear_event("error")["code"] in ("session_expired", "rate_limited")
        guesser.close()
    assert world.server.get("/healthz")[0] == 200
    elsewhere = Raw(world.server.port)
    elsewhere.connect(world.session(), X_Forwarded_For=THERE)
    elsewhere.close()
    neighbour = Raw(world.server.port)  # in the same /56
    assert neighbour.upgrade(X_Forwarded_For="2001:db8:7:ff::1") == 101
    neighbour.hear()
    neighbour.say("40" + json.dumps({"token": str(uuid.uuid4())}))
    assert "rate_limited" in neighbour.hear()
    neighbour.close()


def test_an_address_behind_the_proxy(world: World) -> None:
    addresses = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:5::", "2001:db8:0:1::"]  # one customer's /64
    taken = [Raw(world.server.port) for _ in addresses]
    for connection, address in zip(taken, addresses, strict=True):
        assert connection.upgrade(X_Forwarded_For=f"198.51.100.99, {address}") == 101
    for path in ("/?EIO=4&transport=polling", "/healthz"):
        refused = Raw(world.server.port).request("GET", path, X_Forwarded_For="2001:db8:0:1::9")
        assert refused[0] == 429
        assert "server" not in refused[1]
    assert Raw(world.server.port).upgrade(X_Forwarded_For="2001:db8:0:1::9") == 429
    assert Raw(world.server.port).upgrade(X_Forwarded_For="2001:db8:0:2::9") == 101
    taken.pop().close()
    until(lambda: Raw(world.server.port).upgrade(X_Forwarded_For="2001:db8:0:1::9") == 101, "a place")


def test_polling_sessions_of_an_address(world: World) -> None:
    connection = Raw(world.server.port)
    urls = [polling_session(connection, X_Forwarded_For="203.0.113.50") for _ in range(4)]
    path = "/?EIO=4&transport=polling"
    assert connection.request("GET", path, X_Forwarded_For="203.0.113.50")[0] == 429
    assert connection.request("GET", path, X_Forwarded_For="203.0.113.51")[0] == 200
    connection.request("POST", urls[0], "1", X_Forwarded_For="203.0.113.50")
    assert connection.request("GET", path, X_Forwarded_For="203.0.113.50")[0] == 200


class TestWithoutProxy:
    @pytest.fixture
    def server(self, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
        folder = tmp_path_factory.mktemp("public")
        started = EthPillarServer(folder, redis.url, TRUSTED_PROXIES="none", MAX_CONNECTIONS_PER_ADDRESS="50")
        yield started
        started.stop()

    def test_thousands_of_idle_connections_of_an_address(self, server: EthPillarServer) -> None:
        idle = [Raw(server.port, "127.0.0.9") for _ in range(2000)]
        until(lambda: sum(each.ended() for each in idle) == 1950, "all but fifty to be refused")
        lied = Raw(server.port, "127.0.0.9")
        lied.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n")
        assert lied.answer()[0] == 200
        # It takes the place of a silent one: what a stranger says of its address is not believed.
        until(lambda: sum(each.ended() for each in idle) == 1951, "one that gave way")
        assert server.get("/healthz")[0] == 200
        for each in idle:
            each.close()
        until(lambda: Raw(server.port, "127.0.0.9").request("GET", "/healthz")[0] == 200, "a place")


class TestWhoGoesOn:
    @pytest.fixture
    def server(self, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
        ones = dict.fromkeys(("MAX_LOGS_PER_SOCKET", "MAX_SOCKETS_PER_SESSION", "MAX_NODES"), "1")
        started = EthPillarServer(tmp_path_factory.mktemp("ones"), redis.url, **ones)
        yield started
        started.stop()

    @pytest.mark.parametrize("limit", ["logs", "sockets", "nodes"])
    def test_past_a_limit_is_disconnected_and_nobody_else_is(self, world: World, limit: str) -> None:
        token = world.session()
        inside, other = Raw(world.server.port), Raw(world.server.port)
        inside.connect(token)
        inside.say('42["subscribe_logs",{"service":"execution"}]')
        assert inside.hear_event("log_state")["state"] == "live"
        if limit == "logs":
            going_on, packet = inside, '42["subscribe_logs",{"service":"validator"}]'
        else:
            other.connect()
            shown = token if limit == "sockets" else world.session()
            going_on, packet = other, f'42["authenticate","{shown}"]'
        going_on.say(packet)
        assert going_on.hear_event("error")["code"] == "limit_reached"
        until(lambda: not going_on.say(packet), "the end of one that goes on")
        if going_on is not inside:
            world.node.append(EXECUTION, "still here")
            until(lambda: inside.hear_event("log_data")["line"] == "still here", "the line")  # a hint came before it
        for each in (inside, other):
            each.close()


class TestFewPlaces:
    """A worker with few descriptors, of which strangers take all they can get."""

    PLACES = 150

    @pytest.fixture
    def server(self, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
        class Small(EthPillarServer):
            prefix = ("prlimit", f"--nofile=80:{self.PLACES * 4 // 3}")

        folder = tmp_path_factory.mktemp("small")
        started = Small(folder, redis.url, TRUSTED_PROXIES="none", REQUEST_TIMEOUT="300")
        yield started
        started.stop()

    def test_those_that_say_nothing_keep_nobody_out(self, server: EthPillarServer) -> None:
        idle = [Raw(server.port, f"127.0.1.{number % 200 + 1}") for number in range(5 * self.PLACES)]
        for number, each in enumerate(idle):
            if number % 2:
                each.send("GET / HTTP/1.1\r\nHost: x\r\nX: ")
        until(lambda: sum(not each.ended() for each in idle) <= self.PLACES, "the end of those that came first")
        for _ in range(20):
            good = Raw(server.port, "127.0.0.9")
            assert good.request("GET", "/healthz")[0] == 200
            good.close()
        assert sum(not each.ended() for each in idle) > self.PLACES / 2  # more than 80 descriptors would allow
        for each in idle:
            each.close()
        assert "Traceback" not in server.log


class TestFrontend:
    @pytest.fixture
    def server(self, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EthPillarServer]:
        started = EthPillarServer(tmp_path_factory.mktemp("default"), redis.url)
        yield started
        started.stop()

    def test_ten_tabs_of_five_sockets_that_authenticate_twice_and_all_come_back_at_once(self, world: World) -> None:
        token = world.session()
        sockets = [open_from(world, HERE, token) for _ in range(PAGE * TABS)]
        for again in (self._cut_all, self._restart, None):
            for socket in sockets:
                until(lambda s=socket: connected(s), "a connection")  # type: ignore[misc]
                socket.emit("authenticate", token)
                socket.emit("subscribe_logs", {"service": "execution"})
                socket.emit("subscribe_status", {})
            for socket in sockets:
                until(lambda s=socket: since_connect(s, "authenticated") == 2, "both answers")  # type: ignore[misc]
                until(lambda s=socket: since_connect(s, "status_update"), "the states")  # type: ignore[misc]
            if again:
                again(world, sockets)
        codes = {error["code"] for socket in sockets for error in socket.events("error")}
        assert codes <= {"server_restarting", "not_authenticated"}

    def _cut_all(self, _: World, sockets: list[Any]) -> None:
        for socket in sockets:
            socket.kill()
        for socket in sockets:
            socket.wait("disconnect")

    def _restart(self, world: World, sockets: list[Any]) -> None:
        world.server.terminate()
        for socket in sockets:
            until(lambda s=socket: not connected(s), "the end of a connection")  # type: ignore[misc]
        world.server.start()


def connected(socket: Any) -> bool:
    """Return True if it is connected at the moment, as far as the client knows."""
    names = [event for event, _ in list(socket.received) if event in ("connect", "disconnect")]
    return names[-1:] == ["connect"]


def since_connect(socket: Any, name: str) -> int:
    """How many events of a name there were since it connected last."""
    names = [event for event, _ in list(socket.received)]
    return names[len(names) - 1 - names[::-1].index("connect") :].count(name)
