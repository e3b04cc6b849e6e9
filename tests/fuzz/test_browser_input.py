"""What a browser sends: payloads, JSON, frames, and any Engine.IO packet through the whole gateway."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

import config
from ethpillar import create_app
from ethpillar.errors import BadRequest
from ethpillar.gateway import wire
from ethpillar.gateway.codec import Json
from ethpillar.web.options import WebOptions
from ethpillar.web.origins import Origins
from ethpillar.web.websocket import WebSocket

from ..frames import KEY, frame
from .kit import NUMBERS, ODD, TEXT, fuzzed, valid

KEYS = ["service", "lines", "after", "batch", "lossless", "interval", "token"]
LIKELY = st.sampled_from(["execution", "geth.service", "s=1;i=2", True, False, 50, 5000, "", 1e3, None])
PAYLOADS = st.dictionaries(st.sampled_from(KEYS), LIKELY | NUMBERS | ODD)


def refused(read: Callable[..., Any], *arguments: Any) -> Any:
    """What a getter returns; None when it refuses, in words that repeat nothing of what was sent."""
    try:
        return read(*arguments)
    except BadRequest as refusal:
        said = refusal.message
    assert "auth" not in said.lower()
    assert said.isascii()
    assert len(said) < 100
    return None


@fuzzed
@given(PAYLOADS)
@example({"interval": 10**400})
@example({"interval": -(10**400)})
@example({"lines": 10**400})
@example({"lines": float("inf")})
def test_payloads(payload: dict[str, Any]) -> None:
    unit = refused(wire.get_unit, payload)
    assert unit is None or unit.endswith(".service")
    lines = refused(wire.get_lines, payload)
    assert lines is None or (type(lines) is int and 0 <= lines <= wire.MAX_BACKLOG)
    after = refused(wire.get_after, payload)
    assert after is None or (after.isascii() and len(after) <= 512 and not after.startswith("\n"))
    assert refused(wire.get_flag, payload, "batch", False) in (None, True, False)
    interval = refused(wire.get_interval, payload)
    assert interval is None or (type(interval) is float and 1 <= interval <= 300)


@fuzzed
@given(st.lists(ODD, max_size=3))
def test_payload_objects(arguments: list[Any]) -> None:
    found = refused(wire.payload_object, arguments)
    assert found is None or isinstance(found, dict)


@fuzzed
@given(TEXT, ODD)
def test_events_that_are_sent(name: str, payload: Any) -> None:
    try:
        text = wire.event(name, payload)
    except (TypeError, OverflowError):  # numbers of more than 64 bits are nothing that we send
        assert "0000" in repr(payload) or any(number.isdigit() for number in repr(payload))
        return
    assert text.startswith("2[")
    orjson.loads(text[1:])


def mended(value: Any) -> Any:
    """A value as it should come out: half surrogate pairs replaced."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [mended(each) for each in value]
    if isinstance(value, dict):
        return {mended(key): mended(each) for key, each in value.items()}
    return value


SENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@fuzzed
@given(SENT, st.booleans())
@example("\\ud800", True)
@example('\\"\ud800\\', True)
@example("\ud83d\ude00 \ude00\ud83d", True)
def test_json_is_read_as_the_json_module_reads_it(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    if not valid(text):
        return  # WebSocket frames are valid UTF-8
    found = Json.loads(text)
    expected = mended(json.loads(text))
    assert json.dumps(found).replace("\\ufffd\\ufffd", "\\ufffd") == json.dumps(expected).replace(
        "\\ufffd\\ufffd", "\\ufffd"
    )


# -- WebSocket frames

LIMIT = 200


class Stream:
    """What a client sends; what is asked for at once, and in all, is remembered."""

    def __init__(self, data: bytes) -> None:
        self.source = io.BytesIO(data)
        self.largest = 0
        self.written = bytearray()

    def read(self, count: int) -> bytes:
        self.largest = max(self.largest, count)
        return self.source.read(count)

    def send(self, data: bytes) -> int:
        self.written += data
        return len(data)

    def shutdown(self, _how: int) -> None:
        """The connection is cut."""


MOSTLY = st.sampled_from([True] * 9 + [False])
FRAMES = st.builds(
    frame,
    st.sampled_from([0, 0, 1, 1, 2, 8, 9, 10]) | st.integers(0, 15),
    st.binary(max_size=130) | st.sampled_from([b"x" * LIMIT, b"x" * (LIMIT + 1), b"x" * 70_000, b"\xff", b""]),
    fin=st.booleans(),
    flags=st.sampled_from([0] * 9 + [1, 4]),
    length=st.sampled_from([None] * 9 + [0, 126, 65536, 2**63, 2**64 - 1]),
    key=st.sampled_from([KEY] * 9 + [None]),
)


@fuzzed
@given(st.lists(FRAMES | st.binary(max_size=12), max_size=8).map(b"".join))
def test_frames_are_messages_or_the_end(data: bytes) -> None:
    stream = Stream(data)
    messages = 0
    socket = WebSocket(stream, stream.read, WebOptions(Origins(()), LIMIT, 20, (), "too large"))
    while not socket.closed:
        message = socket.receive()
        if message is None:
            break
        messages += 1
        assert len(message) <= LIMIT
        assert isinstance(message, bytes) or valid(message)
        assert message == "too large" or stream.largest <= 64 * 1024
    assert stream.largest <= 64 * 1024
    assert messages * 6 <= len(data)
    assert len(stream.written) <= len(data) + 4


# -- the whole gateway

SID_TOKEN = "11111111-2222-4333-8444-555555555555"


class Gateway:
    """The application without its Redis (no session is valid), to which packets are handed as a request hands them."""

    def __init__(self) -> None:
        many = {"MAX_BAD_TOKENS": "1000000", "MAX_BAD_TOKENS_PER_ADDRESS": "100000", "MAX_EVENTS_BURST": "100000"}
        environment = {"REDIS_URL": "unix:///nowhere", "LOG_LEVEL": "error", **many}
        self.app = create_app(config.load(environment, env_file=None))
        self.rooms = self.app.extensions["ethpillar"]
        self.rooms.store.renew = lambda token: None
        self.rooms.store.count_bad_token = lambda client: 1  # which would ask a Redis
        self.server = self.rooms.gateway._socketio.server
        self.server.async_handlers = self.server.eio.async_handlers = False
        self.server.eio.start_service_task = False  # it would go on beside all later tests
        self.failures: list[str] = []
        handler = logging.Handler(logging.ERROR)
        handler.emit = lambda record: self.failures.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("ethpillar").addHandler(handler)

    def request(self, method: str, query: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of a request."""
        answer = self.app.test_client().open("/?EIO=4&transport=polling" + query, method=method, data=body)
        return answer.status_code, answer.data

    def talk(self, bodies: list[bytes]) -> list[str]:
        """A polling session in which these bodies are posted; what the client was sent."""
        _, data = self.request("GET", "")
        sid = json.loads(data[1:])["sid"]
        socket = self.server.eio.sockets[sid]
        for body in bodies:
            status, said = self.request("POST", "&sid=" + sid, body)
            assert status in (200, 400, 413)
            assert len(said) < 200
        sent = []
        while not socket.queue.empty():
            packet = socket.queue.get()
            if packet is not None:
                sent.append(str(packet.encode()))
        socket.close(wait=False)
        assert not self.rooms.gateway.sockets
        assert not len(self.rooms.gateway.guard)
        assert not self.server.environ
        assert not self.rooms.limits.ledger.total
        return sent


_made: list[Gateway] = []


def gateway() -> Gateway:
    """The gateway, made once."""
    if not _made:
        _made.append(Gateway())
    return _made[0]


NAMES = ["authenticate", "subscribe_logs", "unsubscribe_logs", "subscribe_status", "unsubscribe_status", "oversized"]
EVENTS = st.builds(
    lambda name, arguments, ack: "42" + ack + json.dumps([name, *arguments]),
    st.sampled_from([*NAMES, "connect", "disconnect", "*", "message", "__class__", ""]) | TEXT | ODD,
    st.lists(PAYLOADS | ODD | st.just(SID_TOKEN), max_size=3),
    st.sampled_from(["", "", "7", "99999999999999999999", "/x,"]),
)
BITS = [
    "4",
    "40",
    "42",
    "43",
    "44",
    "45",
    "46",
    "1-",
    "[",
    "]",
    "{",
    "}",
    '"',
    ",",
    "/x",
    "?",
    "0",
    "²",
    "\x1e",
    "b",
    "d=",
]
PACKETS = (
    EVENTS
    | st.lists(st.sampled_from(BITS) | st.text(max_size=3), max_size=8).map("".join)
    | st.sampled_from(
        ["40", "41", "2probe", "3", "5", "1", "40{}", '40{"token":1}', '40{"token":"x"}', "4", "6", "d=", "b!"]
    )
    | st.sampled_from(
        ['451-["x",{"_placeholder":true,"num":0}]', "bAAAA", '43["x"]', "4{}", "4[]", "4[1]", '4{"a":1}', "4null"]
    )
)


@fuzzed
@given(st.lists(PACKETS, max_size=5), st.booleans(), MOSTLY)
@example(["d="], False, True)
@example(["4null", "4[]", '4{"0":1}'], True, True)
def test_any_packets_through_the_gateway(packets: list[str], together: bool, connected: bool) -> None:
    known = gateway()
    known.failures.clear()
    bodies = [each.encode("utf-8", "replace") for each in packets]
    bodies = [b"\x1e".join(bodies)] if together else bodies
    sent = known.talk([b"40", *bodies] if connected else bodies)
    assert known.failures == []
    for text in sent:
        assert SID_TOKEN not in text
        assert "Traceback" not in text
        if text.startswith('42["error"'):
            problem = orjson.loads(text[2:])[1]
            assert problem["code"] in ("bad_request", "not_authenticated", "session_expired", "rate_limited")
            assert "auth" not in problem["message"].lower() or problem["message"] == "Not authenticated."


@fuzzed
@given(st.binary(max_size=200), MOSTLY)
def test_any_bytes_through_the_gateway(body: bytes, connected: bool) -> None:
    known = gateway()
    known.failures.clear()
    known.talk([b"40", body] if connected else [body])
    assert known.failures == []
