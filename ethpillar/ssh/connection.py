"""A logged-in connection: opens channels and starts commands on them.

Belongs here: the deadline that paramiko's exec lacks, and what sshd's answer means for the count of channels. A command
is given as a list of words, so that nothing reaches a shell unquoted. How many channels there may be is decided in
`ssh.channels`; a command that runs is `ssh.command`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import gevent
import paramiko
from gevent.event import Event

from ..errors import EthPillarError, NodeIll, NoSessions, SshTimeout, SshUnreachable
from ..turns import breathe
from .channels import ChannelCount
from .command import Command
from .shell import CommandLine, Ends
from .transport import NodeTransport

LATE = 60.0
"Seconds that sshd has to open a channel, whether or not anybody still waits for it."
_REFUSED = "Unable to open channel."
"What paramiko says of all but the last of several refusals that come at once."


class ChannelRefused(Exception):
    """sshd refused a further channel on this connection (`MaxSessions`); another connection may have room.

    :param pause: seconds to wait before the next try
    """

    def __init__(self, pause: float) -> None:
        super().__init__(pause)
        self.pause = pause


def _abandon(opening: gevent.Greenlet[..., Command | ChannelRefused | EthPillarError]) -> None:
    if isinstance(opening.value, Command):
        opening.value.begin_to_close()


class Connection:
    """One SSH connection to a node."""

    def __init__(self, transport: NodeTransport, max_channels: int) -> None:
        """:param max_channels: how many channels to assume that sshd allows"""
        self._transport = transport
        self.channels = ChannelCount(max_channels)
        self.channel_ended: Callable[[], None] = lambda: None
        "Is called when there may be room for another channel."
        self.answered = Event()
        "Set once a command has begun on it: a node may let us in, and run nothing."
        self._doubted = False

    @property
    def ended(self) -> Event:
        """Set when the connection is gone."""
        return self._transport.ended

    @property
    def heard(self) -> float:
        """When the node last sent anything: `time.monotonic()`."""
        return self._transport.heard

    @property
    def alive(self) -> bool:
        """True if it can still be used, as far as is known."""
        return bool(self._transport.is_active()) and not self._transport.ended.is_set()

    def start(
        self, words: Sequence[str], stdin: bytes = b"", timeout: float | None = 15.0, ends: Ends = Ends.SOON
    ) -> Command:
        """Return a running command, whose channel has been counted (`ChannelCount.take`). Close it.

        :param words: the program and its arguments, unquoted
        :param stdin: all of its standard input
        :param timeout: seconds until sshd must have started it; None where the caller has a deadline
        :param ends: what ends it; `Ends.SILENT` only without standard input
        :raises ChannelRefused: no room on this connection
        :raises NoSessions: there never was any
        :raises SshUnreachable: the connection is gone (`SshTimeout`: it does not answer), or sshd can't
            start anything (`NodeIll`)
        """
        # In a greenlet that nobody kills: sshd's answer may come after the caller was stopped, and a channel that opens
        # then has to be closed, or it would count against MaxSessions for ever.
        opening = gevent.spawn(self._open, CommandLine(words, ends))
        try:
            with gevent.Timeout(timeout, SshTimeout()):
                answer = opening.get()
                if isinstance(answer, Exception):
                    raise answer
                answer.start(stdin)
                return answer
        except (EOFError, OSError, paramiko.SSHException):
            opening.link(_abandon)
            raise (NodeIll if self.alive else SshUnreachable)() from None
        except BaseException:
            opening.link(_abandon)
            raise

    def _open(self, line: CommandLine) -> Command | ChannelRefused | EthPillarError:
        # Returns its error: left to gevent it would be printed as a stack trace.
        command: Command | None = None
        refused = False
        breathe()
        try:
            command = Command(self._transport.open_session(timeout=LATE), line, self.answered.set, self._ended)
        except paramiko.ChannelException:
            refused = True
            if self.channels.unused:
                return NoSessions()
        except (EOFError, OSError, paramiko.SSHException) as problem:
            refused = self.alive and str(problem) == _REFUSED
        finally:
            pause = self._count(command is not None, refused)
        if command is not None:
            return command
        return ChannelRefused(pause) if refused else SshUnreachable()

    def _count(self, granted: bool, refused: bool) -> float:
        """Count what sshd's answer was; return the seconds to wait before the next try."""
        if granted:
            self.channels.granted()
            return 0.0
        pause = 0.0
        if refused:
            pause = self.channels.refused(time.monotonic())
        else:
            self.channels.failed()
        self.channel_ended()
        return pause

    def _ended(self, command: Command) -> None:
        self.channels.closed(time.monotonic())
        self._doubted = self._doubted or (self.answered.is_set() and command.end is not None)
        if self._doubted and not self.channels.in_use:
            gevent.spawn(self.close)  # the next login finds out why nothing is run any more
        self.channel_ended()

    def close(self) -> None:
        """Close the connection and everything on it."""
        self._transport.close()
