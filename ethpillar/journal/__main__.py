"""`journalctl -o export | python3 -m ethpillar.journal`: any journal on any machine, parsed and aligned.

Belongs here: the filter's options, and the three outputs of journalctl that it reads. The only place in this room that
does I/O.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from .entry import Entry
from .export import ExportParser
from .formats import LEVELS, LineParser
from .joining import LineJoiner
from .render import Renderer
from .text import clean

_CHUNK = 65536
_LONGEST_LINE = 1 << 26


def entries(stream: BinaryIO, kind: str) -> Iterator[list[Entry]]:
    """The entries of a journal as they come, in batches.

    :param kind: `export`, `json` or `cat`, as journalctl's `-o`; `auto` tells them apart by the first bytes
    """
    chunks = iter(lambda: os.read(stream.fileno(), _CHUNK), b"")
    first = next(chunks, b"")
    while first and kind == "auto" and b"\n" not in first:
        more = next(chunks, b"")
        if not more:
            break
        first += more
    if kind == "auto":
        kind = told_by(first)
    if kind == "export":
        parser = ExportParser()
        yield parser.feed(first)
        for chunk in chunks:
            yield parser.feed(chunk)
        yield parser.close()
        return
    read = _json_entry if kind == "json" else _cat_entry
    for lines in _lines(first, chunks):
        yield [read(line) for line in lines]


def told_by(first: bytes) -> str:
    """Which of journalctl's outputs begins with these bytes."""
    line = first.partition(b"\n")[0]
    if line.startswith(b"{") and b'"__REALTIME_TIMESTAMP"' in line:
        return "json"
    name, sign, _ = line.partition(b"=")
    if sign and name.startswith(b"__") and name.replace(b"_", b"").isalnum() and name.isupper():
        return "export"
    return "cat"


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


def _cat_entry(line: bytes) -> Entry:
    return Entry("", 0, line)


def _json_entry(line: bytes) -> Entry:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return _cat_entry(line)  # what ssh, sudo or a shell says in between
    pid = _number(record.get("_PID"))
    identifier = record.get("SYSLOG_IDENTIFIER")
    unit = (record.get("UNIT") if pid == 1 else None) or record.get("_SYSTEMD_UNIT")
    return Entry(
        str(record.get("__CURSOR", "")),
        _number(record.get("__REALTIME_TIMESTAMP")) or 0,
        _bytes(record.get("MESSAGE", "")),
        _number(record.get("PRIORITY")),
        identifier if isinstance(identifier, str) else None,
        pid,
        unit if isinstance(unit, str) else None,
        goes_on=record.get("_LINE_BREAK") == "line-max",
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


def _whole(batches: Iterable[list[Entry]]) -> Iterator[list[Entry]]:
    """The entries, of lines that journald cut one each; units that print at the same time keep theirs apart."""
    joiners: dict[str | None, LineJoiner] = {}
    for batch in batches:
        yield [whole for each in batch for whole in joiners.setdefault(each.unit, LineJoiner()).feed([each])]
    yield [rest for joiner in joiners.values() for rest in joiner.close()]


def show(batches: Iterable[list[Entry]], renderer: Renderer) -> Iterator[str]:
    """What to print for each batch of entries."""
    parsers: dict[str | None, LineParser] = {}
    for batch in _whole(batches):
        shown: list[str] = []
        for entry in batch:
            parser = parsers.setdefault(entry.unit, LineParser())
            for number, text in enumerate(clean(entry.message)):
                line = parser.parse(text, entry.priority, manager=entry.pid == 1, further=number > 0)
                name = _shown(entry.unit.removesuffix(".service")) if entry.unit else None
                told = renderer.render(entry.realtime_us, line, text, name)
                if told is not None:
                    shown.append(told + "\n")
        yield "".join(shown)


def _shown(unit: str) -> str:
    """A unit's name without what it would do to a terminal, or what no terminal can show."""
    return clean(unit.encode("utf-8", "replace"))[0]


def main(arguments: list[str] | None = None) -> int:
    """The filter: standard input to standard output."""
    options = _options().parse_args(arguments)
    if sys.stdin is None or sys.stdout is None:
        return _failed("standard input or output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has every character
    color = options.color == "always" or (
        options.color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    )
    renderer = Renderer(color, options.utc, options.raw, options.level)
    try:
        for text in show(entries(sys.stdin.buffer, options.input), renderer):
            sys.stdout.write(text)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as problem:
        # Python would complain about what is still to be written when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(problem, BrokenPipeError):  # `| head` has had enough
            return _failed(problem.strerror or type(problem).__name__)
    return 0


def _failed(why: str) -> int:
    if sys.stderr is not None:
        print(f"ethpillar.journal: {why}", file=sys.stderr)
    return 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m ethpillar.journal",
        description="Shows a journal's lines parsed and aligned: level, time, unit, component, message, fields.",
        epilog="example: journalctl -u execution -u consensus -f -o export | python3 -m ethpillar.journal --level warn",
    )
    parser.add_argument(
        "--input", choices=("auto", "export", "json", "cat"), default="auto", help="what `journalctl -o` was"
    )
    parser.add_argument("--level", choices=LEVELS, help="only lines this severe, and lines without a level")
    parser.add_argument("--utc", action="store_true", help="times in UTC, else in your zone")
    parser.add_argument("--raw", action="store_true", help="lines as the client printed them, without colours")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="NO_COLOR is honoured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
