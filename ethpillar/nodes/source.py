"""Reading one unit's journal on a node.

Belongs here: the words of journalctl, and its output as entries. It must not know who wants them. `JournalSource` is
what a log feed needs of a node, so that feeds can be tested with any other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from gevent.lock import BoundedSemaphore

from ..journal.boots import Boot
from ..journal.entry import Entry
from ..journal.export import ExportParser
from ..journal.joining import LineJoiner
from ..journal.steps import Answer, Step
from ..limits.ledger import Ledger
from ..ssh.command import Command
from ..timing import within
from ..turns import breathe, tenant
from .tries import ReadFailed, Trouble

# PRIORITY and MESSAGE make the line; the next two tell systemd's own lines about the unit; the last, which few have,
# tells where a long line was cut. The cursor and the times come whatever is asked for.
_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_LINE_BREAK"
_WHOLE_FIELDS = f"{_FIELDS},_SYSTEMD_UNIT,UNIT"

WHOLE = "system"
"""Stands for the whole journal where a unit's name is wanted; no unit is called so, as their names have a suffix. It is
what the dashboard calls it, and followed if the node has no unit `system.service`."""

HANGS_AFTER = 300.0
"""Seconds without an entry after which a journalctl that does not follow is given up: its disk is dead, though the node
still answers, or the journal is too large for it. A search for a unit that prints little takes minutes on a slow disk,
and another one would begin anew; one that follows may well be silent for days."""
BARREN = 8 * 1024 * 1024
"Bytes without an entry after which what a node prints is not a journal."
DEBUG = ("env", "SYSTEMD_LOG_LEVEL=debug")
"Put before journalctl: only then it says that it left out a damaged file."
COMMAND = 30_000
"Bytes of a running command in memory besides its output, roughly: channel, greenlets, parser."
STEP = 32 * 1024
"Bytes parsed before others may get their turn."


def journal_command(unit: str, step: Step) -> list[str]:
    """Return the words of a journalctl that prints the entries of a unit, or of the whole journal, as export format."""
    words = ["journalctl", "--no-pager", "-q", "-o", "export"]
    if unit == WHOLE:
        words.append(f"--output-fields={_WHOLE_FIELDS}")
    else:
        words += [f"--output-fields={_FIELDS}", f"--unit={unit}"]
    words += ["-n", "all" if step.count is None else str(step.count)]
    if step.cursor is not None:
        words.append(f"--cursor={step.cursor}")
    if step.reverse:
        words.append("-r")
    if step.follow:
        words.append("-f")
    if step.boot is not None:
        words.append(f"_BOOT_ID={step.boot}")
    return words


class EntryStream(Protocol):
    """The entries of one running journalctl, as they come.

    Call `read` until it returns [], then `status` and `complaint` tell why it has ended. `close` may be called from any
    greenlet; a `read` that waits returns [] then. One that hangs is given up by `ReadFailed`.
    """

    def read(self) -> list[Entry]:
        """Wait for entries; return [] when there will be no more.

        :raises ReadFailed: it has printed nothing for `HANGS_AFTER` seconds
        """

    def status(self) -> int:
        """At the end: 0 when all has come, -1 when the connection broke or it hung, or its exit status."""

    def complaint(self) -> bytes:
        """Return the last of what it has said on standard error.

        If it does not follow, what it said before it printed an entry is there when `read` returns that entry.
        """

    def close(self) -> None:
        """End it, from any greenlet: `read` returns [] then."""

    count: int
    "Entries it has printed so far; cut lines are several of them."


class JournalSource(Protocol):
    """What a log feed needs of a node.

    Each method may wait for the node, and raise an `SshError` if it can't be reached; only `unit_changed` and
    `rights_in_doubt` return at once. Units have their suffix, and `WHOLE` stands for the whole journal.
    """

    catching_up: BoundedSemaphore
    "Subscribers of all feeds that are served from the journal at once."

    def check_unit(self, unit: str) -> str | None:
        """Return the unit's description. Raises `UnitNotFound` or `PermissionDenied` when its log can't be had."""

    def journal(self, unit: str, step: Step) -> AbstractContextManager[EntryStream]:
        """Open the unit's journal; lines that journald cut are whole."""

    def boot(self, fresh: bool = False) -> str | None:
        """Return the id of the boot that the node is in; None if that can't be told.

        It is asked once for each connection, or now if it has to be `fresh`, and then None as well if journalctl has no
        entry of it: one that knows no boots is not asked for them.
        """

    def boots(self) -> Sequence[Boot]:
        """All boots that the journal has entries of, in order, and the one that the node is in as the last one; none if
        that can't be told."""

    def ask(self, unit: str, step: Step) -> Answer:
        """Run one journalctl to its end; lines that journald cut stay cut.

        Raises `SshUnreachable` if the connection breaks.
        """

    def wait_connected(self) -> None:
        """Return when the node can be asked; raise when it never will be."""

    def unit_changed(self, unit: str) -> None:
        """Told when systemd wrote a line about the unit."""

    def elsewhere(self, unit: str, printed_us: int | None) -> str | None:
        """Where what the unit prints goes now, if not to this journal; see `LogElsewhere`.

        :param printed_us: the time of the last line that it printed here, in microseconds since the epoch
        """

    def rights_in_doubt(self) -> bool:
        """Told when the journal shows less than it should. Whether the right to read it will be found again; False when
        that was a moment ago."""


