"""As many connections to one node as its channels need.

Belongs here: waiting for what `ssh.channels` decides, and carrying it out. It must not know what the channels are for,
except that long ones leave room for short ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import gevent
from gevent.event import Event

from ..errors import EthPillarError, LimitReached, ShellHangs, SshTimeout, SshUnreachable
from .channels import ChannelCount, Channels, Step
from .command import OUTPUT_LIMIT, Command, Result
from .connection import ChannelRefused, Connection
from .shell import Ends

LOOK_EVERY = 1.0
"Seconds after which a command that waits for room looks again, whatever it was told."
REFUSALS = 8
"How often sshd may refuse a long command, besides once for each connection, before it is told that there is no room."

Decide = Callable[[float], ChannelCount | Step]


class ConnectionPool:
    """The connections to one node. The first is opened by `connect`, further ones when a channel needs room.

    Callers who need a connection at the same time share one login, and its error. A login belongs to the pool: it goes
    on when the caller is stopped, because half a login is one that sshd counts, and ends when the pool is closed.
    """

    def __init__(self, login: Callable[[], Connection], max_connections: int) -> None:
        """:param login: makes one connection, or raises an `EthPillarError`"""
        self._login = login
        self._channels = Channels(max_connections)
        self._connections: list[Connection] = []
        self._lane: Connection | None = None
        self._opening: gevent.Greenlet[..., Connection | EthPillarError] | None = None
        self._room = Event()
        self._closed = False
        self._short: set[Command] = set()
        "The short commands that are running."

    @property
    def alive(self) -> list[Connection]:
        """The connections that are still alive."""
        return [connection for connection in self._connections if connection.alive]

    def _forget_dead(self) -> None:
        for connection in self._all():
            if not connection.alive:
                self._channels.remove(connection.channels)
        self._connections = [connection for connection in self._connections if connection.alive]
        if self._lane is not None and not self._lane.alive:
            self._lane = None

    @property
    def channels(self) -> int:
        """How many channels are open or being opened."""
        return sum(connection.channels.in_use for connection in self._all() if connection.alive)

    def weight(self) -> int:
        """Return the bytes of the output of short commands that are held."""
        return sum(command.weight for command in self._short)

    @property
    def heard(self) -> float:
        """When the node last sent anything on any of them: `time.monotonic()`; long ago, if there is none."""
        return max((connection.heard for connection in self._all() if connection.alive), default=float("-inf"))

    def _all(self) -> list[Connection]:
        return [*self._connections, *([self._lane] if self._lane is not None else [])]

    def connect(self) -> Connection:
        """Return the first connection, made when there is none. Raises what the login raises."""
        self._forget_dead()
        while not (alive := self.alive):
            connection = self._open()
            if connection is not self._lane:
                return connection  # though it may have ended already
            self._forget_dead()
        return alive[0]

    def _open(self, lane: bool = False) -> Connection:
        """Return a connection that is new, or the one that is being made at the moment."""
        if self._closed:
            raise SshUnreachable
        if self._opening is None:
            self._opening = gevent.spawn(self._log_in, lane)
        answer = self._opening.get()
        if isinstance(answer, EthPillarError):
            raise answer.with_traceback(None)  # it is shared: each raise would add its frames
        if self._closed:
            raise SshUnreachable
        return answer

    def _log_in(self, lane: bool) -> Connection | EthPillarError:
        # Returns its error: a greenlet that raises is printed as a stack trace.
        try:
            connection = self._login()
        except EthPillarError as problem:
            return problem
        finally:
            self._opening = None
        if self._closed:  # the login ended all the same
            connection.close()
            return SshUnreachable()
        connection.channel_ended = self._room.set
        self._channels.add(connection.channels, time.monotonic(), lane)
        if lane:
            self._lane = connection
        else:
            self._connections.append(connection)
        self._room.set()
        return connection

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0, limit: int = OUTPUT_LIMIT) -> Result:
        """Run a short command to its end and return what it said.

        :param limit: bytes of output
        :param timeout: seconds for all of it: waiting for room, too, and a further connection
        :raises SshUnreachable: there is no connection any more
        :raises SshTimeout: it did not end in time, or printed more than `limit` (`ShellHangs`: it did not begin)
        :raises NotRun: the login shell ended without running it
        """
        command: Command | None = None
        try:
            # The only deadline: a second one that ends at the same moment would interrupt cleaning up after the first.
            with gevent.Timeout(timeout, SshTimeout()):
                while True:
                    connection = self._with_room(self._channels.take_short)
                    try:
                        command = connection.start(words, stdin, None)
                    except ChannelRefused as refusal:
                        gevent.sleep(refusal.pause)
                        continue
                    self._short.add(command)
                    try:
                        return command.result(limit)
                    finally:
                        self._short.discard(command)
                        command.begin_to_close()
        except SshTimeout:
            if command is not None and not command.answered:
                raise ShellHangs from None
            raise

    @contextmanager
    def stream(
        self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0, spare: int = 0, follows: bool = False
    ) -> Iterator[Command]:
        """Start a long command, which is ended at the end of the block; see `Connection.start`.

        :param timeout: seconds until a connection that has room must have started it
        :param spare: how many more there must be room for; less where sshd allows few channels
        :param follows: it goes on until it is closed
        :raises LimitReached: there is no room for one more
        """
        # What gets a password runs as root, and this user can't end that.
        ends = Ends.CLOSED if follows else Ends.SOON if stdin else Ends.SILENT
        command = self._start(
            lambda connection: connection.start(words, stdin, timeout, ends),
            partial(self._channels.take_long, spare),
        )
        try:
            yield command
        finally:
            command.close()

    def _start(self, start: Callable[[Connection], Command], decide: Decide) -> Command:
        for _ in range(self._channels.most + REFUSALS):
            connection = self._with_room(decide)
            try:
                return start(connection)
            except ChannelRefused as refusal:
                gevent.sleep(refusal.pause)
        raise LimitReached

    def _with_room(self, decide: Decide) -> Connection:
        """Return a connection on which a channel is counted, so that the caller has to start a command at once."""
        while not self._closed:
            self._forget_dead()
            found = decide(time.monotonic())
            if isinstance(found, ChannelCount):
                return next(each for each in self._all() if each.channels is found)
            if found is Step.LOST:
                raise SshUnreachable
            if found is Step.FULL:
                raise LimitReached
            if found is Step.WAIT:
                self._room.clear()
                self._room.wait(LOOK_EVERY)
            elif not self._open(found is Step.OPEN_LANE).alive:
                raise SshUnreachable  # it lets us in and hangs up: another login would be no better
        raise SshUnreachable

    def drop(self) -> None:
        """Close every connection. `connect` makes a new one."""
        gevent.joinall([gevent.spawn(connection.close) for connection in self._all()])

    def close(self) -> None:
        """Close every connection; there will be no more."""
        self._closed = True
        closing: list[gevent.Greenlet[..., Any]] = [gevent.spawn(connection.close) for connection in self._all()]
        self._connections, self._lane = [], None
        self._room.set()
        if self._opening is not None:
            self._opening.kill(block=False)
            closing.append(self._opening)
        gevent.joinall(closing)
