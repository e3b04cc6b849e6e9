"""The Redis side: sessions, pinned host keys, refused credentials.

Belongs here: every key this server reads or writes, and what happens when Redis does not answer. Callers get a
value or `SessionStoreDown`; redis-py's errors, which may name the server, never get further.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import redis
from gevent.queue import LifoQueue
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import SessionStoreDown
from .record import (
    MAX_RECORD_BYTES,
    InvalidRecord,
    SessionRecord,
    document_text,
    parse_document,
    parse_record,
    read_record,
    token_hash,
    valid_token,
)
from .sealing import Sealer

log = logging.getLogger(__name__)

CONNECTIONS = 32
"Connections to Redis at most. A thousand pages that come back at once take turns."
TOLD_EVERY = 60.0
"Seconds in which the log tells of one record that is not valid at most: a page comes again and again."
QUEUE = 10
"Seconds that a turn is waited for."

PREFIX = "ssh_session:"
HOST_KEY_PREFIX = "ethpillar:hostkey:"
REFUSED_PREFIX = "ethpillar:refused:"
REFUSALS_PREFIX = "ethpillar:refusals:"
ENTERED_PREFIX = "ethpillar:entered:"

# Both renewals in one step, and only while the value is still the one that was read: a session that was deleted
# meanwhile stays deleted, and a concurrent writer's change is not lost (-1 gone, 0 changed, 1 done).
_RENEW = """
local now = redis.call('GET', KEYS[1])
if not now then return -1 end
if now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_RENEW_TRIES = 5

HOST_KEY_TTL = 30 * 24 * 3600
"Seconds that a pinned host key lives after the last login that found it. An address may have another owner then."

