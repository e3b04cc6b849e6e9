"""Python's collector of garbage in circles, so that it never keeps the event loop for long.

Belongs here: when it looks at what. A full collection looks at everything there is, some 0.3 us for each object: a
thousand nodes with their recent lines would keep all others from their turn for a second, again and again. So what
outlived a collection is set aside, where none looks at it any more, and each looks at what is new. Most of what was set
aside is freed without the collector; the rest is found by a complete one, which is rare. This is the process's, not an
application's.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import gevent

NEVER = 1 << 30
"A full collection by itself waits for so many of the lesser ones."
EVERY = 0.5
"Seconds between two looks."
NEW = 8
"Lesser collections after which what is new is collected and set aside: some 60,000 objects, or 20 ms."
SHARE = 200
"A complete collection waits for so many times as long as the last one took."
GROWN = 64 << 20
"Bytes that must have come for no reason that is known, before a complete one is worth it."


class Collector:
    """Collects garbage in pieces, so that no collection keeps the event loop for long.

    From `start` to `stop` Python makes no complete collection by itself: what lived long is set aside, and only what is
    new is looked through. `complete` looks through everything, and takes as long as that takes.
    """

    def __init__(self, unexplained: Callable[[], int]) -> None:
        """:param unexplained: returns the bytes that the process has, and nobody says what for"""
        self._unexplained = unexplained
        self._floor = 0
        self._next = 0.0
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Collect everything, set it aside, and go on in the background."""
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, NEVER)
        self.complete()
        self._greenlet = gevent.spawn(self._watch)

    def stop(self) -> None:
        """End, and leave it to Python again."""
        if self._greenlet is not None:
            self._greenlet.kill()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, 10)
        gc.unfreeze()

    def _watch(self) -> None:
        while True:
            gevent.sleep(EVERY)
            self.look()

    def look(self) -> None:
        """Collect what there is to collect."""
        unexplained = self._unexplained()
        self._floor = min(self._floor, unexplained)
        if unexplained > self._floor + GROWN and time.monotonic() > self._next:
            self.complete()
        elif gc.get_count()[2] >= NEW:
            gc.collect()
            gc.freeze()

    def complete(self) -> None:
        """Collect everything, also what was set aside."""
        began = time.monotonic()
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        now = time.monotonic()
        self._next = now + SHARE * (now - began)
        self._floor = self._unexplained()
