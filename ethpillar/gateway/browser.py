"""One browser socket: its session, its node, its subscriptions.

Belongs here: what each event does, once its payload is known to be good and its turn has come. It must not know how
events arrive.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

import gevent
from gevent.event import Event

from ..errors import (
    BadRequest,
    EthPillarError,
    LimitReached,
    NotAuthenticated,
    RateLimited,
    SessionRequired,
    SshError,
    SshUnreachable,
)
from ..journal.masking import Masker
from ..limits.buckets import Bucket
from ..limits.counts import Counts
from ..limits.ledger import Ledger
from ..nodes.node import Node
from ..nodes.registry import NodeRegistry
from ..nodes.status_feed import Snapshot, StatusSubscription
from ..sessions import SessionRecord, token_hash
from ..timing import shielded
from ..turns import Tenant, belong
from . import wire
from .browser_logs import BrowserLogs, log_request
from .entrance import Entrance
from .options import GatewayOptions
from .outbox import Outbox
from .past import PastReader
from .past_query import past_request
from .room import EventRoom
from .turn import Turns

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between looks whether a session that is to hear of its refusal later is still refused. What costs a login,
and a token that no session has, are looked at when that is due."""
AWAY = "The node can't be reached over SSH at the moment. Trying again."
REFUSALS = 100
"Refusals for asking too much that a socket may get at once; one more disconnects it. One a second is fine."


def _same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), token.encode("utf-8", "surrogatepass"))


def _costs_a_login(problem: EthPillarError) -> bool:
    """Return True if looking again costs the node a login. A refusal that it counts as a failed login is remembered."""
    return isinstance(problem, SshError) and problem.terminal and not problem.counted


class Stage(Enum):
    """How far a socket has come."""

    ARRIVING = "its CONNECT is not answered yet"
    PRESENT = "it is connected, and has to show a token if it has not"
    IN = "it was told `authenticated`, and hears of its node"
    OVER = "it has ended, or is about to"


