"""Every Engine.IO session from its handshake to its end.

Belongs here: how many there are of an address, how often each may say something, and that each becomes a socket in
time. Engine.IO and Socket.IO have no bounds of this kind: a session that never sends CONNECT lives for ever, binary
attachments wait for each other without end, and each packet is answered whether or not anybody reads the answers.
What a packet means is not known here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import gevent
from engineio import packet as eio_packet

from ..errors import BadRequest, EthPillarError, RateLimited, whereabouts
from ..limits.buckets import Bucket
from ..limits.ledger import Account, Tenant
from ..limits.limits import HANDSHAKE, Limits
from ..limits.refusals import Refusal
from ..turns import breathe
from .dispatch import CLIENT, PACKETS, PEER
from .engine import packets_of
from .paying import wait_until_paid
from .pings import Pings
from .transport import serve

log = logging.getLogger(__name__)

CONNECT = "0"
"What a Socket.IO packet begins with that opens a socket."
BEHIND = 512
"Packets in a session's outgoing queue with which its client is behind."
UNREAD = 1000
"Packets that a client may send while it is behind; each may be answered, and unread answers take memory."
SOCKET = 50_000
"Bytes of a session in memory, with the socket that it becomes, besides its queue; `make sizes` measures it."
PENALTY = 0.01
"Seconds that a session is not read after it asked for too much, so that only its own client waits."


class Refusable(Protocol):
    """Where a session's state is kept, with what is told of a packet that was not taken.

    `refuse` is called at most once for each packet that the guard drops, from the greenlet that reads, and must not
    wait.
    """

    def refuse(self, error: EthPillarError) -> None:
        """Tell the client why a packet was not taken."""


@dataclass(slots=True)
class _Session:
    client: str | None
    events: Bucket
    deadline: gevent.Greenlet[..., None]
    account: Account
    unread: int = 0
    connecting: gevent.Greenlet[..., None] | None = None
    "Waits for the answer to its CONNECT."
    served: bool = False
    "True once it has a WebSocket, and while one is to become its transport."

    @property
    def name(self) -> Tenant:
        """Whose it is: `()` until that is known."""
        return self.account.tenant[1:]


class Guard:
    """Stands between Engine.IO and Socket.IO."""

    def __init__(
        self,
        server: Any,
        limits: Limits,
        connect_timeout: float,
        find: Callable[[str], Refusable | None],
        kinds: frozenset[str],
        left: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        :param server: python-socketio's server
        :param connect_timeout: seconds in which a session has to become a socket
        :param find: the socket of an Engine.IO session, if it is one already
        :param kinds: first characters of the messages that are understood
        :param left: called with an Engine.IO session that has ended, also before it has become a socket
        """
        self._eio = server.eio
        self._limits = limits
        self._timeout = connect_timeout
        self._find = find
        self._kinds = kinds
        self._left = left
        self._pings = Pings(self._eio.ping_interval, self._eio.ping_timeout)
        self._sessions: dict[str, _Session] = {}
        self.unnamed = 0
        "Sessions of clients that their proxy did not name, since the start: they have no limit per address."
        self._next = {event: self._eio.handlers[event] for event in ("connect", "disconnect")}
        self._eio.on("connect", self._connected)
        self._eio.on("disconnect", self._disconnected)

    def __len__(self) -> int:
        return len(self._sessions)

    def _connected(self, sid: str, environ: dict[str, Any]) -> Any:
        client = environ.get(CLIENT)
        self.unnamed += client is None
        wait_until_paid(self._limits, client, HANDSHAKE, environ.get(PEER))
        if not self._limits.engines.take(client):
            self._limits.refusals.note(Refusal.CONNECTIONS)
            return False
        deadline = gevent.spawn_later(self._timeout, self._too_late, sid)
        account = self._eio.sockets[sid].queue.account = self._limits.ledger.account("sockets", (client,), SOCKET)
        self._sessions[sid] = _Session(client, self._limits.events(), deadline, account)
        socket = self._eio.sockets[sid]
        socket.schedule_ping = partial(self._pings.schedule, socket)
        socket.receive = partial(self._receive, sid, socket.receive)
        socket.handle_post_request = partial(self._posted, self._sessions[sid], socket)
        socket._websocket_handler = partial(self._serve, sid, socket)
        return self._next["connect"](sid, environ)

    def _disconnected(self, sid: str, reason: Any) -> Any:
        session = self._sessions.pop(sid, None)
        if session is not None:
            session.deadline.kill(block=False)
            session.account.close()
            self._limits.engines.release(session.client)
        self._left(sid)
        self._eio.sockets.pop(sid, None)  # a POST to a session that is closed, and still there, would be an error
        return self._next["disconnect"](sid, reason)

    def _posted(self, session: _Session, socket: Any, environ: dict[str, Any]) -> None:
        """Take a body of packets, which is paid for before it is decoded. Frames are paid for where they are read."""
        count = environ.get(PACKETS, 1)
        wait_until_paid(self._limits, session.client, count, environ.get(PEER), session.name)
        for packet in packets_of(environ):
            breathe()  # a body has up to a thousand
            socket.receive(packet)

    def _serve(self, sid: str, socket: Any, websocket: Any) -> Any:
        """Serve a WebSocket to its end. Engine.IO itself would forget one whose client sends what is no packet."""
        session = self._sessions.get(sid)
        if session is None or session.served:
            websocket.close()  # it has one, or another one is about to be its transport
            return []
        session.served = True
        websocket.session = lambda: session.name
        late = gevent.spawn_later(self._timeout, self._upgrade_late, socket, websocket)
        try:
            serve(socket, websocket)
        except (ValueError, OSError):
            pass
        finally:
            late.kill(block=False)
            websocket.close()
            if socket.upgraded:
                socket.close(wait=False, abort=True, reason=self._eio.reason.TRANSPORT_CLOSE)
            else:
                session.served = False  # it was to become this session's transport, and polling goes on
        return []

    def _upgrade_late(self, socket: Any, websocket: Any) -> None:
        """End a connection that was to become a session's transport, and has not, however often its client pings."""
        if not socket.upgraded or socket.closed:
            websocket.close()

    def _too_late(self, sid: str) -> None:
        session = self._sessions.get(sid)
        if session is not None and session.connecting is not None:
            session.connecting.join()  # it waits for us, so that does not count
            session.deadline = gevent.spawn_later(self._timeout, self._too_late, sid)
        elif self._find(sid) is None:
            self._end(sid)

    def _end(self, sid: str) -> None:
        socket = self._eio.sockets.get(sid)
        if socket is not None:
            socket.close(wait=False, reason=self._eio.reason.SERVER_DISCONNECT)

    def _receive(self, sid: str, receive: Callable[[Any], None], packet: Any) -> None:
        session = self._sessions.get(sid)
        if session is None or self._is_not_reading(sid, session):
            return self._end(sid)
        if not session.events.take():
            self._limits.refusals.note(Refusal.EVENTS)
            gevent.sleep(PENALTY)
            return self._refuse(sid, RateLimited())
        if packet.packet_type == eio_packet.MESSAGE:
            if isinstance(packet.data, bytes):
                return None  # an attachment of what was refused already
            if not isinstance(packet.data, str) or packet.data[:1] not in self._kinds:
                return self._refuse(sid, BadRequest("Packets of that kind are not understood here."))
            return self._message(sid, session, receive, packet)
        return receive(packet)

    def _message(self, sid: str, session: _Session, receive: Callable[[Any], None], packet: Any) -> None:
        """Pass a message on. The answer to CONNECT may take a while, and what comes meanwhile waits for it.

        Only messages wait, so that the session goes on hearing pongs and, if its client sends nothing, of its end.
        """
        while session.connecting is not None:
            session.connecting.join()
        if sid not in self._sessions:
            return
        if packet.data.startswith(CONNECT):
            session.connecting = gevent.spawn(self._connect, session, receive, packet)
        else:
            receive(packet)

    def _connect(self, session: _Session, receive: Callable[[Any], None], packet: Any) -> None:
        try:
            receive(packet)
        except Exception as problem:  # noqa: BLE001 (the session has ended meanwhile; gevent would print it)
            log.debug("A CONNECT came to nothing (%s)", whereabouts(problem))
        finally:
            session.connecting = None

    def _is_not_reading(self, sid: str, session: _Session) -> bool:
        behind = self._eio.sockets[sid].queue.qsize() > BEHIND if sid in self._eio.sockets else False
        session.unread = session.unread + 1 if behind else 0
        return session.unread > UNREAD

    def _refuse(self, sid: str, problem: EthPillarError) -> None:
        socket = self._find(sid)
        if socket is None:
            self._end(sid)  # no client has a reason to say that much before it is a socket
        else:
            socket.refuse(problem)
