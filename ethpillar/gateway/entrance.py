"""Showing a token.

Belongs here: what a token is worth, how often one may be tried, and how many sockets may have it. Both ways in, at
connect and by `authenticate`, come through here.
"""

from __future__ import annotations

from contextlib import nullcontext

from gevent.lock import BoundedSemaphore

from ..errors import LimitReached, RateLimited, SessionExpired
from ..limits.limits import Limits
from ..sessions import SessionRecord, SessionStore, valid_token

LOOKUPS = 4
"Tokens looked up at once while too many bad ones come from all addresses together, so that Redis has few at once."


class Entrance:
    """Looks tokens up, within limits."""

    def __init__(self, store: SessionStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._turns = BoundedSemaphore(LOOKUPS)

    def look_up(self, token: object, client: str | None) -> SessionRecord:
        """The session of a token, renewed.

        :param client: the key under which limits count who shows it
        :raises SessionExpired: there is none
        :raises RateLimited: this client showed too many bad tokens. One that sockets have is still looked up: it was
            good a moment ago, and the guesses of others at the same address must not shut out who is in already
        :raises SessionStoreDown: Redis cannot be asked
        """
        attempts = self._limits.attempts
        well_formed = token if isinstance(token, str) and valid_token(token) else None
        in_use = well_formed is not None and self._limits.sockets.has(well_formed)
        if not in_use and not attempts.allowed(client):
            raise RateLimited
        if well_formed is None:
            attempts.malformed(client)
            raise SessionExpired
        with self._turns if attempts.crowded and not in_use else nullcontext():
            record = self._store.renew(well_formed)
        attempts.judge(client, record is not None)
        if record is None:
            raise SessionExpired
        return record

    def take(self, token: str) -> None:
        """One more socket has this token. Raises `LimitReached`."""
        if not self._limits.sockets.take(token):
            raise LimitReached("Too many connections of this session are open already.")

    def release(self, token: str) -> None:
        """A socket that had this token is gone."""
        self._limits.sockets.release(token)
