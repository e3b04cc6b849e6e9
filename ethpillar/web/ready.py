"""Messages that are ready to be written: whole WebSocket frames, one after another.

A server's frame has no mask, so it is the same bytes for every client. So the frames of
messages that go to many clients are made once, and all clients are handed the same object.

Belongs here: making such frames, and the one object that stands for many of them in a session's queue. It must not
know what a message means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .frames import BINARY, TEXT, server_frame, server_header

MESSAGE = b"4"
"What Engine.IO puts before a message."
_SEPARATOR = "\x1e"
"What Engine.IO puts between the packets of a polling client."


def ready_frame(*message: bytes, between: bytes = b"") -> bytes:
    """Return the frame of one message of Engine.IO's, made in one piece: messages may be large, and copies cost.

    :param message: its parts; :param between: what stands between each two of them
    """
    length = len(MESSAGE) + sum(map(len, message)) + len(between) * (len(message) - 1)
    return between.join([server_header(TEXT, length) + MESSAGE + message[0], *message[1:]])


def packets_in(frames: bytes) -> Iterator[bytes]:
    """Yield the Engine.IO packets of frames of ours: each frame's payload."""
    at = 0
    while at < len(frames):
        length = frames[at + 1]
        at += 2
        if length > 125:
            size = 2 if length == 126 else 8
            length = int.from_bytes(frames[at : at + size], "big")
            at += size
        yield frames[at : at + length]
        at += length


def messages_in(frames: bytes) -> list[bytes]:
    """Return the messages in frames that `ready_frame` made."""
    return [packet[1:] for packet in packets_in(frames)]


def message_of(frame: bytes, first: int = 0, end: int | None = None) -> bytes:
    """Return the message in one frame that `ready_frame` made, or a part of it.

    :param first: where the part begins in the message
    :param end: where it ends: None, or how far from the message's end, below 0
    """
    length = frame[1]
    return frame[(3 if length < 126 else 5 if length == 126 else 11) + first : end]


class Ready:
    """A run of frames. To Engine.IO it is a packet like any other, though it stands for many."""

    __slots__ = ("count", "data")

    def __init__(self, data: bytes, count: int) -> None:
        """:param data: the frames; :param count: how many messages these are"""
        self.data = data
        self.count = count

    def encode(self, b64: bool = False) -> Any:
        """Return what Engine.IO sends: this itself to a WebSocket, which writes it as it is.

        :param b64: return the text of all packets, as a polling client gets them
        """
        return _SEPARATOR.join(packet.decode() for packet in packets_in(self.data)) if b64 else self


def frames_of(packet: Any) -> bytes:
    """Return what a WebSocket is sent for a packet of Engine.IO's, or for a run of them."""
    encoded = packet.encode()
    if isinstance(encoded, Ready):
        return encoded.data
    if isinstance(encoded, str):
        return server_frame(TEXT, encoded.encode())
    return server_frame(BINARY, encoded)
