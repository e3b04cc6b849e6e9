"""A node: one login, shared by all sockets of its session.

Belongs here: putting together the link, the rights, the states, the journal and the log feeds of one node, and closing
them in order. What each of them does has a module of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import gevent
from gevent.event import Event

from ..errors import EthPillarError, SshTimeout, SshUnreachable
from ..journal.history.query import Query
from ..limits.ledger import Ledger
from ..sessions import SessionRecord
from ..ssh.command import Result
from ..ssh.connection import Connection
from ..ssh.pool import ConnectionPool
from ..turns import tenant
from ..units import most_output, service_name
from .about import AboutWatch
from .feeds import LogFeeds
from .history import Answer, History
from .items import Encoder, ItemMaker, UnitLines, WholeJournalLines
from .link import Link
from .link_state import LinkState
from .log_feed import LogFeed
from .node_source import NodeJournal, NodeSource
from .past_source import NodePast
from .proof import Proof
from .rights import JournalRights
from .ring import Ring
from .source import WHOLE
from .status_feed import StatusFeed
from .tally import Tally


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The options that all nodes share: settings, each under its own name, and how their items are encoded."""

    lines: Encoder
    encode_statuses: Callable[..., str]
    ring_entries: int = 5000
    ring_bytes: int = 2 * 1024 * 1024
    ssh_max_connections: int = 4
    ssh_command_timeout: float = 15.0
    status_timeout: float = 10.0
    ssh_give_up: float = 3600.0
    node_linger: float = 10.0
    max_nodes: int = 1000
    tally: Tally = field(default_factory=Tally)
    ledger: Ledger = field(default_factory=Ledger)
    "Where what is held because of them is counted."


NODE = 100_000
"Bytes of a node in memory, with its connection and the polls of its states, roughly: `make sizes` measures it."
AWAY = 10.0
"Seconds that a question about the past waits for a node that is away."


