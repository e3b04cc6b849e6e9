"""A WebSocket as the transport of an Engine.IO session.

Belongs here: the upgrade, reading packets, and writing those of the session's queue, in place of Engine.IO's own. That
one keeps a greenlet for each session which waits for something to write; here there is one only while a client is slow.
"""

from __future__ import annotations

import logging
from typing import Any

import gevent
from engineio.exceptions import SocketIsClosedError, UnknownPacketError
from engineio.packet import NOOP, PING, PONG, UPGRADE, Packet
from gevent.queue import Empty

from ..errors import whereabouts
from .frames import WebSocketError
from .outgoing import OutgoingQueue
from .websocket import WebSocket

log = logging.getLogger(__name__)

PROBE = "probe"
"What a client's ping carries on a WebSocket that is to replace polling."


class Writer:
    """Writes what is in a session's queue to its WebSocket.

    What finds the queue empty is offered to the WebSocket at once. What that does not take waits in the queue, and a
    greenlet writes it, and all that comes meanwhile, as the client reads.
    """

    def __init__(self, queue: OutgoingQueue, websocket: WebSocket) -> None:
        self._queue = queue
        self._websocket = websocket
        self._greenlet: gevent.Greenlet[[], None] | None = None

    @property
    def running(self) -> bool:
        """Return True while the greenlet writes: nothing else may be written before it has done so."""
        return bool(self._greenlet)

    def offer(self, frames: bytes) -> int | None:
        """Write frames without waiting; see `WebSocket.offer`."""
        return self._websocket.offer(frames)

    def start(self) -> None:
        """Write what is in the queue, as long as there is anything."""
        if not self._greenlet:
            self._greenlet = gevent.spawn(self._run)

    def finish(self) -> None:
        """End the session's queue, and wait until what is in it is written, or can't be any more."""
        self._queue.put(None)
        if self._greenlet is not None:
            self._greenlet.join()

    def _run(self) -> None:
        try:
            while (packet := self._queue.get(block=False)) is not None:
                self._websocket.send(packet.encode())
        except Empty:
            return
        except (WebSocketError, OSError):
            pass
        except Exception as problem:  # noqa: BLE001 (gevent would print what is sent)
            log.error("Writing to a WebSocket failed (%s)", whereabouts(problem))
        self._websocket.close()


def serve(session: Any, websocket: WebSocket) -> None:
    """Serve an Engine.IO session over a WebSocket to its end.

    :param session: engineio's socket; one that is connected already is polling, and upgrades
    :raises ValueError: the client sent what is no packet
    """
    # A client that is silent for so long has not answered a ping either.
    websocket.socket.settimeout(session.server.ping_interval + session.server.ping_timeout)
    if session.connected:
        session.upgrading = True
        try:
            if not _upgrade(session, websocket):
                return
        finally:
            session.upgrading = False
    session.connected = session.upgraded = True
    writer = session.queue.writer = Writer(session.queue, websocket)
    writer.start()
    while (packet := _read(websocket)) is not None and _taken(session, packet):
        pass
    writer.finish()


def _taken(session: Any, packet: Packet) -> bool:
    """Hand a packet on. Return False if nothing further can be."""
    try:
        session.receive(packet)
    except UnknownPacketError:
        return True
    except SocketIsClosedError:
        return False
    except Exception as problem:  # noqa: BLE001 (Engine.IO would print what the client sent)
        log.error("A packet failed (%s)", whereabouts(problem))
        return False
    return True


def _upgrade(session: Any, websocket: WebSocket) -> bool:
    """Let a WebSocket take the place of polling. Return False if the client does not go through with it."""
    probe = _read(websocket)
    if probe is None or probe.packet_type != PING or probe.data != PROBE:
        return False
    try:
        websocket.send(Packet(PONG, data=PROBE).encode())
    except WebSocketError:
        return False
    session.queue.put(Packet(NOOP))  # ends the request that polls
    answer = _read(websocket)
    return answer is not None and answer.packet_type == UPGRADE


def _read(websocket: WebSocket) -> Packet | None:
    """Return the next packet; None at the end. Raises ValueError for what is no packet."""
    try:
        message = websocket.receive()
    except WebSocketError:
        return None  # it was closed here
    return None if message is None else Packet(encoded_packet=message)
