"""The order in which connections that have not sent a request's head yet give way to new ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager

End = Callable[[], None]


class Heads:
    """Connections on which a request's head is awaited, the oldest first, in all and of each address.

    `begin` at accept, `wait` around the reading, `done` once the head is there. `end_oldest` makes room: it ends the
    connection that has waited longest.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, tuple[Hashable, End]] = OrderedDict()
        self._of: dict[Hashable, OrderedDict[Hashable, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, connection: Hashable, end: End, key: Hashable = None) -> None:
        """Note that a connection has no head yet.

        :param end: ends it
        :param key: under which connections of this address are counted
        """
        self.done(connection)
        self._waiting[connection] = key, end
        self._of.setdefault(key, OrderedDict())[connection] = None

    def done(self, connection: Hashable) -> None:
        """Note that the head is there, or that the connection has ended."""
        if connection in self._waiting:
            key, _ = self._waiting.pop(connection)
            of = self._of[key]
            del of[connection]
            if not of:
                del self._of[key]

    @contextmanager
    def wait(self, connection: Hashable, end: End, key: Hashable = None) -> Iterator[None]:
        """Wait for a head in the block, until `done` says that it is there."""
        if connection not in self._waiting:
            self.begin(connection, end, key)
        try:
            yield
        finally:
            self.done(connection)

    def end_oldest(self) -> bool:
        """End the connection that has waited longest. Return False if there is none."""
        return self._end_first(self._waiting)

    def end_oldest_of(self, key: Hashable) -> bool:
        """Likewise among those of an address."""
        return self._end_first(self._of.get(key, ()))

    def _end_first(self, connections: Iterable[Hashable]) -> bool:
        for connection in connections:
            _, end = self._waiting[connection]
            self.done(connection)
            end()
            return True
        return False
