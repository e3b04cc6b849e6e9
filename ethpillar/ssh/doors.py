"""Doors that nobody of ours may knock at for a while.

Belongs here: what is remembered of refused logins by the address to which they led, so that no tenant gets this server
banned at somebody else's machine. Those that were in there before go on being let through.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ..errors import SessionStoreDown, SshHeldBack

REFUSALS = 2
"Refused logins after which no other one is tried at an address. fail2ban and sshd's own penalties begin at three."
REMEMBERED = 600
"Seconds for which they count, from the last one."
ENTERED = 30 * 24 * 3600
"Seconds for which it is known that a user was let in at an address."


class Doors(Protocol):
    """Where it is kept how many logins an address refused, and which users it let in, for every server on one Redis.

    Times are seconds. Each method may raise `SessionStoreDown`, which prevents a login that has not begun.
    """

    def refusals_at(self, address: str, port: int) -> tuple[int, int]:
        """Return how many logins were refused at an address of late, and in how many seconds that is forgotten."""

    def refused_at(self, address: str, port: int, seconds: int) -> None:
        """Count one more, and remember all for so many seconds."""

    def was_in(self, username: str, address: str, port: int) -> bool:
        """Return True if a user was let in at an address."""

    def let_in_at(self, username: str, address: str, port: int, seconds: int) -> None:
        """Remember that for so many seconds."""


class Door:
    """One user's way in at the address that a login has led to."""

    def __init__(self, doors: Doors | None, username: str, peer: tuple[str, int]) -> None:
        """:param doors: None: nothing is remembered"""
        self._doors = doors
        self._username = username
        self._peer = peer

    def check(self) -> None:
        """Raise `SshHeldBack` if too many logins were refused there, and this user has not been in before."""
        if self._doors is None:
            return
        count, left = self._doors.refusals_at(*self._peer)
        if count >= REFUSALS and not self._doors.was_in(self._username, *self._peer):
            until = time.strftime("%H:%M", time.gmtime(time.time() + max(left, 0) + 59))
            raise SshHeldBack(hint=f"Wait until {until} UTC, then sign in again with the right user name and password.")

    def refused(self) -> None:
        """Take note that a credential was refused."""
        self._note(lambda doors: doors.refused_at(*self._peer, REMEMBERED))

    def let_in(self) -> None:
        """Take note that the login succeeded."""
        self._note(lambda doors: doors.let_in_at(self._username, *self._peer, ENTERED))

    def _note(self, note: Callable[[Doors], None]) -> None:
        if self._doors is not None:
            with suppress(SessionStoreDown):  # the login's own outcome matters more
                note(self._doors)
