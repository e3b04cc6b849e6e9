"""What Engine.IO has to send to one client, and whether the client keeps up with it.

Belongs here: the write side of a session as an event. It is paused above a high mark and resumed below a low one, so
that senders wait for it instead of polling. It must not know what a packet means.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from gevent.event import Event
from gevent.queue import Empty

from ..limits.ledger import Account, Ledger
from .ready import Ready, frames_of

HIGH_PACKETS = 512
HIGH_BYTES = 256 * 1024
"A client with more than this under way is slow: senders wait until it has taken most of it."
LOW_PACKETS, LOW_BYTES = HIGH_PACKETS // 4, HIGH_BYTES // 4
"Senders are woken when no more than this is left, so that a slow client gets runs of packets and not one at a time."
PACKET = 64
"Bytes that a packet without text is counted as."


class Writer(Protocol):
    """What writes a session's packets to its WebSocket.

    Frames are offered while it does not run and nothing is queued. What is left of these, and all that comes meanwhile,
    is queued, and `start` is called for it: then it takes packets from the queue until there is none.
    """

    @property
    def running(self) -> bool:
        """Return True while it writes what is, or was, in the queue: nothing may be written before that."""

    def offer(self, frames: bytes) -> int | None:
        """Write frames as far as that needs no waiting; return how many bytes are left, or None: nothing was taken."""

    def start(self) -> None:
        """Write what is in the queue; it must not wait."""


class OutgoingQueue:
    """The queue of one Engine.IO session, in place of Engine.IO's own, which does not say when it drains.

    Engine.IO puts packets, and None at the end of the session. Nothing is refused: a sender with much to send
    calls `wait_ready` first. A session that has ended is ready, since what is sent to it then is lost anyway.
    """

    def __init__(self) -> None:
        self._packets: deque[tuple[Any, int, int]] = deque()
        self._count = 0
        self._some = Event()
        self._taken = Event()
        self._drained = Event()
        self._waiting: set[Callable[[], None]] = set()
        self._ended = False
        self.writer: Writer | None = None
        """What writes to the session's WebSocket, once it has one.

        What finds nothing before it is written without waiting. That wakes no other greenlet, and shows whether the
        client is slow: only then is there anything in the queue.
        """
        self.ready = True
        "True while the client keeps up."
        self.account: Account = Ledger().account("queues")
        "Where its bytes are counted; `web.guard` has it in the server's ledger."
        self.weight = 0
        "Bytes of the packets in it, as they are in memory."

    # -- for those that send

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until the client keeps up, or is gone. Return False if that took longer than `timeout` seconds."""
        return self.ready or bool(self._drained.wait(timeout))

    def when_ready(self, call: Callable[[], None]) -> None:
        """Call this once, as soon as the client keeps up again; it must not wait. The same one twice is one call."""
        if self.ready:
            call()
        else:
            self._waiting.add(call)

    def join(self, timeout: float | None = None) -> None:
        """Wait until everything is taken, the session has ended, or the time is up."""
        if self._packets and not self._ended:
            self._taken.clear()
            self._taken.wait(timeout)

    # -- what Engine.IO calls, for each packet

    def put(self, packet: Any) -> None:
        """Add a packet, or a run of them (`Ready`); None ends the session."""
        count, weight = 1, 0
        if packet is None:
            self._end()
        else:
            count, weight = _size(packet)
            if self.writer is not None and not (self._packets or self.writer.running):
                left = self.writer.offer(frames_of(packet))
                if left == 0:
                    return
                if left is not None:
                    packet, weight = Ready(b"", count), left
        self.weight += weight
        self._count += count
        self._packets.append((packet, count, weight))
        self._some.set()
        self.account.hold(self.weight)
        if self.writer is not None:
            self.writer.start()
        if self.ready and not self._ended and self._is_behind():
            self.ready = False
            self._drained.clear()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the next packet. Raises `Empty` if there is none; with `block`, after `timeout` seconds."""
        if not self._packets:
            if not block:
                raise Empty
            self._wait_for_some(timeout)
        packet, count, weight = self._packets.popleft()
        self.weight -= weight
        self._count -= count
        self.account.hold(self.weight)
        if not self.ready and self._count <= LOW_PACKETS and self.weight <= LOW_BYTES:
            self._resume()
        if not self._packets:
            self._taken.set()
        return packet

    def task_done(self) -> None:
        """Do nothing: a packet that was taken is done."""

    def qsize(self) -> int:
        """Return the number of packets; a run of them counts as many as it is."""
        return self._count

    def empty(self) -> bool:
        """Return True if there is no packet."""
        return not self._packets

    def _wait_for_some(self, timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._packets:  # another one that waited may have taken it
            self._some.clear()
            if not self._some.wait(None if deadline is None else max(0.0, deadline - time.monotonic())):
                raise Empty

    def _is_behind(self) -> bool:
        """Return True if it has as much as it may: less while memory is short."""
        if self._count > HIGH_PACKETS or self.weight > HIGH_BYTES:
            return True
        return self.weight > LOW_BYTES and self.account.crowded

    def _end(self) -> None:
        self._ended = True
        self._taken.set()
        self._resume()

    def _resume(self) -> None:
        self.ready = True
        self._drained.set()
        waiting, self._waiting = self._waiting, set()
        for call in waiting:
            call()


def _size(packet: Any) -> tuple[int, int]:
    """Return how many packets it is, and the bytes that it takes in memory."""
    if isinstance(packet, Ready):
        return packet.count, len(packet.data)
    data = packet.data
    # Not its length: an emoji makes Python keep four bytes for each character of a string.
    return 1, sys.getsizeof(data) if isinstance(data, str | bytes) else PACKET
