"""journalctl: options, rights, where to begin, following."""

from __future__ import annotations

import getopt
import os
import select
import sys
import time

from . import cursor, render, store
from .reader import Journal, Render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any  # not at run time: it takes longer to import than all the rest

POLL_MS = 15
"Between two looks at a journal that is followed."

_SHORT = "u:o:n:fqrbmaeF:"
_LONG = [
    *("unit=", "output=", "output-fields=", "lines=", "follow", "no-tail", "cursor=", "after-cursor="),
    *("since=", "until="),
    *(
        "quiet",
        "system",
        "no-pager",
        "reverse",
        "boot",
        "field=",
        "merge",
        "all",
        "no-hostname",
        "version",
        "no-full",
        "utc",
    ),
]
_NO_RIGHTS = "No journal files were opened due to insufficient permissions."
_HINT = """Hint: You are currently not seeing messages from other users and the system.
      Users in groups 'adm', 'systemd-journal' can see all messages.
      Pass -q to turn off this notice."""


class Failure(Exception):
    """What journalctl says before it exits with status 1."""


class Options:
    """The command line."""

    def __init__(self, arguments: list[str]) -> None:
        self.units: list[str] = []
        self.output = "short"
        self.fields: set[str] | None = None
        self.lines: int | None = None
        self.lines_given = False
        self.follow = self.no_tail = self.quiet = self.system = self.reverse = self.merge = self.all = False
        self.boot = self.version = False
        self.field: str | None = None
        self.cursor: str | None = None
        self.after_cursor: str | None = None
        self.since: int | None = None
        self.until: int | None = None
        try:
            found, rest = getopt.gnu_getopt(_with_number(arguments), _SHORT, _LONG)
        except getopt.GetoptError as problem:
            raise Failure(f"journalctl: unrecognized option '--{problem.opt}'") from None
        self.boot_id = rest.pop().partition("=")[2] if rest and rest[0].startswith("_BOOT_ID=") else None
        if rest:
            raise Failure(f"Failed to add match '{rest[0]}': Invalid argument")
        for name, value in found:
            self._set(name.lstrip("-"), value)
        if self.no_tail:
            self.lines = None
        elif self.follow and self.since is None and not self.lines_given:
            self.lines = 10

    def _set(self, name: str, value: str) -> None:
        flags = {
            "f": "follow",
            "q": "quiet",
            "r": "reverse",
            "m": "merge",
            "a": "all",
            "b": "boot",
            "no-tail": "no_tail",
        }
        if name in ("u", "unit"):
            self.units.append(store.full_name(value))
        elif name in ("o", "output"):
            if value not in render.FORMATS:
                raise Failure(f"Unknown output format '{value}'.")
            self.output = value
        elif name == "output-fields":
            self.fields = (self.fields or set()) | set(value.split(","))
        elif name in ("n", "lines"):
            self.lines, self.lines_given = _lines(value), True
        elif name in ("cursor", "after-cursor"):
            setattr(self, name.replace("-", "_"), value)
        elif name in ("F", "field"):
            self.field = value
        elif name in ("since", "until"):
            setattr(self, name, _time(value))
        elif (word := flags.get(name, name.replace("-", "_"))) in vars(self):
            setattr(self, word, True)


def _with_number(arguments: list[str]) -> list[str]:
    """getopt knows no optional arguments: a -n without a number gets the one it stands for."""
    found: list[str] = []
    for at, word in enumerate(arguments):
        found.append(word)
        if word == "--":
            return [*found, *arguments[at + 1 :]]
        following = arguments[at + 1 : at + 2]
        if word == "-n" and not (following and (following[0].isdigit() or following[0] == "all")):
            found[-1] = "-n10"
    return found


def _lines(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise Failure(f"Failed to parse lines '{text}'")
    return int(text)


def _time(text: str) -> int:
    """Microseconds since the epoch: `@seconds`, or a date and time in the local zone."""
    try:
        if text.startswith("@"):
            return int(float(text[1:]) * 1_000_000)
        return int(time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))) * 1_000_000
    except (ValueError, OverflowError):
        raise Failure(f"Failed to parse timestamp: {text}") from None


def run(state: str, document: dict[str, Any], arguments: list[str], rights: bool) -> int:
    """The whole command; its exit status."""
    try:
        options = Options(arguments)
        if options.version:
            print(f"systemd {document['systemd']} ({document['systemd']}-simulated)")
            return 0
        if document["access"] == "off":
            return _without_journal(options)
        if not rights and document["access"] != "plain":
            return _without_rights(options, document["access"])
        if options.field is not None:
            _values(state, options.field)
        else:
            _show(state, document, options)
    except Failure as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


def _without_journal(options: Options) -> int:
    if not _quiet(options):
        sys.stderr.write("No journal files were found.\n")
        sys.stderr.flush()
    if options.follow:
        _hang()
    return 0


def _without_rights(options: Options, access: str) -> int:
    if not _quiet(options):
        sys.stderr.write(_HINT + "\n")
    if access == "own-user-only" and not options.system:
        if options.follow:
            _hang()
        elif not _quiet(options):
            print("-- No entries --")
        return 0
    sys.stderr.write(_NO_RIGHTS + "\n")
    sys.stderr.flush()
    if options.follow:
        _hang()
    return 1


