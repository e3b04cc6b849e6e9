"""A node: one login, shared by all sockets of its session.

Belongs here: connecting once however many ask, staying connected, and owning what runs on the node. It must not know
how an SSH login works nor what a browser is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..errors import (
    EthPillarError,
    LogUnavailable,
    PermissionDenied,
    SshError,
    SshTimeout,
    SshUnreachable,
    StatusUnavailable,
    UnitNotFound,
)
from ..journal.entry import Entry
from ..sessions import SessionRecord
from ..ssh import access
from ..ssh.connection import Connection, Result
from ..ssh.pool import ConnectionPool
from ..timing import Backoff, within
from ..units import service_name, unit_name
from . import failures
from .log_feed import Encode, LogFeed
from .ring import Ring
from .source import PATIENCE, CommandEntries, journal_command
from .status_feed import StatusFeed

log = logging.getLogger(__name__)

FAILURE_SHARED = 2.0
"Seconds for which a failed login is the answer to everybody who asks."
STEADY = 30.0
"Seconds after which a connection that did nothing was a good one."
FEED_LINGER = 1.0
"Seconds a feed outlives its last subscriber: a tab that changes its mind does not start a new journalctl each time."
LAST_LINES_TIMEOUT = 3.0
"Seconds that an update waits for the lines before a failure."
CATCHING_UP = 6
"Subscribers of all feeds together that are served from the journal at once: each takes a channel."
SPARE = 2
"Channels that new feeds leave for them."
DENIAL_KEPT = 15.0
"Seconds for which a missing right is believed to be still missing."
NOT_DOUBTED = 2.0
"Seconds for which a right that was found is not doubted: all logs of a node may doubt it at once."
BROKEN = "journalctl fails on the node. Check its disk: it may be full or damaged."


class NodeListener(Protocol):
    """Somebody who is told about a node's connection."""

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        """`connected`, `reconnecting` (`attempt`, `retry_in`) or `lost`."""

    def node_lost(self, error: EthPillarError) -> None:
        """The node will not come back for this session."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What is the same for all nodes: settings, each under its own name, and how their items are encoded."""

    encode_line: Encode
    encode_statuses: Callable[..., str]
    ring_entries: int = 5000
    ring_bytes: int = 2 * 1024 * 1024
    ssh_max_connections: int = 4
    ssh_command_timeout: float = 15.0
    status_timeout: float = 10.0
    ssh_give_up: float = 3600.0
    node_linger: float = 10.0
    max_nodes: int = 1000


