"""Showing a token.

Belongs here: what a token is worth, how often one may be tried, and how many sockets may have it. Both ways in, at
connect and by `authenticate`, come through here.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import Protocol

from ..errors import (
    AddressDenied,
    EthPillarError,
    LimitReached,
    MemoryShort,
    RateLimited,
    SessionExpired,
    SessionRequired,
    SessionStoreDown,
    SshError,
    TooLarge,
    TooManyLogs,
    TooManyNodes,
    TooManySockets,
)
from ..limits.limits import SUSPECT, Limits
from ..limits.refusals import Refusal
from ..sessions import SessionRecord, SessionStore, valid_token
from ..turns import Slots

LOOKUPS = 4
"Tokens looked up at once where too many bad ones come from, so that Redis has few at once."

REFUSALS: dict[type[EthPillarError], Refusal] = {
    TooManySockets: Refusal.SOCKETS,
    TooManyLogs: Refusal.LOGS,
    TooManyNodes: Refusal.NODES,
    TooLarge: Refusal.MESSAGE,
    MemoryShort: Refusal.MEMORY,
    SessionRequired: Refusal.NO_TOKEN,
    AddressDenied: Refusal.ADDRESS,
}
"Errors that a setting decides. What limits by address refuse is noted where that is."


LONGEST = 100
"Characters of what is paced as a token of its own; a token has 36."


def _paced(token: object, client: str | None) -> tuple[str | None, str | None]:
    """Return the key by which refusals are paced: what was shown, or else who shows it."""
    return client, token if isinstance(token, str) and len(token) <= LONGEST else None


class Holder(Protocol):
    """A socket that has shown a token, as far as its session's end and renewal matter.

    `end` tells the client why and disconnects it; `follow` has it leave its node for that of a new record, which may
    take as long as a login, if `is_elsewhere` says that it is another one. Neither raises.
    """

    def end(self, error: EthPillarError) -> None:
        """Tell the client why, and disconnect it."""

    def is_elsewhere(self, record: SessionRecord) -> bool:
        """Return True if its node is not the one of this record."""

    def follow(self, record: SessionRecord) -> None:
        """Go to the node of this record."""


class Entrance:
    """Looks tokens up in Redis, within limits, and knows the sockets of each.

    Call `look_up` for a token that is shown, then `take` for the socket, and `release` once it is gone. Bad tokens are
    counted by client: `look_up` raises `RateLimited` for too many, and waits while all clients show too many.
    """

    def __init__(self, store: SessionStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._slots = Slots(LOOKUPS)
        self._holders: dict[str, set[Holder]] = {}

    def look_up(self, token: object, client: str | None) -> SessionRecord:
        """Look up the session of a token, and renew it.

        :param client: the key under which limits count the client
        :raises SessionExpired: there is none
        :raises RateLimited: there is none, and this client showed too many bad tokens
        :raises SessionStoreDown: Redis cannot be asked
        """
        attempts = self._limits.attempts
        well_formed = token if isinstance(token, str) and valid_token(token) else None
        in_use = well_formed is not None and self._limits.sockets.has(well_formed)
        suspect = not in_use and not attempts.allowed(client)
        if well_formed is None:
            attempts.malformed(client)
            raise self._too_many() if suspect else SessionExpired()
        crowded = attempts.crowded and not in_use
        if crowded:
            self._limits.refusals.note(Refusal.CROWD)
        # A good token never pays for others' bad ones: it is looked up all the same, though few are at once.
        with self._slots.hold((client, well_formed)) if crowded or suspect else nullcontext():
            record = self._store.renew(well_formed)
            if record is None and client is not None and not crowded:
                with suppress(SessionStoreDown):
                    attempts.elsewhere(client, self._store.count_bad_token(client))
        attempts.judge(client, record is not None)
        if record is None and suspect:
            if client is not None:
                self._limits.suspects.charge(client, SUSPECT)
            raise self._too_many()
        if record is None:
            self._limits.refusals.note(Refusal.UNKNOWN)
            raise SessionExpired
        return record

    def _too_many(self) -> RateLimited:
        self._limits.refusals.note(Refusal.TOKENS)
        return RateLimited()

    def refused(self, problem: EthPillarError) -> None:
        """Take note that a socket was refused something, if it is a setting that decides such things."""
        refusal = REFUSALS.get(type(problem))
        if refusal is not None:
            self._limits.refusals.note(refusal)

    def held_back(self, token: object, client: str | None, problem: EthPillarError, came: float | None) -> float:
        """Return the seconds for which a refusal is held back: the longer the more often one is refused.

        :param token: what was shown
        :param came: when its socket came, if this is the first refusal that it hears
        """
        if not isinstance(problem, SshError | SessionExpired | LimitReached):
            return 0.0
        key = _paced(token, client)
        return self._limits.pacing.refused(key, None if key[1] is None else came)

    def unheard(self, token: object, client: str | None) -> None:
        """Take note that a client left while its refusal was held back."""
        self._limits.pacing.unheard(_paced(token, client))

    def let_in(self, token: str, client: str | None) -> None:
        """Take note that a session's node can be watched."""
        self._limits.pacing.forget(_paced(token, client))

    def let_go(self, token: str | None, client: str | None, came: float | None) -> None:
        """Take note that a socket was let in, and has to go as its node refuses.

        :param came: when it came, if it has heard no refusal so far
        """
        if token is not None and came is not None:
            self._limits.pacing.opened(_paced(token, client), came)

    def take(self, token: str, holder: Holder) -> None:
        """Count one more socket that has this token. Raises `TooManySockets`."""
        if not self._limits.sockets.take(token):
            raise TooManySockets
        self._holders.setdefault(token, set()).add(holder)

    def release(self, token: str, holder: Holder) -> None:
        """Forget a socket that had this token and is gone."""
        self._limits.sockets.release(token)
        holders = self._holders.get(token, set())
        holders.discard(holder)
        if not holders:
            self._holders.pop(token, None)

    def holders(self, token: str) -> list[Holder]:
        """Return the sockets that have this token; found without a look at all the others."""
        return list(self._holders.get(token, ()))

    def tokens(self) -> set[str]:
        """Return the tokens that sockets have."""
        return set(self._holders)
