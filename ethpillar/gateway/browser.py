"""One browser socket: its session, its node, its subscriptions.

Belongs here: what each event does, once its payload is known to be good and its turn has come. It must not know how
events arrive.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence
from typing import Any

import gevent

from ..errors import (
    BadRequest,
    EthPillarError,
    LimitReached,
    NotAuthenticated,
    RateLimited,
    SessionRequired,
    SshTimeout,
    SshUnreachable,
    TooManyLogs,
)
from ..journal.masking import Masker
from ..limits.buckets import Bucket
from ..nodes.items import Item
from ..nodes.node import Node
from ..nodes.registry import NodeRegistry
from ..nodes.status_feed import Snapshot, StatusSubscription
from ..nodes.subscription import LogSubscription, about
from ..sessions import SessionRecord
from ..units import service_name
from . import wire
from .batches import Batches
from .entrance import Entrance
from .options import GatewayOptions
from .outbox import Outbox
from .past import PastReader
from .past_query import past_request
from .turn import Turns

log = logging.getLogger(__name__)

BATCH_WINDOW = 0.05
"Seconds that lines are gathered for a `log_batch`."
PATIENCE = 100
"Refusals for asking too much that a socket may get at once; one more disconnects it. One a second is fine."


def _same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), token.encode("utf-8", "surrogatepass"))


class BrowserSocket:
    """A connected socket. Everything but `close`, and what nodes call, happens in its turn."""

    def __init__(
        self,
        outbox: Outbox,
        entrance: Entrance,
        registry: NodeRegistry,
        options: GatewayOptions,
        batches: Batches,
        client: str | None = None,
    ) -> None:
        """
        :param batches: what all sockets share of encoded `log_batch` packets
        :param client: the key under which limits count the client
        """
        self.turns = Turns()
        self.token: str | None = None
        "The token it has shown, once that was found valid."
        self.outbox = outbox
        self._entrance = entrance
        self._registry = registry
        self._max_logs = options.max_logs_per_socket
        self._batches = batches
        self._client = client
        self._patience = Bucket(1, PATIENCE)
        self._node: Node | None = None
        self._logs: dict[str, LogSubscription] = {}
        self._checking: dict[str, object] = {}  # the logs whose units are being checked, each with its subscribe's mark
        self._status: StatusSubscription | None = None
        self._past = PastReader(self._masker)
        self._closed = False
        self._deadline: gevent.Greenlet[..., None] | None = gevent.spawn_later(options.auth_timeout, self._too_late)

    # -- the session

    def _too_late(self) -> None:
        self._deadline = None
        self.end(SessionRequired())

    def _in_time(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.kill()

    def authenticate(self, token: Any) -> None:
        """Open or reuse the session's node and emit `authenticated`. Raises the reason if that fails."""
        if not isinstance(token, str):
            raise BadRequest("The token must be text.")
        if self.token is not None and not _same(token, self.token):
            raise BadRequest("This connection belongs to another session. Open a new one for this token.")
        record = self._entrance.look_up(token, self._client)
        self.claim(record.token)
        self.enter(record)

    def claim(self, token: str) -> None:
        """Make this a socket of that session. Raises `LimitReached`."""
        if self.token is None and not self._closed:
            self._entrance.take(token, self)
            self.token = token
            self._in_time()  # for good: a node that cannot be reached is not the token's fault

    def enter(self, record: SessionRecord) -> None:
        """Do as `authenticate`, with a session that was just read and claimed."""
        if self._closed:
            return
        node = self._registry.acquire(record, self)
        before, self._node = self._node, node  # at once: `close`, which takes no turn, must find what is held
        status = None
        if before is not None and before is not node:
            logs, status = [*self._logs, *self._checking], self._status
            self._let_go(before)  # the dashboard wrote other credentials under the same token
            for unit in logs:
                self._tell_end(unit, "session_changed")
        try:
            node.connect()
        except BaseException:
            self._leave_node()
            raise
        if self._closed:
            return
        self.outbox.emit("authenticated")
        self.connection_state("connected" if node.connected else "reconnecting", {})
        if status is not None and self._status is None and self._node is node:
            self._status = node.status.subscribe(self, status.interval)

    def _leave_node(self) -> None:
        node, self._node = self._node, None
        if node is not None:
            self._let_go(node)

    def _let_go(self, node: Node) -> None:
        self._end_subscriptions()
        self._registry.release(node, self)

    def _require_node(self) -> Node:
        if self._node is None:
            raise NotAuthenticated
        return self._node

    # -- logs

    def subscribe_logs(self, payload: dict[str, Any]) -> None:
        """Follow a service's log. A second time for the same service does nothing.

        Unlike all other events it takes its turns itself: asking the node takes as long as that takes to answer, and
        meanwhile other events have theirs. An unsubscribe that comes meanwhile ends it.
        """
        unit = wire.get_unit(payload)
        lines, after = wire.get_lines(payload), wire.get_after(payload)
        batch, lossless = wire.get_flag(payload, "batch", False), wire.get_flag(payload, "lossless", True)
        with self.turns.take():
            node = self._require_node()
            if unit in self._logs or unit in self._checking:
                return
            if len(self._logs) + len(self._checking) >= self._max_logs:
                raise TooManyLogs(service_name(unit))
            mine = self._checking[unit] = object()
        try:
            problem = _what_prevents(node, unit)
            with self.turns.take():
                if self._checking.get(unit) is not mine or self._node is not node:
                    return  # nobody wants it any more
                if problem is not None:
                    raise problem
                sink = _BrowserLog(self.outbox, unit, self._batches if batch else None, self._log_failed)
                self._logs[unit] = node.log_feed(unit).subscribe(sink, lines, after, lossless)
        finally:
            if self._checking.get(unit) is mine:
                del self._checking[unit]

    def _log_failed(self, unit: str, error: EthPillarError) -> None:
        self._logs.pop(unit, None)
        self._tell_end(unit, error.code)
        self.outbox.emit("error", error.payload())

    def _tell_end(self, unit: str, reason: str) -> None:
        self.outbox.emit("log_state", wire.log_state(service_name(unit), "ended", {"reason": reason}))

    def unsubscribe_logs(self, payload: dict[str, Any]) -> None:
        """Stop a log. Nothing of it is sent after this returns."""
        unit = wire.get_unit(payload)
        self._checking.pop(unit, None)
        subscription = self._logs.pop(unit, None)
        if subscription is not None:
            subscription.close()

    # -- the past

    def read_logs(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the ack of a `read_logs`; see `PastReader`. It takes no turn, since it may take seconds."""
        request = past_request(payload)
        return self._past.read(self._require_node().past, request)

    def _masker(self) -> Masker:
        target = self._require_node().record.target
        return Masker(hosts=[target.host], users=[target.username])

    # -- status

    def subscribe_status(self, payload: dict[str, Any]) -> None:
        """Send status updates. A second time changes the interval."""
        interval = wire.get_interval(payload)
        node = self._require_node()
        self.unsubscribe_status()
        if self._node is node:  # the socket may be closed while the old ticks stop
            self._status = node.status.subscribe(self, interval)

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
        self.outbox.send(snapshot.data)

    def status_failed(self, error: EthPillarError) -> None:
        """See `StatusSink`."""
        self.outbox.emit("error", error.payload())

    # -- what nodes tell

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        """See `NodeListener`."""
        self.outbox.emit("connection_state", {"state": state, **details})

    def node_lost(self, error: EthPillarError) -> None:
        """See `NodeListener`."""
        gevent.spawn(self.end, error)

    # -- the end

    def refuse(self, error: EthPillarError) -> None:
        """Tell why something was not done. A client that keeps asking for too much is disconnected."""
        if isinstance(error, LimitReached | RateLimited) and not self._patience.take():
            gevent.spawn(self.end, error)
        else:
            self.outbox.emit("error", error.payload())

    def end(self, error: EthPillarError) -> None:
        """Tell why, and disconnect."""
        if not self._closed:
            self.outbox.emit("error", error.payload())
            self.close()
            self.outbox.disconnect()

    def close(self) -> None:
        """Let go of everything. Called once the socket is gone, or to end it."""
        if self._closed:
            return
        self._closed = True
        self._in_time()
        self._past.close()
        self._leave_node()
        if self.token is not None:
            self._entrance.release(self.token, self)

    def _end_subscriptions(self) -> None:
        self.unsubscribe_status()
        self._checking.clear()
        logs, self._logs = list(self._logs.values()), {}
        for subscription in logs:
            subscription.close()


def _what_prevents(node: Node, unit: str) -> EthPillarError | None:
    """Return what stands against following a unit's log now."""
    if not node.connected:
        return None
    try:
        node.check_unit(unit)
    except EthPillarError as problem:
        # A node that went away comes back, and the feed asks it then. One that is there and doesn't answer is reported:
        # somebody has to look at it.
        if not isinstance(problem, SshUnreachable) or isinstance(problem, SshTimeout):
            return about(service_name(unit), problem)
    return None


class _BrowserLog:
    """A `LogSink` on a socket."""

    def __init__(
        self, outbox: Outbox, unit: str, batches: Batches | None, failed: Callable[[str, EthPillarError], None]
    ) -> None:
        """:param batches: None for a subscriber that gets one event for each line"""
        self._outbox = outbox
        self._unit = unit
        self._service = service_name(unit)
        self._batches = batches
        self.window = BATCH_WINDOW if batches else 0.0
        self._failed = failed

    def wait_ready(self, timeout: float | None = None) -> bool:
        return self._outbox.wait_ready(timeout)

    def lines(self, items: Sequence[Item]) -> None:
        if self._batches is None:
            packets = [packet for item in items for packet in item.data]
        else:
            packets = self._batches.packets(self._service, items)
        for packet in packets:
            self._outbox.send(packet)

    def state(self, state: str, details: dict[str, Any]) -> None:
        self._outbox.emit("log_state", wire.log_state(self._service, state, details))

    def failed(self, error: EthPillarError) -> None:
        self._failed(self._unit, error)