class Node:
    """The remote machine of one session."""

    def __init__(self, record: SessionRecord, login: Callable[[], Connection], options: NodeOptions) -> None:
        """:param login: one attempt; raises an `SshError`"""
        self.record = record
        self.listeners: set[NodeListener] = set()
        self.status = StatusFeed(self._run_status, options.encode_statuses, self._last_lines)
        self._options = options
        self._pool = ConnectionPool(login, options.ssh_max_connections)
        self._connected = Event()
        self._terminal: EthPillarError | None = None
        self._failed_at = float("-inf")
        self._failure: EthPillarError | None = None
        self._connecting: gevent.Greenlet[[], EthPillarError | None] | None = None
        self._supervisor: gevent.Greenlet[[], None] | None = None
        self._feeds: dict[str, LogFeed] = {}
        self._lingering: dict[LogFeed, gevent.Greenlet[..., None]] = {}
        self._aliases: dict[str, str] = {}
        self._access: access.JournalAccess | None = None
        self._denied_at = self._found_at = float("-inf")
        self._access_lock = BoundedSemaphore(1)
        self.catching_up = BoundedSemaphore(CATCHING_UP)
        self._closed = False

    # -- the connection

    @property
    def connected(self) -> bool:
        """Whether there is a connection at the moment, as far as is known."""
        return self._connected.is_set()

    @property
    def over(self) -> bool:
        """Whether it will never be connected again: whoever wants to try needs another node."""
        return self._terminal is not None

    def connect(self) -> None:
        """Returns when the node is connected, or is about to be again.

        All who ask at once, or soon after a failure, share one attempt.

        :raises SshError: the attempt failed
        :raises SessionStoreDown: host keys cannot be checked
        """
        if self._terminal is not None:
            # Without it each raise would add its frames to the error that is kept, and keep what they hold.
            raise self._terminal.with_traceback(None)
        if self.connected:
            return
        if self._supervisor is not None:
            return  # it was connected, and the supervisor is at it: the feeds wait for it, and so may a new tab
        if self._failure is not None and time.monotonic() - self._failed_at < FAILURE_SHARED:
            raise self._failure.with_traceback(None)
        if self._connecting is None:
            self._connecting = gevent.spawn(self._connect)
        problem = self._connecting.get()
        if isinstance(problem, EthPillarError):
            raise problem
        if self._closed:
            raise SshUnreachable

    def _connect(self) -> EthPillarError | None:
        # Returns its error: a greenlet that raises is printed as a stack trace.
        try:
            self._pool.connect()
        except EthPillarError as problem:
            self._failure, self._failed_at = problem, time.monotonic()
            if isinstance(problem, SshError) and problem.terminal:
                self._terminal = problem
            log.info("Session %s: login failed (%s)", self.record.name, problem.code)
            return problem
        finally:
            self._connecting = None
        log.info("Session %s: connected", self.record.name)
        self._connected.set()
        self._supervisor = gevent.spawn(self._supervise)
        return None

    def _supervise(self) -> None:
        backoff, lost = Backoff(), time.monotonic()
        while True:
            since, proved = time.monotonic(), False
            while alive := self._pool.alive:
                alive[0].ended.wait()
                proved = proved or alive[0].proved
            self._connected.clear()
            log.info("Session %s: connection lost", self.record.name)
            if proved or time.monotonic() - since > STEADY:
                backoff, lost = Backoff(), time.monotonic()  # else it lets us in and hangs up, which is no better
            try:
                self._reconnect(backoff, lost)
            except EthPillarError as problem:
                self._terminal = problem
                self._connected.set()  # those who wait shall see that it is over
                log.info("Session %s: given up (%s)", self.record.name, problem.code)
                self._tell("lost")
                for listener in list(self.listeners):
                    listener.node_lost(problem)
                return
            self._connected.set()
            log.info("Session %s: connected again", self.record.name)
            self._tell("connected")

    def _reconnect(self, backoff: Backoff, lost: float) -> None:
        problem: EthPillarError = SshUnreachable()
        while time.monotonic() - lost <= self._options.ssh_give_up:
            delay = backoff.next()
            self._tell("reconnecting", attempt=backoff.attempt, retry_in=round(delay, 3))
            gevent.sleep(delay)
            try:
                self._pool.connect()
                return
            except EthPillarError as found:
                problem = found
                if isinstance(problem, SshError) and problem.terminal:
                    break
        raise problem.with_traceback(None)

    def _tell(self, state: str, **details: Any) -> None:
        for listener in list(self.listeners):
            listener.connection_state(state, details)

    def wait_connected(self) -> None:
        """See `JournalSource`."""
        self._connected.wait()
        if self._terminal is not None:
            raise self._terminal.with_traceback(None)

    # -- commands

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float | None = None) -> Result:
        """Runs a short command; see `Connection.run`."""
        return self._pool.run(words, stdin, timeout or self._options.ssh_command_timeout)

    def _run_status(self, words: Sequence[str]) -> tuple[int, bytes]:
        result = self.run(words, timeout=self._options.status_timeout)
        return result.status, result.stdout

    # -- logs

    def log_feed(self, unit: str) -> LogFeed:
        """The feed of a unit, made when there is none. Subscribe to it before anything else gets a turn."""
        feed = self._feeds.get(unit)
        if feed is not None and not feed.dead:
            return feed
        ring = Ring(self._options.ring_entries, self._options.ring_bytes)
        feed = LogFeed(unit, self, self._options.encode_line, ring, self._feed_idle)
        self._feeds[unit] = feed
        return feed

    def _feed_idle(self, feed: LogFeed) -> None:
        if not self._closed and feed not in self._lingering:
            self._lingering[feed] = gevent.spawn_later(0 if feed.dead else FEED_LINGER, self._end_feed, feed)

    def _end_feed(self, feed: LogFeed) -> None:
        self._lingering.pop(feed, None)
        if feed.idle:
            if self._feeds.get(feed.unit) is feed:
                del self._feeds[feed.unit]
                self._aliases.pop(feed.unit, None)
            feed.close()

    def check_unit(self, unit: str) -> str | None:
        """See `JournalSource`."""
        try:
            status = self.status.unit(unit)
        except (StatusUnavailable, SshTimeout):
            status = None  # systemd does not answer; the journal, which is what counts here, may
        if status is not None and not status.installed:
            raise UnitNotFound(service_name(unit))
        self._journal_access(unit)
        name = unit_name(status.name) if status is not None else None
        if name is not None and name != unit:
            self._aliases[unit] = name
        return status.description if status is not None else None

    def rights_in_doubt(self) -> bool:
        """See `JournalSource`."""
        doubted = time.monotonic() - self._found_at > NOT_DOUBTED
        if doubted:
            self._access = None
        return doubted

    def _journal_access(self, unit: str) -> access.JournalAccess:
        """How the journal can be read; found once. The unit is the one in whose name this is told when it cannot."""
        with self._access_lock:
            if self._access is None and time.monotonic() - self._denied_at > DENIAL_KEPT:
                try:
                    self._access = access.find(self.run, self.record.target.password)
                except access.JournalBroken:
                    raise LogUnavailable(service_name(unit), hint=BROKEN) from None
                self._found_at = time.monotonic()
                if self._access is None:
                    self._denied_at = self._found_at
        if self._access is None:
            raise PermissionDenied(service_name(unit))
        return self._access

    @contextmanager
    def journal(
        self, unit: str, *, lines: int | None = None, cursor: str | None = None, follow: bool = False
    ) -> Iterator[CommandEntries]:
        """See `JournalSource`."""
        # systemctl knows aliases, and journalctl does not (systemd issue 11846).
        words = journal_command(self._aliases.get(unit, unit), lines=lines, cursor=cursor, follow=follow)
        way = self._journal_access(unit)
        spare = SPARE if follow else 0
        with self._pool.stream(*way.wrap(words), timeout=self._options.ssh_command_timeout, spare=spare) as command:
            yield CommandEntries(command, None if follow else PATIENCE, cursor)

    def _last_lines(self, unit: str) -> list[str]:
        entries: list[Entry] = []
        # The update is worth more than the lines: it does without them when they can't be had, or not soon.
        with (
            suppress(EthPillarError),
            within(LAST_LINES_TIMEOUT),
            self.journal(unit, lines=failures.READ) as stream,
        ):
            while some := stream.read():
                entries += some
        return failures.lines_before_failure(entries)

    def unit_changed(self, unit: str) -> None:
        """See `JournalSource`."""
        self.status.refresh()

    def close(self) -> None:
        """Ends everything that runs for this node."""
        self._closed = True
        self._terminal = self._terminal or SshUnreachable()
        for greenlet in (self._connecting, self._supervisor, *self._lingering.values()):
            if greenlet is not None and greenlet is not gevent.getcurrent():
                greenlet.kill()
        gevent.joinall([gevent.spawn(feed.close) for feed in self._feeds.values()])
        self._feeds.clear()
        self._lingering.clear()
        self.status.close()
        self._pool.close()
        self._connected.clear()
