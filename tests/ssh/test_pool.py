"""Connections to one node: none outlives the pool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import gevent
import gevent.event
import pytest

from ethpillar.errors import LimitReached, SshTimeout, SshUnreachable
from ethpillar.ssh.connection import RELEARN, ChannelRefused, Connection, Result
from ethpillar.ssh.pool import ConnectionPool

from ..waiting import until


class FakeConnection:
    capacity = 10
    open_channels = 0
    alive = True

    def close(self) -> None:
        self.alive = False


def test_a_connection_that_comes_after_the_end_is_closed() -> None:
    made: list[FakeConnection] = []

    def login() -> Any:
        made.append(FakeConnection())
        gevent.sleep(0.01)
        return made[-1]

    pool = ConnectionPool(login, 4)
    waiting = [gevent.spawn(pytest.raises, SshUnreachable, pool.connect) for _ in range(3)]
    gevent.sleep(0)
    pool.close()
    gevent.joinall(waiting, raise_error=True)
    assert [each.alive for each in made] == [False]


class Sshd:
    """Connections of which each has room for so many channels, as sshd's `MaxSessions` says."""

    def __init__(self, sessions: int) -> None:
        self.sessions = sessions
        self.connections: list[Connection] = []

    def login(self) -> Any:
        self.connections.append(Channels(self))  # type: ignore[arg-type]
        return self.connections[-1]

    @property
    def most(self) -> int:
        return max(each.most for each in self.connections)  # type: ignore[attr-defined]


class Channels(Connection):
    """A connection without a network; only the counting is real."""

    def __init__(self, sshd: Sshd) -> None:
        self._max_channels = 10
        self._learned = (10, 0.0)
        self._closed_at, self._refused_since = float("-inf"), float("inf")
        self.open_channels = self.most = self._granted = 0
        self._sshd = sshd

    @property
    def alive(self) -> bool:
        return True

    @contextmanager
    def command(self, *_: Any) -> Iterator[Any]:
        self.open_channels += 1
        granted = False
        try:
            gevent.sleep(0.001)
            if self._granted >= self._sshd.sessions:
                raise ChannelRefused
            granted = True
            self._granted += 1
            self.most = max(self.most, self._granted)
            yield None
        finally:
            self._granted -= granted
            self.open_channels -= 1

    def run(self, *_: Any) -> Any:
        with self.command():
            return Result(0, b"", b"")


def open_logs(pool: ConnectionPool, stack: ExitStack, count: int, spare: int = 0) -> int:
    """Tries to open so many long commands; how many it could."""
    opened = 0
    for _ in range(count):
        with suppress(LimitReached):
            stack.enter_context(pool.stream(["journalctl"], spare=spare))
            opened += 1
    return opened


@pytest.mark.parametrize(("sessions", "logs"), [(1, 4), (2, 4), (3, 4), (6, 16), (10, 32)])
def test_however_few_channels_there_are_short_commands_have_one(sessions: int, logs: int) -> None:
    sshd = Sshd(sessions)
    pool = ConnectionPool(sshd.login, 4)
    pool.connect()
    with ExitStack() as stack:
        assert open_logs(pool, stack, 50) == logs
        assert pool.run(["systemctl"], timeout=5).status == 0
        assert sshd.most <= sessions
    assert pool.run(["systemctl"], timeout=5).status == 0


@pytest.mark.parametrize("sessions", [1, 2, 3, 10])
def test_those_that_ask_at_the_same_time_are_told_the_same(sessions: int) -> None:
    sshd = Sshd(sessions)
    pool = ConnectionPool(sshd.login, 4)
    pool.connect()
    ended = gevent.event.Event()
    opened = []

    def follow() -> None:
        with suppress(LimitReached), pool.stream(["journalctl"]):
            opened.append(1)
            ended.wait()

    logs = [gevent.spawn(follow) for _ in range(60)]
    gevent.spawn(gevent.joinall, logs)
    until(lambda: sum(log.dead for log in logs) + len(opened) == 60, "an answer for all")
    assert pool.run(["systemctl"], timeout=5).status == 0
    assert sshd.most <= sessions
    ended.set()
    gevent.joinall(logs, raise_error=True)


def test_logs_leave_room_for_those_that_catch_up() -> None:
    pool = ConnectionPool(Sshd(10).login, 4)
    pool.connect()
    with ExitStack() as stack:
        logs = open_logs(pool, stack, 50, spare=2)
        assert open_logs(pool, stack, 50) + logs == 32
        assert logs == 30


def test_what_was_learned_from_refusals_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    sshd = Sshd(2)
    pool = ConnectionPool(sshd.login, 1)
    pool.connect()
    with ExitStack() as stack:
        open_logs(pool, stack, 10)
        assert sshd.connections[0].capacity <= 2
    sshd.sessions = 10
    monkeypatch.setattr("time.monotonic", lambda before=time.monotonic: before() + RELEARN)
    with ExitStack() as stack:
        assert open_logs(pool, stack, 10) > 2


def test_a_short_command_that_finds_no_room_in_its_time_says_so() -> None:
    sshd = Sshd(0)
    pool = ConnectionPool(sshd.login, 1)
    pool.connect()
    with pytest.raises(SshTimeout):
        pool.run(["systemctl"], timeout=0.3)
