"""Frames that are made once: what comes out of them is what any client of Engine.IO's gets of single packets."""

from __future__ import annotations

import io
from typing import Any

import pytest
from engineio.packet import MESSAGE, Packet
from engineio.payload import Payload
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web.frames import TEXT, read_header, server_frame
from ethpillar.web.outgoing import HIGH_BYTES, HIGH_PACKETS, OutgoingQueue
from ethpillar.web.ready import Ready, message_of, messages_in, ready_frame

SIZES = st.sampled_from([0, 1, 123, 124, 125, 126, 65_533, 65_534, 65_535, 70_000])
TEXTS = st.lists(st.one_of(st.text(), st.builds("x".__mul__, SIZES)), max_size=8)


def run(texts: list[str]) -> Ready:
    return Ready(b"".join(ready_frame(text.encode()) for text in texts), len(texts))


@given(TEXTS)
def test_a_websocket_gets_the_frames_of_single_packets(texts: list[str]) -> None:
    single = [server_frame(TEXT, Packet(MESSAGE, data=text).encode().encode()) for text in texts]
    assert run(texts).encode().data == b"".join(single)
    stream = io.BytesIO(run(texts).data)
    for text in texts:
        header = read_header(stream.read)
        assert (header.fin, header.opcode, header.mask) == (True, TEXT, None)
        assert stream.read(header.length).decode() == "4" + text
    assert stream.read() == b""


@given(TEXTS, TEXTS)
def test_a_polling_client_gets_the_text_of_single_packets(before: list[str], texts: list[str]) -> None:
    others: list[Any] = [Packet(MESSAGE, data=text) for text in before]
    single = Payload(others + [Packet(MESSAGE, data=text) for text in texts]).encode()
    assert Payload(others + ([run(texts)] if texts else [])).encode() == single


@given(TEXTS)
def test_messages_are_found_again(texts: list[str]) -> None:
    assert messages_in(run(texts).data) == [text.encode() for text in texts]


def test_a_run_weighs_as_much_and_counts_as_many_as_its_packets() -> None:
    queue = OutgoingQueue()
    half = run(["x"] * (HIGH_PACKETS // 2))
    queue.put(half)
    queue.put(half)
    assert (queue.qsize(), queue.weight) == (HIGH_PACKETS, 2 * len(half.data))
    assert queue.ready
    queue.put(Packet(MESSAGE, data="x"))
    assert not queue.ready
    assert queue.get() is half
    assert not queue.ready
    assert queue.get() is half
    assert queue.ready
    queue.get()
    queue.put(run(["x" * HIGH_BYTES]))
    assert not queue.ready
    queue.get()
    assert (queue.qsize(), queue.weight, queue.ready) == (0, 0, True)


@pytest.mark.parametrize("size", [0, 100, 123, 124, 125, 126, 1000, 65533, 65534, 65535, 65536, 100_000])
def test_the_message_of_a_frame(size: int) -> None:
    assert message_of(ready_frame(b"x" * size)) == b"x" * size
    assert message_of(ready_frame(b"ab", b"x" * size, b"c"), 2, -1) == b"x" * size
    assert ready_frame(b"ab", b"c", b"x" * size, between=b",") == ready_frame(b"ab,c," + b"x" * size)