def _hang() -> None:
    """Follows nothing, for ever."""
    poller = _stdout_poller()
    while not poller.poll(1000):
        pass


def _quiet(options: Options) -> bool:
    return options.quiet or options.output not in render.HUMAN


def _stdout_poller() -> select.poll:
    poller = select.poll()
    poller.register(1, 0)  # POLLERR and POLLHUP are told without being asked for
    return poller


def _show(state: str, document: dict[str, Any], options: Options) -> None:
    journal = Journal(state, options.units)
    if not options.reverse:
        _start(journal, document, options)
    show = render.renderer(
        options.output, journal.data, journal.fields, options.fields, options.all, document["hostname"]
    )
    # Without a cursor, `start` has counted from the end; with one, so many from there. Following ends no count.
    left = options.lines if (_from_cursor(options) or options.reverse) and not options.follow else None
    shown = 0
    chunks = _backwards(journal, document, options) if options.reverse else journal.entries()
    if options.boot_id is not None:
        chunks = _of_boot(journal, options.boot_id, chunks)
    for chunk in chunks:
        some = chunk if left is None else chunk[: left - shown]
        if options.until is not None:
            some = [entry for entry in some if entry[store.REALTIME] <= options.until]
        shown += len(some)
        _write(b"".join([show(entry) for entry in some]))
        if len(some) < len(chunk) and not options.reverse:
            break
        if left is not None and shown >= left:
            break
    if options.follow:
        _follow(state, document, journal, show)
    elif not shown and not _quiet(options):
        _write(b"-- No entries --\n")


def _values(state: str, field: str) -> None:
    """`-F`: the values of a field, here of any that stands in an entry's head."""
    journal = Journal(state, [])
    journal.start(1, None)
    begin = field.encode() + b"="
    lines = (
        line
        for chunk in journal.entries()
        for entry in chunk
        for line in journal.data.get(entry[0], entry[1]).split(b"\n")
        if line.startswith(begin)
    )
    _write(b"".join(line[len(begin) :] + b"\n" for line in dict.fromkeys(lines)))


def _of_boot(journal: Journal, boot: str, chunks: Iterator[list[store.Entry]]) -> Iterator[list[store.Entry]]:
    """The entries of one boot: `_BOOT_ID=`."""
    line = f"_BOOT_ID={boot}\n".encode()
    for chunk in chunks:
        found = [entry for entry in chunk if line in journal.data.get(entry[0], entry[1])]
        if found:
            yield found


def _from_cursor(options: Options) -> bool:
    return options.cursor is not None or options.after_cursor is not None


def _start(journal: Journal, document: dict[str, Any], options: Options) -> None:
    first = document["first_seqnum"]
    # From 251 on, following shows the current boot only, unless journals are merged.
    if options.boot or (options.follow and not options.merge and document["systemd"] >= 251):
        first = max(first, _at(journal, store.BOOT, document["boot"]["number"]))
    if options.since is not None:
        first = max(first, _at(journal, store.REALTIME, options.since))
    text = options.cursor if options.cursor is not None else options.after_cursor
    if text is None:
        journal.start(first, options.lines)
        return
    parts = cursor.parse(text)
    if parts is None:
        raise Failure("Failed to seek to cursor: Invalid argument")
    place = cursor.seek(parts, journal.all, document["seqnum_id"])
    journal.start(max(first, place))
    if options.after_cursor is None:
        return
    if document["systemd"] < 256:
        journal.skip()  # systemd issue 30288: whether it is the cursor's or not
    else:
        journal.start(max(first, place + 1))


def _backwards(journal: Journal, document: dict[str, Any], options: Options) -> Iterator[list[store.Entry]]:
    """The chunks of `--reverse`: from the cursor, itself included, or from the end."""
    first = document["first_seqnum"]
    if options.since is not None:
        first = max(first, _at(journal, store.REALTIME, options.since))
    text = options.cursor if options.cursor is not None else options.after_cursor
    if text is None:
        return journal.backwards(journal.all.last_seqnum(), first)
    parts = cursor.parse(text)
    if parts is None:
        raise Failure("Failed to seek to cursor: Invalid argument")
    return journal.backwards(cursor.seek_back(parts, journal.all, document["seqnum_id"]), first)


def _at(journal: Journal, field: int, least: int) -> int:
    """The sequence number of the first entry whose field is at least this."""
    at = journal.all.first(field, least)
    found = journal.all.read(at, at + 1)
    return found[0][store.SEQNUM] if found else journal.all.last_seqnum() + 1


def _follow(state: str, document: dict[str, Any], journal: Journal, show: Render) -> None:
    path = os.path.join(state, store.STATE)
    ends, stamp = document["journalctl"]["ends"], -1  # it may have changed since `document` was read
    poller = _stdout_poller()
    while True:
        if journal.changed():
            for chunk in journal.entries():
                _write(b"".join([show(entry) for entry in chunk]))
        elif poller.poll(POLL_MS):
            return  # standard output has been closed
        now = os.stat(path).st_mtime_ns
        if now != stamp:
            stamp = now
            if store.load(state)["journalctl"]["ends"] != ends:
                raise Failure("Failed to iterate through journal: Bad message")


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
