"""A running command: its output, input, exit status and end, on a transport that is a stand-in."""

from __future__ import annotations

import threading
import time
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import SshTimeout
from ethpillar.ssh import command as command_module
from ethpillar.ssh.command import OUTPUT_LIMIT, STDERR_KEPT, Command, NotRun, Result
from ethpillar.ssh.diagnosis import End
from ethpillar.ssh.shell import CommandLine
from ethpillar.timing import within
from ethpillar.turns import HOLD, SOON

from .fakes import Sshd, Transport, only, settled, start


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


def test_many_commands_at_once_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each does a piece of work when it begins, has output, and ends. Others have their turn between."""
    pieces = [0]

    def step(_: Transport) -> None:
        pieces[-1] += 1
        end = time.monotonic() + 1.1 * HOLD
        while time.monotonic() < end:
            pass
        gevent.sleep(SOON)

    def other() -> None:
        while True:
            pieces.append(0)
            gevent.sleep(SOON)

    monkeypatch.setattr(Transport, "step", step)
    sshd = Sshd(sessions=20)
    sshd.output = [b"one", b"two"]
    connection = sshd.login()
    somebody = gevent.spawn(other)
    commands = [gevent.spawn(start, connection) for _ in range(20)]
    results = [gevent.spawn(each.get().result) for each in commands]
    assert [each.get().stdout for each in results] == [b"onetwo"] * 20
    gevent.joinall([gevent.spawn(each.value.close) for each in commands])
    settled(connection)
    gevent.kill(somebody)
    assert sum(pieces) >= 100
    assert max(pieces) <= 4


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
    monkeypatch.setattr(command_module, "NOISE_LIMIT", 1000)
    sshd = Sshd()
    command = start(sshd.login())
    only(sshd)._output = [b"x" * 600] * 3
    with pytest.raises(SshTimeout):
        command.read()
    command.close()


@pytest.mark.parametrize("endless", [False, True])
def test_what_holds_a_channel_open_does_not_hold_a_command_up(monkeypatch: pytest.MonkeyPatch, endless: bool) -> None:
    monkeypatch.setattr(command_module, "SILENCE", 0.01)
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


def test_an_error_of_paramiko_s_stays_one() -> None:
    sshd = Sshd()
    command = start(sshd.login())

    def fail(*_: Any) -> Any:
        raise RuntimeError("a defect")

    only(sshd).recv = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="a defect"):
        command.read()
    command.close()


def test_a_close_that_hangs_is_not_waited_for_but_counted_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "CLOSED_WITHIN", 0.01)
    sshd = Sshd()
    connection = sshd.login()
    command = start(connection)
    sshd.delay = 0.2
    command.close()
    assert connection.channels.in_use == 1
    settled(connection)


class Interrupted:
    """A channel that, when a wait for output is broken off, releases a lock it has not got, as paramiko's may."""

    def recv(self, _: int) -> bytes:
        lock = threading.Lock()
        try:
            Event().wait()
        finally:
            lock.release()
        return b""

    sendall = recv


@pytest.mark.parametrize("act", [lambda command: command.read(), lambda command: command.send(b"x")])
def test_a_kill_and_a_timeout_stay_what_they_are(act: Any) -> None:
    command = Command(Interrupted(), CommandLine(["true"]))  # type: ignore[arg-type]
    reading = gevent.spawn(act, command)
    gevent.sleep(0)
    reading.kill()
    assert isinstance(reading.value, gevent.GreenletExit)
    ended = False
    with within(0.01):
        act(command)
        ended = True
    assert not ended


def test_a_command_without_input_has_its_end_at_once_and_one_with_input_behind_it() -> None:
    sshd = Sshd()
    command = start(sshd.login())
    assert only(sshd).input_ended
    command.close()
    sshd = Sshd()
    command = start(sshd.login(), ["sudo"], b"secret\n")
    assert not only(sshd).input_ended
    command.result()
    assert only(sshd).input_ended
    command.close()


def test_what_was_said_on_standard_error_is_known_before_anything_is_read() -> None:
    sshd = Sshd()
    sshd.stderr = [b"no rights"]
    command = start(sshd.login())
    assert command.stderr == b"no rights"
    command.close()
