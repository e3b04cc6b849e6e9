"""What is on its way to one browser.

Belongs here: putting packets into Engine.IO's queue in order. That queue has no bound of its own, but knows whether
the browser keeps up with it; a sender with much to send calls `wait_ready` first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engineio import packet as eio_packet

from ..limits.ledger import Tenant
from ..web.outgoing import OutgoingQueue
from ..web.ready import Ready
from . import wire

GOODBYE = 1.5
"Seconds that a client has to take what it is told last; one on polling may be between two requests."


class Outbox:
    """The outgoing side of one socket: what is sent goes into a queue, and the browser takes it when it can.

    `emit` and `send` never wait, so a sender of many packets asks `wait_ready` before each. A socket that is closed
    swallows everything; nothing here raises.
    """

    def __init__(self, server: Any, sid: str) -> None:
        """
        :param server: python-socketio's server
        :param sid: the socket's id in the default namespace
        :raises KeyError: the socket is gone
        """
        self._server = server
        self._sid = sid
        self._socket = server.eio.sockets[server.manager.eio_sid_from_sid(sid, "/")]
        self._queue: OutgoingQueue = self._socket.queue

    @property
    def weight(self) -> int:
        """Bytes that the browser has not taken yet."""
        return self._queue.weight

    def belong(self, tenant: Tenant) -> None:
        """Count what it holds for a tenant, now that it is known whose it is."""
        self._queue.account.move(tenant)

    @property
    def closed(self) -> bool:
        """Return True if the client is gone, or is being disconnected."""
        return bool(self._socket.closing or self._socket.closed)

    def emit(self, name: str, payload: Any = None) -> None:
        """Send an event."""
        self.send(wire.event(name, payload))

    def send(self, text: str) -> None:
        """Send a packet that is encoded already. A socket that is closed swallows it."""
        self.put(eio_packet.Packet(eio_packet.MESSAGE, data=text))

    def put(self, packets: eio_packet.Packet | Ready) -> None:
        """Send what is ready to be sent; see `send`."""
        # Not by Engine.IO's `send`: if the client is gone, that ends the socket from within, and so would ask the
        # greenlet that is sending here to end itself. Engine.IO's own service looks for such sockets as well.
        if not self._socket.closed:
            self._queue.put(packets)

    def ready(self) -> bool:
        """Return True if the browser keeps up."""
        return self._queue.ready

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until the browser keeps up, or is gone. Return False if that took longer than `timeout` seconds."""
        return self._queue.wait_ready(timeout)

    def when_ready(self, call: Callable[[], None]) -> None:
        """Call this once, as soon as the browser keeps up; see `OutgoingQueue.when_ready`."""
        self._queue.when_ready(call)

    def disconnect(self) -> None:
        """End the socket for good: Socket.IO tells the client, and its `disconnect` event calls `close_transport`."""
        self._server.disconnect(self._sid)

    def close_transport(self, come_back: bool = False) -> None:
        """End the connection, once what was sent before is taken, or after `GOODBYE` seconds.

        :param come_back: the client is to take that for a broken connection, after which every client comes back by
            itself. Told by Engine.IO that the session is closed, python-socketio's client would stay away for good.
        """
        if not (self._socket.closing or self._socket.closed):
            self._queue.join(GOODBYE)
        self._socket.close(wait=False, abort=come_back)
