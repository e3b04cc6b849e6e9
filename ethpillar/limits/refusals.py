"""What the server refuses, and how often.

Belongs here: the reasons, each with the settings that decide, and for each how often it was met and when it is due to
be told again. Who is told, and how, is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from .buckets import Clock

TOLD_EVERY = 60.0
"Seconds in which the same reason is told once at most."
_PROXY = "TRUSTED_PROXIES or TRUSTED_HOPS, if a proxy stands in front and all its clients seem to be one"


class Refusal(Enum):
    """Why something was refused. Its value is the name of the reason in metrics."""

    def __init__(self, value: str, why: str, cure: str, level: str = "warning", every: float = TOLD_EVERY) -> None:
        """
        :param why: what happened, without a word about who it was
        :param cure: what decides that: settings in capital letters
        :param level: how it is told; what happens in normal operation is no warning
        :param every: seconds in which it is told once at most
        """
        self._value_ = value
        self.why = why
        self.cure = cure
        self.level = level
        self.every = every

    ORIGIN = "origin", "A page of another origin was refused", "FRONTEND_URL", "debug"
    "Its name is told by `web.origins`."
    CONNECTIONS = (
        "connections",
        "A connection was refused: its address has as many as it may",
        f"MAX_CONNECTIONS_PER_ADDRESS; {_PROXY}",
    )
    SLOTS = (
        "slots",
        "A connection that sent no request was closed: hardly any slots are left",
        "the limit of open files, LimitNOFILE= in a unit or ulimit -n",
    )
    TOKENS = (
        "tokens",
        "A token was refused: its address showed too many bad ones",
        f"MAX_BAD_TOKENS_PER_ADDRESS; {_PROXY}",
    )
    CROWD = (
        "crowd",
        "Many bad tokens come from many addresses: tokens are looked up few at a time",
        "MAX_BAD_TOKENS",
    )
    UNKNOWN = (
        "unknown_token",
        "A token was refused: Redis has no valid session for it",
        "REDIS_URL, if the token was a fresh one: the dashboard has to write into the same Redis",
        "info",
    )
    NO_TOKEN = "no_token", "A socket was closed: it showed no valid token in time", "AUTH_TIMEOUT", "info"
    SOCKETS = "sockets", "A socket was refused: its session has as many as it may", "MAX_SOCKETS_PER_SESSION"
    LOGS = "logs", "A log was refused: its socket has as many as it may", "MAX_LOGS_PER_SOCKET"
    NODES = "nodes", "A session was refused: this server watches as many nodes as it may", "MAX_NODES"
    MEMORY = (
        "memory",
        "A subscription was refused: its address holds as much memory as is left free",
        f"MEMORY_BUDGET; {_PROXY}",
    )
    EVENTS = (
        "events",
        "An event was refused: its socket sends too many",
        "MAX_EVENTS_PER_SECOND, MAX_EVENTS_BURST",
    )
    FLOOD = (
        "flood",
        "A client has to wait: its address sends too much",
        f"MAX_EVENTS_PER_SECOND, MAX_EVENTS_BURST; {_PROXY}",
    )
    MESSAGE = "message", "A message was refused: it is too large", "MAX_MESSAGE_BYTES"
    REQUEST = (
        "request",
        "A connection was closed: what came was no request, or came too slowly",
        "REQUEST_TIMEOUT",
        "debug",
    )
    ADDRESS = (
        "address",
        "A node was refused: its address is in a network that is never connected to",
        "SSH_ALLOWED_NETWORKS, SSH_DENIED_NETWORKS",
    )
    FORWARDED = (
        "forwarded",
        "An X-Forwarded-For was not believed: its peer is no known proxy",
        "TRUSTED_PROXIES or TRUSTED_HOPS, if the proxy is yours",
        "warning",
        3600.0,
    )


Say = Callable[[Refusal, int], None]
"Tells of a refusal, and how many more of the same there were since it was last told."


class Refusals:
    """Counts refusals, and has the first of each reason told, and then one in each of its intervals at most."""

    def __init__(self, say: Say = lambda _refusal, _more: None, clock: Clock = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self.counts = dict.fromkeys(Refusal, 0)
        "How often each happened since the start."
        self._untold = dict.fromkeys(Refusal, 0)
        self._due = dict.fromkeys(Refusal, float("-inf"))

    def note(self, refusal: Refusal) -> None:
        """Take note that something was refused."""
        self.counts[refusal] += 1
        now = self._clock()
        if now < self._due[refusal]:
            self._untold[refusal] += 1
            return
        more, self._untold[refusal] = self._untold[refusal], 0
        self._due[refusal] = now + refusal.every
        self._say(refusal, more)
