"""A journal as journalctl printed it, whichever way, as entries.

Belongs here: telling the outputs of journalctl apart, and reading them: `export`, `json`, and the texts: `cat`, the
forms of `short`, `with-unit`, and what people paste of them. Pure: pieces of bytes in, entries out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from .entry import Entry
from .export import ExportParser
from .moments import moment

KINDS = ("auto", "export", "json", "short", "cat")
_LONGEST_LINE = 1 << 26


class Piece(NamedTuple):
    """An entry, or a further line of the one before it."""

    entry: Entry
    further: bool = False


def pieces(chunks: Iterable[bytes], kind: str, now: datetime, zone: tzinfo | None = None) -> Iterator[list[Piece]]:
    """Read a journal as it comes, in batches.

    :param kind: one of `KINDS`, as journalctl's `-o`; `auto` tells them apart by the first bytes
    :param now: completes times without a year
    :param zone: of times that name none
    """
    rest = iter(chunks)
    first = next(rest, b"")
    while first and kind == "auto" and b"\n" not in first and len(first) < _LONGEST_LINE:
        more = next(rest, b"")
        if not more:
            break
        first += more
    if kind == "auto":
        kind = told_by(first)
    if kind == "export":
        parser = ExportParser()
        for chunk in _chain(first, rest):
            yield [Piece(entry) for entry in parser.feed(chunk)]
        return
    read = _TextReader(now, zone).read if kind in ("short", "text") else _plain
    for lines in _lines(first, rest):
        yield [json_entry(line) if line.startswith(b"{") and kind != "cat" else read(line) for line in lines]


def told_by(first: bytes) -> str:
    """Return the output of journalctl that begins with these bytes: `export`, `json`, or `text`."""
    line = first.partition(b"\n")[0]
    if line.startswith(b"{") and b'"__REALTIME_TIMESTAMP"' in line:
        return "json"
    name, sign, _ = line.partition(b"=")
    if sign and name.startswith(b"__") and name.replace(b"_", b"").isalnum() and name.isupper():
        return "export"
    return "text"


def _lines(first: bytes, chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in _chain(first, chunks):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:  # not a journal's
            lines, rest = [*lines, rest], b""
        yield lines
    if rest:
        yield [rest]


def _chain(first: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _plain(line: bytes) -> Piece:
    return Piece(Entry("", 0, line))


_SHORT = re.compile(
    rb"(?:(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{6})?"
    rb"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{6})?(?:[+-]\d\d:?\d\d|Z)"
    rb"|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})? (?:UTC|[A-Z]{2,5}|[+-]\d\d(?:\d\d)?)"
    rb"|\d{10}\.\d{6})|\[ *\d+\.\d{6}(?: <[ \d.]+>)?\]) "
    rb"(?:(?P<host>[\w.-]{1,64}) )?(?P<name>[^\s\[\]:]{1,256}|[^\s\[\]]{1,256}@[^\s\[\]]{1,256})(?:\[(?P<pid>\d+)\])?: "
)
_UNIT = re.compile(r"([\w:\\@.-]+\.(?:service|socket|target|timer|mount|scope|slice))(?:/.*)?\Z")
_NAMED_ZONE = re.compile(r" [A-Z]{2,5}\Z")


class _TextReader:
    """Reads lines of which each may be in a form of `short`, or the client's alone."""

    def __init__(self, now: datetime, zone: tzinfo | None) -> None:
        self._now = now
        self._zone = zone
        self._last: tuple[Entry, bytes] | None = None
        "The last entry, and the blanks with which a further line of it begins."

    def read(self, line: bytes) -> Piece:
        head = _SHORT.match(line)
        if head is None:
            if self._last is not None and line.startswith(self._last[1]):
                entry, indent = self._last
                return Piece(entry._replace(message=line[len(indent) :]), further=True)
            self._last = None
            return _plain(line)
        name = head["name"].decode("utf-8", "replace")
        unit = _UNIT.match(name)
        pid = int(head["pid"]) if head["pid"] and len(head["pid"]) < 20 else None
        at = self._moment((head["time"] or b"").decode())
        entry = Entry("", at, line[head.end() :], None, name, pid, unit[1] if unit else name)
        self._last = entry, b" " * head.end()
        return Piece(entry)

    def _moment(self, text: str) -> int:
        return moment(text if text.endswith(" UTC") else _NAMED_ZONE.sub("", text), self._now, self._zone) or 0


def json_entry(line: bytes) -> Piece:
    """Read a line of `-o json`; one that is none, which ssh, sudo or a client says, is its own message."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or ("__REALTIME_TIMESTAMP" not in record and "MESSAGE" not in record):
        return _plain(line)
    pid = _number(record.get("_PID"))
    identifier = record.get("SYSLOG_IDENTIFIER")
    unit = (record.get("UNIT") if pid == 1 else None) or record.get("_SYSTEMD_UNIT")
    return Piece(
        Entry(
            str(record.get("__CURSOR", "")),
            _number(record.get("__REALTIME_TIMESTAMP")) or 0,
            _bytes(record.get("MESSAGE", "")),
            _number(record.get("PRIORITY")),
            identifier if isinstance(identifier, str) else None,
            pid,
            unit if isinstance(unit, str) else None,
            goes_on=record.get("_LINE_BREAK") == "line-max",
        )
    )


def _bytes(message: Any) -> bytes:
    # Text with an escape or invalid UTF-8 in it comes as a list of byte numbers; a long one as null, without --all.
    if isinstance(message, str):
        return message.encode("utf-8", "replace")
    if isinstance(message, list):
        try:
            return bytes(message)
        except (ValueError, TypeError):  # a field that was there twice is a list of texts
            return b"\n".join(_bytes(each) for each in message if isinstance(each, str))
    return b"" if message is not None else b"[longer than journalctl shows without --all]"


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        return None
