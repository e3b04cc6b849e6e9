"""The sessions in Redis.

Belongs here: reading, renewing and ending them. The connections are `redis_link`'s, and what is remembered of nodes is
`node_memory`'s.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis

from ..turns import breathe
from .endings import say
from .gathering import Gathering
from .keys import BAD_TOKENS_PREFIX, COUNT, PREFIX, RENEW
from .node_memory import NodeMemory
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
from .redis_link import believe_absence, connect, together
from .rights import refusals
from .sealing import Sealer

log = logging.getLogger(__name__)

RENEW_TRIES = 5
TOLD_EVERY = 60.0
"Seconds in which the log tells of one record that is not valid at most: a page comes again and again."


class SessionStore(NodeMemory):
    """Sessions in Redis, as the dashboard writes them.

    Every method waits for Redis's answer, and may raise `SessionStoreDown`. A record that is not valid
    is no session; only a master's word counts that there is none. Times are seconds.
    """

    def __init__(self, client: redis.Redis, ttl: int, keys: Sequence[str] = ()) -> None:
        """
        :param client: connected lazily
        :param ttl: seconds a session lives after its last use
        :param keys: Fernet keys for sessions at rest, see `sealing`
        """
        super().__init__(client, ttl)
        self._sealer = Sealer(keys)
        self._told_invalid = float("-inf")
        self._renewals = Gathering(self.renew_all)

    @classmethod
    def from_url(cls, url: str, ttl: int, keys: Sequence[str] = ()) -> SessionStore:
        """Return a store on a `redis://`, `rediss://` or `unix://` URL. Does not connect yet."""
        return cls(connect(url), ttl, keys)

    def refusals(self) -> dict[str, str]:
        """See `rights.refusals`."""
        return refusals(self)

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
        return self._texts([token]).get(token)

    def _texts(self, tokens: Iterable[str]) -> dict[str, bytes]:
        """Return the records of those that have one, as they are in Redis. Two round trips."""
        asked = [token for token in tokens if valid_token(token)]
        if not asked:
            return {}
        with self.asking() as client:
            # Length first: a record of many megabytes must not be fetched to find that it is none.
            lengths = [*map(_of_text, together(client, [("STRLEN", PREFIX + token) for token in asked]))]
            some = [
                token for token, length in zip(asked, lengths, strict=True) if 0 < (length or 0) <= MAX_RECORD_BYTES
            ]
            texts = [*map(_of_text, together(client, [("GET", PREFIX + token) for token in some]))]
            if 0 in lengths:
                believe_absence(client)
        return {token: text for token, text in zip(some, texts, strict=True) if text is not None}

    def renew(self, token: str) -> SessionRecord | None:
        """Renew TTL and `lastAccessed` together and return the session; None if there is none (any more).

        Pages that come back at once are answered together: one by one, that was a third of what they cost.
        """
        return self._renewals.get(token) if valid_token(token) else None

    def renew_all(self, tokens: Iterable[str]) -> dict[str, SessionRecord]:
        """Renew the TTL and `lastAccessed` of sessions; return those that there are. Three round trips, if nobody else
        writes one meanwhile."""
        found: dict[str, SessionRecord] = {}
        left = list(tokens)
        for _ in range(RENEW_TRIES):
            commands = {}
            for token, text in self._texts(left).items():
                breathe()
                record, document = self._valid(token, text), parse_document(text)
                if record is not None and document is not None:
                    document["lastAccessed"] = int(time.time() * 1000)
                    commands[token] = (
                        "EVAL",
                        RENEW,
                        "1",
                        PREFIX + token,
                        text,
                        document_text(document),
                        str(self._ttl),
                    )
                    found[token] = record
            with self.asking() as client:
                done = dict(zip(commands, map(_sound, together(client, [*commands.values()])), strict=True))
            for token in left:
                if done.get(token, -1) == -1:
                    found.pop(token, None)
            left = [token for token in done if done[token] == 0]
            if not left:
                break
        return found  # with those that others keep writing: then they are being renewed as well

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
        with self.asking() as client:
            found = map(_sound, together(client, [("EXISTS", PREFIX + token) for token in asked]))
            missing = {token for token, exists in zip(asked, found, strict=True) if not exists}
            if missing:
                believe_absence(client)
        return missing

    def create(self, token: str, document: dict[str, Any]) -> None:
        """Write a session as the dashboard would, with its TTL, sealed if there is a key. For the CLI and the demo."""
        sealed = self._sealer.seal(token, {**document, "lastAccessed": int(time.time() * 1000)})
        with self.asking() as client:
            client.set(PREFIX + token, document_text(sealed), ex=self._ttl)

    def revoke(self, token: str) -> bool:
        """Delete a session. Return True if there was one. The watch tells its sockets."""
        if not valid_token(token):
            return False
        with self.asking() as client:
            deleted = bool(client.delete(PREFIX + token))
        say(self, [token])
        return deleted

    def count_bad_token(self, client: str) -> int:
        """Count a token that was not valid. Return how many this client showed in this minute, to all instances."""
        key = f"{BAD_TOKENS_PREFIX}{client}:{int(time.time() // 60)}"
        with self.asking() as connection:
            return int(connection.eval(COUNT, 1, key, "120"))

    def ttl(self, token: str) -> int:
        """Return the seconds that a session has left; -1 if it has no end, -2 if there is none."""
        with self.asking() as client:
            return int(client.ttl(PREFIX + token)) if valid_token(token) else -2

    def sessions(self) -> list[tuple[SessionRecord, int]]:
        """Return every valid session with its TTL in seconds (-1: none)."""
        with self.asking() as client:
            keys = list(client.scan_iter(match=PREFIX + "*", count=500))
            tokens = [key.decode("utf-8", "replace")[len(PREFIX) :] for key in keys]
            found = [(self.read(token), client.ttl(PREFIX + token)) for token in tokens if valid_token(token)]
        return [(record, int(ttl)) for record, ttl in found if record is not None]


def _sound(answer: Any) -> Any:
    """Return an answer of `together`; raise it if it is an error."""
    if isinstance(answer, Exception):
        raise answer
    return answer


def _of_text(answer: Any) -> Any:
    """Return an answer about the text at a key, as `_sound` does; None if it is not text."""
    wrong = isinstance(answer, redis.ResponseError) and str(answer).startswith("WRONGTYPE")
    return None if wrong else _sound(answer)
