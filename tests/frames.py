"""WebSocket frames as a client sends them (RFC 6455, section 5.2), right or wrong."""

from __future__ import annotations

KEY = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int,
    payload: bytes,
    *,
    fin: bool = True,
    flags: int = 0,
    length: int | None = None,
    key: bytes | None = KEY,
) -> bytes:
    """One frame.

    :param flags: the three reserved bits
    :param length: what the header claims, when that is not the payload's
    :param key: None: not masked, as no client may
    """
    size = len(payload) if length is None else length
    head = bytes([fin << 7 | flags << 4 | opcode])
    masked = 0x80 if key else 0
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + size.to_bytes(8, "big")
    if not key:
        return head + payload
    mask = (key * (len(payload) // 4 + 1))[: len(payload)]
    return head + key + (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(len(payload))
