"""A running command: its output, input, exit status and end, on a transport that is a stand-in."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import SshTimeout, SshUnreachable
from ethpillar.ssh import command as command_module
from ethpillar.ssh.command import OUTPUT_LIMIT, STDERR_KEPT, Command, NotRun, Result
from ethpillar.ssh.diagnosis import End
from ethpillar.ssh.shell import CommandLine, Ends
from ethpillar.timing import within
from ethpillar.turns import HOLD, SOON

from .fakes import Channel, Sshd, Transport, only, settled, start


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


class Script(Channel):
    """A channel whose looks for more are counted, and which does something at each; it has no time to wait."""

    def __init__(self, *looks: Callable[[], object]) -> None:
        super().__init__(Transport(Sshd()))
        self.transport.channels.append(self)
        self.transport.sshd.endless = True
        self.looks = list(looks)
        "What happens at each look for more output, and whether there is any to be read."
        self.patience: float | None = 3600.0
        self.began = 0

    def begin(self, ends: Ends = Ends.CLOSED) -> Command:
        line = CommandLine(["journalctl"], ends)
        command = Command(self, line, self._begin)  # type: ignore[arg-type]
        command.start(b"")
        return command

    def _begin(self) -> None:
        self.began += 1

    def settimeout(self, timeout: float | None) -> None:
        self.patience = timeout

    def recv(self, _: int) -> bytes:
        if not self._output and self.patience is not None and self.patience < 3600.0:
            raise TimeoutError
        return super().recv(_)

    def recv_ready(self) -> bool:
        return bool(self.looks.pop(0)()) if self.looks else False


def at_its_end(monkeypatch: pytest.MonkeyPatch, channel: Script) -> Command:
    """The command has begun, and its exit status has come."""
    monkeypatch.setattr(command_module, "SILENCE", 0.0)
    channel.transport.sshd.output = [b"yes"]
    command = channel.begin()
    assert command.read() == b"yes"
    channel.status_event.set()
    return command


@pytest.mark.parametrize("stream", ["output", "errors"])
def test_what_is_still_being_read_at_the_end_of_a_command_is_not_cut_off(
    monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    channel = Script()
    command = at_its_end(monkeypatch, channel)

    def another() -> None:
        """Somebody reads a piece, and nothing is left."""
        assert not channel.gone.is_set()
        if stream == "output":
            channel._output.append(b"more")
            assert command.read() == b"more"
        else:
            channel.stderr.append(b"more")
            assert command.stderr.endswith(b"more")

    channel.looks += [another] * 3
    with gevent.Timeout(10):
        assert command.read() == b""
    assert not channel.looks
    command.close()


def test_what_nobody_has_read_at_the_end_of_a_command_is_waited_for_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = [0]

    def others() -> None:
        while True:
            turns[0] += 1
            gevent.sleep(0)

    def unread() -> bool:
        seen.append(turns[0])
        return not channel.gone.is_set()

    seen: list[int] = []
    channel = Script(*[unread] * 3)
    somebody = gevent.spawn(others)
    command = at_its_end(monkeypatch, channel)
    with gevent.Timeout(10):
        assert command.read() == b""
    assert len(seen) == 3
    assert len(set(seen)) == 3  # others have their turn between two looks
    command.close()
    channel = Script(*[unread] * 1000)
    command = at_its_end(monkeypatch, channel)
    with gevent.Timeout(10):
        assert command.read() == b""
    command.close()
    assert len(channel.looks) == 1000 - command_module.MOST_SILENCES
    somebody.kill()


def test_a_command_whose_output_has_ended_is_not_looked_after_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that it left behind may go on printing for ever."""
    monkeypatch.setattr(command_module, "SILENCE", 0.0)
    channel = Script(*[lambda: True] * 100)
    channel.transport.sshd.endless = False
    channel.transport.sshd.held = True
    command = channel.begin(Ends.SOON)
    with gevent.Timeout(10):
        assert command.read() == b""  # the exit status is in the output: sshd's own is not waited for
    assert command.status() == 0
    assert len(channel.looks) == 99
    command.close()


def test_a_command_that_runs_is_not_taken_to_have_ended() -> None:
    channel = Script()
    channel.transport.sshd.output = [b"yes"]
    command = channel.begin()
    assert command.read() == b"yes"
    channel.looks = [pytest.fail]
    gevent.idle()
    assert not channel.gone.is_set()
    command.close()


