"""What is on its way to one browser.

Belongs here: putting packets into Engine.IO's queue in order, and knowing how much of it the browser has not taken.
That queue has no bound of its own; whoever has much to send asks `wait_ready` first.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import gevent
from engineio import packet as eio_packet

from ..timing import within
from . import wire

HIGH_PACKETS = 512
HIGH_BYTES = 256 * 1024
"A browser with more than this under way is slow: lines wait until it has taken most of it."
LOW_PART = 4
"Ready again when only this fraction is left, so that a slow browser gets runs of lines and not one at a time."
GOODBYE = 1.5
"Seconds that a client has to take what it is told last; one on polling may be between two requests."
LOOK = 0.02
"Seconds between looks at a slow browser's queue; Engine.IO does not tell when it drains."


class Outbox:
    """The outgoing side of one socket."""

    def __init__(self, server: Any, sid: str) -> None:
        """:param server: python-socketio's server; :param sid: the socket's id in the default namespace"""
        self._server = server
        self._sid = sid
        self._eio_sid = server.manager.eio_sid_from_sid(sid, "/")
        self._socket = server.eio.sockets[self._eio_sid]
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._slow = False

    def emit(self, name: str, payload: Any = None) -> None:
        """Sends an event."""
        self.send(wire.event(name, payload))

    def send(self, text: str) -> None:
        """Sends a packet that is encoded already. A socket that is closed swallows it."""
        if self._socket.closed:
            return
        self._sizes.append(len(text))
        self._bytes += len(text)
        # Not by Engine.IO's `send`: that ends a socket whose client is gone from within, and so whoever is sending here
        # would be asked to end itself. Its own service looks for such sockets as well.
        self._socket.queue.put(eio_packet.Packet(eio_packet.MESSAGE, data=text))

    @property
    def packets(self) -> int:
        """Packets that the writer has not taken yet."""
        return int(self._socket.queue.qsize())

    def _weigh(self) -> tuple[int, int]:
        packets = self.packets
        while len(self._sizes) > packets:
            self._bytes -= self._sizes.popleft()
        return packets, self._bytes

    def ready(self) -> bool:
        """Whether the browser keeps up."""
        packets, size = self._weigh()
        part = LOW_PART if self._slow else 1
        self._slow = packets > HIGH_PACKETS // part or size > HIGH_BYTES // part
        return not self._slow

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Waits until the browser keeps up, or is gone; False when that took longer than `timeout` seconds."""
        waited = 0.0
        while not (self.ready() or self._socket.closed):
            if timeout is not None and waited >= timeout:
                return False
            gevent.sleep(LOOK)
            waited += LOOK
        return True

    def disconnect(self) -> None:
        """Ends the socket for good: Socket.IO tells the client, and its `disconnect` event calls `close_transport`."""
        self._server.disconnect(self._sid)

    def close_transport(self) -> None:
        """Ends the connection, once what was sent before is taken. A client that was not told takes that for a broken
        one, and comes back by itself."""
        with within(GOODBYE):
            while self.packets and not (self._socket.closing or self._socket.closed):
                gevent.sleep(LOOK)
        self._socket.close(wait=False)
