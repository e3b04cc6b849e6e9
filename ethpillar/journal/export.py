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

_NEWLINE = b"\n"
_MESSAGE = b"\nMESSAGE="
_BOOT = b"\n_BOOT_ID="
"The first line of an entry that is the same in the next one; journalctl prints the cursor and the times before it."
_USUAL = re.compile(
    rb"__CURSOR=([^\n]{0,512})\n__REALTIME_TIMESTAMP=(\d{1,20})\n__MONOTONIC_TIMESTAMP=[^\n]*+(?:\n__SEQNUM(?:_ID)?=[^\n]*+)*+"
)
"The lines before that one."
_WANTED = frozenset(
    {
        *(b"__CURSOR", b"__REALTIME_TIMESTAMP", b"MESSAGE", b"PRIORITY", b"SYSLOG_IDENTIFIER"),
        *(b"_PID", b"UNIT", b"_SYSTEMD_UNIT", b"_BOOT_ID", b"_LINE_BREAK"),
    }
)
"The fields that are kept while an entry comes: an entry that never ends may have ever new ones."


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
        self._binary: bytes | None = None
        "Name of the binary field whose value is being read."
        self._missing = 0
        "Bytes of that value, and the line break after it, that have not come yet."
        self._value = bytearray()
        self._skipping = False
        "Within a line that is too long: up to its end."
        self._before = self._after = b""
        "The lines before and after the message of the last usual entry, without those that differ each time."
        self._same: tuple[Any, ...] = ()
        "What these lines make of an `Entry`."

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that these bytes complete, in order."""
        entries: list[Entry] = []
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        at = again = 0
        end = len(data)
        while at < end:
            self._count(1)
            if at >= again and not self._fields and self._binary is None and not self._skipping:
                at, again = self._take_whole(data, at, entries)
                if at == end:
                    break
            if self._binary is not None:
                at = self._take_binary(data, at)
                continue
            stop = data.find(_NEWLINE, at)
            if stop < 0:
                self._keep(data[at:])
                break
            if self._skipping:
                self._skipping = False
                at = stop + 1
                continue
            if stop == at:
                self._finish(entries)
                at += 1
                continue
            equals = data.find(b"=", at, stop)
            if equals >= 0:
                self._set(data[at:equals], data[equals + 1 : min(stop, equals + 1 + self._limit)])
                at = stop + 1
            elif not _is_name(data[at:stop]):
                at = stop + 1  # garbage: the next line may be a field again
            elif end - stop < 9:
                self._buffer = data[at:]  # the length has not come whole
                break
            else:
                at = self._begin_binary(data, at, stop)
        return entries

    def _take_whole(self, data: bytes, at: int, entries: list[Entry]) -> tuple[int, int]:
        """Take the usual case at once: entries that are here whole and have no binary field.

        :return: where these end, and from where on it is worth a further try. Tried again after each line, bytes that
            are no entry would take time that grows with the square of their number.
        """
        while (stop := data.find(b"\n\n", at)) >= 0 and stop - at <= self._limit:
            text = data[at:stop]
            try:
                entry = self._like_the_last(text)
                lines = 1
                if entry is None:
                    lines = text.count(_NEWLINE) + 1
                    entry = self._of_fields(text)
            except ValueError:
                break  # a line without "=": a binary field, in whose value the empty line may be
            if entry is not None:
                entries.append(entry)
            at = stop + 2
            self._count(lines)
        return at, len(data) if stop < 0 else stop + 2

    def _count(self, lines: int) -> None:
        self._lines += lines
        if self._lines > BREATH:
            self._lines = 0
            self._breathe()

    def _like_the_last(self, text: bytes) -> Entry | None:
        """Take an entry that has the same lines as the one before, but for its cursor, its times and its message.

        Almost all have: a program prints one line after the other. None for another one, or a different order.
        """
        head, _, tail = text.partition(_MESSAGE)
        message, _, after = tail.partition(_NEWLINE)
        at = head.find(_BOOT)
        if at < 0 or after != self._after or head[at:] != self._before:
            return None
        usual = _USUAL.fullmatch(head, 0, at)
        return Entry(usual[1].decode(), int(usual[2]), message, *self._same) if usual else None

    def _of_fields(self, text: bytes) -> Entry | None:
        """Take an entry of which each line has a `=`; None if it has nothing that is wanted. Raises ValueError."""
        fields = dict([line.split(b"=", 1) for line in text.split(_NEWLINE)])
        if not (b"__CURSOR" in fields or b"MESSAGE" in fields):
            return None
        entry = _entry(fields)
        head, _, tail = text.partition(_MESSAGE)
        at, after = head.find(_BOOT), tail.partition(_NEWLINE)[2]
        same = head[at:] + _NEWLINE + after
        if at >= 0 and _USUAL.fullmatch(head, 0, at) and _MESSAGE not in same and b"\n__" not in same:
            self._before, self._after, self._same = head[at:], after, entry[3:]
        return entry

    def _keep(self, rest: bytes) -> None:
        """The beginning of a line, for the next time; one that is too long is taken as it is."""
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
        self._value.clear()
        return stop + 9

    def _take_binary(self, data: bytes, at: int) -> int:
        taken = min(self._missing, len(data) - at)
        room = self._limit - len(self._value)
        if room > 0:
            self._value += data[at : at + min(taken, room, self._missing - 1)]
        self._missing -= taken
        if self._missing == 0 and self._binary is not None:
            self._set(self._binary, bytes(self._value))
            self._binary = None
            self._value.clear()
        return at + taken

    def _set(self, name: bytes, value: bytes) -> None:
        if name in _WANTED:
            self._fields[name] = value

    def _finish(self, entries: list[Entry]) -> None:
        fields, self._fields = self._fields, {}
        if b"__CURSOR" in fields or b"MESSAGE" in fields:
            entries.append(_entry(fields))

    def close(self) -> list[Entry]:
        """The stream is over: an entry that is not complete is dropped."""
        self.__init__(self._limit, self._breathe)  # type: ignore[misc]
        return []


def _is_name(name: bytes) -> bool:
    return 0 < len(name) <= 64 and name.replace(b"_", b"").isalnum() and name.isascii()


def _entry(fields: dict[bytes, bytes]) -> Entry:
    get = fields.get
    pid = _number(get(b"_PID"))
    return Entry(
        cursor=get(b"__CURSOR", b"")[:CURSOR_LIMIT].decode("utf-8", "replace"),
        realtime_us=_number(get(b"__REALTIME_TIMESTAMP")) or 0,
        message=get(b"MESSAGE", b""),
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
