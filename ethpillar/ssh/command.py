"""A command that runs on a channel: what it prints, its input, its exit status, and its end.

Belongs here: what is done with a channel from its opening until the remote process has ended. What a login shell adds
to the output is dropped here, for every command, by `ssh.shell`. It must not know how channels are opened and counted.

A hundred commands may begin, have output or end at once. Each takes its turn before it does something about that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import gevent
import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from ..errors import SshTimeout, SshUnreachable
from ..timing import stop
from ..turns import breathe
from .diagnosis import End
from .shell import NOISE_LIMIT, CommandLine, Ends
from .window import MOST

READ_SIZE = 256 * 1024
"Bytes asked for at once; sshd sends at most 32 KiB in one packet."
STDERR_KEPT = 4096
"Bytes of standard error kept of a command, the last ones."
OUTPUT_LIMIT = 256 * 1024
"Bytes of output a short command may have, unless its caller says otherwise."
STATUS_WITHIN = 5.0
"Seconds in which the exit status must follow the end of the output."
CLOSED_WITHIN = 2.0
"Seconds that the end of a command is waited for. Its channel is closed in any case."
SILENCE = 0.25
"""Seconds without output, after a command has ended, in which the end of its output must come. A process that a
start-up file of the shell has left behind keeps it open for ever."""
HEAR_ERRORS = 0.5
"""Seconds between two looks at standard error until the command has begun: a shell that says megabytes there, and
nothing else, would fill the window that both streams share."""
HEAR_MORE = 0.01
"The same while it says something there."
MOST_SILENCES = 40
"How often that is waited for while something goes on printing."


class NotRun(SshUnreachable):
    """The login shell, or what ran in its place, ended before the command; `ssh.diagnosis` says why.

    :param end: what it left behind
    """

    message = "The node has stopped running commands for this SSH user."
    hint = "The connection is made anew when nothing runs on it any more; the reason is told then."

    def __init__(self, end: End) -> None:
        super().__init__()
        self.end = end


@dataclass(frozen=True, slots=True)
class Result:
    """The output and exit status of a finished command."""

    status: int
    "The exit status; -1 when a signal or the node's end took it."
    stdout: bytes
    stderr: bytes


class Command:
    """A running remote command on a channel of its own.

    `start` it, then `read` until b"", or take all of it by `result`; then `status` is its exit status, -1 if the
    connection was lost. Close it: closing ends the remote process within moments.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        line: CommandLine,
        began: Callable[[], None] = lambda: None,
        closed: Callable[[Command], None] = lambda _: None,
    ) -> None:
        """
        :param began: is called when the command is about to run
        :param closed: is called once the channel is closed, in a greenlet that nobody kills
        """
        self._channel = channel
        self._line = line
        self._began = began
        self._closed = closed
        self._closing: gevent.Greenlet[[], None] | None = None
        self._output, self._errors = line.output(), line.errors()
        self._stderr = self._stdin = b""
        self._reads = self._gathered = 0
        self._told = False
        "Whether it was told that it has begun."
        self._end: gevent.Greenlet[[], None] | None = None

    @property
    def answered(self) -> bool:
        """True once the node has run it."""
        return self._output.began

    @property
    def started(self) -> bool:
        """True once sshd has started the login shell for it."""
        return self._end is not None

    @property
    def end(self) -> End | None:
        """What a login shell left behind that ended without running it; None if it ran it, or may still."""
        if self.answered or not self._channel.status_event.is_set() or self._channel.exit_status < 0:
            return None
        self._drain_stderr()
        return End(self._channel.exit_status, self._output.noise, self._errors.noise)

    def start(self, stdin: bytes) -> None:
        """Have sshd run the command. Raises what paramiko raises.

        :param stdin: all of its standard input. The command gets it when it has begun, for it may be a password, and a
            start-up file of the shell might read it
        """
        breathe()
        self._channel.exec_command(self._line.text)
        self._channel.settimeout(HEAR_ERRORS)
        self._end = gevent.spawn(self._await_end)
        self._stdin = stdin
        if not stdin and self._line.ends is not Ends.SILENT:
            self.send(b"")

    def _await_end(self) -> None:
        """End the output when the command has ended, and something else holds its channel open."""
        self._channel.status_event.wait()
        for _ in range(MOST_SILENCES):
            reads = self._reads
            gevent.sleep(SILENCE)
            ready = self._channel.recv_ready() or self._channel.recv_stderr_ready()
            if self._output.ended or (reads == self._reads and not ready):
                break
        self._channel.in_buffer.close()

    def read(self) -> bytes:
        """Wait for output and return it; b"" when it or the connection has ended.

        Not reading makes the remote side wait.

        :raises SshTimeout: the shell prints without end, and does not run the command
        """
        while True:
            data = self._receive()
            if self._channel.recv_stderr_ready() or not data:
                drained = self._drain_stderr()
                if data is None:
                    self._channel.settimeout(HEAR_MORE if drained else HEAR_ERRORS)
            if data == b"":
                return b""
            found = self._output.feed(data) if data is not None else b""
            if self.answered and not self._told:
                self._told = True
                self._channel.settimeout(None)
                self._began()
                self._give_stdin()
            if self._output.ended:
                self._channel.status_event.set()  # its status stands there; whatever runs on is no part of it
            if max(self._output.noise_size, self._errors.noise_size) > NOISE_LIMIT:
                raise SshTimeout
            if found:
                return found

    def _give_stdin(self) -> None:
        if not self._stdin:
            return
        stdin, self._stdin = self._stdin, b""
        with suppress(EOFError, OSError, paramiko.SSHException):  # the next read tells that the connection is gone
            self.send(stdin)

    def _receive(self) -> bytes | None:
        """Return what has come on standard output; b"" at its end; None if nothing has for `HEAR_ERRORS`."""
        breathe()
        try:
            data = self._channel.recv(READ_SIZE)
        except TimeoutError:
            return None
        except (EOFError, OSError, paramiko.SSHException):
            return b""  # what was read is acknowledged, and the connection died of that
        except RuntimeError as problem:
            raise _interruption(problem) from None
        self._reads += 1
        breathe()
        return bytes(data)

    def _drain_stderr(self) -> bool:
        """Read what has come on standard error. Return True if anything has."""
        # Standard error shares the window: left alone it would stop the output at last.
        # Once round the window at most: the node may send more for as long as somebody reads.
        reads = self._reads
        for _ in range(MOST // READ_SIZE):
            if not self._channel.recv_stderr_ready():
                break
            self._reads += 1
            self._stderr = (self._stderr + self._errors.feed(self._channel.recv_stderr(READ_SIZE)))[-STDERR_KEPT:]
        return self._reads > reads

    @property
    def unread(self) -> int:
        """Bytes that have come, and that nobody has read yet."""
        return len(self._channel.in_buffer) + len(self._channel.in_stderr_buffer)

    @property
    def weight(self) -> int:
        """Bytes of its output that are held: what nobody has read yet, and what `result` has read so far."""
        return self.unread + self._gathered

    @property
    def stderr(self) -> bytes:
        """Return the last `STDERR_KEPT` bytes of standard error so far."""
        self._drain_stderr()
        return self._stderr

    def status(self, timeout: float = STATUS_WITHIN) -> int:
        """Return the exit status once it has ended and all of its output is here; -1 when there is none."""
        if self._line.ends is not Ends.CLOSED:
            status = self._output.status
            return -1 if status is None or status > 127 else status  # beyond 127: a signal ended it
        self._channel.status_event.wait(timeout)
        # sshd may send the status before the last of the output, which a connection that breaks then takes along. A
        # channel that the other side has closed is complete, too.
        ended = self._channel.closed and self._channel.transport.is_active()
        return int(self._channel.exit_status) if self._channel.eof_received or ended else -1

    def send(self, data: bytes) -> None:
        """Write to standard input and end it."""
        try:
            if data:
                self._channel.sendall(data)
            self._channel.shutdown_write()
        except RuntimeError as problem:
            raise _interruption(problem) from None

    def result(self, limit: int = OUTPUT_LIMIT) -> Result:
        """Read all there is and return it with the exit status.

        :param limit: bytes of output
        :raises SshTimeout: it printed more, which counts as no answer
        :raises NotRun: it was not run, as the login shell ended before
        :raises SshUnreachable: it was not run, as the connection ended or a signal ended the shell
        """
        output = bytearray()
        while data := self.read():
            output += data
            self._gathered = len(output)
            if len(output) > limit:
                raise SshTimeout
        if not self.answered:
            self._channel.status_event.wait(STATUS_WITHIN)
            if (end := self.end) is not None:
                raise NotRun(end)
            raise SshUnreachable
        return Result(self.status(), bytes(output), self.stderr)

    def begin_to_close(self) -> gevent.Greenlet[[], None]:
        """Close the channel in a greenlet that nobody kills; return that. Does nothing the second time."""
        if self._closing is None:
            self._closing = gevent.spawn(self._close)
        return self._closing

    def _close(self) -> None:
        breathe()
        try:
            if self.started and not self.answered:
                self._kill()
        finally:
            self._close_channel()

    def _close_channel(self) -> None:
        try:
            self._channel.close()
        except (EOFError, OSError, paramiko.SSHException):
            pass  # the connection is gone, and with it the command
        finally:
            if self._end is not None:
                stop(self._end)
            self._drain_stderr()
            for unread in (self._channel.in_buffer, self._channel.in_stderr_buffer):
                unread.empty()
            self._closed(self)

    def _kill(self) -> None:
        """End a login shell that has not come to run the command: nothing that it reads or writes would tell it."""
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self._channel.remote_chanid)
        message.add_string("signal")
        message.add_boolean(False)
        message.add_string("KILL")
        with suppress(EOFError, OSError, paramiko.SSHException), self._channel.lock:
            # sshd ends the connection of a client that speaks of a channel after its end. To end it, paramiko needs the
            # lock as well.
            if not self._channel.closed:
                self._channel.transport._send_user_message(message)

    def close(self) -> None:
        """End the command. Safe to call twice, and on a connection that is gone.

        Waits for `CLOSED_WITHIN` seconds at most. If the caller is stopped meanwhile, the closing goes on.
        """
        self.begin_to_close().join(CLOSED_WITHIN)


def _interruption(problem: RuntimeError) -> BaseException:
    """Return the kill or timeout that paramiko hid: when interrupted, it releases a lock that it never got."""
    cause = problem.__context__
    return problem if cause is None or isinstance(cause, Exception) else cause
