"""All that the server bounds by count or rate, from its settings, and what is counted at the moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from .address import Networks
from .attempts import Attempts
from .buckets import Bucket, ByClient
from .counts import ClientCounts, Counts
from .heads import Heads

HANDSHAKE = 10
"What a new Engine.IO session costs its client, when a packet costs 1: it takes that much longer to serve."
CLIENT_RATE, CLIENT_BURST = 5, 10
"""A client may send as much as this many sockets may: in the long run, and at once.

With the default settings all the 500 sockets that an address may have come back at once without meeting it.
"""


@dataclass(slots=True)
class Limits:
    """All that the gateway bounds by count or rate, and what is counted at the moment."""

    trusted_proxies: Networks
    connections_per_address: int
    bad_tokens_per_address: int
    bad_tokens: int
    sockets_per_session: int
    logs_per_socket: int
    events_per_second: int
    events_burst: int
    request_timeout: float
    "Seconds in which a request's head must have come; and then again its body."
    connections: Counts = field(init=False)
    "TCP connections of an address; requests under way of one behind a proxy."
    engines: Counts = field(init=False)
    "Engine.IO sessions of an address: a polling one lives on between its requests."
    sockets: Counts = field(init=False)
    "Sockets of a session's token."
    attempts: Attempts = field(init=False)
    packets: ByClient = field(init=False)
    "What clients send, over all their connections."
    heads: Heads = field(init=False)

    def __post_init__(self) -> None:
        self.connections = ClientCounts(self.connections_per_address)
        self.engines = ClientCounts(self.connections_per_address)
        self.sockets = Counts(self.sockets_per_session)
        self.attempts = Attempts(self.bad_tokens_per_address, self.bad_tokens)

        rate, burst = self.events_per_second * CLIENT_RATE, self.events_burst * CLIENT_BURST
        self.packets = ByClient(rate, burst)
        self.heads = Heads()

    def charge(self, client: str | None, cost: float = 1) -> float:
        """Charge a client for what it sends; return the seconds until that is paid off, which its sender has to wait.

        Nothing is refused: whoever shares an address with one that floods is served a moment later, and a flood over
        many connections comes no faster than over one.
        """
        if client is None:
            return 0.0
        self.packets.charge(client, cost)
        return self.packets.debt(client)

    def events(self) -> Bucket:
        """The bucket of a new socket's events."""
        return Bucket(self.events_per_second, self.events_burst)
