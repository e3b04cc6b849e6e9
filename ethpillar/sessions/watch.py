"""The watch for sessions that end.

Belongs here: one greenlet that asks Redis about every session in use, a few seconds apart. It works whether or not
keyspace notifications are on, because it does not use them: one EXISTS for each session in one round trip is
cheaper than a second connection whose silence would have to be told from its death. A Redis that does not answer is
no reason to end anything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

import gevent

from ..errors import SessionStoreDown, whereabouts
from .record import token_hash
from .store import SessionStore

log = logging.getLogger(__name__)

RENEW_EVERY = 60.0
"Seconds between renewals of a session that is in use: a watched node's session does not run out."


class SessionWatch:
    """Call back with each token in use whose session is gone, and renew the others."""

    def __init__(
        self,
        store: SessionStore,
        in_use: Callable[[], Collection[str]],
        ended: Callable[[str], None],
        interval: float,
    ) -> None:
        """
        :param in_use: the tokens that something is held for at the moment
        :param ended: called once for each that is gone; must not block for long
        :param interval: seconds between looks
        """
        self._store = store
        self._in_use = in_use
        self._ended = ended
        self._interval = interval
        self._renewed: dict[str, float] = {}
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Start the greenlet; do nothing if it runs already."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Stop the greenlet and wait for it."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def _run(self) -> None:
        while True:
            gevent.sleep(self._interval)
            try:
                self.look()
            except SessionStoreDown:
                continue  # told by the store, once; the next look finds out whether Redis is back
            except Exception as problem:  # noqa: BLE001
                log.error("The session watch failed (%s); it goes on", whereabouts(problem))

    def look(self) -> None:
        """Look at all tokens in use once. May raise `SessionStoreDown`."""
        tokens = set(self._in_use())
        for token in list(self._renewed):
            if token not in tokens:
                del self._renewed[token]
        gone = self._store.gone(tokens)
        for token in gone:
            log.info("It has ended", extra={"session": token_hash(token)})
            self._ended(token)
        now = time.monotonic()
        for token in tokens - gone:
            if time.monotonic() - now > self._interval:
                break  # Redis is slow, and users who signed out must not wait for the renewals of others
            if now - self._renewed.setdefault(token, now) >= RENEW_EVERY:
                self._store.renew(token)
                self._renewed[token] = now
