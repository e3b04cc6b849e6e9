"""WebSocket frames as bytes (RFC 6455, section 5.2).

Belongs here: what a frame's header says, and a server's frames, which have no mask, so that one frame can go to many
clients. Pure but for the `read` that is handed in. It must not know what a message is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
CONTROL_MOST = 125
"Bytes of a control frame's payload at most; it has no fragments either."


class WebSocketError(Exception):
    """Raised when a connection is over, or has to be."""


class ProtocolError(WebSocketError):
    """Raised for bytes that RFC 6455 does not allow."""


class Header(NamedTuple):
    """A frame's header: all that comes before the payload."""

    fin: bool
    flags: int
    "The three reserved bits."
    opcode: int
    length: int
    "Bytes of the payload."
    mask: bytes | None


def read_header(read: Callable[[int], bytes]) -> Header:
    """Read one header.

    :param read: returns that many bytes; fewer at the end of the connection
    :raises ProtocolError: a control frame is too long or a fragment, or a length is not written as it must be
    :raises WebSocketError: the connection ended
    """
    first, second = _exactly(read, 2)
    length = second & 0x7F
    opcode, fin = first & 0x0F, bool(first & 0x80)
    if opcode >= CLOSE and (not fin or length > CONTROL_MOST):
        raise ProtocolError("a control frame that is too long or a fragment")
    if length > 125:
        size, least = (2, 126) if length == 126 else (8, 1 << 16)
        length = int.from_bytes(_exactly(read, size), "big")
        if not least <= length < 1 << 63:
            raise ProtocolError("a length in more bytes than it needs")
    mask = _exactly(read, 4) if second & 0x80 else None
    return Header(fin, first >> 4 & 0x07, opcode, length, mask)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    data = read(count)
    if len(data) != count:
        raise WebSocketError("the connection ended in a header")
    return data


def server_frame(opcode: int, payload: bytes) -> bytes:
    """Return a whole frame as a server sends it: the last of its message, without a mask."""
    return server_header(opcode, len(payload)) + payload


def server_header(opcode: int, length: int) -> bytes:
    """Return what stands before a payload of so many bytes in such a frame."""
    if length < 126:
        return bytes((0x80 | opcode, length))
    if length < 1 << 16:
        return _MIDDLE(0x80 | opcode, 126, length)
    return _LONG(0x80 | opcode, 127, length)


_MIDDLE, _LONG = struct.Struct(">BBH").pack, struct.Struct(">BBQ").pack


def unmask(payload: bytes, mask: bytes) -> bytes:
    """XOR a payload with its four-byte mask (RFC 6455, 5.3), as one big number."""
    length = len(payload)
    pad = -length % 4
    stream = int.from_bytes(mask * ((length + pad) // 4), "big") >> (8 * pad)
    return (int.from_bytes(payload, "big") ^ stream).to_bytes(length, "big")
