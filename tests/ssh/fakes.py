"""An sshd and its connections without a network: channels are granted or refused, and commands run as they are told.

Only what `ssh.connection` and `ssh.command` ask of paramiko is here. Everything that crosses a network there lets
others run here.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

import gevent
import paramiko
from gevent.event import Event
from gevent.lock import RLock

from ethpillar.ssh.command import Command
from ethpillar.ssh.connection import Connection
from ethpillar.ssh.shell import Ends

from ..waiting import until


def told(line: str) -> tuple[str, tuple[bytes, bytes], bool]:
    """Return the words of a command line, the marks that it prints on each stream, and whether it goes on until it is
    closed."""
    words = shlex.split(line)
    assert words[:3] == ["exec", "/bin/sh", "-c"]
    marks = re.match(r"printf %s\+%s (\w+) (\w+) >&2; printf %s\+%s (\w+) (\w+);", words[3])
    assert marks is not None
    errors, output = f"{marks[1]}+{marks[2]}".encode(), f"{marks[3]}+{marks[4]}".encode()
    return shlex.join(words[6 if "i=$1" in words[3] else 5 :]), (output, errors), words[3].endswith('exec "$@"')


class Pipe:
    """What comes on a channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __len__(self) -> int:
        return sum(map(len, self._channel._output))

    def close(self) -> None:
        self._channel.gone.set()

    def empty(self) -> None:
        self._channel._output.clear()


class Errors(bytes):
    """What comes on a channel's standard error, which is in `Channel.stderr`."""

    def empty(self) -> None: ...


class Channel:
    """A channel of a connection; its command prints what `Sshd.output` says and then waits, or ends."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.remote_chanid = 1
        self.lock = RLock()
        self.sent = b""
        self.words = ""
        self.closed = self.eof_received = False
        self.exit_status = 0
        self.status_event = Event()
        self.gone = Event()
        self.in_buffer = Pipe(self)
        self.in_stderr_buffer = Errors()
        self.input_ended = False
        self._output: list[bytes] = []
        self.stderr: list[bytes] = []

    def exec_command(self, line: str) -> None:
        self.transport.step()
        self.words, (mark, other), endless = told(line)
        sshd = self.transport.sshd
        self._output = [*sshd.noise, mark, *sshd.output]
        self.stderr = [*sshd.noise, other, *sshd.stderr]
        if not (endless or sshd.endless):
            self._output += [mark + b".%d." % self.exit_status, *sshd.noise]
            self.stderr += [other, *sshd.noise]
        if sshd.silent:
            self._output, self.stderr = [], []
        if self.words in sshd.hanging:
            self.gone.wait()
            raise paramiko.SSHException("Channel closed.")

    def sendall(self, data: bytes) -> None:
        self.transport.step()
        self.sent += data

    def shutdown_write(self) -> None:
        self.transport.step()
        self.input_ended = True

    def settimeout(self, timeout: float | None) -> None: ...

    def recv(self, _: int) -> bytes:
        self.transport.step()
        if self._output:
            return self._output.pop(0)
        sshd = self.transport.sshd
        if sshd.endless or sshd.held or sshd.silent:
            self.gone.wait()
            return b""
        self.eof_received = True
        self.status_event.set()
        return b""

    def recv_ready(self) -> bool:
        return bool(self._output)

    def recv_stderr_ready(self) -> bool:
        return bool(self.stderr)

    def recv_stderr(self, _: int) -> bytes:
        return self.stderr.pop(0)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.gone.set()
            self.transport.step()
            self.transport.channels.remove(self)


class Transport:
    """A connection to an `Sshd`."""

    def __init__(self, sshd: Sshd) -> None:
        self.sshd = sshd
        self.ended = Event()
        self.channels: list[Channel] = []
        self.most = 0
        self.signals: list[bytes] = []

    def is_active(self) -> bool:
        return not self.ended.is_set()

    def watch(self, *_: float) -> None:
        self.ended.wait()

    def step(self) -> None:
        """What takes a round trip."""
        gevent.sleep(self.sshd.delay)
        if self.ended.is_set():
            raise EOFError

    def open_session(self, timeout: float) -> Channel:
        self.step()
        if self.sshd.problem is not None:
            raise self.sshd.problem
        if len(self.channels) >= self.sshd.sessions:
            raise paramiko.ChannelException(2, "Connect failed")
        self.channels.append(Channel(self))
        self.most = max(self.most, len(self.channels))
        return self.channels[-1]

    def _send_user_message(self, message: paramiko.Message) -> None:
        self.step()
        self.signals.append(message.asbytes())

    def close(self) -> None:
        self.ended.set()
        gevent.sleep(0)
        for channel in self.channels:
            channel.gone.set()
        self.channels.clear()


class Sshd:
    """A node: each connection to it has room for so many channels, as sshd's `MaxSessions` says."""

    def __init__(self, sessions: int = 10, delay: float = 0.0) -> None:
        self.sessions = sessions
        self.delay = delay
        self.login_delay = delay
        self.output: list[bytes] = []
        "What each command prints."
        self.stderr: list[bytes] = []
        self.noise: list[bytes] = []
        "What the login shell prints before and after each command, on both streams."
        self.endless = False
        "Whether commands go on until they are closed."
        self.silent = False
        "Whether the login shell never comes to run the command."
        self.held = False
        "Whether a process holds the channels of commands open after their end."
        self.hanging: set[str] = set()
        "Commands that sshd never starts."
        self.problem: Exception | None = None
        "What opening a channel raises."
        self.refusal: Exception | None = None
        "What a login raises."
        self.logins = 0
        self.transports: list[Transport] = []
        self.connections: list[Connection] = []

    def login(self) -> Connection:
        self.logins += 1
        gevent.sleep(self.login_delay)
        if self.refusal is not None:
            raise self.refusal
        self.transports.append(Transport(self))
        self.connections.append(connection(self.transports[-1]))
        return self.connections[-1]

    @property
    def most(self) -> int:
        """The most channels that were open on one connection."""
        return max(each.most for each in self.transports)

    @property
    def channels(self) -> list[Channel]:
        """The channels that are open."""
        return [channel for each in self.transports for channel in each.channels]


def connection(transport: Any, most: int = 10) -> Connection:
    """A real `Connection` over this."""
    return Connection(transport, most)


def start(
    connection: Connection,
    words: list[str] | None = None,
    stdin: bytes = b"",
    timeout: float = 5,
    endless: bool = False,
) -> Command:
    """Start a command on a channel that has been counted."""
    connection.channels.take()
    return connection.start(words or ["systemctl"], stdin, timeout, Ends.CLOSED if endless else Ends.SOON)


def only(sshd: Sshd) -> Channel:
    """Return the only channel that is open."""
    (channel,) = sshd.channels
    return channel


def settled(connection: Connection) -> None:
    """Wait until no channel of a connection is in use."""
    until(lambda: not connection.channels.in_use, "the end of all channels")
