"""The order in which connections that have not sent a request's head yet give way to new ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Heads:
    """Connections on which a request's head is waited for, the oldest first."""

    def __init__(self) -> None:
        self._ends: OrderedDict[Callable[[], None], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends)

    @contextmanager
    def wait(self, end: Callable[[], None]) -> Iterator[None]:
        """Wait for a head in the block, until `done` says that it is there. `end` ends the connection."""
        self._ends[end] = None
        try:
            yield
        finally:
            self.done(end)

    def done(self, end: Callable[[], None]) -> None:
        """Note that the head is there."""
        self._ends.pop(end, None)

    def end_oldest(self) -> None:
        """End the connection that has waited longest, if there is one."""
        if self._ends:
            self._ends.popitem(last=False)[0]()
