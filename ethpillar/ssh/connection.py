"""A logged-in connection and the commands that run on it.

Belongs here: channels, their number, and the deadline that paramiko's exec lacks. A command is given as a list of
words and quoted here, once, so that nothing reaches a shell unquoted.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import gevent
import paramiko
from gevent.event import Event

from ..errors import SshTimeout, SshUnreachable
from ..timing import within
from .transport import NodeTransport

READ_SIZE = 64 * 1024
"Bytes asked for at once; sshd sends at most 32 KiB in one packet."
STDERR_KEPT = 4096
"Bytes of standard error kept of a command, the last ones."
OUTPUT_LIMIT = 4 * 1024 * 1024
"Bytes of output a short command may have."
LATE = 60.0
"Seconds for which a channel that nobody waits for any more is closed should it open."
RELEARN = 60.0
"Seconds for which what was learned from a refusal counts."
CLOSING, REFUSING = 3.0, 1.0
"""sshd keeps a channel's place until its process has ended. So a refusal says nothing of how many it allows when one
was closed so recently, unless it has refused all for so long."""
_REFUSED = "Unable to open channel."
"What paramiko says of all but the last of several refusals that come at once."


class ChannelRefused(Exception):
    """sshd refused a further channel on this connection (`MaxSessions`); another connection may have room."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished command said."""

    status: int
    "The exit status; -1 when a signal or the node's end took it."
    stdout: bytes
    stderr: bytes


