"""`journalctl -fu execution | python3 -m ethpillar.journal`: any journal on any machine, parsed and aligned.

Belongs here: the filter's options, its files, and what it prints. The only place in this room that does I/O.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .choice import Choice, level_named, slot_range, text_pattern
from .formats import Line, LineParser
from .inputs import KINDS, Piece, pieces
from .joining import LineJoiner
from .moments import moment, wanted
from .render import Renderer
from .text import clean

_CHUNK = 65536
_GZIP = b"\x1f\x8b"


class Shown(NamedTuple):
    """A line and what goes with it."""

    at: int
    "Microseconds since the epoch: the journal's time, or the client's own; 0 if neither is known."
    line: Line
    text: str
    unit: str | None
    from_journal: bool
    "True if the time is the journal's."


def unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream as it comes, unpacked if it is gzip's.

    :raises OSError: it can't be read, or not be unpacked
    """
    read = iter(partial(os.read, stream.fileno(), _CHUNK), b"")
    first = next(read, b"")
    if not first.startswith(_GZIP):
        yield first
        yield from read
        return
    unpacker = zlib.decompressobj(wbits=31)
    data = first
    while data:
        try:
            yield unpacker.decompress(data)
        except zlib.error as problem:
            raise gzip.BadGzipFile(str(problem)) from problem
        data = unpacker.unused_data
        if unpacker.eof:  # several, one after the other, are one
            unpacker = zlib.decompressobj(wbits=31)
        data = data or next(read, b"")


def _whole(batches: Iterable[list[Piece]]) -> Iterator[list[Piece]]:
    """Yield the entries, one for each line that journald cut; units that print at the same time keep theirs apart."""
    joiners: dict[str | None, LineJoiner] = {}
    for batch in batches:
        yield [
            Piece(whole, piece.further)
            for piece in batch
            for whole in joiners.setdefault(piece.entry.unit, LineJoiner()).feed([piece.entry])
        ]
    yield [Piece(rest) for joiner in joiners.values() for rest in joiner.close()]


def parsed(
    batches: Iterable[list[Piece]], name: str | None, time_of: Callable[[str], int | None]
) -> Iterator[list[Shown]]:
    """Take the lines of a journal apart, each unit's by a parser of its own.

    :param name: stands for the unit where the journal names none
    :param time_of: reads a client's own time
    """
    parsers: dict[str | None, LineParser] = {}
    last = 0
    for batch in _whole(batches):
        found: list[Shown] = []
        for entry, further in batch:
            parser = parsers.setdefault(entry.unit, LineParser())
            unit = _printable(entry.unit.removesuffix(".service")) if entry.unit else name
            for number, text in enumerate(clean(entry.message)):
                line = parser.parse(text, entry.priority, manager=entry.pid == 1, further=further or number > 0)
                own = time_of(line.timestamp_text) if line.timestamp_text and not entry.realtime_us else None
                last = entry.realtime_us or own or last
                found.append(Shown(last, line, text, unit, entry.realtime_us > 0))
        yield found


def _printable(unit: str) -> str:
    """Return a unit's name without what it would do to a terminal, or what no terminal can show."""
    return clean(unit.encode("utf-8", "replace"))[0]


def merged(sources: list[Iterator[list[Shown]]]) -> Iterator[list[Shown]]:
    """Yield the lines of several journals, by their times; within each, in its order."""
    if len(sources) == 1:
        yield from sources[0]
        return
    runs = [_rising(number, source) for number, source in enumerate(sources)]
    for _, _, _, line in heapq.merge(*runs):
        yield [line]


def _rising(number: int, source: Iterator[list[Shown]]) -> Iterator[tuple[int, int, int, Shown]]:
    """Lines with keys that never fall: a clock that was set back does not put a line before the one it follows."""
    highest = count = 0
    for batch in source:
        for line in batch:
            highest = max(highest, line.at)
            count += 1
            yield highest, number, count, line


def show(batches: Iterable[list[Shown]], renderer: Renderer, choice: Choice) -> Iterator[str]:
    """Return what to print of each batch. The lines that continue one are shown, or left out, with it."""
    with_block: dict[str | None, bool] = {}
    for batch in batches:
        told: list[str] = []
        for at, line, text, unit, from_journal in batch:
            if not (line.continuation and with_block.get(unit, False)):
                with_block[unit] = choice.wants(line, text, at)
            if with_block[unit]:
                told.append((renderer.render(at if from_journal else 0, line, text, unit) or "") + "\n")
        yield "".join(told)


