"""Many questions as one.

Belongs here: that greenlets which ask for one key each, at the same time, are answered together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..errors import SessionStoreDown

MOST = 64
"Keys of one question: as many records of the greatest length are 4 MiB."
AT_ONCE = 2
"Questions under way, so that the next ones need not wait for one to which the answer is lost."

V = TypeVar("V")


class _Batch(Generic[V]):
    """Keys that are asked for together, by the greenlet that came first."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.done = Event()
        self.found: Mapping[str, V] | None = None
        self.problem: SessionStoreDown | None = None


class Gathering(Generic[V]):
    """Answers greenlets that ask for one key each, with as few questions as can be.

    Who asks alone is answered at once; who comes while others are being answered goes with all that came meanwhile. An
    answer is never older than its question. One that is stopped while it asks for others as well does not hurt them.
    """

    def __init__(self, ask: Callable[[list[str]], Mapping[str, V]]) -> None:
        """:param ask: returns what there is of some keys; waits, and may raise `SessionStoreDown`"""
        self._ask = ask
        self._under_way = BoundedSemaphore(AT_ONCE)
        self._next: _Batch[V] | None = None

    def get(self, key: str) -> V | None:
        """Return what there is of a key, or None. Raises `SessionStoreDown`."""
        while True:
            batch = self._next
            if batch is None or len(batch.keys) >= MOST:
                batch = self._next = _Batch()
                batch.keys.add(key)
                self._lead(batch)
            else:
                batch.keys.add(key)
                batch.done.wait()
            if batch.problem is not None:
                raise batch.problem.copy()
            if batch.found is not None:
                return batch.found.get(key)
            # Who asked was stopped: this one asks, or goes with the next.

    def _lead(self, batch: _Batch[V]) -> None:
        try:
            with self._under_way:
                self._close(batch)
                batch.found = self._ask(list(batch.keys))
        except SessionStoreDown as problem:
            batch.problem = problem
        finally:
            self._close(batch)
            batch.done.set()

    def _close(self, batch: _Batch[V]) -> None:
        """Let nobody join it any more."""
        if self._next is batch:
            self._next = None
