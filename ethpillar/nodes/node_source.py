"""The journal of one node, as a log feed needs it.

Belongs here: the commands that read it, with the right that was found and the unit's real name, and what is checked
before a log is followed. It must not know who wants the entries.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime

from gevent.lock import BoundedSemaphore

from ..errors import NOWHERE, EthPillarError, SshTimeout, SshUnreachable, StatusUnavailable, UnitNotFound
from ..journal.boots import Boot, boot_of, in_order
from ..journal.entry import Entry
from ..journal.steps import Answer, Step
from ..limits.ledger import Ledger
from ..ssh.pool import ConnectionPool
from ..timing import within
from ..units import IN_DOCKER, service_name, unit_name
from . import failures
from .journald import THIS_BOOT, dropped_by
from .link import Link
from .rights import JournalRights
from .source import DEBUG, HANGS_AFTER, WHOLE, CommandEntries, journal_command, weighed
from .status_feed import StatusFeed

LAST_LINES_TIMEOUT = 3.0
"Seconds that an update waits for the lines before a failure."
LAST_LINES_BYTES = 1024 * 1024
"Bytes of messages that are looked through for them; `failures.READ` ordinary lines have some 40,000."
BOOTS = ("journalctl", "--no-pager", "-q", "-F", "_BOOT_ID")
"Prints the ids of all boots that the journal has, in no order."
DROPS_KEPT = 10.0
"Seconds for which it is believed that the node keeps a journal, or none, where that matters."
CATCHING_UP = 6
"Subscribers of all feeds together that are served from the journal at once: each takes a channel."
ANSWER_BYTES = 8 * 1024 * 1024
"Bytes of messages that are kept of one answer."
SPARE = 2
"Channels that new feeds leave for them."
NAMES = 256
"Aliases whose units are remembered; a node has far fewer, and each log that starts anew looks its own up again."


OF_USER = ("journalctl", "--no-pager", "-q", "-n", "1", "-o", "export", "--output-fields=_UID")
"Prints the newest entry of a user's unit, if it is told which."

_UID = re.compile(rb"^_UID=([0-9]+)$", re.MULTILINE)
_BOOT = re.compile(rb"\b[0-9a-f]{32}\b")


class NodeJournal:
    """Runs journalctl on a node, with the right that was found and the units' real names.

    What it learns of boots counts for one connection: `connected` forgets it. Its methods wait for the
    node, and raise an `SshError` if that does not answer.
    """

    def __init__(
        self, pool: ConnectionPool, rights: JournalRights, timeout: float, ledger: Ledger | None = None
    ) -> None:
        """
        :param timeout: seconds in which a command must have started
        :param ledger: where what is held of its output is counted
        """
        self._pool = pool
        self._asking = BoundedSemaphore(1)
        self.ledger = ledger or Ledger()
        self._rights = rights
        self._timeout = timeout
        self.drops: str | None = None
        """Why journald keeps nothing of what services print, as far as is known, as `LogElsewhere` takes it: the lines
        that there are, are old ones. None: it does keep it."""
        self._drops_asked = float("-inf")
        self._boot: str | None = None  # as it was asked over the connection that there is
        self._boots: Sequence[Boot] = ()
        self._newest: dict[str, str] = {}  # a cursor of each boot that is over, of its newest entry
        self._names: dict[str, str] = {}  # of units that are followed by an alias, the latest last

    def remember_name(self, unit: str, name: str) -> None:
        """Read `name` when `unit`, an alias of it, is wanted: journalctl knows no aliases (systemd/systemd#11846)."""
        self._names.pop(unit, None)
        self._names[unit] = name
        if len(self._names) > NAMES:
            del self._names[next(iter(self._names))]

    def name_of(self, unit: str) -> str:
        """Return the real name of a unit that is followed by an alias; any other name as it is."""
        return self._names.get(unit, unit)

    def connected(self) -> None:
        """Take note that there is a new connection: the node may have booted."""
        self._boot, self._boots = None, ()

    def boot(self, fresh: bool = False) -> str | None:
        """See `JournalSource`."""
        with self._asking:  # all logs of a node ask at once
            if self._boot is None or fresh:
                self._boot = None
                with suppress(EthPillarError):
                    boot = self._ask_this_boot()
                    known = _BOOT.fullmatch(boot) is not None and (not fresh or self._has(boot.decode()))
                    self._boot = boot.decode() if known else None
        return self._boot

    def _ask_this_boot(self) -> bytes:
        boot, *settings = self._pool.run(THIS_BOOT, timeout=self._timeout).stdout.split(b"\n")
        self.drops = dropped_by(settings)
        self._drops_asked = time.monotonic()
        return boot

    def drops_now(self) -> str | None:
        """Return `drops` as it was a moment ago: a setting may be changed at any time.

        :raises EthPillarError: the node can't be asked
        """
        with self._asking:
            if time.monotonic() - self._drops_asked > DROPS_KEPT:
                self._ask_this_boot()
        return self.drops

    def _has(self, boot: str) -> bool:
        """Return True if the journal has entries of a boot, and journalctl finds them by it."""
        newest = self.ask(WHOLE, Step(None, True, 1, boot)).entries
        return bool(newest) and boot_of(newest[0].cursor) == boot

    def boots(self) -> Sequence[Boot]:
        """See `JournalSource`."""
        current = self.boot()
        if current is None or (self._boots and self._boots[-1].id == current):
            return self._boots if current is not None else ()
        words, stdin = self._rights.get("").wrap(BOOTS)
        known = [each.decode() for each in _BOOT.findall(self._pool.run(words, stdin, self._timeout).stdout)]
        if current not in known:
            return ()  # it knows no boots
        here = {}
        for boot in known:
            if boot not in self._newest or boot == current:
                for newest in self.ask(WHOLE, Step(None, True, 1, boot)).entries:
                    here[boot] = newest.cursor
        self._newest.update({boot: cursor for boot, cursor in here.items() if boot != current})
        self._boots = in_order([*self._newest.values(), *here.values()], current)
        return self._boots

    @contextmanager
    def open(self, unit: str, step: Step) -> Iterator[CommandEntries]:
        """Run a journalctl for the time of the block; see `journal_command`.

        :raises EthPillarError: it can't be run
        """
        words = journal_command(self.name_of(unit), step)
        way = self._rights.get(service_name(unit))
        spare = SPARE if step.follow else 0
        words = words if step.follow or way.prefix else [*DEBUG, *words]  # sudo may permit journalctl only
        hangs_after = None if step.follow else HANGS_AFTER
        with (
            self._pool.stream(*way.wrap(words), timeout=self._timeout, spare=spare, follows=step.follow) as command,
            weighed(CommandEntries(command, hangs_after, step.cursor, step.count), self.ledger) as stream,
        ):
            yield stream

    def ask(self, unit: str, step: Step) -> Answer:
        """See `JournalSource`."""
        words = journal_command(self.name_of(unit), step)
        way = self._rights.get(service_name(unit))
        words = words if way.prefix else [*DEBUG, *words]
        entries: list[Entry] = []
        size = 0
        with (
            self._pool.stream(*way.wrap(words), timeout=self._timeout) as command,
            weighed(CommandEntries(command, HANGS_AFTER, None, step.count, whole=False), self.ledger) as stream,
        ):
            while some := stream.read():
                entries += some
                size += sum(len(entry.message) for entry in some)
                stream.kept = size
                if size > ANSWER_BYTES:
                    return Answer(entries, 0, stream.complaint(), cut=True)
            if stream.status() < 0:
                raise SshUnreachable
            return Answer(entries, stream.status(), stream.complaint())

    def hint_of_missing(self, unit: str) -> str | None:
        """Return what may be done about a unit that the node's systemd does not have; None if nothing is known."""
        if (command := IN_DOCKER.get(service_name(unit))) is not None:
            return f"It runs in Docker and has no unit, so its log is not in the journal. On the node: {command}"
        with suppress(EthPillarError), within(LAST_LINES_TIMEOUT):
            words, stdin = self._rights.get("").wrap((*OF_USER, f"_SYSTEMD_USER_UNIT={unit}"))
            if found := _UID.search(self._pool.run(words, stdin, self._timeout).stdout):
                return (
                    f"The systemd of a user (uid {found[1].decode()}) runs one of this name: systemctl --user. This "
                    "server shows what the node's own systemd runs: install it in /etc/systemd/system."
                )
        return None

    def last_lines(self, unit: str) -> list[str]:
        """Return what a unit printed before its last failure; nothing if that can't be had, or not soon."""
        entries: list[Entry] = []
        size = 0
        with suppress(EthPillarError), within(LAST_LINES_TIMEOUT), self.open(unit, Step(count=failures.READ)) as stream:
            while size <= LAST_LINES_BYTES and (some := stream.read()):
                entries += some
                size += sum(len(entry.message) for entry in some)
        return failures.lines_before_failure(entries)


class NodeSource:
    """The `JournalSource` of a node."""

    def __init__(self, link: Link, journal: NodeJournal, rights: JournalRights, status: StatusFeed) -> None:
        self._link = link
        self._journal = journal
        self._rights = rights
        self._status = status
        self.catching_up = BoundedSemaphore(CATCHING_UP)
        self._has_system = False
        "True if the node has a unit `system.service`, as far as that is known."

    def followed(self, unit: str) -> str:
        """Return `WHOLE` for the unit that stands for the whole journal, and any other as it is."""
        return WHOLE if unit == unit_name(WHOLE) and not self._has_system else unit

    def check_unit(self, unit: str) -> str | None:
        """See `JournalSource`."""
        if unit == WHOLE:
            self._rights.get(WHOLE)
            return None
        try:
            status = self._status.unit(unit)
        except StatusUnavailable:
            status = None
        except SshTimeout:  # systemd doesn't answer; but the journal, which is what counts here, may
            status = None
            self._rights.doubt()  # so that it is asked now
        if unit == unit_name(WHOLE):
            self._has_system = status is not None and status.installed
        if self.followed(unit) != WHOLE and status is not None and not status.installed:
            raise UnitNotFound(service_name(unit), self._journal.hint_of_missing(unit))
        self._rights.get(service_name(unit))
        if self._journal.drops is not None:  # somebody may have put that right
            with suppress(EthPillarError):
                self._journal.drops_now()
        name = unit_name(status.name) if status is not None else None
        if name is not None and name != unit:
            self._journal.remember_name(unit, name)
        return status.description if status is not None else None

    def journal(self, unit: str, step: Step) -> AbstractContextManager[CommandEntries]:
        """See `JournalSource`."""
        return self._journal.open(unit, step)

    def boot(self, fresh: bool = False) -> str | None:
        """See `JournalSource`."""
        return self._journal.boot(fresh)

    def boots(self) -> Sequence[Boot]:
        """See `JournalSource`."""
        return self._journal.boots()

    def ask(self, unit: str, step: Step) -> Answer:
        """See `JournalSource`."""
        return self._journal.ask(unit, step)

    def elsewhere(self, unit: str, printed_us: int | None) -> str | None:
        """See `JournalSource`."""
        dropped = self._journal.drops_now()
        if dropped == NOWHERE or (dropped is not None and unit != WHOLE):
            return dropped
        status = None if unit == WHOLE else self._status.unit(unit)
        if status is None or status.output is None:
            return None
        # systemd says what is set by now. A program that has printed here since it was started goes on doing so.
        since = None if status.since is None else datetime.fromisoformat(status.since).timestamp()
        goes_on = printed_us is not None and since is not None and printed_us / 1e6 >= since + 1
        return None if goes_on else status.output

    def wait_connected(self) -> None:
        """See `JournalSource`."""
        self._link.wait_connected()

    def rights_in_doubt(self) -> bool:
        """See `JournalSource`."""
        return self._rights.doubt()

    def unit_changed(self, unit: str) -> None:
        """See `JournalSource`."""
        if self._status.polls(self._journal.name_of(unit)):
            self._status.refresh()
