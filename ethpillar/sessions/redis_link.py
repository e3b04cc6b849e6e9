"""The connections to Redis, and what becomes of their errors.

Belongs here: how many connections there are, and that callers get a value or `SessionStoreDown`; redis-py's errors,
which may name the server, never get further.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
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

_DENIED = ("permission", "acl failure", "user executing the script")


class RedisRefuses(SessionStoreDown):
    """Redis answers, and does not do as it is asked. `refusal` says what, for an operator: browsers are not told."""

    def __init__(self, refusal: str) -> None:
        super().__init__()
        self.refusal = refusal


def _refusal(problem: Exception, command: str) -> str | None:
    """Return what Redis refuses, in words that hold no secret; None if it does not answer."""
    if isinstance(problem, redis.AuthenticationError):
        return "the user name or password of REDIS_URL"
    text = str(problem).lower()
    named = re.search(r"run the '([\w|]+)' command", text)
    if isinstance(problem, redis.ResponseError) and any(word in text for word in _DENIED):
        return f"{named[1].upper() if named else command}, or the keys that it is for, to this user"
    if isinstance(problem, redis.ResponseError) and ("unknown command" in text or "unsupported" in text):
        return f"{command}, which it does not know"
    return None


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
            refusal = _refusal(problem, (getattr(problem, "__notes__", None) or ["a command"])[0])
            if not self._down and refusal is None:
                log.warning("Redis does not answer (%s)", type(problem).__name__)
            elif not self._down:
                log.error("Redis refuses %s. docs/deploying.md has what it must allow", refusal)
            self._down = True
            # After a failover behind one address, a connection that still stands may lead to the old, read-only one.
            self._redis.connection_pool.disconnect(inuse_connections=False)
            raise (SessionStoreDown() if refusal is None else RedisRefuses(refusal)) from None
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


def believe_absence(client: redis.Redis) -> None:
    """Raise `SessionStoreDown` on a replica: a key that it lacks may exist on its master."""
    try:
        role: Any = client.execute_command("ROLE")  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        return  # we may not ask
    if role[0] == b"slave":
        raise SessionStoreDown
