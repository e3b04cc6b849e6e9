"""The past of one node's journal, as `nodes.history` needs it.

Belongs here: the journalctl that prints a slice of the past, with the right that was found and the units' real names.
It must not know what is looked for: nothing that a client wrote gets into a command but names of units and cursors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..journal.boots import Boot
from ..journal.entry import Entry
from ..journal.export import ExportParser
from ..journal.steps import Step
from ..ssh.command import Command
from ..ssh.pool import ConnectionPool
from ..timing import within
from ..turns import breathe
from ..units import service_name
from .node_source import NodeJournal
from .packing import Unpacker, packed
from .rights import JournalRights
from .source import BARREN, DEBUG, weighed
from .status_feed import StatusFeed

FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,COREDUMP_UNIT,_LINE_BREAK"
BACKSTOP = 30
"Seconds after which coreutils' `timeout` ends a journalctl that found nothing to print, and so noticed nothing."
MOST_BYTES = 64 << 20
"Bytes that a slice may have; 20,000 entries of ordinary lines have ten."
SPARE = 2
"Channels of a node that searches leave for its logs."
MANY = 1_500
"Entries from which on a slice is worth compressing; a page has fewer."
FIRST = ("timeout", str(BACKSTOP), "nice", "-n", "10")
"Words before a command: it is over in time, and reads with low priority, so that the node's clients come first."


def slice_command(units: Sequence[str], step: Step) -> list[str]:
    """Return the words of a journalctl that prints a slice of the past in the export format.

    A cursor and a number together mean the same on every systemd, in both directions; times with a number do not.
    """
    words = ["journalctl", "--no-pager", "-q", "-o", "export"]
    words += [f"--output-fields={FIELDS}", *(f"--unit={unit}" for unit in units), "-n", str(step.count)]
    if step.reverse:
        words.append("-r")
    if step.cursor is not None:
        words.append(f"--cursor={step.cursor}")
    if step.boot is not None:
        words.append(f"_BOOT_ID={step.boot}")
    return words


class SliceEntries:
    """The entries of a slice of the past, as they come: in its order, lines that journald cut still in pieces.

    A `nodes.history.Slice`. It ends by itself after `MOST_BYTES`, after `BARREN` bytes without an entry, or after
    `timeout` seconds of silence.
    """

    def __init__(self, command: Command, timeout: float) -> None:
        """:param timeout: seconds without output after which journalctl is taken to hang"""
        self._command = command
        self._timeout = timeout
        self._unpacker = Unpacker(breathe)
        self._parser = ExportParser(breathe=breathe)
        self._bytes = 0
        self._barren = 0
        "Bytes since the last entry."

    def read(self) -> list[Entry]:
        """See `nodes.history.Slice`."""
        while self._bytes <= MOST_BYTES and self._barren <= BARREN and not self._unpacker.broken:
            data = b""
            with within(self._timeout):
                data = self._command.read()
            if not data:
                break
            entries: list[Entry] = []
            for piece in self._unpacker.feed(data):
                self._bytes += len(piece)
                found = [each for each in self._parser.feed(piece) if each.cursor.startswith("s=")]
                self._barren = 0 if found else self._barren + len(piece)
                entries += found
                if self._bytes > MOST_BYTES or self._barren > BARREN:
                    break
            if entries:
                return entries
        return []

    def status(self) -> int:
        """See `nodes.history.Slice`."""
        status, packed_status = self._command.status(), self._unpacker.status
        return status if packed_status is None or status < 0 else packed_status

    def complaint(self) -> bytes:
        """See `nodes.history.Slice`."""
        return self._command.stderr

    def weight(self) -> int:
        """See `Weighed`."""
        return self._command.unread + self._parser.size


class NodePast:
    """The `PastSource` of a node."""

    def __init__(
        self, pool: ConnectionPool, rights: JournalRights, journal: NodeJournal, status: StatusFeed, timeout: float
    ) -> None:
        """:param timeout: seconds in which a command must have started"""
        self._pool = pool
        self._rights = rights
        self._journal = journal
        self._status = status
        self._timeout = timeout

    @contextmanager
    def slice(self, units: Sequence[str], step: Step, timeout: float) -> Iterator[SliceEntries]:
        """See `nodes.history.PastSource`."""
        way = self._rights.get(service_name(units[0]) if units else "system")
        journalctl, stdin = way.wrap(slice_command([self._journal.name_of(unit) for unit in units], step))
        words = packed(journalctl) if step.count is None or step.count >= MANY else journalctl
        words = words if way.prefix else [*DEBUG, *words]
        with (
            self._pool.stream((*FIRST, *words), stdin, timeout=self._timeout, spare=SPARE) as command,
            weighed(SliceEntries(command, timeout), self._journal.ledger) as stream,
        ):
            yield stream

    def boots(self) -> Sequence[Boot]:
        """See `nodes.history.PastSource`."""
        return self._journal.boots()

    def rights_in_doubt(self) -> bool:
        """See `nodes.history.PastSource`."""
        return self._rights.doubt()

    def description(self, unit: str) -> str | None:
        """See `nodes.history.PastSource`."""
        return self._status.description(unit)
