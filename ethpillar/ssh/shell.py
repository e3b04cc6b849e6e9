"""The text that a login shell is told to run, and which bytes of the output are the command's.

sshd hands every command to the user's login shell, and that prints what its start-up files want: a greeting, half a
line, a terminal's title. So the shell is told to replace itself with `sh`, which prints a mark on both streams, runs
the command, and prints the mark again with the exit status. What stands between the marks is the command's. A command
that goes on until it is closed takes the place of `sh`, so that nothing else runs on the node meanwhile.

A process without a terminal gets no signal when its channel is closed: it notices when it writes next, and a
journalctl that searches may write nothing for minutes. So a command that may be silent runs beside a process that
reads its standard input, and ends the command when that ends, which sshd brings about by closing it.

A mark is drawn for each command, and is on the command line in halves only: a shell that prints the commands that it
runs (`set -x`, a title made of `$BASH_COMMAND`) does not print the mark, with or without the spaces. Standard error has
the halves the other way round: a start-up file may have made one stream of both (`exec 2>&1`, `exec > >(tee log)
2>&1`). What the command says on standard error is left out then, as it would stand among its output.

Belongs here: quoting for any shell, and the marks. It does no I/O.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from enum import Enum

from .diagnosis import LONG, RAN

NOISE_LIMIT = 16 * 1024 * 1024
"Bytes that a shell may print before a command; more is no answer."
NOISE_KEPT = 2048
"Bytes of them that are kept, the first ones: they may say why there is no command."

_SPECIAL = re.compile(r"['\\!]")

_SAY = "printf %s+%s {1} {0} >&2; printf %s+%s {0} {1}; [ /dev/fd/1 -ef /dev/fd/2 ] && exec 2>/dev/null; LC_ALL=C; "
_SAY += "export LC_ALL; "
_ENDLESS = _SAY + 'exec "$@"'
# sshd tells the status as well, which is all that is heard of a command whose output goes elsewhere.
_SAY_STATUS = "s=$?; printf %s+%s.%s. {0} {1} $s; printf %s+%s {1} {0} >&2; exit $s"
_SHORT = _SAY + '"$@"; ' + _SAY_STATUS
# If a start-up file took the standard input away, nothing that it gave instead tells when the channel is closed.
_SILENT = (
    _SAY
    + 'i=$1; shift; if [ -p /dev/fd/0 ] || [ -S /dev/fd/0 ]; then exec 3<&0; /bin/sh -c "$i" sh "$@"; else "$@"; fi; '
    + _SAY_STATUS
)
# The command has the number of the shell that becomes it. `timeout` leads a process group of its own, of which the
# command is a part; anything else is no leader. A start-up file may have all that the shell starts ignore SIGTERM.
_WATCHED = '(read x <&3; kill -9 -$$; kill -9 $$) >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null'


class Ends(Enum):
    """What ends a command."""

    SOON = "it ends by itself, and soon"
    SILENT = "it ends by itself, and may be silent before: closing its channel ends it. It has no standard input"
    CLOSED = "it goes on until its channel is closed: there is no mark at its end"


_SCRIPTS = {Ends.SOON: (_SHORT,), Ends.SILENT: (_SILENT, _WATCHED), Ends.CLOSED: (_ENDLESS,)}
"""What `sh` is told; further texts are its first arguments. elvish and xonsh read backslashes and quotes in their own
way, so there are none, nor what needs them: exclamation marks."""


def quote(word: str) -> str:
    """Quote a word so that bash, zsh, fish, tcsh and dash read it as it is. It must not contain a line break.

    Within single quotes fish knows backslashes, and tcsh replaces exclamation marks: so these, and quotes, stand
    outside of them. What would need no quotes has them, too: zsh has aliases for any word that is not quoted.
    """
    return "'" + _SPECIAL.sub(r"'\\\g<0>'", word) + "'"


class CommandLine:
    """One command as a login shell is told to run it."""

    def __init__(self, words: Sequence[str], ends: Ends = Ends.SOON) -> None:
        """:param words: the program and its arguments, unquoted"""
        halves = secrets.token_hex(8), secrets.token_hex(8)
        script, *more = _SCRIPTS[ends]
        self.text = " ".join(["exec", "/bin/sh", *map(quote, ("-c", script.format(*halves), "sh", *more, *words))])
        self.ends = ends
        self._halves = halves

    def output(self) -> Output:
        """Return what finds the command's bytes in its standard output."""
        return Output("+".join(self._halves).encode(), self.ends is Ends.CLOSED)

    def errors(self) -> Output:
        """Return what finds those in its standard error."""
        return Output("+".join(reversed(self._halves)).encode(), self.ends is Ends.CLOSED)


def long_command(size: int = LONG) -> tuple[str, ...]:
    """Return the words of a command that only ends with `RAN`, and whose command line has `size` characters."""
    words = ("sh", "-c", f"exit {RAN}")
    return *words, "x" * (size - len(CommandLine((*words, "")).text))


class Output:
    """The bytes of one stream: what came before the command, the command's own, and what came after it."""

    def __init__(self, mark: bytes, endless: bool) -> None:
        """:param endless: there is no mark at the end"""
        self._mark = mark
        self._endless = endless
        self._held = b""
        self._tail = b""
        self.began = False
        "True once the command was started."
        self.ended = False
        "True once the command has ended and all of its bytes are here."
        self.noise = b""
        "The first bytes that came before the command."
        self.noise_size = 0

    @property
    def status(self) -> int | None:
        """Return the exit status that stands behind the mark at the end; None as long as there is none."""
        parts = self._tail.split(b".")
        return int(parts[1]) if len(parts) > 2 and parts[1].isdigit() else None

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of these that are the command's."""
        if self.ended:
            self._tail = (self._tail + data)[:8]
            return b""
        data = self._held + data if self._held else data
        self._held = b""
        if not self.began:
            data = self._begin(data)
        if self._endless or not self.began:
            return data
        payload, mark, rest = data.partition(self._mark)
        if mark:
            self.ended = True
            self._tail = rest[:8]
            return payload
        return self._hold(payload, _overlap(payload, self._mark))

    def _begin(self, data: bytes) -> bytes:
        noise, mark, rest = data.partition(self._mark)
        self.began = bool(mark)
        if not self.began:
            noise = self._hold(noise, _overlap(noise, self._mark))
        self.noise = (self.noise + noise[:NOISE_KEPT])[:NOISE_KEPT]
        self.noise_size += len(noise)
        return rest

    def _hold(self, data: bytes, size: int) -> bytes:
        """Keep the last bytes for the next time; return those before."""
        self._held = data[len(data) - size :]
        return data[: len(data) - size]


def _overlap(data: bytes, mark: bytes) -> int:
    """Return how many bytes at the end of the data may be the beginning of the mark."""
    return next((size for size in range(min(len(mark) - 1, len(data)), 0, -1) if data.endswith(mark[:size])), 0)
