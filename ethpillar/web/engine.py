"""The changes that Engine.IO's server needs.

Belongs here: the method whose own version waits for a client that may never come, the one that repeats what a client
sent, the reading of a body, whose own version has a bound that a good client exceeds, and the queue of what is sent.
Only the objects of one application are changed, never a class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engineio.packet import Packet

from .dispatch import SEPARATOR
from .outgoing import OutgoingQueue


def never_wait_for_clients(server: Any) -> None:
    """Make the server close sockets without waiting for their queues to drain.

    Engine.IO closes the socket of a client that sent an unknown packet, and waits until that client has polled what
    is queued for it. One that never polls would hold a greenlet for ever.

    :param server: engineio's server
    """

    def disconnect(sid: str | None = None) -> None:
        for name in [sid] if sid is not None else list(server.sockets):
            socket = server.sockets.pop(name, None)
            if socket is not None:
                socket.close(wait=False, reason=server.reason.SERVER_DISCONNECT)

    server.disconnect = disconnect


def watch_what_is_sent(server: Any) -> None:
    """Give each session a queue that knows whether its client keeps up.

    :param server: engineio's server
    """
    server._async = {**server._async, "queue": OutgoingQueue}  # the driver's own belongs to all servers


class WebSocketApp:
    """The object that Engine.IO calls for a WebSocket; its handshake was made in `worker`."""

    def __init__(self, handle: Callable[[Any], Any], _server: Any) -> None:
        self._handle = handle

    def __call__(self, environ: dict[str, Any], _start_response: Any) -> Any:
        return self._handle(environ["wsgi.websocket"])


def serve_own_websockets(server: Any) -> None:
    """Let a session read and write our WebSocket; Engine.IO's drivers know those of two libraries.

    :param server: engineio's server
    """
    server._async = {**server._async, "websocket": WebSocketApp}


def answer_without_details(server: Any) -> None:
    """Answer bad requests with a status and nothing else; Engine.IO would repeat the session id that was asked for.

    :param server: engineio's server
    """
    answer = server._bad_request
    server._bad_request = lambda *_: answer()


def packets_of(environ: dict[str, Any]) -> list[Packet]:
    """Decode all packets in the body of a polling client's POST. They were counted in `dispatch`.

    A polling client sends all that it has in one request; Engine.IO itself would end its session for a 17th packet.
    Raises ValueError.
    """
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return [Packet(encoded_packet=packet.decode()) for packet in body.split(SEPARATOR)] if body else []
