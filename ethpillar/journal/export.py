"""The Journal Export Format (systemd.journal-export-formats): bytes in, entries out.

Belongs here: the parser, which does no I/O. An entry is a run of fields and ends with an empty line. A field is
`NAME=value\\n` when its value is printable text, else `NAME\\n`, eight bytes of little-endian length, the value, `\\n`.

The bytes may be cut anywhere, and nothing of them is believed: what is no field is skipped to the next line, a value
too long is cut and its rest is dropped unseen, and no input raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .entry import Entry

VALUE_LIMIT = 256 * 1024
"Bytes kept of one value. journald cuts what a program prints at 48 KiB; a native message may be longer."
CURSOR_LIMIT = 512
"Bytes of a cursor; systemd's have some 130."
VALUE_MOST = 768 * 1024 * 1024
"Bytes of the longest value there can be: systemd's own reader of this format takes no more (DATA_SIZE_MAX)."

BREATH = 256
"Lines that are taken apart between two breaths."

REST = 4096
"Bytes of an entry that has not come whole which are looked at again when more comes."
CONTEXTS = 64
CONTEXT_LIMIT = 2048
"How many entries' surroundings are remembered, and of how many bytes: a unit has few, the whole journal some more."

_NEWLINE = b"\n"
_MESSAGE = b"MESSAGE="
NO_TEXT = b"(This entry has no text. If it should have one, its file is damaged: sudo journalctl --verify)"
"""In place of the message of an entry that has none: journalctl leaves out a field that it can't read, says nothing and
shows all others."""
_CURSOR = b"__CURSOR"
"""The first field of an entry. Something else on the node may print half a line before it: a job of the login shell's
start-up file that goes on."""
_USUAL = re.compile(
    rb"__CURSOR=([^\n]{0,512}+)\n__REALTIME_TIMESTAMP=(\d{1,20}+)\n__MONOTONIC_TIMESTAMP=[^\n]*+\n"
    rb"(?>(?:__SEQNUM(?:_ID)?=[^\n]*+\n)*)(_BOOT_ID=(?>(?:(?!MESSAGE=)[^\n]++\n)*))MESSAGE=([^\n]*+)\n"
    rb"((?>(?:[^\n]++\n)*))\n"
)  # atomic groups, as Debian 12's Python 3.11.2 loses a group that is repeated possessively within another one
"""An entry as journalctl prints almost all: cursor, time, the lines before its message, that, the lines after it.

