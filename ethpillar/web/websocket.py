"""A server's side of a WebSocket, with bounds.

Belongs here: reading messages of which nothing is believed, and one writer at a time. A header that names too much is
answered before a byte of its payload is read, the payload is then discarded unseen, and unmasking and UTF-8 are done
by C. It must not know what a message means.
"""

from __future__ import annotations

import contextlib
import socket as sockets
from collections.abc import Callable, Hashable
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

from ..limits.buckets import Bucket
from ..turns import breathe
from .frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Header,
    ProtocolError,
    WebSocketError,
    read_header,
    server_frame,
    unmask,
)
from .options import WebOptions
from .ready import Ready

DISCARDED = 16 * 1024 * 1024
"Bytes of a message that are discarded at most; a larger one ends the connection with 1009 (message too big)."
_STEP = 64 * 1024
FRAGMENTS = 1000
"Frames of a message; browsers send one, and what cuts messages on the way cuts off more than 64 bytes each time."
EXTRA_RATE, EXTRA_BURST = 50, 2000
"""Frames that begin no message, a second and at once: fragments, pings and pongs. No bucket of events counts them, an
empty one takes six bytes, and browsers send next to none. More of them end the connection with 1008 (policy
violation)."""
RUN = 256
"""Messages written before others have their turn. Hundreds are queued of a busy log, for each of many sockets.

Fewer would be fairer still, but each turn lets other greenlets fill the queue again before it is empty.
"""
CLOSING = 2.0
"Seconds a client has to end the connection once a close frame was sent to it."


class MessageTooBig(WebSocketError):
    """Raised for a message that is not even worth discarding."""


class TooManyFrames(WebSocketError):
    """Raised for frames without end that never become a message."""


