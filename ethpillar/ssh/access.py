"""The right to read the system journal on a node.

Belongs here: the three ways there are, the probe that tells them apart, and how a command is put in front of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .connection import Result

PROBE = ("journalctl", "--system", "-q", "-n", "1", "--no-pager")
"""Prints one entry with rights, and nothing or an error without. Asking for a unit's log would not tell: a user with
a journal of their own gets no error and no lines, and a followed journal without rights hangs for ever."""


@dataclass(frozen=True, slots=True)
class JournalAccess:
    """How journalctl has to be called on a node."""

    prefix: tuple[str, ...] = ()
    stdin: bytes = field(default=b"", repr=False)

    def wrap(self, words: Sequence[str]) -> tuple[tuple[str, ...], bytes]:
        """The words to run, and what goes to their standard input."""
        return (*self.prefix, *words), self.stdin


PLAIN = JournalAccess()
SUDO = JournalAccess(("sudo", "-n", "--"))


def sudo_with_password(password: str) -> JournalAccess:
    """sudo that reads the session's password from standard input, without a prompt and without a terminal."""
    return JournalAccess(("sudo", "-S", "-p", "", "--"), password.encode("utf-8", "replace") + b"\n")


def find(run: Callable[[Sequence[str], bytes], Result], password: str | None) -> JournalAccess | None:
    """The first way that works: plain, `sudo -n`, `sudo -S`. None: this user has no right to read the journal.

    :param run: runs a short command on the node; what it raises goes through
    """
    ways = [PLAIN, SUDO]
    if password is not None and "\n" not in password:
        ways.append(sudo_with_password(password))
    for way in ways:
        result = run(*way.wrap(PROBE))
        if result.status == 0 and result.stdout.strip():
            return way
    return None
