"""What Engine.IO has to send to one client, and whether the client keeps up with it.

Belongs here: the write side of a session as an event. It is paused above a high mark and resumed below a low one, so
that senders wait for it instead of polling. It must not know what a packet means.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from gevent.event import Event
from gevent.queue import JoinableQueue

HIGH_PACKETS = 512
HIGH_BYTES = 256 * 1024
"A client with more than this under way is slow: senders wait until it has taken most of it."
LOW_PART = 4
"Resumed when only this fraction is left, so that a slow client gets runs of packets and not one at a time."
PACKET = 64
"Bytes that a packet without text is counted as."


class OutgoingQueue(JoinableQueue[Any]):
    """The queue of one Engine.IO session, in place of Engine.IO's own, which does not say when it drains.

    Engine.IO puts packets, and None at the end of the session. Nothing is refused: a sender with much to send
    calls `wait_ready` first. A session that has ended is ready, since what is sent to it then is lost anyway.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weights: deque[int] = deque()
        self._ready = Event()
        self._ready.set()
        self._waiting: set[Callable[[], None]] = set()
        self._ended = False
        self.weight = 0
        "Bytes of the packets in it, as they are in memory."

    @property
    def ready(self) -> bool:
        """True while the client keeps up."""
        return self._ready.is_set()

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until the client keeps up, or is gone. Return False if that took longer than `timeout` seconds."""
        return bool(self._ready.wait(timeout))

    def when_ready(self, call: Callable[[], None]) -> None:
        """Call this once, as soon as the client keeps up again; it must not wait. The same one twice is one call."""
        if self.ready:
            call()
        else:
            self._waiting.add(call)

    def _put(self, item: Any) -> None:
        super()._put(item)  # type: ignore[misc]
        weight = 0 if item is None else _weight(item.data)
        self._weights.append(weight)
        self.weight += weight
        if item is None:
            self._ended = True
            self._resume()
        elif not self._ended and (self.qsize() > HIGH_PACKETS or self.weight > HIGH_BYTES):
            self._ready.clear()

    def _get(self) -> Any:
        item = super()._get()  # type: ignore[misc]
        self.weight -= self._weights.popleft()
        few = self.qsize() <= HIGH_PACKETS // LOW_PART and self.weight <= HIGH_BYTES // LOW_PART
        if few and not self.ready:
            self._resume()
        return item

    def _resume(self) -> None:
        self._ready.set()
        waiting, self._waiting = self._waiting, set()
        for call in waiting:
            call()


def _weight(data: Any) -> int:
    """Bytes of a packet's text in memory: an emoji makes Python keep four for each character of its string."""
    return sys.getsizeof(data) if isinstance(data, str | bytes) else PACKET