class BrowserSocket:
    """A connected socket, from its CONNECT to `close`.

    Everything but `close`, and what nodes call, happens in its turn, one event after the other. What an event raises as
    an `EthPillarError` is sent as its `error`; the socket goes on, unless it was `end`ed.
    """

    def __init__(
        self,
        outbox: Outbox,
        entrance: Entrance,
        registry: NodeRegistry,
        options: GatewayOptions,
        client: str | None = None,
        name: str = "",
        ledger: Ledger | None = None,
        under_way: Counts | None = None,
    ) -> None:
        """
        :param client: the key under which limits count the client
        :param name: its name in the log
        :param ledger: where its events are weighed
        :param under_way: the events under way of each client
        """
        account = (ledger or Ledger()).account("events", (client,))
        self.room = EventRoom(account, self._subscriptions, client, under_way)
        self.turns, self.beginning = Turns(), Turns()  # and for events that come, until each has its place among them
        self._name = name
        self.token: str | None = None
        "The token it has shown, once that was found valid."
        self.outbox = outbox
        self._entrance = entrance
        self._registry = registry
        self._client = client
        self._refusals = Bucket(1, REFUSALS)
        self._node: Node | None = None
        self._logs = BrowserLogs(outbox, self.turns, options.max_logs_per_socket, self.refuse)
        self._status: StatusSubscription | None = None
        self._past = PastReader(self._masker, self.room.carry)
        self._auth_timeout = options.auth_timeout
        self._deadline: gevent.Greenlet[..., None] | None = None
        self._stage = Stage.ARRIVING
        self._told_away = False  # it shows that its node is away
        self._gone = Event()
        self._came: float | None = time.monotonic()  # until it is refused
        self.ended: EthPillarError | None = None
        "Why it is over, if it is."

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """The server's log, for lines about this socket."""
        session = "" if self.token is None else token_hash(self.token)
        return logging.LoggerAdapter(log, {"session": session, "socket": self._name})

    @property
    def tenant(self) -> Tenant:
        """Whose turns it takes: those of its client's address, and in these its session's."""
        return (self._client, self.token)

    @property
    def closed(self) -> bool:
        """Return True if it has ended."""
        return self._stage is Stage.OVER

    # -- the session

    def accepted(self) -> None:
        """Take note that the client's CONNECT is answered: from now on it has to show a token in time."""
        self._stage = Stage.PRESENT
        if self.token is None:
            self._deadline = gevent.spawn_later(self._auth_timeout, self._too_late)

    def _too_late(self) -> None:
        self._deadline = None
        self._entrance.refused(problem := SessionRequired())
        self.end(problem)

    def _in_time(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.kill(block=False)

    def authenticate(self, token: Any) -> None:
        """Open or reuse the session's node and emit `authenticated`. Raises what prevents it, later each time."""
        if not isinstance(token, str):
            raise BadRequest("The token must be text.")
        self.arrive(token)
        self.welcome()

    def arrive(self, token: object) -> None:
        """Make this a socket of the token's session, and wait for its node, though not for long.

        A refusal is held back, the longer the more often this session or client has been refused. A session that is
        mended meanwhile is let in.

        :raises EthPillarError: the token is not valid, or the node refuses
        """
        due: float | None = None
        while not self.closed:
            try:
                self._arrive(token)
                return
            except EthPillarError as problem:
                now = time.monotonic()
                if due is None:
                    due = now + self._entrance.held_back(token, self._client, problem, self._uncounted())
                if due <= now:
                    raise
                often = self.token is not None and not _costs_a_login(problem)
            self._gone.wait(min(due - now, LOOK_EVERY) if often else due - now)
        if due is not None:
            self._entrance.unheard(token, self._client)

    def _arrive(self, token: object) -> None:
        if self.token is not None and not (isinstance(token, str) and _same(token, self.token)):
            raise BadRequest("This connection belongs to another session. Open a new one for this token.")
        record = self._entrance.look_up(token, self._client)
        if self.closed:
            return
        if self.token is None:
            self._entrance.take(record.token, self)
            self.token = record.token
            self.room.account.move(self.tenant)
            self.outbox.belong(self.tenant)
            self.log.debug("It has shown its session")
            self._in_time()  # for good: a node that cannot be reached is not the token's fault
        belong(*self.tenant)  # with all that is started for it from here on
        self.enter(record)
        self._entrance.let_in(record.token, self._client)

    def _uncounted(self) -> float | None:
        """Return when it came, unless that is counted among its session's refused sockets already."""
        came, self._came = self._came, None
        return came

    def enter(self, record: SessionRecord) -> None:
        """Take the node of a session in place of the one before, if there was another, and connect it."""
        node = self._registry.acquire(record, self)
        before, self._node = self._node, node  # at once: `close`, which takes no turn, must find what is held
        plain: list[str] = []
        status = None
        if before is not None and before is not node:
            logs, plain, status = [*self._logs], self._logs.plain, self._status
            self._let_go(before)  # the dashboard wrote other credentials under the same token
            for unit in logs:
                self._logs.tell_end(unit, "session_changed")
        try:
            node.connect(self._gone)
        except BaseException:
            self._leave_node()
            raise
        if status is not None and self._status is None and self._node is node:
            self._status = node.status.subscribe(self, status.interval, status.everything)
        if plain:  # in a turn of its own: after `authenticated`
            gevent.spawn(self._logs.begin_again, plain, self._require_node)

    def is_elsewhere(self, record: SessionRecord) -> bool:
        """Return True if it has a node, and that is not the one of this record."""
        return self._node is not None and self._node.record.digest != record.digest

    def follow(self, record: SessionRecord) -> None:
        """Go to the node that its session has now, in its turn. If that node refuses, the socket ends."""
        with self.turns.take():
            node, status = self._node, self._status
            if node is None or not self.is_elsewhere(record):
                return
            try:
                self.enter(record)
            except EthPillarError as problem:
                self._entrance.refused(problem)
                self.end(problem, node, status)
            else:
                self.welcome()

    def welcome(self) -> None:
        """Tell the client that it is in, and how its node is."""
        node = self._node
        if node is None or self.closed:
            return
        self._stage = Stage.IN
        self._told_away = False
        self.outbox.emit("authenticated")
        if node.connected:
            self.connection_state("connected", node.about)
        else:
            self.connection_state("reconnecting", {})
        gevent.spawn(self.tell_if_away)  # after a true ack, which is sent on return, and clears what the page shows

    def tell_if_away(self) -> None:
        """Tell the client that its node is away, if it is, and the client does not show so."""
        node = self._node
        if node is not None and not self._told_away and (node.away or not node.connected):
            self._told_away = True
            self.outbox.emit("error", SshUnreachable(AWAY, hint=node.hint).payload())

    def _leave_node(self) -> None:
        node, self._node = self._node, None
        if node is not None:
            self._let_go(node)

    def _let_go(self, node: Node) -> None:
        shielded(lambda: self._end_watching(node))

    def _end_watching(self, node: Node) -> None:
        self._logs.close()
        self.unsubscribe_status()
        self._registry.release(node, self)

    def _require_node(self) -> Node:
        if self._node is None:
            raise NotAuthenticated
        return self._node

    # -- logs

    def subscribe_logs(self, payload: dict[str, Any]) -> None:
        """Follow one service's log, or several, merged by time; see `BrowserLogs.subscribe`."""
        request = log_request(payload)
        self._logs.subscribe(request, self._require_node, partial(self.room.wait, self._gone))

    def unsubscribe_logs(self, payload: dict[str, Any]) -> None:
        """Stop logs. Nothing of them is sent after this returns."""
        self._logs.unsubscribe(wire.get_units(payload))

    # -- the past

    def read_logs(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the ack of a `read_logs`; see `PastReader`. It takes no turn, since it may take seconds."""
        request = past_request(payload)
        return self._past.read(self._require_node().past, request, partial(self.room.wait, self._gone))

    def _masker(self) -> Masker:
        target = self._require_node().record.target
        return Masker(hosts=[target.host], users=[target.username])

    def _subscriptions(self) -> int:
        return len([*self._logs]) + (self._status is not None)

    # -- status

    def subscribe_status(self, payload: dict[str, Any]) -> None:
        """Send status updates. A second time changes the interval."""
        interval, everything = wire.get_interval(payload), wire.get_flag(payload, "all", False)
        self.room.wait(self._gone)
        node = self._require_node()
        self.unsubscribe_status()
        if self._node is node:  # the socket may be closed while the old ticks stop
            self._status = node.status.subscribe(self, interval, everything)

    def unsubscribe_status(self) -> None:
        """Stop the updates."""
        status, self._status = self._status, None
        if status is not None:
            status.close()

    def ready(self, again: Callable[[], None]) -> bool:
        """See `StatusSink`."""
        ready = self.outbox.ready()
        if not ready:
            self.outbox.when_ready(again)
        return ready

    def status(self, snapshot: Snapshot) -> None:
        """See `StatusSink`."""
        everything = self._status is not None and self._status.everything
        self.outbox.send(snapshot.everything if everything else snapshot.data)

    def status_failed(self, error: EthPillarError) -> None:
        """See `StatusSink`."""
        self.outbox.emit("error", error.payload())

    # -- what nodes tell

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        """See `NodeListener`."""
        if self._stage is Stage.IN:
            self.outbox.emit("connection_state", {"state": state, **details})

    def node_away(self) -> None:
        """See `NodeListener`."""
        if self._stage is Stage.IN:
            self.tell_if_away()

    def node_back(self) -> None:
        """See `NodeListener`."""
        if self._told_away:  # `authenticated` clears what the page shows
            self._told_away = False
            self.outbox.emit("authenticated")

    def node_lost(self, error: EthPillarError) -> None:
        """See `NodeListener`."""
        if self._stage is Stage.IN:  # else it hears so where it waits for its node
            self._entrance.refused(error)
            self._entrance.let_go(self.token, self._client, self._uncounted())
            self.ended, self._logs.ending = error, True  # whatever ends now ends because of that
            gevent.spawn(self.end, error)

    # -- the end

    def refuse(self, error: EthPillarError) -> None:
        """Tell why something was not done. A client that keeps asking for too much is disconnected."""
        self.log.debug("Refused (%s)", error.code)
        if self.ended is not None:
            return
        if isinstance(error, LimitReached | RateLimited) and not self._refusals.take():
            gevent.spawn(self.end, error)
        else:
            self.outbox.emit("error", error.payload())

    def end(self, error: EthPillarError, node: Node | None = None, status: StatusSubscription | None = None) -> None:
        """Tell why, and disconnect. A socket whose CONNECT is not answered yet is refused by that answer.

        :param node: the one that it had, with its `status`; None: the one that it has
        """
        if self.closed:
            return
        self.ended = error
        self.log.debug("Disconnected (%s)", error.code)
        arriving = self._stage is Stage.ARRIVING
        if node is None:
            node, status = self._node, self._status
        if not arriving:
            self.outbox.emit("error", error.payload())
        self.close()
        if not arriving:
            if node is not None and status is not None:  # a page that stays open must not go on showing green
                last = node.status.unseen()
                self.outbox.send(last.everything if status.everything else last.data)
            self.outbox.disconnect()

    def close(self) -> None:
        """Let go of everything. Called once the socket is gone, or to end it."""
        if self.closed:
            return
        self._stage = Stage.OVER
        self._gone.set()
        self._in_time()
        self._past.close()
        self.room.account.close()
        if self.token is not None:
            self._entrance.release(self.token, self)
        self._leave_node()  # last, as it waits: the caller may be stopped there
