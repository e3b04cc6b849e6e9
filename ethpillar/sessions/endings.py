"""Word of sessions that end, from another instance or from Redis itself: quicker than the next look at all of them.

Belongs here: saying it and hearing it. What is heard is a hint and no more: the watch then asks Redis, so nobody can
end a session by a message, and a message that is lost is made up for by the next look. Where Redis has no publish and
subscribe, or does not allow it, nothing is said about that.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import closing, suppress
from typing import Any

import gevent
import redis

from ..errors import whereabouts
from .keys import ENDED, KEYSPACE, PREFIX
from .redis_link import RedisLink

log = logging.getLogger(__name__)

LOOK_AGAIN = 10.0
"Seconds in which a connection that says nothing is looked at again."
AGAIN, AGAIN_MOST = 1.0, 60.0
"Seconds before a connection is tried again, at first and at most."

Choice = Callable[[Collection[str]], set[str]]
"Takes tokens, and returns the ones that a message is about."


def digest(token: str) -> bytes:
    """Return what stands for a token in a message: a listener must not learn tokens."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest().encode()


class Endings:
    """Says and hears that sessions have ended."""

    def __init__(self, link: RedisLink, heard: Callable[[Choice], None]) -> None:
        """:param heard: called for each message that says that a session has ended"""
        self._link = link
        self._heard = heard

    def run(self) -> None:
        """Listen for ever, whatever happens to the connection."""
        wait = AGAIN
        while True:
            try:
                with closing(self._link.pubsub()) as listening:
                    listening.subscribe(ENDED)
                    listening.psubscribe(KEYSPACE)
                    while True:
                        if self._hear(listening):
                            wait = AGAIN
            except (redis.RedisError, OSError) as problem:
                log.debug("Endings of sessions are not heard of (%s)", type(problem).__name__)
            except Exception as problem:  # noqa: BLE001
                log.error("Listening for the ends of sessions failed (%s); it goes on", whereabouts(problem))
            gevent.sleep(wait)
            wait = min(wait * 2, AGAIN_MOST)

    def _hear(self, listening: Any) -> bool:
        """Wait for a message, and pass it on. Return False where Redis has refused one of the two subscriptions."""
        try:
            message = listening.get_message(timeout=LOOK_AGAIN)
        except redis.exceptions.NoPermissionError:
            return False  # the other may be allowed, and its messages come by the same connection
        chosen = None if message is None else choice(message)
        if chosen is not None:
            self._heard(chosen)
        return True


def choice(message: dict[str, Any]) -> Choice | None:
    """Return a function that chooses the tokens that a message is about; None if it is about no end."""
    if message["type"] == "message":
        return lambda tokens: {token for token in tokens if digest(token) == message["data"]}
    named = message["channel"].decode("utf-8", "replace").partition(f":{PREFIX}")[2]
    if message["type"] == "pmessage" and message["data"] in (b"del", b"expired", b"evicted", b"rename_from"):
        return lambda tokens: {named} & set(tokens)
    return None


def say(link: RedisLink, tokens: Iterable[str]) -> None:
    """Tell every instance that these sessions have ended; nothing is said about it if that can't be."""
    with suppress(redis.RedisError, OSError):
        for token in tokens:
            link.publish(ENDED, digest(token))
