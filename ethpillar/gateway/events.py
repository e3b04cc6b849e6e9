"""Socket.IO events to method calls.

Belongs here: the table of events, and what must hold for each of them: its turn, its errors, its ack. Whatever a
client sends, nothing leaves here but an `error` event, and nothing gets into a log but a code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import gevent
from flask import request
from flask_socketio import ConnectionRefusedError, SocketIO

from ..errors import (
    BadRequest,
    EthPillarError,
    InternalError,
    SessionExpired,
    SessionStoreDown,
    SshError,
    Superseded,
    TooLarge,
    whereabouts,
)
from ..limits.limits import Limits
from ..nodes.registry import NodeRegistry
from ..sessions import SessionRecord, SessionStore, token_hash
from ..turns import belong, breathe
from ..web.dispatch import CLIENT
from ..web.guard import Guard
from . import wire
from .browser import BrowserSocket
from .codec import KINDS, OVERSIZED
from .entrance import Entrance, Holder
from .options import GatewayOptions
from .outbox import Outbox

log = logging.getLogger(__name__)

COOKIE = "ssh_session"
REFUSED_SESSION = "Authentication error: Invalid or expired session."
REFUSED_STORE = "Authentication error: Server error during validation."

Handler = Callable[..., Any]


class Gateway:
    """The sockets that are connected, and what they may say.

    It registers the handlers of Socket.IO's events, and gives each to its `BrowserSocket`. `session_ended` and
    `session_renewed` come from the watch; `say_goodbye` is called once, when the server stops.
    """

    def __init__(
        self,
        socketio: SocketIO,
        store: SessionStore,
        registry: NodeRegistry,
        limits: Limits,
        options: GatewayOptions,
    ) -> None:
        self._socketio = socketio
        self._entrance = Entrance(store, limits)
        self._registry = registry
        self._options = options
        self._ledger, self._under_way = limits.ledger, limits.under_way
        self.sockets: dict[str, BrowserSocket] = {}
        socketio.on_event("connect", self._connect)
        socketio.on_event("disconnect", self._disconnect)
        # Not by Flask-SocketIO, which makes a request for Flask of each event: that costs more than most events do.
        for name, handler in self._events().items():
            socketio.server.on(name, self._guarded(name, handler))
        unknown = self._guarded("*", self._unknown)
        socketio.server.on("*", lambda _name, sid, *_: unknown(sid))
        self.guard = Guard(socketio.server, limits, options.auth_timeout, self._find, KINDS, self._left)
        # Last resort for these two; without it, what they raise would be printed.
        socketio.default_exception_handler = lambda problem: log.error("An event failed (%s)", whereabouts(problem))

    # -- connecting

    def _connect(self, auth: Any = None) -> None:
        """Answer CONNECT; it runs in a greenlet of the session's own (`web.guard`), and may take seconds.

        Whatever is raised here but ConnectionRefusedError would let the client in, or call this again without `auth`.
        """
        sid = str(request.sid)  # type: ignore[attr-defined]
        try:
            socket = self.sockets[sid] = self._new_socket(sid)  # at once, so that whatever ends it finds it
        except Exception:  # it has left, so the answer goes nowhere
            raise ConnectionRefusedError(REFUSED_STORE) from None
        token = self._token_shown(auth)
        problem = self._caught(socket, socket.arrive, token) if token else None
        if socket.closed:  # meanwhile
            if not socket.outbox.closed and socket.ended is None:
                return  # the server stops: a client that is refused would not come back by itself
            problem = socket.ended or SessionStoreDown()
        if problem is not None:
            self.sockets.pop(sid, None)
            socket.log.debug("Refused to connect (%s)", problem.code)
            socket.close()
            raise ConnectionRefusedError(*_refusal(problem))
        socket.accepted()
        socket.log.debug("Connected")
        if token:
            gevent.spawn(self._guard, socket, socket.welcome)  # after the CONNECT packet, which is sent on return

    def _new_socket(self, sid: str) -> BrowserSocket:
        outbox = Outbox(self._socketio.server, sid)
        client = request.environ.get(CLIENT)
        name = token_hash(sid)
        options = self._options
        memory, under_way = self._ledger, self._under_way
        return BrowserSocket(outbox, self._entrance, self._registry, options, client, name, memory, under_way)

    def _token_shown(self, auth: Any) -> Any:
        """Return what was shown as a token at connect, if anything was."""
        token = auth.get("token") if isinstance(auth, dict) else None
        return token or request.cookies.get(COOKIE)  # only if there is none: a stale cookie must not refuse a token

    def _left(self, eio_sid: str) -> None:
        """Let go of a socket whose session has ended, if it was waiting for the answer to its CONNECT."""
        socket = self._find(eio_sid)
        if socket is not None:
            socket.close()

    def _disconnect(self, *_: Any) -> None:
        socket = self.sockets.pop(str(request.sid), None)  # type: ignore[attr-defined]
        if socket is not None:
            socket.log.debug("Gone")
            socket.close()
            # An Engine.IO session without a socket is of no use. Closing it may take a while, and must not hold up
            # the caller: Engine.IO looks after all sockets in one greenlet.
            gevent.spawn(socket.outbox.close_transport)

    def _find(self, eio_sid: str) -> BrowserSocket | None:
        """Return the socket of an Engine.IO session; None if it is not one yet."""
        return self.sockets.get(self._socketio.server.manager.sid_from_eio_sid(eio_sid, "/"))

    # -- events

    def _events(self) -> dict[str, Handler]:
        return {
            "authenticate": self._authenticate,
            "subscribe_logs": self._with_object(BrowserSocket.subscribe_logs, in_turn=False),
            "unsubscribe_logs": self._with_object(BrowserSocket.unsubscribe_logs),
            "read_logs": self._read_logs,
            "subscribe_status": self._with_object(BrowserSocket.subscribe_status),
            "unsubscribe_status": self._unsubscribe_status,
            OVERSIZED: self._oversized,
        }

    def _guarded(self, name: str, handler: Handler) -> Handler:
        def handle(sid: str, *arguments: Any) -> Any:
            socket = self.sockets.get(sid)
            if socket is None:
                return None
            belong(*socket.tenant)
            try:
                with socket.room.take(arguments):
                    with socket.beginning.take():  # in their order: one that waits here must not be overtaken
                        breathe()  # many events that come at once begin at once
                    return handler(socket, *arguments)
            except EthPillarError as problem:
                self._entrance.refused(problem)
                self._tell(socket, problem)
                return name != "authenticate" and _ack(problem)
            except Exception as problem:
                log.error("An event failed (%s)", whereabouts(problem))  # what it raised would be printed
                return None

        return handle

    def _authenticate(self, socket: BrowserSocket, *arguments: Any) -> bool:
        token = arguments[0] if arguments else None
        return self._guard(socket, socket.authenticate, token) is None

    def _with_object(self, method: Callable[[BrowserSocket, dict[str, Any]], None], in_turn: bool = True) -> Handler:
        def handle(socket: BrowserSocket, *arguments: Any) -> dict[str, Any]:
            def act() -> None:
                method(socket, wire.payload_object(arguments))

            return _ack(self._guard(socket, act, in_turn=in_turn))

        return handle

    def _read_logs(self, socket: BrowserSocket, *arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {}

        def act() -> None:
            try:
                answer.update(socket.read_logs(wire.payload_object(arguments)))
            except Superseded as problem:  # the page did it itself, and needs no `error` event
                answer.update(_ack(problem))

        problem = self._guard(socket, act, in_turn=False)
        return answer if problem is None else _ack(problem)

    def _unsubscribe_status(self, socket: BrowserSocket, *_: Any) -> dict[str, Any]:
        return _ack(self._guard(socket, socket.unsubscribe_status))

    def _oversized(self, socket: BrowserSocket, *_: Any) -> dict[str, Any]:
        problem = TooLarge()
        self._entrance.refused(problem)
        return _ack(self._tell(socket, problem))

    def _unknown(self, socket: BrowserSocket, *_: Any) -> None:
        self._tell(socket, BadRequest("There is no such event."))

    def _guard(
        self, socket: BrowserSocket, act: Callable[..., None], *arguments: Any, in_turn: bool = True
    ) -> EthPillarError | None:
        """Run `act` in the socket's turn, unless it takes its turns itself. Emit and return what prevents it."""
        problem = self._caught(socket, act, *arguments, in_turn=in_turn)
        return None if problem is None else self._tell(socket, problem)

    def _caught(
        self, socket: BrowserSocket, act: Callable[..., None], *arguments: Any, in_turn: bool = True
    ) -> EthPillarError | None:
        """Run `act` likewise, and return what prevents it."""
        try:
            with socket.turns.take() if in_turn else nullcontext():
                if not socket.closed:  # else nobody is there for the answer to what waited for its turn
                    act(*arguments)
            return None
        except EthPillarError as problem:
            self._entrance.refused(problem)
            return problem.with_traceback(None)  # its frames know who returns it: only the collector could free that
        except Exception as problem:
            socket.log.error("An event failed (%s)", whereabouts(problem))
            return InternalError()

    def _tell(self, socket: BrowserSocket, problem: EthPillarError) -> EthPillarError:
        socket.refuse(problem)
        return problem

    # -- sessions

    def tokens(self) -> set[str]:
        """Return the tokens in use: by sockets, or by nodes that linger."""
        return self._entrance.tokens() | self._registry.tokens()

    def session_ended(self, token: str) -> None:
        """End a session that is gone from Redis: tell and disconnect its sockets, and close its SSH connections."""
        for socket in self._entrance.holders(token):
            gevent.spawn(socket.end, SessionExpired("Your session has ended. Please sign in again."))
        gevent.spawn(lambda: self._registry.end_session(token))  # an argument is shown wherever a greenlet is

    def session_renewed(self, record: SessionRecord) -> None:
        """Have the sockets of a session leave its node if its record names another one, or other credentials."""

        def follow(holder: Holder) -> None:
            holder.follow(record)  # an argument of a greenlet is shown wherever it is

        for holder in self._entrance.holders(record.token):
            if holder.is_elsewhere(record):
                gevent.spawn(follow, holder)

    def say_goodbye(self, problem: EthPillarError) -> None:
        """Tell every socket why the server stops, and close only its transport, so that it comes back by itself.

        All at once: one whose subscriptions end slowly must not keep the others from hearing it. Returns when all are
        closed. Every socket has been told before that, even if the wait is interrupted.
        """
        sockets = list(self.sockets.values())
        for socket in sockets:
            socket.outbox.emit("error", problem.payload())
        acts = [act for socket in sockets for act in (socket.close, partial(socket.outbox.close_transport, True))]
        gevent.joinall([gevent.spawn(act) for act in acts])


def _refusal(problem: EthPillarError) -> tuple[Any, ...]:
    """Return what a `connect_error` says: its message, and its data if there are any."""
    if isinstance(problem, SessionExpired):
        return (REFUSED_SESSION,)
    if isinstance(problem, SessionStoreDown | InternalError):
        return (REFUSED_STORE,)
    data = problem.payload()
    if isinstance(problem, SshError):
        del data["message"]
    return problem.message, data


def _ack(problem: EthPillarError | None) -> dict[str, Any]:
    return {"ok": True} if problem is None else {"ok": False, "error": problem.payload()}
