"""The right to read the system journal on a node.

Belongs here: the three ways there are, the probe that tells them apart, and how a command is put in front of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import SshTimeout
from .command import Result
from .diagnosis import ILLNESS

PROBE = ("journalctl", "--system", "-q", "-n", "1", "--no-pager", "-o", "export", "--output-fields=_PID")
"""Prints one entry with rights, and nothing or an error without. In the export format, because a login shell may print
a greeting into any command's output. Asking for a unit's log would not tell: a user with
a journal of their own gets no error and no lines, and a followed journal without rights hangs for ever."""


@dataclass(frozen=True, slots=True)
class JournalAccess:
    """How journalctl has to be called on a node."""

    prefix: tuple[str, ...] = ()
    stdin: bytes = field(default=b"", repr=False)

    def wrap(self, words: Sequence[str]) -> tuple[tuple[str, ...], bytes]:
        """Return the words to run, and what goes to their standard input."""
        return (*self.prefix, *words), self.stdin


PLAIN = JournalAccess()
SUDO = JournalAccess(("sudo", "-n", "--"))


def sudo_with_password(password: str) -> JournalAccess:
    """Return the way through a sudo that reads the session's password from standard input, without a terminal."""
    return JournalAccess(("sudo", "-S", "-p", "", "--"), password.encode("utf-8", "replace") + b"\n")


class JournalBroken(Exception):
    """journalctl shows nothing on this node, and not for want of rights."""

    message = "journalctl fails"
    hint = "journalctl fails on the node. Check its disk, which may be full, and its files: sudo journalctl --verify"


class NoJournalctl(JournalBroken):
    """The node has no journalctl, or none on the PATH of the login shell."""

    message = "there is no journalctl"
    hint = (
        "The node has no journalctl: its logs are not kept by systemd, as in a container. Or the PATH that the login "
        "shell gives to commands lacks it; to see it: ssh USER@NODE 'echo $PATH; command -v journalctl'"
    )


class JournalOff(JournalBroken):
    """The node keeps no journal."""

    message = "this node keeps none"
    hint = (
        "The node keeps no journal: journald.conf has Storage=none, or journald does not run. Set Storage=persistent "
        "in /etc/systemd/journald.conf, then: sudo systemctl restart systemd-journald"
    )


_DAMAGE = re.compile(rb"Bad message|Input/output error|Cannot assign requested address|Invalid field|Failed to get")
"What journalctl says when the newest entry is damaged."
WHY = ("journalctl", "--system", "-n", "1", "--no-pager")
"Says why it prints nothing, which it does not in the export format."
NO_FILES = b"No journal files were found"
NOT_FOUND = 127
"A shell's exit status for a program that is not on its PATH."
OLDEST = (*PROBE, "--cursor=t=1")
"The same for the oldest entry, which can be read when the newest is damaged."


def find(run: Callable[[Sequence[str], bytes], Result], password: str | None) -> JournalAccess | None:
    """Return the first way that works: plain, `sudo -n`, `sudo -S`; None if this user may not read the journal.

    :param run: runs a short command on the node; its errors are passed on, but a sudo that times out counts as refused
    :raises JournalBroken: no right would help
    """
    ways = [PLAIN, SUDO]
    if password is not None and "\n" not in password:
        ways.append(sudo_with_password(password))
    for way in ways:
        try:
            result = run(*way.wrap(PROBE))
        except SshTimeout:
            if way is PLAIN:
                raise
            continue
        if result.status == 0 and b"__CURSOR=" in result.stdout:
            return way
        if result.status != 0 and _DAMAGE.search(result.stderr):
            oldest = run(*way.wrap(OLDEST))
            if oldest.status == 0 and b"__CURSOR=" in oldest.stdout:
                return way
        if result.status != 0 and ILLNESS.search(result.stderr):
            raise JournalBroken
    why = run(WHY, b"")
    if why.status == NOT_FOUND:
        raise NoJournalctl
    if NO_FILES in why.stderr:
        raise JournalOff
    return None
