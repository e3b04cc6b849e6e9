"""Whatever a client sends: a clear error, nothing changed, nothing leaked."""

from __future__ import annotations

import json
import socket as plain_socket
from http.client import HTTPConnection

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import PASSWORD
from .raw import Raw

OBJECTS = ["subscribe_logs", "unsubscribe_logs", "subscribe_status"]
NO_OBJECTS = [None, 5, "execution", True, [], [{"service": "execution"}], 1.5]
NO_SERVICES = [{}, {"service": None}, {"service": 5}, {"service": ""}, {"service": []}, {"service": {"a": 1}}] + [
    {"service": text} for text in ("-u", "a b", "a;id", "$(id)", "../x", "a\n", "x" * 5000, "execution.socket", "\x00")
]


def errors_of(world: World, event: str, *payloads: object) -> list[dict[str, str]]:
    socket = world.enter()
    socket.call("subscribe_logs", {"service": "execution"})
    for payload in payloads:
        socket.emit(event, payload)
    until(lambda: len(socket.events("error")) == len(payloads), f"{len(payloads)} errors")
    world.node.append(EXECUTION, "still here")
    until(lambda: socket.lines("execution"), "the log, which goes on")
    return socket.events("error")


@pytest.mark.parametrize("event", OBJECTS)
def test_what_is_no_object(world: World, event: str) -> None:
    for error in errors_of(world, event, *NO_OBJECTS):
        assert error["code"] == "bad_request"
        assert "auth" not in error["message"].lower()


@pytest.mark.parametrize("event", ["subscribe_logs", "unsubscribe_logs"])
def test_what_is_no_service(world: World, event: str) -> None:
    for error in errors_of(world, event, *NO_SERVICES):
        assert error["code"] == "bad_request"
        assert "service" not in error or isinstance(error["service"], str)


def test_options_that_are_none(world: World) -> None:
    payloads = [
        {"service": "validator", **each} for each in ({"lines": -1}, {"lines": "x"}, {"after": 5}, {"batch": 1})
    ]
    assert {error["code"] for error in errors_of(world, "subscribe_logs", *payloads)} == {"bad_request"}


def test_intervals_that_are_none(world: World) -> None:
    payloads = [{"interval": each} for each in ("fast", [], {}, True)]
    assert {error["code"] for error in errors_of(world, "subscribe_status", *payloads)} == {"bad_request"}


def test_no_payload_at_all(world: World) -> None:
    socket = world.enter()
    for event in OBJECTS:
        assert socket.call(event)["ok"] is False
        assert socket.call(event, {"service": "execution"}, {"service": "execution"})["ok"] is False
    assert socket.call("unsubscribe_status") == {"ok": True}
    socket.emit("no_such_event", 1)
    until(lambda: len(socket.events("error")) == 7)


@pytest.mark.parametrize(
    "value", ["[" * 2000 + "]" * 2000, "NaN", "[", '"\\x"'], ids=["deep", "NaN", "cut off", "escape"]
)
def test_an_event_that_cannot_be_read(world: World, value: str) -> None:
    connection = Raw(world.server.port)
    connection.connect(world.session())
    for packet in ("42", "427"):
        connection.say(packet + '["subscribe_logs",{"service":' + value + "}]")
        assert connection.hear_event("error")["code"] == "bad_request"
    connection.say('42["subscribe_logs",{"service":"execution"}]')
    assert connection.hear_event("log_state")["state"] == "live"
    connection.close()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_ten_megabytes(world: World, transport: str) -> None:
    socket = world.enter(transports=[transport])
    socket.call("subscribe_logs", {"service": "execution"})
    for event in ("subscribe_logs", "authenticate"):
        socket.emit(event, {"$repeat": "x", "times": 10_000_000})
    until(lambda: len(socket.events("error")) == 2, "two errors")
    assert {error["message"] for error in socket.events("error")} == {"That message is too large."}
    world.node.append(EXECUTION, "still here")
    until(lambda: socket.lines("execution") == ["still here"], "the log, which goes on")


def test_a_unit_that_the_node_does_not_have(world: World) -> None:
    socket = world.enter()
    answer = socket.call("subscribe_logs", {"service": "nonesuch"})
    assert answer["ok"] is False
    assert answer["error"]["code"] == "unit_not_found"
    error = socket.wait("error")
    assert "nonesuch" in error["message"]
    assert error["service"] == "nonesuch"


def test_nothing_a_client_sent_is_in_the_log_and_no_secret_either(world: World) -> None:
    token = world.session()
    socket = world.enter(token)
    socket.emit("subscribe_logs", {"service": "CANARY; id"})
    socket.emit("CANARY-EVENT", "CANARY")
    socket.wait("error")
    socket.call("authenticate", "CANARY-TOKEN-0123456789")
    log = world.server.log
    for secret in ("CANARY", token, PASSWORD, "127.0.0.1:" + str(world.sshd.port)):
        assert secret not in log
    assert "Traceback" not in log


FRAMES = [
    b"\x00\xff\xfe garbage\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" + b"\xff" * 10,
    b"POST /?EIO=4&transport=polling&sid=nope HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n4xx",
    b"GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /socket.io/?EIO=4&transport=nonsense HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS /?EIO=4 HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:3000\r\n\r\n",
]


@pytest.mark.parametrize("data", FRAMES, ids=range(len(FRAMES)))
def test_garbage_on_the_port(world: World, data: bytes) -> None:
    with plain_socket.create_connection(("127.0.0.1", world.server.port), 5) as connection:
        connection.sendall(data)
        connection.shutdown(plain_socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert world.server.get("/healthz")[0] == 200
    assert "Traceback" not in world.server.log


PACKETS = [
    *("", "4", "42", "42[", "42{}", '42["x"', "42[5]", "42[]", "49", "4999", "5", "6", "9", "40{", "44"),
    *('42/other,["x"]', "42" + "[" * 3000, '451-["subscribe_logs",{"_placeholder":true,"num":0}]'),
]


def test_malformed_packets(world: World) -> None:
    for packet in PACKETS:
        connection = HTTPConnection("127.0.0.1", world.server.port, timeout=10)
        connection.request("GET", "/?EIO=4&transport=polling")
        url = "/?EIO=4&transport=polling&sid=" + json.loads(connection.getresponse().read()[1:])["sid"]
        for body in ("40", packet):
            connection.request("POST", url, body)
            connection.getresponse().read()
        connection.request("POST", url, "1")
        connection.getresponse().read()
        connection.close()
    assert world.server.get("/healthz")[0] == 200
    assert "Traceback" not in world.server.log