class Command:
    """A running remote command. Close it; closing it ends the remote process within moments."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._stderr = b""
        self.answered = False
        "Whether it has printed anything."

    def read(self) -> bytes:
        """Waits for output; b"" when it has ended or the connection has. Not reading makes the remote side wait."""
        try:
            data = self._channel.recv(READ_SIZE)
        except (EOFError, OSError, paramiko.SSHException):
            return b""  # what was read is acknowledged, and the connection died of that
        except RuntimeError as problem:
            raise _interruption(problem) from None
        if self._channel.recv_stderr_ready() or not data:
            self._drain_stderr()
        self.answered = self.answered or bool(data)
        return bytes(data)

    def _drain_stderr(self) -> None:
        # Standard error shares the window: left alone it would stop the output at last.
        while self._channel.recv_stderr_ready():
            self._stderr = (self._stderr + self._channel.recv_stderr(READ_SIZE))[-STDERR_KEPT:]

    @property
    def stderr(self) -> bytes:
        """The last of standard error so far."""
        self._drain_stderr()
        return self._stderr

    def status(self, timeout: float = 5.0) -> int:
        """The exit status once it has ended and all of its output is here; -1 when there is none."""
        self._channel.status_event.wait(timeout)
        # sshd may send the status before the last of the output, which a connection that breaks then takes along. A
        # channel that the other side has closed is complete, too.
        ended = self._channel.closed and self._channel.transport.is_active()
        return int(self._channel.exit_status) if self._channel.eof_received or ended else -1

    def send(self, data: bytes) -> None:
        """Writes to standard input and ends it."""
        try:
            if data:
                self._channel.sendall(data)
            self._channel.shutdown_write()
        except RuntimeError as problem:
            raise _interruption(problem) from None

    def close(self) -> None:
        """Ends the command. Safe to call twice, and on a connection that is gone."""
        try:
            with within(2):
                self._channel.close()
        except (EOFError, OSError, paramiko.SSHException):
            pass  # the connection is gone, and with it the command


def _interruption(problem: RuntimeError) -> BaseException:
    """The kill or timeout in whose place paramiko raised this: it then releases a lock that it is still waiting for."""
    cause = problem.__context__
    return problem if cause is None or isinstance(cause, Exception) else cause


def _open_session(transport: NodeTransport) -> paramiko.Channel | Exception:
    try:
        return transport.open_session(timeout=LATE)
    except (EOFError, OSError, paramiko.SSHException) as problem:
        # Handed to the waiter: left to gevent it would be printed as a stack trace.
        return problem


def _close_late(opening: gevent.Greenlet[..., paramiko.Channel | Exception]) -> None:
    if isinstance(opening.value, paramiko.Channel):
        gevent.spawn(Command(opening.value).close)


class Connection:
    """One SSH connection to a node; `slots` channels at most are open on it at once."""

    def __init__(self, transport: NodeTransport, max_channels: int, keepalive: float, dead_after: float) -> None:
        self._transport = transport
        self._max_channels = max_channels
        self._learned = (max_channels, 0.0)
        self._closed_at = float("-inf")
        self._refused_since = float("inf")
        self.open_channels = 0
        "Those that are asked for as well."
        self._granted = 0
        self.proved = False
        "Whether a command has answered on it: a node may let us in, and close the connection at once."
        self._watch = gevent.spawn(transport.watch, keepalive, dead_after)

    @property
    def capacity(self) -> int:
        """Channels sshd allows, as far as is known."""
        learned, until = self._learned
        return learned if time.monotonic() < until else self._max_channels

    def refused(self) -> bool:
        """sshd has refused a channel. Whether that says that there is room for no more than there are."""
        now = time.monotonic()
        self._refused_since = min(self._refused_since, now)
        learned = now - self._closed_at > CLOSING or now - self._refused_since > REFUSING
        if learned:
            self._learned = (max(1, min(self.capacity, self._granted)), now + RELEARN)
        return learned

    def learn_from(self, other: Connection) -> None:
        """What was learned on another connection to the same sshd."""
        if other.capacity < self.capacity:
            self._learned = other._learned

    @property
    def ended(self) -> Event:
        """Set when the connection is gone."""
        return self._transport.ended

    @property
    def alive(self) -> bool:
        """Whether it can still be used, as far as is known."""
        return bool(self._transport.is_active()) and not self._transport.ended.is_set()

    @contextmanager
    def command(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0) -> Iterator[Command]:
        """Starts a command and closes it at the end of the block.

        :param words: the program and its arguments, unquoted
        :param stdin: all of its standard input
        :param timeout: seconds until sshd must have started it
        :raises ChannelRefused: no room on this connection
        :raises SshUnreachable: the connection is gone (`SshTimeout`: it does not answer)
        """
        self.open_channels += 1
        command = None
        try:
            try:
                with gevent.Timeout(timeout, SshTimeout()):
                    command = Command(self._open())
                    self._granted += 1
                    self._refused_since = float("inf")
                    command._channel.exec_command(shlex.join(words))
                    command.send(stdin)
            except paramiko.ChannelException:
                raise ChannelRefused from None
            except (EOFError, OSError, paramiko.SSHException) as problem:
                if self.alive and str(problem) == _REFUSED:
                    raise ChannelRefused from None
                raise SshUnreachable from None
            yield command
        finally:
            if command is not None:
                self.proved = self.proved or command.answered
                command.close()
                self._granted -= 1
                self._closed_at = time.monotonic()
            self.open_channels -= 1

    def _open(self) -> paramiko.Channel:
        # In a greenlet of its own, which nobody kills: sshd's answer may come after the caller was stopped, and a
        # channel that opens then has to be closed, or it would count against MaxSessions for ever.
        opening = gevent.spawn(_open_session, self._transport)
        try:
            answer = opening.get()
        except BaseException:
            opening.link(_close_late)
            raise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 15.0) -> Result:
        """Runs a short command to its end.

        :param timeout: seconds for all of it
        :raises ChannelRefused, SshUnreachable, SshTimeout: as `command`; too much output counts as no answer
        """
        with gevent.Timeout(timeout, SshTimeout()), self.command(words, stdin, timeout) as command:
            output = bytearray()
            while data := command.read():
                output += data
                if len(output) > OUTPUT_LIMIT:
                    raise SshTimeout
            return Result(command.status(), bytes(output), command.stderr)

    def close(self) -> None:
        """Closes the connection and everything on it."""
        self._transport.close()
        if self._watch is not gevent.getcurrent():
            self._watch.kill()
