"""WebSocket frames, with bounds.

Belongs here: reading a message of which nothing is believed, on top of gevent-websocket, which reads whatever length
a header names, and unmasks and checks it byte by byte. Here a header that names too much is answered before a byte
of its payload is read, the payload is then discarded unseen, and unmasking and UTF-8 are done by C.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import gevent
from gevent.exceptions import ConcurrentObjectUseError
from geventwebsocket.exceptions import ProtocolError, WebSocketError
from geventwebsocket.websocket import Header, WebSocket

from ..limits.buckets import Bucket
from .options import WebOptions

DISCARDED = 16 * 1024 * 1024
"Bytes of a message that are discarded at most; a larger one ends the connection with 1009 (message too big)."
_STEP = 64 * 1024
FRAGMENTS = 1000
"Frames of a message; browsers send one, and what cuts messages on the way cuts off more than 64 bytes each time."
EXTRA_RATE, EXTRA_BURST = 50, 2000
"""Frames that begin no message, a second and at once: fragments, pings and pongs. No bucket of events counts them, an
empty one takes six bytes, and browsers send next to none. Who sends more is closed with 1008 (policy violation)."""
RUN = 256
"""Messages written before others have their turn. Hundreds are queued of a busy log, for each of many sockets.

Fewer would be fairer still, but `Outbox` looks at its queue only now and then: it should find it empty.
"""
CLOSING = 2.0
"Seconds a client has to end the connection once a close frame was sent to it."
_GONE = (OSError, TypeError, ConcurrentObjectUseError)
"What a write raises when the connection is over, or when another write waits for a client that does not read."


class MessageTooBig(WebSocketError):
    """Raised for a message that is not even worth discarding."""


class TooManyFrames(WebSocketError):
    """Raised for frames without end that never become a message."""


class BoundedWebSocket(WebSocket):
    """A server-side WebSocket that never holds more than `max_message_bytes` of a message."""

    closed: bool
    environ: Any
    stream: Any
    raw_read: Any
    raw_write: Any

    def __init__(
        self,
        environ: dict[str, Any],
        stream: Any,
        handler: Any,
        options: WebOptions,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        """
        :param pace: called for each frame; waits while the client sends too many, over whatever connections
        """
        super().__init__(environ, stream, handler)
        self._limit = options.max_message_bytes
        self._oversized = options.oversized
        self._pace = pace
        self._extra = Bucket(EXTRA_RATE, EXTRA_BURST)
        self._first_within: float | None = options.request_timeout
        self._connection: Any = getattr(handler, "socket", None)
        self._reading = False
        self._run = 0

    def settimeout(self, seconds: float) -> None:
        """Engine.IO sets this to the time after which a silent client is dead: for each read, and each frame written.

        Without it a client that reads nothing would keep its writer waiting for ever.
        """
        if self._connection is not None:
            self._connection.settimeout(seconds)

    def receive(self) -> str | bytes | None:
        """Wait for the next message; None when the connection is over. One over the limit becomes `oversized`."""
        if self.closed:
            raise WebSocketError("closed")
        self._reading = True
        try:
            with gevent.Timeout(self._first_within, OSError):
                return self.read_message()
        except UnicodeError:
            self.close(1007)
        except TooManyFrames:
            self.close(1008)
        except MessageTooBig:
            self.close(1009)
        except ProtocolError:
            self.close(1002)
        except (OSError, WebSocketError):
            self.close()
        finally:
            self._reading = False
            self._first_within = None
        return None

    def read_message(self) -> str | bytes | None:
        opcode: int | None = None
        message = bytearray()
        discarding = fragments = 0
        while True:
            gevent.sleep(0)  # frames that are there already are read without waiting, and others wait meanwhile
            header = Header.decode_header(self.stream)
            self._pace()
            if header.flags:
                raise ProtocolError("reserved bits")
            if not header.mask:
                raise ProtocolError("a client's frame must be masked")
            if header.opcode not in (self.OPCODE_TEXT, self.OPCODE_BINARY) and not self._extra.take():
                raise TooManyFrames
            if header.opcode >= 0x08:
                if self._control(header, self._payload(header)):
                    return None
                continue
            if header.opcode in (self.OPCODE_TEXT, self.OPCODE_BINARY) and opcode is None:
                opcode = header.opcode
            elif header.opcode != self.OPCODE_CONTINUATION or opcode is None:
                raise ProtocolError("unexpected opcode")
            fragments += 1
            if fragments > FRAGMENTS:
                raise TooManyFrames
            if discarding or len(message) + header.length > self._limit:
                discarding += header.length + 1
                message.clear()
                self._discard(header.length, discarding)
            else:
                message += self._payload(header)
            if header.fin:
                break
        if discarding:
            return self._oversized
        return bytes(message) if opcode == self.OPCODE_BINARY else message.decode("utf-8")

    def _payload(self, header: Header) -> bytes:
        payload = self.raw_read(header.length) if header.length else b""
        if len(payload) != header.length:
            raise WebSocketError("the connection ended in a frame")
        return unmask(payload, header.mask)

    def _discard(self, length: int, total: int) -> None:
        if total > DISCARDED:
            raise MessageTooBig
        while length:
            read = len(self.raw_read(min(length, _STEP)))
            if not read:
                raise WebSocketError("the connection ended in a frame")
            length -= read

    def _control(self, header: Header, payload: bytes) -> bool:
        """Answers a control frame; whether it was the last."""
        if header.opcode == self.OPCODE_PING:
            self.send_frame(payload, self.OPCODE_PONG)
        elif header.opcode == self.OPCODE_CLOSE:
            self.close(1000)
            return True
        elif header.opcode != self.OPCODE_PONG:
            raise ProtocolError("unexpected opcode")
        return False

    def close(self, code: int = 1000, message: bytes = b"") -> None:
        """Sends a close frame, once; never raises."""
        if self.closed:
            return
        try:
            frame = code.to_bytes(2, "big") + bytes(message)
            header = Header.encode_header(True, self.OPCODE_CLOSE, b"", len(frame), 0)
            self.raw_write(header + frame)
        except _GONE:
            pass
        finally:
            self.closed = True
            self.raw_write = self.environ = None
            if self._reading and self._connection is not None:
                gevent.spawn_later(CLOSING, self._hang_up)

    def _hang_up(self) -> None:
        """Wakes a reader whose client does not answer a close frame."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def send(self, message: str | bytes, binary: bool | None = None) -> None:
        """Writes one message. Raises `WebSocketError` when the connection is over."""
        self._run += 1
        if self._run >= RUN:
            self._run = 0
            gevent.sleep(0)  # what there is room for is written without waiting, and others wait meanwhile
        self.send_frame(message, self.OPCODE_TEXT if isinstance(message, str) else self.OPCODE_BINARY)

    def send_frame(self, message: str | bytes, opcode: int) -> None:
        """Writes one frame. Raises `WebSocketError` when the connection is over."""
        if self.closed:
            raise WebSocketError("closed")
        data = message.encode("utf-8") if isinstance(message, str) else bytes(message)
        header = Header.encode_header(True, opcode, b"", len(data), 0)
        try:
            self.raw_write(header + data)
        except _GONE:
            raise WebSocketError("closed") from None


def unmask(payload: bytes, mask: bytes) -> bytes:
    """XORs a payload with its four-byte mask (RFC 6455, 5.3), as one big number."""
    length = len(payload)
    pad = -length % 4
    stream = int.from_bytes(mask * ((length + pad) // 4), "big") >> (8 * pad)
    return (int.from_bytes(payload, "big") ^ stream).to_bytes(length, "big")