# In one step, so that two first logins cannot pin two keys. Another pin than the one that is there changes nothing.
_PIN = """
local pinned = redis.call('GET', KEYS[1])
if pinned and pinned ~= ARGV[1] then return pinned end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""


NEEDED = {
    "PING": "this server is not ready",
    "STRLEN": "nobody can sign in",
    "GET": "nobody can sign in",
    "EVAL": "nobody can sign in: it renews a session's life, and pins a node's host key, in one step",
    "SET": "a password that a node refused is tried again, which may get this server banned there",
    "EXISTS": "who signs out stays connected",
    "DEL": "sessions can't be revoked, and host keys not forgotten, on the command line",
    "TTL": "host keys can't be read, and sessions not listed",
    "EXPIRE": "host keys that an earlier version pinned are pinned for ever",
    "SCAN": "sessions can't be listed on the command line",
}
"The commands of Redis that are used, and what does not work without each."
_DENIED = ("permission", "acl failure", "user executing the script")
OPTIONAL = {"ROLE": "on a replica that lags behind its master, sessions look as if they had ended"}
"Those that may be refused."
PROBE = "probe"
"Instead of a token: no session has it."


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


# In one step; with no command but those that the others need.
_COUNT = """
local count = (tonumber(redis.call('GET', KEYS[1]) or '0') or 0) + 1
redis.call('SET', KEYS[1], count, 'EX', ARGV[1])
return count
"""


class SessionStore:
    """Sessions in Redis. Every method may raise `SessionStoreDown`."""

    def __init__(self, client: redis.Redis, ttl: int, keys: Sequence[str] = ()) -> None:
        """
        :param client: connected lazily
        :param ttl: seconds a session lives after its last use
        :param keys: Fernet keys for sessions at rest, see `sealing`
        """
        self._redis = client
        self._ttl = ttl
        self._sealer = Sealer(keys)
        self._down = False
        self.errors = 0
        "Questions without an answer since the start."
        self._told_invalid = float("-inf")

    @classmethod
    def from_url(cls, url: str, ttl: int, keys: Sequence[str] = ()) -> SessionStore:
        """Return a store on a `redis://`, `rediss://` or `unix://` URL. Does not connect yet."""
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
        return cls(_Client.from_pool(pool), ttl, keys)

    @contextmanager
    def _asking(self) -> Iterator[redis.Redis]:
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
        with self._asking() as client:
            client.ping()

    def refusals(self) -> dict[str, str]:
        """Return the commands that Redis refuses, and what does not work without each.

        A key that it writes lives for a second.

        :raises SessionStoreDown: it does not answer, or lets nobody in
        """
        session, own = PREFIX + PROBE, f"{REFUSED_PREFIX}{PROBE}"
        tries: dict[str, Sequence[Sequence[str]]] = {
            "PING": [["PING"]],
            "STRLEN": [["STRLEN", session]],
            "GET": [["GET", session], ["GET", own]],
            "EVAL": [
                ["EVAL", _RENEW, "1", session, "", "", "1"],
                ["EVAL", "return 0", "1", own],
            ],
            "SET": [["SET", own, PROBE, "EX", "1"], ["SET", session, PROBE, "EX", "1", "XX"]],
            "EXISTS": [["EXISTS", session]],
            "DEL": [["DEL", session], ["DEL", own]],
            "TTL": [["TTL", session], ["TTL", own]],
            "EXPIRE": [["EXPIRE", own, "1"]],
            "SCAN": [["SCAN", "0", "MATCH", session, "COUNT", "1"]],
            "ROLE": [["ROLE"]],
        }
        found = {}
        for command, attempts in tries.items():
            for words in attempts:
                try:
                    with self._asking() as client:
                        client.execute_command(*words)  # type: ignore[no-untyped-call]
                except RedisRefuses as problem:
                    if isinstance(problem.__context__, redis.AuthenticationError):
                        raise
                    found[command] = (NEEDED | OPTIONAL)[command]
        return found

    def read(self, token: str) -> SessionRecord | None:
        """Return the session of a token, or None if there is none or it is not valid."""
        text = self._get(token)
        return None if text is None else parse_record(token, text, self._sealer)

    def fault(self, token: str) -> str | None:
        """Return in words which part of a record is not valid; None if it is valid, or does not exist."""
        text = self._get(token)
        if text is None:
            return "its type or length" if valid_token(token) and not self.gone([token]) else None
        try:
            read_record(token, text, self._sealer)
        except InvalidRecord as problem:
            return str(problem)
        return None

    def _get(self, token: str) -> bytes | None:
        if not valid_token(token):
            return None
        with self._asking() as client:
            # Length first: a record of many megabytes must not be fetched to find that it is none.
            length = _length(client, PREFIX + token)
            found: Any = client.get(PREFIX + token) if 0 < length <= MAX_RECORD_BYTES else None
            if length == 0:
                _believe_absence(client)
        return found if isinstance(found, bytes) else None

    def renew(self, token: str) -> SessionRecord | None:
        """Renew TTL and `lastAccessed` together and return the session; None if there is none (any more)."""
        for _ in range(_RENEW_TRIES):
            text = self._get(token)
            record = None if text is None else self._valid(token, text)
            document = None if text is None else parse_document(text)
            if text is None or record is None or document is None:
                return None
            document["lastAccessed"] = int(time.time() * 1000)
            with self._asking() as client:
                done = client.eval(_RENEW, 1, PREFIX + token, text, document_text(document), str(self._ttl))
            if done == 1:
                return record
            if done == -1:
                return None
        return record  # others keep writing it: then it is being renewed as well

    def _valid(self, token: str, text: bytes) -> SessionRecord | None:
        """Return a record. One that is not valid is worth a line: somebody wrote it, and its owner is kept out."""
        try:
            return read_record(token, text, self._sealer)
        except InvalidRecord as problem:
            if time.monotonic() - self._told_invalid >= TOLD_EVERY:
                self._told_invalid = time.monotonic()
                log.warning("Its record in Redis is not valid: %s", problem, extra={"session": token_hash(token)})
            return None

    def gone(self, tokens: Iterable[str]) -> set[str]:
        """Return the tokens whose session no longer exists. One round trip."""
        asked = list(tokens)
        if not asked:
            return set()
        with self._asking() as client:
            pipe = client.pipeline(transaction=False)
            for token in asked:
                pipe.exists(PREFIX + token)
            try:
                found = pipe.execute()
            except redis.RedisError as problem:
                problem.add_note("EXISTS")
                raise
            missing = {token for token, exists in zip(asked, found, strict=True) if not exists}
            if missing:
                _believe_absence(client)
        return missing

    def create(self, token: str, document: dict[str, Any]) -> None:
        """Write a session as the dashboard would, with its TTL, sealed if there is a key. For the CLI and the demo."""
        sealed = self._sealer.seal(token, {**document, "lastAccessed": int(time.time() * 1000)})
        with self._asking() as client:
            client.set(PREFIX + token, document_text(sealed), ex=self._ttl)

    def revoke(self, token: str) -> bool:
        """Delete a session. Return True if there was one. The watch tells its sockets."""
        if not valid_token(token):
            return False
        with self._asking() as client:
            return bool(client.delete(PREFIX + token))

    def ttl(self, token: str) -> int:
        """Return the seconds that a session has left; -1 if it has no end, -2 if there is none."""
        with self._asking() as client:
            return int(client.ttl(PREFIX + token)) if valid_token(token) else -2

    def sessions(self) -> list[tuple[SessionRecord, int]]:
        """Return every valid session with its TTL in seconds (-1: none)."""
        with self._asking() as client:
            keys = list(client.scan_iter(match=PREFIX + "*", count=500))
            tokens = [key.decode("utf-8", "replace")[len(PREFIX) :] for key in keys]
            found = [(self.read(token), client.ttl(PREFIX + token)) for token in tokens if valid_token(token)]
        return [(record, int(ttl)) for record, ttl in found if record is not None]

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        """Pin a host key where there is no pin, or renew the life of the same pin. Return the pin in force."""
        with self._asking() as client:
            found: Any = client.eval(_PIN, 1, _host_key_name(host, port), pin, str(HOST_KEY_TTL))
        return str(found.decode("utf-8", "replace"))

    def host_key(self, host: str, port: int) -> str | None:
        """Return the pinned host key of a host and port, or None."""
        name = _host_key_name(host, port)
        with self._asking() as client:
            found: Any = client.get(name)
            if found is None:
                _believe_absence(client)
            elif client.ttl(name) == -1:  # pinned by an earlier version, for ever
                with suppress(redis.ResponseError):  # such as on a replica
                    client.expire(name, HOST_KEY_TTL)
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else None

    def forget_host_key(self, host: str, port: int) -> bool:
        """Remove a pin. Return True if there was one."""
        with self._asking() as client:
            return bool(client.delete(_host_key_name(host, port)))

    def refuse(self, record: SessionRecord, code: str) -> None:
        """Remember that this session's credentials were refused, for as long as a session lives."""
        with self._asking() as client:
            client.set(f"{REFUSED_PREFIX}{record.digest}", code, ex=self._ttl)

    def refused(self, record: SessionRecord) -> str | None:
        """Return the code with which these credentials were refused before, or None. A new password is a new digest."""
        with self._asking() as client:
            found: Any = client.get(f"{REFUSED_PREFIX}{record.digest}")
        return found.decode("ascii", "replace") if isinstance(found, bytes) else None

    # -- refused logins by address, see `ssh.doors`

    def refusals_at(self, address: str, port: int) -> tuple[int, int]:
        """Return how many logins were refused at an address of late, and in how many seconds that is forgotten."""
        key = f"{REFUSALS_PREFIX}[{address}]:{port}"
        with self._asking() as client:
            found: Any = client.get(key)
            left: Any = client.ttl(key) if found is not None else 0
        return (int(found) if isinstance(found, bytes) and found.isdigit() else 0), int(left)

    def refused_at(self, address: str, port: int, seconds: int) -> None:
        """Count one more, and remember all for so many seconds."""
        with self._asking() as client:
            client.eval(_COUNT, 1, f"{REFUSALS_PREFIX}[{address}]:{port}", str(seconds))

    def was_in(self, username: str, address: str, port: int) -> bool:
        """Return True if a user was let in at an address."""
        with self._asking() as client:
            return bool(client.exists(_entered_name(username, address, port)))

    def let_in_at(self, username: str, address: str, port: int, seconds: int) -> None:
        """Remember that a user was let in at an address."""
        with self._asking() as client:
            client.set(_entered_name(username, address, port), "1", ex=seconds)

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()


def _length(client: redis.Redis, key: str) -> int:
    """Return the length in bytes of the text at a key: 0 if there is none, -1 if it is not text."""
    try:
        found: Any = client.strlen(key)
    except redis.ResponseError as problem:
        if not str(problem).startswith("WRONGTYPE"):
            raise
        return -1
    return int(found)


def _believe_absence(client: redis.Redis) -> None:
    """Raise `SessionStoreDown` on a replica: a key that it lacks may exist on its master."""
    try:
        role: Any = client.execute_command("ROLE")  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        return  # we may not ask
    if role[0] == b"slave":
        raise SessionStoreDown


def _entered_name(username: str, address: str, port: int) -> str:
    digest = hashlib.sha256(f"{username}@[{address}]:{port}".encode()).hexdigest()
    return f"{ENTERED_PREFIX}{digest[:32]}"


def _host_key_name(host: str, port: int) -> str:
    return f"{HOST_KEY_PREFIX}[{host.lower().rstrip('.')}]:{port}"
