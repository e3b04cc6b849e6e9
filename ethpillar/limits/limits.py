"""What the server bounds by count or rate, from its settings, and what is counted at the moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from .attempts import Attempts
from .buckets import Bucket, Buckets, ByClient, Clock
from .counts import ClientCounts, Counts
from .heads import Heads
from .ledger import Ledger
from .line import Line
from .pacing import Pacing
from .refusals import Refusals

HANDSHAKE = 10
"What a new Engine.IO session costs its client, when a packet costs 1: it takes that much longer to serve."
CLIENT_RATE, CLIENT_BURST = 5, 10
"""A client may send as much as this many sockets may: in the long run, and at once.

With the default settings all the 500 sockets that an address may have come back at once without meeting it.
"""
UNDER_WAY = 2000
"""Events of a client that may be under way over all its sockets; a socket that has none may always have one. Each is a
greenlet, and the time that Python's garbage collector takes grows with all that is there."""
SUSPECT = 20
"What a bad token of an address that showed too many costs it, when a packet costs 1: Redis is asked for each."
PROBE_RATE, PROBE_BURST = 2, 20
"Probes of a TCP peer that cost nothing, a second and at once; further ones are requests like any other."


@dataclass(slots=True)
class Limits:
    """The bounds, which are settings under their own names, and the counters that go with them."""

    max_connections_per_address: int
    max_bad_tokens_per_address: int
    max_bad_tokens: int
    max_sockets_per_session: int
    max_events_per_second: int
    max_events_burst: int
    clock: Clock = time.monotonic
    refusals: Refusals = field(default_factory=Refusals)
    ledger: Ledger = field(default_factory=Ledger)
    "Bytes that are held, by tenant."
    connections: Counts = field(init=False)
    "TCP connections of an address; requests under way of one behind a proxy."
    engines: Counts = field(init=False)
    "Engine.IO sessions of an address: a polling one lives on between its requests."
    sockets: Counts = field(init=False)
    "Sockets of a session's token."
    under_way: Counts = field(init=False)
    "Events of a client that wait or are being handled."
    attempts: Attempts = field(init=False)
    pacing: Pacing = field(init=False)
    "Refusals of a session, or of what shows no session."
    packets: ByClient = field(init=False)
    "What clients send, over all their connections."
    suspects: ByClient = field(init=False)
    "What clients owe for bad tokens. Only those of them pay that have shown no good one."
    owing: dict[tuple[int, str], Line[Any]] = field(init=False)
    "Those that wait until what their client owes is paid off, by which of these two debts and by client."
    probes: Buckets = field(init=False)
    "Questions whether the server lives, by TCP peer: a platform's are answered whatever its address is charged."
    heads: Heads = field(init=False)

    def __post_init__(self) -> None:
        self.connections = ClientCounts(self.max_connections_per_address)
        self.engines = ClientCounts(self.max_connections_per_address)
        self.sockets = Counts(self.max_sockets_per_session)
        self.under_way = ClientCounts(UNDER_WAY)
        self.attempts = Attempts(self.max_bad_tokens_per_address, self.max_bad_tokens, self.clock)
        self.pacing = Pacing(self.clock)

        rate, burst = self.max_events_per_second * CLIENT_RATE, self.max_events_burst * CLIENT_BURST
        self.packets, self.suspects = (ByClient(rate, burst, self.clock) for _ in range(2))
        self.owing = {}
        self.probes = Buckets(PROBE_RATE, PROBE_BURST, self.clock)
        self.heads = Heads()

    def probe(self, peer: str | None) -> bool:
        """Return True if a TCP peer may ask whether the server lives, for nothing: a platform does so now and then."""
        free = self.probes.open(peer)
        if free:
            self.probes.charge(peer, 1)
        return free

    def events(self) -> Bucket:
        """Return the bucket of a new socket's events."""
        return Bucket(self.max_events_per_second, self.max_events_burst, self.clock)