class CommandEntries:
    """The entries a running journalctl prints."""

    def __init__(
        self,
        command: Command,
        hangs_after: float | None,
        resume: str | None = None,
        lines: int | None = None,
        whole: bool = True,
    ) -> None:
        """
        :param hangs_after: seconds without an entry after which it is taken for hanging, and over; None: never
        :param resume: the cursor it was given
        :param lines: how many entries it was asked for; it is over when it prints more
        :param whole: whether lines that journald cut are made whole
        """
        self._command = command
        self._hangs_after = hangs_after
        self._parser = ExportParser(breathe=breathe)
        self._joiner = LineJoiner(resume) if whole else None
        self._over = False
        self._hangs = False
        "That is to be told, once what was held back has been handed over."
        self._most = lines
        self._hold_back = hangs_after is not None
        self._held: list[Entry] = []
        self._barren = 0
        "Bytes since the last entry."
        self.count = 0
        self.kept = 0
        "Bytes of its entries that its reader keeps."

    def read(self) -> list[Entry]:
        """See `EntryStream`."""
        until = None if self._hangs_after is None else time.monotonic() + self._hangs_after
        while not self._over:
            data = None
            # Only where it is over anyway: a read that is interrupted may lose what it has read.
            with within(None if until is None else max(0.0, until - time.monotonic())):
                data = self._command.read()
            if data is None:
                self._over = self._hangs = True
                break
            if not data:
                self._over = True
                self._parser.close()
                break
            entries = self._entries(data)
            if entries and not self._hold_back:
                return entries
            # Held back until more has come, so that what was said on the other stream before is here.
            held, self._held = self._held, entries or self._held
            if entries and held:
                return held
        held, self._held = self._held, []
        if self._hangs and not held:
            self._hangs = False
            raise ReadFailed(Trouble.SLOW)
        return held

    def _entries(self, data: bytes) -> list[Entry]:
        entries: list[Entry] = []
        for at in range(0, len(data), STEP):
            step = data[at : at + STEP]
            # An entry without a cursor is none of the journal's: nothing could be resumed after it. A line whose end
            # has not come when the stream ends is read again, after the last one that is whole.
            found = [each for each in self._parser.feed(step) if each.cursor.startswith("s=")]
            if self._most is not None and self.count + len(found) > self._most:
                found = found[: self._most - self.count]
                self._over = True
            self.count += len(found)
            self._barren = 0 if found else self._barren + len(step)
            entries += found if self._joiner is None else self._joiner.feed(found)
            if self._over:
                break
            breathe()
        self._over = self._over or self._barren > BARREN
        return entries

    def status(self) -> int:
        """See `EntryStream`."""
        return self._command.status()

    def complaint(self) -> bytes:
        """See `EntryStream`."""
        return self._command.stderr

    def weight(self) -> int:
        """Return the bytes of it in memory: what has not been read, what is no entry yet, and what is kept."""
        joining = 0 if self._joiner is None else self._joiner.size
        held = sum(len(entry.message) for entry in self._held)
        return self._command.unread + self._parser.size + joining + held + self.kept

    def close(self) -> None:
        """See `EntryStream`."""
        self._command.close()


class Weighed(Protocol):
    """The output of a running command, or what is made of it, as far as it is in memory.

    The ledger asks it now and then, as nobody tells when it changes; so `weight` must be quick, and must not wait.
    """

    def weight(self) -> int:
        """Return the bytes of it in memory."""


Output = TypeVar("Output", bound=Weighed)


@contextmanager
def weighed(stream: Output, ledger: Ledger, kind: str = "commands", base: int = COMMAND) -> Iterator[Output]:
    """Count what a stream holds for the tenant that reads it, for the time of a `with`."""
    account = ledger.account(kind, tenant(), base, measure=stream.weight)
    try:
        yield stream
    finally:
        account.close()
