"""Socket.IO's own packets: which are understood, and what becomes of those that are not."""

from __future__ import annotations

from typing import Any

import pytest

from ethpillar.gateway.codec import NOT_EVENTS, OVERSIZED_PACKET, Json, Packet


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":[1,2.5,null,true]}', {"a": [1, 2.5, None, True]}),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud83d"', "\ufffd"),  # half of it
        ('"\\ude00x\\uD83D"', "\ufffdx\ufffd"),
        ('"\\\\ud83d"', "\\ud83d"),  # no escape, but the text of one
        ('"\\ud83d\\ud83d\\ude00"', "\ufffd😀"),
        ('"\\n\\ud83d\\u00e9"', "\n\ufffdé"),
    ],
)
def test_json_is_read_with_the_halves_of_pairs_that_javascript_may_send(text: str, value: object) -> None:
    assert Json.loads(text) == value


@pytest.mark.parametrize("text", ["{", "[" * 5000, "nan", '"\\ud83d', b"\xff", b'"\\ud83d"'])
def test_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        Json.loads(text)


def test_json_is_written_without_blanks_whatever_separators_are_asked_for() -> None:
    assert Json.dumps({"a": [1, "é"], 5: None}, separators=(" , ", " : ")) == '{"a":[1,"é"],"5":null}'


@pytest.fixture(autouse=True)
def json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the server has it."""
    monkeypatch.setattr(Packet, "json", Json)


def decoded(text: str) -> Any:
    return Packet(encoded_packet=text)


@pytest.mark.parametrize(
    ("text", "data", "number"),
    [
        ('2["subscribe_logs",{"service":"execution"}]', ["subscribe_logs", {"service": "execution"}], None),
        ('212["authenticate","token"]', ["authenticate", "token"], 12),
        ('2["x"]', ["x"], None),
        # what is no event becomes one that does not exist
        ("2", [""], None),
        ("2{}", [""], None),
        ('2"x"', [""], None),
        ("2[]", [""], None),
        ("2[5]", [""], None),
        ('2[["x"],"y"]', ["", "y"], None),
        ('25["connect","y"]', ["", "y"], 5),
        ("2[", [""], None),
        ("2" + "[" * 5000, [""], None),
        *((f'2["{name}","y"]', ["", "y"], None) for name in sorted(NOT_EVENTS)),
    ],
)
def test_an_event_is_a_list_that_begins_with_a_name(text: str, data: list[object], number: int | None) -> None:
    packet = decoded(text)
    assert (packet.packet_type, packet.data, packet.id) == (2, data, number)


@pytest.mark.parametrize("text", ["", "5", '51-["x",{"_placeholder":true,"num":0}]', "6", "x", "\uff12[1]", b"2", None])
def test_packets_of_other_kinds_are_refused(text: Any) -> None:
    with pytest.raises(ValueError):
        Packet().decode(text)


def test_packets_that_are_no_events_are_left_as_they_are() -> None:
    assert decoded('0{"token":"x"}').data == {"token": "x"}
    assert decoded("1").packet_type == 1
    assert decoded('31["x"]').data == ["x"]
    with pytest.raises(ValueError):
        decoded("0{")


def test_the_event_that_stands_for_a_message_that_was_too_large() -> None:
    assert decoded(OVERSIZED_PACKET[1:]).data == ["oversized"]


@pytest.mark.parametrize("text", ['2["x"]', "0", '2["x",{"_placeholder":true,"num":0}]'])
def test_no_packet_waits_for_attachments(text: str) -> None:
    assert Packet(encoded_packet=text).attachment_count == 0