class Node:
    """The remote machine of one session, shared by all of its sockets.

    `connect` first, then subscribe to `status` or to a `log_feed`, or ask for the `past`: each may raise an `SshError`.
    `close` ends everything that runs for it, and waits for that.
    """

    def __init__(self, record: SessionRecord, login: Callable[[], Connection], options: NodeOptions) -> None:
        """:param login: makes one connection; raises an `EthPillarError`"""
        self.record = record
        self._options = options
        self._pool = ConnectionPool(login, options.ssh_max_connections)
        self._account = options.ledger.account("nodes", tenant(), NODE, measure=self._pool.weight)
        self._rights = JournalRights(self.run, record.target.password, record.name)
        journal = self._journal = NodeJournal(self._pool, self._rights, options.ssh_command_timeout, options.ledger)
        self.status = StatusFeed(
            self._run_status, options.encode_statuses, journal.last_lines, record.name, self._missing
        )
        self.last_lines = journal.last_lines
        self._about = AboutWatch(lambda words: self.run(words).stdout, self._tell_about)
        self._link = Link(
            record.name,
            self._pool,
            options.ssh_give_up,
            self.status.set_away,
            options.tally,
            self._connected,
            Proof(self.run, self._rights),
        )
        self.source = NodeSource(self._link, journal, self._rights, self.status)
        self._feeds = LogFeeds(self._make_feed)
        timeout = options.ssh_command_timeout
        past = NodePast(self._pool, self._rights, journal, self.status, timeout)
        self._history = History(past, session=record.name, ledger=options.ledger)
        self._known = False  # somebody was let in
        self.client = tenant()[:1]
        "The address of the client that it was made for."
        self.met = False
        "True once it has let us in."
        self.since = time.monotonic()
        self.listeners = self._link.listeners

    @property
    def connected(self) -> bool:
        """Return True if there is a connection at the moment, as far as is known."""
        return self._link.state is LinkState.CONNECTED

    @property
    def state(self) -> str:
        """The state of its connection, in a word for metrics."""
        return self._link.state.name.lower()

    @property
    def feeds(self) -> list[LogFeed]:
        """The logs that are followed."""
        return self._feeds.all()

    @property
    def channels(self) -> int:
        """How many SSH channels it has."""
        return self._pool.channels

    @property
    def over(self) -> bool:
        """Return True if it will never be connected again: only another node of this session can be."""
        return self._link.over

    @property
    def away(self) -> bool:
        """Return True if it has been out of reach for so long that people are told."""
        return self._link.away

    @property
    def about(self) -> dict[str, Any]:
        """What `connection_state: connected` says besides: the node's name, zone and clock, once they are known."""
        return {} if self._about.about is None else {"node": asdict(self._about.about)}

    @property
    def journal_drops(self) -> str | None:
        """Return why what services print now is kept nowhere, as `LogElsewhere` takes it; None if it is kept."""
        return self._journal.drops

    def _connected(self) -> None:
        self.met = True
        self._journal.connected()
        self._about.connected()

    def _tell_about(self) -> None:
        self._link.tell_about(self.about["node"])

    @property
    def hint(self) -> str | None:
        """Return what may be done about its being out of reach."""
        return self._link.hint

    @property
    def given_up(self) -> bool:
        """Return True if it was away for too long, and is tried only when somebody asks."""
        return self._link.state is LinkState.GIVEN_UP

    def connect(self, gone: Event | None = None) -> None:
        """Return when it is connected, or is tried without people having to wait for it; see `Link.connect`.

        :raises EthPillarError: it refuses, or is given up
        """
        self._link.connect(self._known, gone)
        self._known = True

    def reach(self) -> None:
        """Return when it is connected. Raises what prevents it, at the first try; see `Link.reach`."""
        self._link.reach()

    def check_unit(self, unit: str) -> str | None:
        """Return the unit's description, or raise what prevents its log; see `JournalSource`."""
        return self.source.check_unit(unit)

    def log_feed(self, unit: str) -> LogFeed:
        """Return the feed of a unit. Subscribe to it before anything else gets a turn."""
        return self._feeds.get(self.source.followed(unit))

    def past(self, query: Query, buckets: int | None = None) -> Answer:
        """Return a page of the past, or a histogram of so many stretches; see `History.read`."""
        with gevent.Timeout(AWAY, SshUnreachable()):
            self._link.wait_connected()
        return self._history.read(query, buckets)

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float | None = None) -> Result:
        """Run a short command; see `ConnectionPool.run`."""
        return self._pool.run(words, stdin, timeout or self._options.ssh_command_timeout)

    def _run_status(self, words: Sequence[str]) -> tuple[int, bytes]:
        asked = time.monotonic()
        try:
            result = self._pool.run(words, timeout=self._options.status_timeout, limit=most_output(words))
        except EthPillarError as problem:
            self._options.tally.polls_failed += 1
            if isinstance(problem, SshTimeout) and self._pool.heard < asked:  # else it is systemd that doesn't answer
                self._link.unanswered(asked)
            raise
        self._options.tally.polled(time.monotonic() - asked)
        return result.status, result.stdout

    def _missing(self) -> bool:
        return self._link.missing

    def _make_feed(self, unit: str, idle: Callable[[LogFeed, bool], None]) -> LogFeed:
        ring = Ring(self._options.ring_entries, self._options.ring_bytes)
        lines = partial(WholeJournalLines, self.status.description) if unit == WHOLE else UnitLines
        items = ItemMaker(service_name(unit), self._options.lines, lines)
        options = self._options
        return LogFeed(unit, self.source, items, ring, idle, self.record.name, options.tally, options.ledger)

    def close(self) -> None:
        """End everything that runs for this node, and wait for its end."""
        self._about.close()
        self._link.close()
        self._feeds.close()
        self._history.close()
        self.status.close()
        self._rights.close()
        self._pool.close()
        self._account.close()