A program prints one entry after the other with the same lines before and after its message."""
_WANTED = frozenset(
    {
        *(b"__CURSOR", b"__REALTIME_TIMESTAMP", b"MESSAGE", b"PRIORITY", b"SYSLOG_IDENTIFIER"),
        *(b"_PID", b"UNIT", b"_SYSTEMD_UNIT", b"_BOOT_ID", b"_LINE_BREAK"),
    }
)
"The fields that are kept while an entry comes: an entry that never ends may have ever new ones."


_new = tuple.__new__
"What a named tuple's own constructor calls: without that call an entry costs 0.2 us less."


class ExportParser:
    """Feed it bytes; it returns the entries that are complete."""

    def __init__(self, value_limit: int = VALUE_LIMIT, breathe: Callable[[], None] = lambda: None) -> None:
        """
        :param value_limit: bytes kept of one value
        :param breathe: called again and again while bytes are taken apart, so that others may have their turn
        """
        self._limit = value_limit
        self._breathe = breathe
        self._lines = 0
        self._buffer = b""
        self._fields: dict[bytes, bytes] = {}
        self._missing = 0
        "Bytes of a binary field's value, and the line break after it, that have not come yet."
        self._binary: bytes = b""
        "The name of that field."
        self._value = bytearray()
        self._skipping = False
        "Within a line that is too long: up to its end."
        self._same: dict[tuple[bytes, bytes], tuple[Any, ...]] = {}
        "What lines before and after a message make of an `Entry`."

    @property
    def size(self) -> int:
        """Bytes kept of what is no entry yet."""
        return len(self._buffer) + len(self._value) + sum(map(len, self._fields.values()))

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that these bytes complete, in order."""
        entries: list[Entry] = []
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        at = again = 0
        end = len(data)
        while at < end:
            self._count(1)
            if at >= again and not self._fields and not self._missing and not self._skipping:
                at, again = self._take_whole(data, at, entries)
                if at == end or (again > end and end - at <= REST):
                    self._buffer = data[at:]
                    break
            at = self._take_binary(data, at) if self._missing else self._take_line(data, at, entries)
        return entries

    def _take_line(self, data: bytes, at: int, entries: list[Entry]) -> int:
        """Take a line, or keep what has come of it. Return where the next one begins."""
        stop = data.find(_NEWLINE, at)
        if stop < 0:
            self._keep(data[at:])
            return len(data)
        if self._skipping:
            self._skipping = False
            return stop + 1
        if stop == at:
            self._finish(entries)
            return stop + 1
        name, equals, value = data[at:stop].partition(b"=")
        if equals:
            self._set(name, value[: self._limit])
            return stop + 1
        if not _is_name(name):
            return stop + 1  # garbage: the next line may be a field again
        if len(data) - stop < 9:
            self._buffer = data[at:]  # the length has not come whole
            return len(data)
        return self._begin_binary(data, at, stop)

    def _take_whole(self, data: bytes, at: int, entries: list[Entry]) -> tuple[int, int]:
        """Take the usual case at once: entries that are here whole and have no binary field.

        :return: where these end, and from where on it is worth a further try. Tried again after each line, bytes that
            are no entry would take time that grows with the square of their number.
        """
        at = self._take_usual(data, at, entries)
        while (stop := data.find(b"\n\n", at)) >= 0 and stop - at <= self._limit:
            text = data[at:stop]
            try:
                fields = dict([line.split(b"=", 1) for line in text.split(_NEWLINE)])
            except ValueError:
                break  # a line without "=": a binary field, in whose value the empty line may be
            if b"__CURSOR" in fields or b"MESSAGE" in fields:
                entries.append(_entry(fields))
            self._count(text.count(_NEWLINE) + 1)
            at = self._take_usual(data, stop + 2, entries)
        return at, len(data) + 1 if stop < 0 else stop + 2

    def _count(self, lines: int) -> None:
        self._lines += lines
        if self._lines > BREATH:
            self._lines = 0
            self._breathe()

    def _take_usual(self, data: bytes, at: int, entries: list[Entry]) -> int:
        """Take entries that are like others before them, but for cursor, times and message. Return where they end."""
        before = after = b""
        same: tuple[Any, ...] | None = None
        while usual := _USUAL.match(data, at):
            cursor, realtime, first, message, last = usual.groups()
            if same is None or first != before or last != after:
                before, after = first, last
                same = self._same.get((before, after)) or self._learn(before, after)
            if same is None or len(message) > self._limit:
                break
            entries.append(_new(Entry, (cursor.decode("utf-8", "replace"), int(realtime), message, *same)))
            at = usual.end()
            if len(entries) % BREATH == 0:
                self._breathe()
        return at

    def _learn(self, before: bytes, after: bytes) -> tuple[Any, ...] | None:
        """Return what the lines before and after a message make of an `Entry`; None if they are unusual."""
        same = before + after
        if (
            len(same) > CONTEXT_LIMIT
            or b"\n__" in same
            or b"\n" + _MESSAGE in same
            or after.startswith((b"__", _MESSAGE))
        ):
            return None
        try:
            fields = dict([line.split(b"=", 1) for line in same.split(_NEWLINE)[:-1]])
        except ValueError:
            return None
        if len(self._same) >= CONTEXTS:
            self._same.clear()
        self._same[before, after] = found = _entry(fields)[3:]
        return found

    def _keep(self, rest: bytes) -> None:
        """Keep the beginning of a line for the next time; one that is too long is taken as it is."""
        if self._skipping:
            return
        if len(rest) <= self._limit + 256:
            self._buffer = rest
            return
        name, equals, value = rest.partition(b"=")
        if equals:
            self._set(name, value[: self._limit])
        self._skipping = True

    def _begin_binary(self, data: bytes, at: int, stop: int) -> int:
        length = int.from_bytes(data[stop + 1 : stop + 9], "little")
        if length > VALUE_MOST:
            return stop + 1  # garbage, too
        self._binary = data[at:stop]
        self._missing = length + 1
        return stop + 9

    def _take_binary(self, data: bytes, at: int) -> int:
        taken = min(self._missing, len(data) - at)
        room = self._limit - len(self._value)
        self._value += data[at : at + min(taken, room, self._missing - 1)]
        self._missing -= taken
        if not self._missing:
            self._set(self._binary, bytes(self._value))
            self._value.clear()
        return at + taken

    def _set(self, name: bytes, value: bytes) -> None:
        if name in _WANTED:
            self._fields[name] = value
        elif name.endswith(_CURSOR):
            self._fields[_CURSOR] = value

    def _finish(self, entries: list[Entry]) -> None:
        fields, self._fields = self._fields, {}
        if b"__CURSOR" in fields or b"MESSAGE" in fields:
            entries.append(_entry(fields))

    def close(self) -> list[Entry]:
        """End the stream: an entry that is not complete is dropped."""
        self.__init__(self._limit, self._breathe)  # type: ignore[misc]
        return []


def _is_name(name: bytes) -> bool:
    return len(name) <= 64 and name.replace(b"_", b"").isalnum() and name.isascii()


def _entry(fields: dict[bytes, bytes]) -> Entry:
    get = fields.get
    pid = _number(get(b"_PID"))
    cursor = get(_CURSOR) or next((value for name, value in fields.items() if name.endswith(_CURSOR)), b"")
    return Entry(
        cursor=cursor[:CURSOR_LIMIT].decode("utf-8", "replace"),
        realtime_us=_number(get(b"__REALTIME_TIMESTAMP")) or 0,
        message=get(b"MESSAGE", NO_TEXT),
        priority=_priority(get(b"PRIORITY")),
        identifier=_text(get(b"SYSLOG_IDENTIFIER")),
        pid=pid,
        unit=_text((pid == 1 and get(b"UNIT")) or get(b"_SYSTEMD_UNIT")),
        boot_id=_text(get(b"_BOOT_ID")),
        goes_on=get(b"_LINE_BREAK") == b"line-max",
    )


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and len(value) <= 20 and value.isdigit() else None


def _priority(value: bytes | None) -> int | None:
    return value[0] - 48 if value is not None and len(value) == 1 and 48 <= value[0] <= 55 else None