def test_a_shell_that_says_nothing_but_errors_is_heard_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says there would fill the window of both streams."""
    monkeypatch.setattr(command_module, "NOISE_LIMIT", 1000)
    channel = Script()
    command = channel.begin()
    assert channel.patience == command_module.HEAR_ERRORS
    channel._output, channel.stderr = [], [b"x" * 1000]
    patience: list[float | None] = []

    def breathe() -> None:
        patience.append(channel.patience)
        if len(patience) == 3:
            channel.stderr = [b"x"]  # one byte more than may be

    monkeypatch.setattr(command_module, "breathe", breathe)
    with pytest.raises(SshTimeout):
        command.read()
    assert patience == [command_module.HEAR_ERRORS, command_module.HEAR_MORE, command_module.HEAR_ERRORS]
    command.close()


def test_a_command_begins_once_and_may_then_be_silent_for_as_long_as_it_likes() -> None:
    channel = Script()
    channel.transport.sshd.output = [b"yes", b"two"]
    command = channel.begin()
    assert (channel.began, channel.patience) == (0, command_module.HEAR_ERRORS)
    assert command.read() + command.read() == b"yestwo"
    assert (channel.began, channel.patience) == (1, None)
    command.close()


@pytest.mark.parametrize(("ends", "ended"), [(Ends.SOON, True), (Ends.CLOSED, True), (Ends.SILENT, False)])
def test_the_input_of_a_command_that_may_be_silent_stays_open(ends: Ends, ended: bool) -> None:
    """The end of its input is how the node is told that its channel was closed."""
    channel = Script()
    channel.transport.sshd.output = [b"yes"]
    command = channel.begin(ends)
    assert command.read() == b"yes"
    assert channel.input_ended is ended
    command.close()


@pytest.mark.parametrize(("status", "told"), [(0, 0), (1, 1), (127, 127), (128, -1), (137, -1)])
def test_a_status_beyond_127_is_a_signal_s(monkeypatch: pytest.MonkeyPatch, status: int, told: int) -> None:
    channel = Script()
    channel.transport.sshd.endless = False
    channel.exit_status = status
    command = channel.begin(Ends.SOON)
    assert command.result() == Result(told, b"", b"")
    command.close()


def test_a_command_that_is_cut_off_has_no_status() -> None:
    channel = Script()
    channel.transport.sshd.output = [b"cut"]
    command = channel.begin(Ends.SOON)
    assert command.read() == b"cut"
    channel.gone.set()
    assert command.result() == Result(-1, b"", b"")
    command.close()


def test_the_status_of_a_log_is_waited_for() -> None:
    channel = Script()
    channel.exit_status = -1
    command = channel.begin()
    channel.eof_received = True

    def tell() -> None:
        channel.exit_status = 4
        channel.status_event.set()

    gevent.spawn(tell)
    assert command.status(10) == 4
    command.close()


def test_a_shell_that_ends_is_asked_for_its_status_and_its_last_words() -> None:
    channel = Script()
    channel.exit_status = -1
    command = channel.begin(Ends.SOON)
    channel._output, channel.stderr = [], []
    channel.gone.set()

    def tell() -> None:
        channel.exit_status = 1
        channel.stderr = [b"This account has expired."]
        channel.status_event.set()

    channel.patience = None
    gevent.spawn(tell)
    with pytest.raises(NotRun) as caught:
        command.result()
    assert caught.value.end == End(1, b"", b"This account has expired.")
    assert str(caught.value) == NotRun.message
    command.close()


def test_a_shell_that_a_signal_ends_is_no_refusal() -> None:
    channel = Script()
    channel.exit_status = -1
    command = channel.begin(Ends.SOON)
    channel._output, channel.patience = [], None
    channel.gone.set()
    channel.status_event.set()
    with pytest.raises(SshUnreachable) as caught:
        command.result()
    assert not isinstance(caught.value, NotRun)
    command.close()


class Buffer(bytearray):
    """What has come on a stream."""

    def empty(self) -> None:
        self.clear()

    def close(self) -> None: ...


def test_all_that_was_not_read_is_weighed_and_let_go_at_the_end() -> None:
    channel = Script()
    channel.transport.sshd.output = [b"yes"]
    command = channel.begin()
    assert command.read() == b"yes"
    channel.in_buffer, channel.in_stderr_buffer = Buffer(b"12345"), Buffer(b"123")  # type: ignore[assignment]
    assert command.unread == command.weight == 8
    channel.stderr = [b"the end"]
    command.close()
    assert command.unread == 0
    assert command._stderr == b"the end"


def string(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def test_a_shell_that_does_not_run_the_command_is_killed_and_a_command_that_ran_is_not() -> None:
    channel = Script()
    channel.remote_chanid = 77
    command = channel.begin()
    command.close()  # RFC 4254, 6.9, without a reply
    assert channel.transport.signals == [b"\x62" + struct.pack(">I", 77) + string(b"signal") + b"\0" + string(b"KILL")]
    channel = Script()
    channel.transport.sshd.output = [b"yes"]
    command = channel.begin()
    assert command.read() == b"yes"
    command.close()
    assert not channel.transport.signals
    channel = Script()
    Command(channel, CommandLine(["true"])).close()  # type: ignore[arg-type]
    assert not channel.transport.signals