def main(arguments: list[str] | None = None) -> int:
    """Run the filter: files or standard input, to standard output."""
    options = _options(datetime.now().astimezone()).parse_args(
        _joined(sys.argv[1:] if arguments is None else arguments)
    )
    if (sys.stdin is None and not options.files) or sys.stdout is None:
        return _failed("standard input or output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has every character
    color = options.color == "always" or (
        options.color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    )
    renderer = Renderer(color, options.utc, options.raw)
    choice = Choice(options.level, options.since, options.until, options.grep, options.slot)
    try:
        with ExitStack() as opened:
            for text in show(merged(_sources(options, opened)), renderer, choice):
                sys.stdout.write(text)
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as problem:
        # Python would complain about what is still to be written when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(problem, BrokenPipeError):  # `| head` has had enough
            return _failed(
                f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem.strerror or problem)
            )
    return 0


def _sources(options: argparse.Namespace, opened: ExitStack) -> list[Iterator[list[Shown]]]:
    """Return the lines of each file; the stack closes them."""
    zone = UTC if options.utc else None
    now = datetime.now().astimezone()
    time_of = partial(moment, now=now, zone=zone)
    found = []
    for path in options.files or ["-"]:
        stream = sys.stdin.buffer if path == "-" else _opened(path, opened)
        name = Path(path).name.partition(".")[0] if len(options.files) > 1 and path != "-" else None
        found.append(parsed(pieces(unpacked(stream), options.input, now, zone), name, time_of))
    return found


def _opened(path: str, opened: ExitStack) -> BinaryIO:
    with ExitStack() as until_kept:
        stream = until_kept.enter_context(Path(path).open("rb"))
        opened.push(until_kept.pop_all())
    return stream


def _failed(why: str) -> int:
    if sys.stderr is not None:
        print(f"ethpillar.journal: {why}", file=sys.stderr)
    return 1


def _joined(arguments: list[str]) -> list[str]:
    """Return the arguments with `--since -1h` as `--since=-1h`: argparse takes `-1h` for an option of its own."""
    found: list[str] = []
    for argument in arguments:
        if found and found[-1] in ("--since", "--until") and argument[:1] == "-" and argument[1:2].isdigit():
            found[-1] += f"={argument}"
        else:
            found.append(argument)
    return found


def _options(now: datetime) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ethpillar-journal",
        description="Shows a journal's lines parsed and aligned: level, time, unit, component, message, fields.",
        epilog="example: journalctl -fu execution -u consensus | python3 -m ethpillar.journal --level warning",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="what journalctl printed, also .gz; several are merged by time; - or none: standard input",
    )
    parser.add_argument(
        "--input", choices=KINDS, default="auto", help="what `journalctl -o` was (short: all forms of it)"
    )
    parser.add_argument(
        "--level",
        type=_read(level_named, "level"),
        help="only lines this severe, and lines without a level: trace, debug, info, warn, error, critical",
    )
    time = _read(partial(wanted, now=now), "time")
    parser.add_argument(
        "--since",
        type=time,
        metavar="TIME",
        help="2026-09-12 08:15, 08:15, today, yesterday, '2 hours ago', -1h30m, @1789200912",
    )
    parser.add_argument("--until", type=time, metavar="TIME", help="the same")
    parser.add_argument(
        "--grep",
        type=_read(text_pattern, "pattern"),
        metavar="PATTERN",
        help="only lines with this regular expression; capitals make case count",
    )
    parser.add_argument("--slot", type=_read(slot_range, "slot"), metavar="N[-M]", help="only lines of these slots")
    parser.add_argument("--utc", action="store_true", help="times in UTC, else in your zone")
    parser.add_argument("--raw", action="store_true", help="lines as the client printed them, without colours")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="NO_COLOR is honoured")
    return parser


def _read(read: Callable[[str], Any], what: str) -> Callable[[str], Any]:
    """Return an argument's type, whose errors argparse tells in its words."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except ValueError as problem:
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}") from problem

    return checked


if __name__ == "__main__":
    sys.exit(main())
