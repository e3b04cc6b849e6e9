"""A connection and its commands, on a transport that is a stand-in."""

from __future__ import annotations

from typing import Any

import gevent
import paramiko
import pytest

from ethpillar.errors import NoSessions, SshTimeout, SshUnreachable
from ethpillar.ssh import connection as connection_module
from ethpillar.ssh.connection import OUTPUT_LIMIT, STDERR_KEPT, ChannelRefused, Command, Connection, NotRun, Result
from ethpillar.ssh.diagnosis import End
from ethpillar.ssh.shell import Ends

from ..waiting import until
from .fakes import Channel, Sshd


def start(
    connection: Connection,
    words: list[str] | None = None,
    stdin: bytes = b"",
    timeout: float = 5,
    endless: bool = False,
) -> Command:
    connection.channels.take()
    return connection.start(words or ["systemctl"], stdin, timeout, Ends.CLOSED if endless else Ends.SOON)


def only(sshd: Sshd) -> Channel:
    (channel,) = sshd.channels
    return channel


def settled(connection: Connection) -> None:
    until(lambda: not connection.channels.in_use, "the end of all channels")


def test_a_command_is_quoted_and_its_input_ended() -> None:
    sshd = Sshd()
    command = start(sshd.login(), ["sudo", "-p", "", "a b", "$(id)"], b"secret\n")
    assert only(sshd).words == "sudo -p '' 'a b' '$(id)'"
    assert only(sshd).sent == b""  # a start-up file of the shell could read it
    assert command.result().status == 0
    assert only(sshd).sent == b"secret\n"
    command.close()
    command.close()
    assert not sshd.channels
    settled(sshd.connections[0])


def test_what_a_command_said() -> None:
    sshd = Sshd()
    sshd.output, sshd.stderr = [b"one ", b"two"], [b"x" * STDERR_KEPT, b"the end"]
    connection = sshd.login()
    assert not connection.answered.is_set()
    command = start(connection)
    result = command.result()
    assert (result.status, result.stdout) == (0, b"one two")
    assert result.stderr == (b"x" * STDERR_KEPT + b"the end")[-STDERR_KEPT:]
    command.close()
    settled(connection)
    assert connection.answered.is_set()


def test_a_command_that_never_began_proves_nothing() -> None:
    sshd = Sshd()
    connection = sshd.login()
    command = start(connection)
    only(sshd)._output = [b"This account is currently not available.\n"]
    with pytest.raises(NotRun) as caught:
        command.result()
    assert caught.value.end == End(0, b"This account is currently not available.\n")
    command.close()
    settled(connection)
    assert not connection.answered.is_set()


@pytest.mark.parametrize("noise", [[b"half"], [b"\xff\x00\n", b"a" * 100_000], [b"1.0.2"], [b"printf %s%s a b"]])
def test_what_a_shell_prints_around_a_command_is_dropped(noise: list[bytes]) -> None:
    sshd = Sshd()
    sshd.noise, sshd.output, sshd.stderr = noise, [b"one\n", b"two"], [b"bad"]
    connection = sshd.login()
    command = start(connection)
    assert command.result() == Result(0, b"one\ntwo", b"bad")
    command.close()
    command = start(connection, endless=True)
    assert command.read() + command.read() == b"one\ntwo"
    command.close()


def test_a_shell_that_prints_without_end_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "NOISE_LIMIT", 1000)
    sshd = Sshd()
    command = start(sshd.login())
    only(sshd)._output = [b"x" * 600] * 3
    with pytest.raises(SshTimeout):
        command.read()
    command.close()


@pytest.mark.parametrize("endless", [False, True])
def test_what_holds_a_channel_open_does_not_hold_a_command_up(monkeypatch: pytest.MonkeyPatch, endless: bool) -> None:
    monkeypatch.setattr(connection_module, "SILENCE", 0.01)
    sshd = Sshd()
    sshd.output, sshd.endless = [b"two"], endless
    sshd.held = True
    command = start(sshd.login(), endless=endless)
    assert command.read() == b"two"
    only(sshd).status_event.set()
    with gevent.Timeout(5):
        assert command.read() == b""
    assert command.status(0.0) == (-1 if endless else 0)
    command.close()


def test_output_without_end_is_no_answer() -> None:
    sshd = Sshd()
    sshd.output = [b"x" * 65536] * (OUTPUT_LIMIT // 65536)
    command = start(sshd.login())
    assert len(command.result().stdout) == OUTPUT_LIMIT
    command.close()
    sshd.output.append(b"x")
    command = start(sshd.connections[0])
    with pytest.raises(SshTimeout):
        command.result()
    command.close()


def test_an_exit_status_counts_once_all_is_here() -> None:
    sshd = Sshd()
    command = start(sshd.login(), endless=True)
    channel = only(sshd)
    channel.exit_status = 3
    channel.status_event.set()
    assert command.status(0.01) == -1  # the rest of the output may be lost
    channel.eof_received = True
    assert command.status(0.01) == 3
    channel.eof_received, channel.closed = False, True
    assert command.status(0.01) == 3
    channel.transport.ended.set()
    assert command.status(0.01) == -1


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


def test_an_error_of_paramiko_s_stays_one() -> None:
    sshd = Sshd()
    command = start(sshd.login())

    def fail(*_: Any) -> Any:
        raise RuntimeError("a defect")

    only(sshd).recv = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="a defect"):
        command.read()
    command.close()


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


def test_a_close_that_hangs_is_not_waited_for_but_counted_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "CLOSED_WITHIN", 0.01)
    sshd = Sshd()
    connection = sshd.login()
    command = start(connection)
    sshd.delay = 0.2
    command.close()
    assert connection.channels.in_use == 1
    settled(connection)


def test_the_end_of_a_connection_ends_its_watch() -> None:
    sshd = Sshd()
    connection = sshd.login()
    assert not connection.ended.is_set()
    connection.close()
    assert connection.ended.is_set()
    assert connection._watch.dead
    watching = Sshd().login()
    closing = gevent.spawn(watching._transport.close)
    until(lambda: watching._watch.dead, "the watch")
    closing.get()
