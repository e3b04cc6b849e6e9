"""As many connections to one node as its channels need.

Belongs here: sharing a connection, opening a further one when it is full, and learning from sshd's refusals how many
channels it allows. It must not know what the channels are for, except that long ones leave room for short ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..errors import LimitReached, SshUnreachable
from .connection import ChannelRefused, Command, Connection, Result

RESERVED = 2
"Channels of a connection that are kept for short commands, so that a page of logs never holds up the states."


class ConnectionPool:
    """The connections to one node. The first is opened by `connect`, further ones when a channel needs room."""

    def __init__(self, login: Callable[[], Connection], max_connections: int) -> None:
        """:param login: makes one connection, or raises an `SshError`"""
        self._login = login
        self._max = max_connections
        self._connections: list[Connection] = []
        self._opening = BoundedSemaphore(1)
        self._room = Event()
        self._closed = False

    @property
    def alive(self) -> list[Connection]:
        """The connections that still stand; forgets the others."""
        self._connections = [connection for connection in self._connections if connection.alive]
        return self._connections

    def connect(self) -> Connection:
        """The first connection, made when there is none. Raises what the login raises."""
        with self._opening:
            return self.alive[0] if self.alive else self._add()

    def _add(self) -> Connection:
        if self._closed:
            raise SshUnreachable
        connection = self._login()
        if self._closed:  # meanwhile: not everybody who opens a connection is stopped before the pool is closed
            connection.close()
            raise SshUnreachable
        self._connections.append(connection)
        return connection

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0) -> Result:
        """A short command, see `Connection.run`."""
        for _ in range(self._max + 8):
            connection = self._with_room(reserve=0)
            try:
                return connection.run(words, stdin, timeout)
            except ChannelRefused:
                self._learn(connection)
            finally:
                self._room.set()
        raise LimitReached

    @contextmanager
    def stream(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0) -> Iterator[Command]:
        """A long command, see `Connection.command`."""
        for _ in range(self._max + 8):
            connection = self._with_room(reserve=RESERVED)
            block = connection.command(words, stdin, timeout)
            try:
                command = block.__enter__()
            except ChannelRefused:
                self._learn(connection)
                continue
            try:
                yield command
            finally:
                block.__exit__(None, None, None)
                self._room.set()
            return
        raise LimitReached

    def _learn(self, connection: Connection) -> None:
        # This channel was counted, and refused: there is room for one less, and never for none.
        connection.capacity = max(1, min(connection.capacity, connection.open_channels))

    def _with_room(self, reserve: int) -> Connection:
        while True:
            alive = self.alive
            roomy = _roomy(alive, reserve)
            if roomy is not None:
                return roomy
            if not alive:
                raise SshUnreachable
            if len(alive) < self._max:
                with self._opening:
                    if len(self.alive) < self._max and _roomy(self.alive, reserve) is None:
                        self._add()
                continue
            if reserve:
                raise LimitReached
            self._room.clear()
            self._room.wait(1.0)

    def close(self) -> None:
        """Closes every connection; there will be no more."""
        self._closed = True
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()


def _roomy(connections: list[Connection], reserve: int) -> Connection | None:
    # Where sshd allows very few channels the reserve shrinks before the connection is of no use.
    for connection in connections:
        if connection.open_channels < max(1, connection.capacity - reserve):
            return connection
    return None
