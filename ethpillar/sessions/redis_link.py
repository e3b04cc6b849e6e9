"""The connections to Redis, and what becomes of their errors.

Belongs here: how many connections there are, and that callers get a value or `SessionStoreDown`; redis-py's errors,
which may name the server, never get further.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from gevent.queue import LifoQueue
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import SessionStoreDown

log = logging.getLogger(__name__)

CONNECTIONS = 32
"Connections to Redis at most. A thousand pages that come back at once take turns."
QUEUE = 10
"Seconds that a turn is waited for."

ALLOW = "docs/deploying.md has what it must allow."
_DENIED = ("permission", "acl failure", "user executing the script")
_REPLICA = "Name the master in REDIS_URL."
_CLUSTER = ", as it is a cluster", "Name a Redis without cluster mode, or a proxy of the cluster's, in REDIS_URL."
_STATES = {
    "READONLY": (", as it is a replica, which takes no writes", _REPLICA),
    "MASTERDOWN": (", as it is a replica without its master", _REPLICA),
    "OOM": (", as its memory is full", "Raise maxmemory in Redis, or remove there what fills it."),
    "MISCONF": (", as it can't save to its disk", "Look at the disk of Redis, and at its log."),
    "NOREPLICAS": (", as too few replicas are connected", "Look at its replicas, or at min-replicas-to-write."),
    "LOADING": (", as it is still reading its data", "That passes by itself."),
    "BUSY": (", as a script of somebody's runs without end", "SCRIPT KILL ends that in Redis."),
    **dict.fromkeys(("CLUSTERDOWN", "MOVED", "ASK", "CROSSSLOT", "TRYAGAIN"), _CLUSTER),
}
"What Redis means by the word with which an error begins: the command is all right, and refused all the same."
_STATE = re.compile(rf"(?:^|-|: )({'|'.join(_STATES)})\b")
"That word may stand in the midst of what Redis says of a script."


class RedisRefuses(SessionStoreDown):
    """Redis answers, and does not do as it is asked. It says so to an operator: browsers are not told."""

    def __init__(self, refusal: str, cure: str = ALLOW, command: bool = True) -> None:
        """
        :param refusal: what is refused, and why
        :param cure: what may be done about it
        :param command: whether it is the command that is refused to this user, or unknown
        """
        super().__init__()
        self.refusal = refusal
        self.cure = cure
        self.of_command = command


def refusal_of(problem: Exception, command: str) -> RedisRefuses | None:
    """Return what Redis refuses, in words that hold no secret; None if it does not answer."""
    text = str(problem)
    lower = text.lower()
    if isinstance(problem, redis.AuthenticationError) or "'auth' command" in lower:
        return RedisRefuses("the user name or password of REDIS_URL", "Correct them in REDIS_URL.", command=False)
    if "max number of clients" in lower:
        return RedisRefuses("further connections", "Raise maxclients in Redis.", command=False)
    if not isinstance(problem, redis.ResponseError | redis.exceptions.BusyLoadingError):
        return None
    if text.startswith("DENIED"):
        cure = "Give it a user with a password, or requirepass, and name those in REDIS_URL."
        return RedisRefuses("connections from other machines (protected mode)", cure, command=False)
    if "index is out of range" in lower or "select is not allowed" in lower:
        return RedisRefuses("the database that REDIS_URL names", "Name another one, such as 0.", command=False)
    code = getattr(problem, "status_code", None) or text.partition(" ")[0]
    state = _STATE.search(f"{code}: {text}")
    if state is not None:
        why, cure = _STATES[state[1]]
        return RedisRefuses(f"{command}{why}", cure, command=False)
    named = re.search(r"run the '([\w|]+)' command", lower)
    if any(word in lower for word in _DENIED):
        return RedisRefuses(f"{named[1].upper() if named else command}, or the keys that it is for, to this user")
    if "unknown command" in lower or "unsupported" in lower:
        return RedisRefuses(f"{command}, which it does not know")
    return RedisRefuses(f"{command}, for another reason", "Look at the log of Redis.")


class _Client(redis.Redis):
    """A client whose errors say which command they are about."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.RedisError as problem:
            problem.add_note(str(args[0]).split()[0])
            raise


class RedisLink:
    """A Redis that may be away.

    `asking` lends the client and turns its errors into `SessionStoreDown`; after any failure connections are made anew,
    as they may lead to a master that was replaced. Connections are few, and waited for.
    """

    def __init__(self, client: redis.Redis) -> None:
        """:param client: connected lazily"""
        self._redis = client
        self._down = False
        self.errors = 0
        "Questions without an answer since the start."

    @contextmanager
    def asking(self) -> Iterator[redis.Redis]:
        """Lend the client, and turn its errors into `SessionStoreDown`."""
        try:
            yield self._redis
        except (redis.RedisError, OSError, UnicodeError) as problem:
            self.errors += 1
            refusal = refusal_of(problem, (getattr(problem, "__notes__", None) or ["a command"])[0])
            if not self._down and refusal is None:
                log.warning("Redis does not answer (%s)", type(problem).__name__)
            elif not self._down and refusal is not None:
                log.error("Redis refuses %s. %s", refusal.refusal, refusal.cure)
            self._down = True
            # After a failover behind one address, a connection that still stands may lead to the old, read-only one.
            self._redis.connection_pool.disconnect(inuse_connections=False)
            raise (SessionStoreDown() if refusal is None else refusal) from None
        if self._down:
            self._down = False
            log.info("Redis answers again")

    def ping(self) -> None:
        """Return if Redis answers; raise `SessionStoreDown` if not."""
        with self.asking() as client:
            client.ping()

    def pubsub(self) -> Any:
        """Return a connection to listen with. Its errors are redis-py's own."""
        return self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]

    def publish(self, channel: str, message: bytes) -> None:
        """Publish a message. Its errors are redis-py's own."""
        self._redis.publish(channel, message)

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()


def connect(url: str) -> redis.Redis:
    """Return a client for a `redis://`, `rediss://` or `unix://` URL. It does not connect yet."""
    # One retry at once covers a connection that Redis closed while it was idle; more would only hide an outage
    # from the person who is waiting. All else recovers by itself: each call takes a fresh connection when needed.
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=QUEUE,
        socket_timeout=3,
        socket_connect_timeout=3,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1),
        # As little as can be: there are proxies, and users, that may neither HELLO nor CLIENT, and nothing of the
        # third protocol is used. What the URL says wins.
        protocol=2,
        driver_info=None,
        queue_class=LifoQueue,  # the standard one's locks do not survive that a greenlet is killed waiting
    )
    return _Client.from_pool(pool)


def together(client: redis.Redis, commands: Sequence[Sequence[str | bytes]]) -> list[Any]:
    """Return the answers to commands in one round trip. One that Redis refuses has its `ResponseError` for an answer.

    Raises what stands against all of them.
    """
    if not commands:
        return []
    pipe = client.pipeline(transaction=False)
    for words in commands:
        pipe.execute_command(*words)  # type: ignore[no-untyped-call]
    try:
        answers = pipe.execute(raise_on_error=False)
    except redis.RedisError as problem:
        problem.add_note(str(commands[0][0]))
        raise
    for words, answer in zip(commands, answers, strict=True):
        if isinstance(answer, Exception):
            answer.add_note(str(words[0]))
    return answers


def believe_absence(client: redis.Redis) -> None:
    """Raise `SessionStoreDown` on a replica: a key that it lacks may exist on its master."""
    try:
        role: Any = client.execute_command("ROLE")  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        return  # we may not ask
    if role[0] == b"slave":
        raise SessionStoreDown
