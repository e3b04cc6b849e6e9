"""Headers of WebSocket frames."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.web.frames import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Header,
    ProtocolError,
    WebSocketError,
    read_header,
    server_frame,
    unmask,
)

from ..frames import KEY, frame

LENGTHS = [0, 1, 125, 126, 127, 65535, 65536, 70000]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_server_s_frame_says_how_long_it_is_and_has_no_mask(opcode: int, length: int) -> None:
    stream = io.BytesIO(server_frame(opcode, b"x" * length) + b"rest")
    assert read_header(stream.read) == Header(True, 0, opcode, length, None)
    assert stream.read() == b"x" * length + b"rest"


@pytest.mark.parametrize("length", LENGTHS)
def test_a_server_s_frame_is_a_client_s_without_its_mask(length: int) -> None:
    assert server_frame(TEXT, b"x" * length) == frame(TEXT, b"x" * length, key=None)


@given(st.booleans(), st.integers(0, 7), st.integers(0, 7), st.integers(0, 2**63 - 1))
def test_a_client_s_header(fin: bool, flags: int, opcode: int, length: int) -> None:
    stream = io.BytesIO(frame(opcode, b"", fin=fin, flags=flags, length=length))
    header = read_header(stream.read)
    assert header == Header(fin, flags, opcode, length, KEY)
    assert not stream.read()


@pytest.mark.parametrize("opcode", [CLOSE, PING, 15])
def test_a_control_frame_is_short_and_whole(opcode: int) -> None:
    assert read_header(io.BytesIO(frame(opcode, b"x" * 125)).read).length == 125
    for data in (frame(opcode, b"x" * 126), frame(opcode, b"x", fin=False)):
        stream = io.BytesIO(data)
        with pytest.raises(ProtocolError):
            read_header(stream.read)
        assert stream.tell() == 2  # nothing more of it was waited for


@given(st.sampled_from(LENGTHS), st.integers(0, 13))
def test_a_header_that_is_cut_off(length: int, kept: int) -> None:
    whole = frame(TEXT, b"", length=length)
    if kept >= len(whole):
        return
    with pytest.raises(WebSocketError):
        read_header(io.BytesIO(whole[:kept]).read)


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_unmasking(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@pytest.mark.parametrize(
    ("size", "length", "allowed"),
    [
        (2, 125, False),
        (2, 126, True),
        (2, 65535, True),
        (8, 65535, False),
        (8, 65536, True),
        (8, 2**63 - 1, True),
        (8, 2**63, False),
    ],
)
def test_a_length_is_written_in_as_few_bytes_as_it_needs(size: int, length: int, allowed: bool) -> None:
    header = bytes([0x80 | TEXT, 126 if size == 2 else 127]) + length.to_bytes(size, "big")
    if allowed:
        assert read_header(io.BytesIO(header).read).length == length
    else:
        with pytest.raises(ProtocolError):
            read_header(io.BytesIO(header).read)
