"""Why a login works and commands don't.

sshd lets many users in for whom it runs nothing: their password has expired, their shell is none, they may only
transfer files. What they get instead is an exit status and some words, which sshd, a shell or a script of the node's
owner has chosen, in the language of the node. What can be told from them is told here.

Belongs here: the evidence, the one experiment, and what follows from both. It is pure: it runs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import (
    AccountExpired,
    CommandForced,
    FilesOnly,
    LoginDenied,
    NodeIll,
    NoShell,
    OutputRedirected,
    PasswordExpired,
    SessionFailed,
    SessionRefused,
    ShellEnds,
    ShellRestricted,
    SshError,
)

ARGUMENT_LIMIT = 128 * 1024
"""Bytes of one argument, or of one variable of the environment, with the byte at its end: 32 pages, of 4 KiB on most
machines. Linux starts no program that is given more."""
FORCED_PREFIX = "SSH_ORIGINAL_COMMAND="
LONG = ARGUMENT_LIMIT - len(FORCED_PREFIX) // 2
"""Characters of a command line that a shell can be given as an argument, but no program as `SSH_ORIGINAL_COMMAND`. That
is where sshd puts it when it runs a command of its own instead."""

RAN = 86
"The exit status of that command: a shell that ends with it has run it."


@dataclass(frozen=True, slots=True)
class End:
    """What a login shell left behind that ended without running the command."""

    status: int
    "The exit status."
    output: bytes = b""
    "The first bytes of its standard output."
    errors: bytes = b""
    "The first bytes of its standard error."

    @property
    def text(self) -> bytes:
        """Return what it printed."""
        return self.output + b"\n" + self.errors

    @property
    def last_line(self) -> bytes:
        """Return the last thing that it said, if possible of an error."""
        return [b"", *self.output.splitlines(), *self.errors.splitlines()][-1]


def _words(*patterns: str) -> re.Pattern[bytes]:
    return re.compile("|".join(patterns).encode(), re.IGNORECASE)


# sshd's own words are English everywhere; those of a shell may not be, so nothing depends on them alone.
ILLNESS = _words(
    "No space left on device",
    "Input/output error",
    "Read-only file system",
    "Cannot allocate memory",
    "Too many open files",
    "Structure needs cleaning",
    "Bad message",
)
"What the C library says when it is the machine that is ill."
_NO_PROCESS = _words("Resource temporarily unavailable", r"\bfork: ")
_EXPIRED = _words("your password has expired", "password change required", "required to change your password")
_ACCOUNT = _words("account has expired", "account expired")
_FILES = _words("sftp connections only", "sftp only")
_NO_SHELL = _words("account is currently not available", "account is not available", "not available for login")
_TOO_LONG = _words("Argument list too long")
_RESTRICTED = _words(
    r"(?<!\+ )\bexec\b", r"\b(unknown|unrecognized|forbidden|invalid) command", r"restricted (by|shell)"
)
_START_UP = _words(
    r"\.(bashrc|bash_profile|bash_login|bash_aliases|profile|zshenv|zprofile|cshrc|tcshrc)\b", r"config\.fish"
)
_NOT_THERE = re.compile(rb"\s*/\S+: (?:No such file or directory|Permission denied|Exec format error)\s*")
"What sshd says of a shell that it can't start, such as one that a ChrootDirectory lacks."
_NO_SUCH_SHELL = (
    "The login shell that getent passwd USER names is not there, or a ChrootDirectory in sshd_config hides it. Put "
    "that right, or sign in as another user."
)
_CANNOT_RUN = (126, 127)
"A shell's exit statuses when it can't start a program or does not find it."


def diagnose(end: End, long: End | None) -> SshError:
    """Return why a node ran no command.

    :param end: what came instead of a command
    :param long: what came instead of one of `LONG` characters; None if that can't be had
    """
    if long is not None and long.status == RAN:
        return OutputRedirected()
    if ILLNESS.search(end.text) or _NO_PROCESS.search(end.text):
        return NodeIll()
    if _EXPIRED.search(end.text):
        return PasswordExpired()
    if end.status == 254:  # sshd's own, for /etc/nologin and for a session that PAM refuses
        return SessionRefused()
    if _FILES.search(end.text):
        return FilesOnly()
    if long is not None and _TOO_LONG.search(long.errors) and not _TOO_LONG.search(end.errors):
        return CommandForced()
    if _NO_SHELL.search(end.text):
        return NoShell()
    if _NOT_THERE.fullmatch(end.errors):
        return NoShell(hint=_NO_SUCH_SHELL)
    if end.status in _CANNOT_RUN and b"/bin/sh" in end.last_line:
        return NoShell()
    if _RESTRICTED.search(end.last_line) and not _START_UP.search(end.last_line):
        return ShellRestricted()
    if end.text.strip():
        return ShellEnds()
    if end.status == 255:  # sshd's own, when it can't do what its configuration says
        return SessionFailed()
    return NoShell() if end.status else ShellEnds()


def refused_after_login(banner: bytes) -> SshError:
    """Return why sshd took the password or key, and hung up at once.

    :param banner: what it said before
    """
    if _ACCOUNT.search(banner):
        return AccountExpired()
    return LoginDenied()
