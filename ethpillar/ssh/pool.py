"""As many connections to one node as its channels need.

Belongs here: sharing a connection, opening a further one when it is full, and learning from sshd's refusals how many
channels it allows. It must not know what the channels are for, except that long ones leave room for short ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from ..errors import EthPillarError, LimitReached, SshTimeout, SshUnreachable
from .connection import ChannelRefused, Command, Connection, Result

RESERVED = 2
"Channels of a connection that are kept for short commands, so that a page of logs never holds up the states."

PAUSE = 0.2
"Seconds before the next try on a connection that may have room in a moment."


class ConnectionPool:
    """The connections to one node. The first is opened by `connect`, further ones when a channel needs room."""

    def __init__(self, login: Callable[[], Connection], max_connections: int) -> None:
        """:param login: makes one connection, or raises an `SshError`"""
        self._login = login
        self._max = max_connections
        self._connections: list[Connection] = []
        self._lane: Connection | None = None
        "One connection more, for short commands only, where sshd allows so few channels that logs have all of them."
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
        connection = self._make()
        self._connections.append(connection)
        return connection

    def _make(self) -> Connection:
        if self._closed:
            raise SshUnreachable
        connection = self._login()
        if self._closed:  # meanwhile: not everybody who opens a connection is stopped before the pool is closed
            connection.close()
            raise SshUnreachable
        for other in self._connections:
            connection.learn_from(other)
        return connection

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0) -> Result:
        """A short command, see `Connection.run`. The time it waits for room counts, too."""
        with gevent.Timeout(timeout, SshTimeout()):
            while True:
                connection = self._with_room()
                try:
                    return connection.run(words, stdin, timeout)
                except ChannelRefused:
                    _learn(connection)
                finally:
                    self._room.set()

    @contextmanager
    def stream(
        self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0, spare: int = 0
    ) -> Iterator[Command]:
        """A long command, see `Connection.command`. Raises `LimitReached` when there is no room for one more.

        :param spare: how many more there must be room for; less where sshd allows few channels
        """
        for _ in range(self._max + 8):
            connection = self._with_room(RESERVED, spare)
            block = connection.command(words, stdin, timeout)
            try:
                command = block.__enter__()
            except ChannelRefused:
                _learn(connection)
                continue
            try:
                yield command
            finally:
                block.__exit__(None, None, None)
                self._room.set()
            return
        raise LimitReached

    def _with_room(self, reserve: int = 0, spare: int = 0) -> Connection:
        while True:
            alive = self.alive
            if not alive:
                raise SshUnreachable
            if reserve and not self._has_room(alive, reserve, spare):
                raise LimitReached
            roomy = _roomy(alive, reserve)
            if roomy is not None:
                return roomy
            if len(alive) < self._max:
                _uninterrupted(lambda: self._grow(reserve))
                continue
            if reserve:
                raise LimitReached
            if (lane := self._lane_with_room()) is not None:
                return lane
            self._room.clear()
            self._room.wait(1.0)

    def _grow(self, reserve: int) -> None:
        with self._opening:
            if len(self.alive) < self._max and _roomy(self.alive, reserve) is None:
                self._add()

    def _has_room(self, alive: list[Connection], reserve: int, spare: int) -> bool:
        """Whether there is room for a long command."""
        capacities = [connection.capacity for connection in alive]
        capacities += [min(capacities)] * (self._max - len(alive))  # those still to be made expect no more
        room = sum(max(1, capacity - reserve) for capacity in capacities)
        used = sum(connection.open_channels for connection in alive)
        return room - used > (min(spare, max(1, room // 8)) if room > 2 else 0)

    def _lane_with_room(self) -> Connection | None:
        _uninterrupted(self._open_lane)
        return _roomy([self._lane], 0) if self._lane is not None else None

    def _open_lane(self) -> None:
        with self._opening:
            if self._lane is None or not self._lane.alive:
                self._lane = self._make()

    def close(self) -> None:
        """Closes every connection; there will be no more."""
        self._closed = True
        connections, self._connections = self._connections, []
        lane, self._lane = self._lane, None
        for connection in [*connections, *([lane] if lane else [])]:
            connection.close()


def _uninterrupted(act: Callable[[], None]) -> None:
    """Does something that goes on when whoever wants it has no more time: half a login is one that sshd counts."""

    def caught() -> EthPillarError | None:
        try:
            act()
        except EthPillarError as problem:  # a greenlet that raises is printed
            return problem
        return None

    problem = gevent.spawn(caught).get()
    if problem is not None:
        raise problem


def _learn(connection: Connection) -> None:
    if not connection.refused() or not connection.open_channels:
        gevent.sleep(PAUSE)  # those that were closed a moment ago still have their places


def _roomy(connections: list[Connection], reserve: int) -> Connection | None:
    # Where sshd allows very few channels the reserve shrinks before the connection is of no use.
    for connection in connections:
        if connection.open_channels < max(1, connection.capacity - reserve):
            return connection
    return None
