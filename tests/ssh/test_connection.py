"""A connection: opening channels, what sshd refuses, and its end, on a transport that is a stand-in."""

from __future__ import annotations

from typing import Any

import gevent
import paramiko
import pytest

from ethpillar.errors import NoSessions, SshTimeout, SshUnreachable
from ethpillar.ssh.command import NotRun
from ethpillar.ssh.connection import ChannelRefused

from ..waiting import until
from .fakes import Sshd, only, settled, start


@pytest.mark.parametrize("problem", [EOFError(), OSError(5, "x"), paramiko.SSHException("x")])
def test_a_connection_that_dies_ends_its_commands(problem: Exception) -> None:
    sshd = Sshd()
    connection = sshd.login()
    command = start(connection)

    def fail(*_: Any) -> Any:
        raise problem

    only(sshd).recv = only(sshd).close = fail  # type: ignore[method-assign]
    assert command.read() == b""
    command.close()
    settled(connection)
    sshd.problem = problem
    with pytest.raises(SshUnreachable):
        start(connection)
    settled(connection)


def test_a_connection_that_dies_as_a_command_begins() -> None:
    sshd = Sshd()
    sshd.hanging = {"systemctl"}
    connection = sshd.login()
    starting = gevent.spawn(pytest.raises, SshUnreachable, start, connection)
    until(lambda: sshd.channels, "a channel")
    sshd.transports[0].close()
    starting.get(timeout=10)
    settled(connection)
    assert not connection.alive


def test_no_channel_at_all() -> None:
    sshd = Sshd(0)
    connection = sshd.login()
    for _ in range(2):
        with pytest.raises(NoSessions):
            start(connection)
    assert connection.channels.in_use == 0


def test_refusals() -> None:
    sshd = Sshd(1)
    connection = sshd.login()
    first = start(connection)
    ended: list[int] = []
    connection.channel_ended = lambda: ended.append(1)
    with pytest.raises(ChannelRefused) as refusal:
        start(connection)
    assert refusal.value.pause == 0
    assert ended == [1]
    first.close()
    sshd.sessions = 0
    with pytest.raises(ChannelRefused) as refusal:
        start(connection)
    assert refusal.value.pause > 0
    sshd.problem = paramiko.SSHException("Unable to open channel.")
    with pytest.raises(ChannelRefused):
        start(connection)
    sshd.transports[0].ended.set()  # and then the same words mean something else
    with pytest.raises(SshUnreachable):
        start(connection)
    assert connection.channels.in_use == 0


def test_a_channel_that_opens_when_nobody_waits_any_more_is_closed() -> None:
    sshd = Sshd(delay=0.05)
    connection = sshd.login()
    with pytest.raises(SshTimeout):
        start(connection, timeout=0.01)
    assert connection.channels.in_use == 1  # sshd may still open it
    until(lambda: sshd.most == 1, "the channel")
    settled(connection)
    assert not sshd.channels


def test_a_node_that_ran_commands_and_runs_none_any_more_is_logged_in_to_anew_once_nothing_runs() -> None:
    """The next login finds out why."""
    sshd = Sshd()
    connection = sshd.login()
    log = start(connection, endless=True)
    command = start(connection)
    assert command.result().status == 0
    command.close()
    assert connection.answered.is_set()
    command = start(connection)
    sshd.channels[-1]._output = [b"This account is currently not available.\n"]
    with pytest.raises(NotRun):
        command.result()
    command.close()
    gevent.idle()
    assert connection.alive
    log.close()
    until(lambda: not connection.alive, "its end")
