"""The watch for sessions that end or change.

Belongs here: one greenlet that asks Redis about every session in use, a few seconds apart: one EXISTS for each in one
round trip. Another one listens (`endings`), and looks at one of them at once. A Redis that does not answer is no reason
to end anything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress

import gevent
from gevent.lock import BoundedSemaphore

from ..errors import SessionStoreDown, whereabouts
from .endings import Choice, Endings, say
from .record import SessionRecord, token_hash
from .store import SessionStore

log = logging.getLogger(__name__)

RENEW_EVERY = 60.0
"Seconds between renewals of a session that is in use: a watched node's session does not run out."
AT_ONCE = 20
"Sessions that are renewed together, of which each record has 64 KiB at most."


class SessionWatch:
    """Calls back with each token in use whose session is gone, and renews the others.

    From `start` to `stop` it looks at all of them in each interval, and at some at once when `hear` is told that they
    may be gone. An outage of Redis ends no session.
    """

    def __init__(
        self,
        store: SessionStore,
        in_use: Callable[[], Collection[str]],
        ended: Callable[[str], None],
        interval: float,
        renewed: Callable[[SessionRecord], None] = lambda _: None,
    ) -> None:
        """
        :param in_use: the tokens that something is held for at the moment
        :param ended: called once for each that is gone; must not block for long
        :param interval: seconds between looks
        :param renewed: called with a session's record now and then: the dashboard may have written another one
        """
        self._store = store
        self._in_use = in_use
        self._ended = ended
        self._interval = interval
        self._tell = renewed
        self._renewed: dict[str, float] = {}
        self._told: set[str] = set()
        "Tokens found to be gone since the last look: this server hears its own messages about them, too."
        self._ending = BoundedSemaphore(1)
        self._greenlets: list[gevent.Greenlet[[], None]] = []

    def start(self) -> None:
        """Start the greenlets; do nothing if they run already."""
        if not self._greenlets:
            self._greenlets = [gevent.spawn(self._run), gevent.spawn(Endings(self._store, self.hear).run)]

    def stop(self) -> None:
        """Stop the greenlets and wait for them."""
        gevent.killall(self._greenlets)
        self._greenlets = []

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
        gone = self._told = self._end(tokens)
        say(self._store, gone)
        now = time.monotonic()
        due = [token for token in tokens - gone if now - self._renewed.setdefault(token, now) >= RENEW_EVERY]
        while due:
            if time.monotonic() - now > self._interval:
                break  # Redis is slow, and users who signed out must not wait for the renewals of others
            some, due = due[:AT_ONCE], due[AT_ONCE:]
            self._renewed.update(dict.fromkeys(some, now))  # whatever comes of it: others must not wait for these
            for record in self._store.renew_all(some).values():
                self._tell(record)

    def hear(self, chosen: Choice) -> None:
        """Look at some of the tokens in use, because one of them is said to be gone."""
        with suppress(SessionStoreDown):
            self._told = self._told | self._end(chosen(self._in_use()) - self._told)

    def _end(self, tokens: Collection[str]) -> set[str]:
        """Call back with those of the tokens whose session is gone, and return them. May raise `SessionStoreDown`."""
        with self._ending:  # a look and a message may be about the same one
            gone = self._store.gone(set(tokens) & set(self._in_use()))
            for token in gone:
                log.info("It has ended", extra={"session": token_hash(token)})
                self._ended(token)
        return gone