class WebSocket:
    """Messages to and from one client; it never holds more than `max_message_bytes` of one.

    One greenlet reads, by `receive`; any may `send` and `close`. What Engine.IO needs of a WebSocket is `send`, `wait`,
    `close` and `socket`, on which it sets the seconds after which a silent client is dead: for each read, and for each
    frame written. Without that a client that reads nothing would keep its writer waiting for ever.
    """

    def __init__(
        self,
        socket: Any,
        read: Callable[[int], bytes],
        options: WebOptions,
        pace: Callable[[Hashable], None] = lambda _: None,
        hold: Callable[[int], None] = lambda _: None,
    ) -> None:
        """
        :param socket: the TCP connection
        :param read: reads that many bytes from it; fewer at its end
        :param pace: called for each frame, with whose it is; waits while the client sends too many, over whatever
            connections
        :param hold: told how many bytes there are of a message that is coming in
        """
        self.socket = socket
        self.closed = False
        self.session: Callable[[], Hashable] = tuple
        "Returns whose it is, as far as that is known by then."
        self._read = read
        self._options = options
        self._pace = pace
        self._hold = hold
        self._extra = Bucket(EXTRA_RATE, EXTRA_BURST)
        self._first_within: float | None = options.request_timeout
        self._reading = False
        self._run = 0
        self._writing = BoundedSemaphore(1)
        self._left = b""
        "A control frame that came up while another frame was being written; its writer writes it next."
        self._rest = b""
        "What `offer` could not write without waiting: it comes before everything else."

    # -- reading

    def receive(self) -> str | bytes | None:
        """Wait for the next message; None when the connection is over. One over the limit becomes `oversized`."""
        if self.closed:
            raise WebSocketError("closed")
        self._reading = True
        code = 1000
        try:
            with gevent.Timeout(self._first_within, OSError):
                message = self._message()
            if message is not None:
                return message
        except UnicodeError:
            code = 1007
        except TooManyFrames:
            code = 1008
        except MessageTooBig:
            code = 1009
        except ProtocolError:
            code = 1002
        except (OSError, WebSocketError):
            pass
        finally:
            self._reading = False
            self._first_within = None
        self.close(code)
        return None

    wait = receive
    "What Engine.IO calls it."

    def _message(self) -> str | bytes | None:
        opcode: int | None = None
        message = bytearray()
        discarded = frames = 0
        fin = False
        while not fin:
            header = self._data_frame()
            if header is None:
                return None
            if (header.opcode == CONTINUATION) is (opcode is None):
                raise ProtocolError("a message in another one, or the middle of none")
            opcode = header.opcode if opcode is None else opcode
            frames += 1
            if frames > FRAGMENTS:
                raise TooManyFrames
            if discarded or len(message) + header.length > self._options.max_message_bytes:
                discarded += header.length + 1
                message.clear()
                self._discard(header.length, discarded)
            else:
                self._hold(len(message) + header.length)
                message += self._payload(header)
            fin = header.fin
        self._hold(0)
        if discarded:
            return self._options.oversized
        return bytes(message) if opcode == BINARY else message.decode("utf-8")

    def _data_frame(self) -> Header | None:
        """Read up to the payload of a frame that belongs to a message; None after a close frame."""
        while True:
            breathe()  # frames that are there already are read without waiting, and others wait meanwhile
            header = read_header(self._read)
            self._pace(self.session())
            if header.flags or header.mask is None:
                raise ProtocolError("reserved bits, or a client's frame that is not masked")
            if header.opcode not in (TEXT, BINARY) and not self._extra.take():
                raise TooManyFrames
            if header.opcode in (TEXT, BINARY, CONTINUATION):
                return header
            if header.opcode not in (CLOSE, PING, PONG):
                raise ProtocolError("an opcode that is reserved")
            payload = self._payload(header)
            if header.opcode == CLOSE:
                return None
            if header.opcode == PING and not self.closed:
                self._write_control(server_frame(PONG, payload))

    def _payload(self, header: Header) -> bytes:
        payload = self._read(header.length) if header.length else b""
        if len(payload) != header.length:
            raise WebSocketError("the connection ended in a frame")
        return unmask(payload, header.mask or b"")

    def _discard(self, length: int, total: int) -> None:
        if total > DISCARDED:
            raise MessageTooBig
        while length:
            read = len(self._read(min(length, _STEP)))
            if not read:
                raise WebSocketError("the connection ended in a frame")
            length -= read

    # -- writing

    def send(self, message: str | bytes | Ready) -> None:
        """Write one message, or a run of them. Raises `WebSocketError` when the connection is over."""
        self._run += message.count if isinstance(message, Ready) else 1
        if self._run >= RUN:
            self._run = 0
            gevent.sleep(0)  # what there is room for is written without waiting, and others wait meanwhile
        if self.closed and not self._rest:
            raise WebSocketError("closed")
        if isinstance(message, Ready):
            self._write(message.data)
        elif isinstance(message, str):
            self._write(server_frame(TEXT, message.encode()))
        else:
            self._write(server_frame(BINARY, message))

    def offer(self, frames: bytes) -> int | None:
        """Write frames as far as that needs no waiting.

        :return: how many bytes are left: the next `send` writes them first, and has to come. None: nothing was written,
            and nothing will be, as another frame is under way or the connection is over.
        """
        if self.closed or self._rest or self._writing.locked():
            return None
        try:
            written = self.socket.send(frames, 0, 0.0)
        except BlockingIOError:
            return None
        except OSError:
            self.closed = True
            self._hang_up()
            return None
        self._rest = frames[written:]
        return len(self._rest)

    def close(self, code: int = 1000) -> None:
        """Send a close frame, once; never raises. The reader ends at the latest `CLOSING` seconds later."""
        if self.closed:
            return
        self.closed = True
        if self._reading:
            gevent.spawn_later(CLOSING, self._hang_up)
        with contextlib.suppress(WebSocketError):
            self._write_control(server_frame(CLOSE, code.to_bytes(2, "big")))

    def _write_control(self, frame: bytes) -> None:
        """Write a control frame now, or leave it to the greenlet that is in the middle of another frame.

        Only that greenlet then waits for a slow client. Of several frames that are left, only the last is written: one
        pong answers all pings before it, and nothing follows a close frame.
        """
        if self._writing.locked() or self._rest:
            self._left = frame
        else:
            self._write(frame)

    def _write(self, frames: bytes) -> None:
        with self._writing:
            try:
                if self._rest:
                    rest, self._rest = self._rest, b""
                    self._write_all(rest)
                self._write_all(frames)
                while self._left:
                    left, self._left = self._left, b""
                    self._write_all(left)
            except BaseException as problem:
                # In the middle of a frame, perhaps: nothing that could follow would be understood.
                self.closed = True
                self._hang_up()
                if isinstance(problem, OSError):
                    raise WebSocketError("closed") from None
                raise

    def _write_all(self, frames: bytes) -> None:
        """Write bytes, however many: a client that takes some of them in time has as long again for more.

        gevent's `sendall` would have one deadline for all of them, and asks for the size of the kernel's buffer first.
        """
        written = self.socket.send(frames) if frames else 0
        while written < len(frames):
            written += self.socket.send(memoryview(frames)[written:])

    def _hang_up(self) -> None:
        """End the connection without a word; that wakes its reader."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(sockets.SHUT_RDWR)
