"""What a browser may send, through the decoders of Engine.IO and Socket.IO as they are set up here."""

from __future__ import annotations

import io
import json

from engineio import packet as eio_packet
from hypothesis import example, given
from hypothesis import strategies as st

from ethpillar.gateway.codec import NOT_EVENTS, Json, Packet
from ethpillar.web.engine import packets_of
from ethpillar.web.heads import HeadTooLarge, read_head

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [
        *(
            "0",
            "1",
            "2",
            "3",
            "4",
            "5",
            "6",
            "-",
            "/",
            ",",
            "[",
            "]",
            "{",
            "}",
            '"',
            ":",
            "_placeholder",
            "num",
            "true",
        ),
        *("connect", "disconnect", "*", "subscribe_logs", "\\ud800", "\\u0000", "99999999999", "\ud83d", "\x1e", "b"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join), JSON.map(lambda value: "2" + json.dumps(value)))


@given(TEXTS)
@example("2[]")
@example("2{}")
@example('2["connect"]')
@example("51-[")
@example('5999999999999999999999-["x",{"_placeholder":true,"num":0}]')
@example("2" + "[" * 5000)
@example("\uff15999999999-[]")
@example('25-["x"]')
def test_a_socketio_packet_is_one_or_a_value_error(text: str) -> None:
    Packet.json = Json  # as SocketIO sets it
    try:
        packet = Packet(encoded_packet=text)
    except (ValueError, IndexError):
        return
    if not text:
        return
    assert text[0] in "01234"
    assert packet.attachment_count == 0
    if packet.packet_type == 2:
        assert isinstance(packet.data, list)
        assert isinstance(packet.data[0], str)
        assert packet.data[0] not in NOT_EVENTS


@given(st.one_of(TEXTS, st.binary()))
def test_an_engineio_packet_is_one_or_a_value_error(text: str | bytes) -> None:
    try:
        packet = eio_packet.Packet(encoded_packet=text)
    except (ValueError, IndexError):
        return
    assert packet.binary or 0 <= packet.packet_type <= 9  # Engine.IO ends a session that sends more than 6


@given(TEXTS)
def test_a_polling_body_is_packets_or_a_value_error(text: str) -> None:
    try:
        body = text.encode()
        found = packets_of({"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)})
    except (ValueError, IndexError):
        return
    assert len(found) <= text.count("\x1e") + 1


@given(st.one_of(st.text(), JSON.map(repr), st.binary()))
def test_json_is_read_or_a_value_error(text: str | bytes) -> None:
    try:
        value = Json.loads(text)
    except ValueError:
        return
    Json.dumps(value)


@given(st.binary(max_size=300), st.integers(0, 20_000))
def test_a_head_is_read_to_its_end_and_no_further_than_its_bound(data: bytes, repeat: int) -> None:
    stream = io.BytesIO(data + b"x: y\r\n" * repeat)
    try:
        head = read_head(stream)
    except HeadTooLarge:
        return
    except (OSError, ValueError):
        return
    assert len(head.getvalue()) <= 128 * 1024
