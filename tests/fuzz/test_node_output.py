"""What a node sends: journals, `systemctl show`, names of units."""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
import tracemalloc
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from ethpillar.journal.__main__ import parsed, show, unpacked
from ethpillar.journal.choice import Choice
from ethpillar.journal.entry import Entry
from ethpillar.journal.export import NO_TEXT, ExportParser
from ethpillar.journal.formats import LineParser
from ethpillar.journal.inputs import KINDS, Piece, json_entry, pieces
from ethpillar.journal.moments import moment
from ethpillar.journal.render import Renderer
from ethpillar.journal.text import clean
from ethpillar.nodes.failures import lines_before_failure
from ethpillar.units import parse_show, service_name, show_command, unit_name
from ethpillar.units.show import PROPERTIES, STATES

from .kit import CUTS, ODD, TEXT, chunks, fuzzed, valid

LIMIT = 64
NAMES = st.sampled_from([b"MESSAGE", b"__CURSOR", b"_PID", b"PRIORITY", b"UNIT", b"_X", b"", b"=", b"a b", b"\xff"])
VALUES = st.binary(max_size=100) | st.sampled_from([b"", b"\n", b"\n\n", b"=", b"1", b"x" * 400, b"\n__CURSOR=x\n\n"])
FIELDS = (
    st.tuples(NAMES, VALUES).map(lambda pair: pair[0] + b"=" + pair[1] + b"\n")
    | st.tuples(NAMES, VALUES).map(lambda p: p[0] + b"\n" + len(p[1]).to_bytes(8, "little") + p[1] + b"\n")
    | st.tuples(NAMES, st.integers(0, 2**64 - 1)).map(lambda pair: pair[0] + b"\n" + pair[1].to_bytes(8, "little"))
    | st.sampled_from([b"\n", b"\n\n", b"=\n", b"Welcome!\n", b"\r\n"])
    | st.binary(max_size=40)
)
STREAMS = st.lists(FIELDS, max_size=12).map(b"".join)


def read(pieces: list[bytes]) -> list[Entry]:
    parser = ExportParser(LIMIT)
    found = [entry for piece in pieces for entry in parser.feed(piece)]
    return found + parser.close()


@fuzzed
@given(STREAMS, CUTS)
@example(b"MESSAGE=a\n=x\n\n", [10])
@example(b"=x\nMESSAGE=a\n\n", [])
@example(b"MESSAGE=\n\x90" + b"x" * 400 + b"\n\n", [332])
def test_journal_streams_whatever_the_chunks(data: bytes, cuts: list[int]) -> None:
    whole = read([data])
    assert read(chunks(data, cuts)) == whole
    assert read([data[at : at + 1] for at in range(len(data))]) == whole
    for entry in whole:
        assert len(entry.message) <= max(LIMIT, len(NO_TEXT))
        assert valid(entry.cursor)
        assert valid(entry.unit)
        assert entry.priority is None or 0 <= entry.priority <= 7
        assert entry.realtime_us >= 0


@fuzzed
@given(st.binary(max_size=20), st.booleans(), st.booleans())
@example(b"", True, True)
def test_journal_streams_that_never_end_are_not_kept(start: bytes, numbered: bool, lines: bool) -> None:
    parser = ExportParser(LIMIT)
    parser.feed(start)
    tracemalloc.start()
    try:
        for number in range(300):
            name = b"F%d" % number if numbered else b"MESSAGE"
            parser.feed(name + b"=" + b"x" * 200 + (b"\n" if lines else b""))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 20_000


VALUE = st.sampled_from(
    ["", "active", "failed", "not-found", "[not set]", "@1753092672", "@-1", "18446744073709551615"]
)
PAIRS = st.tuples(st.sampled_from([*PROPERTIES, "", "x"]), VALUE | TEXT).map("=".join)
BLOCKS = st.lists(PAIRS, max_size=14).map("\n".join)


@fuzzed
@given(
    st.lists(BLOCKS, max_size=4).map("\n\n".join).map(lambda text: text.encode("utf-8", "replace")), st.integers(0, 4)
)
@example(b"ActiveState=active\nStateChangeTimestamp=@" + b"9" * 30, 1)
@example(b"ActiveState=active\nMainPID=" + "²".encode(), 1)
def test_systemctl_show(output: bytes, count: int) -> None:
    units = [f"u{number}.service" for number in range(count)]
    try:
        statuses = parse_show(units, output)
    except ValueError:
        return
    assert [status.unit for status in statuses] == units
    for status in statuses:
        assert status.status in {*STATES, "not_installed"}
        assert valid(status.description)
        assert status.since is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status.since)
        for number in (status.main_pid, status.restarts, status.memory_bytes, status.exit_status):
            assert number is None or 0 <= number < 2**64


@fuzzed
@given(st.binary(max_size=400), st.integers(0, 3))
def test_systemctl_show_any_bytes(output: bytes, count: int) -> None:
    try:
        assert len(parse_show(["a.service"] * count, output)) == count
    except ValueError:
        return


UNITS = (
    ODD | st.text("ab@.-_:\\/ \n;$é", max_size=12) | st.sampled_from(["a" * 255, "a" * 247 + ".service", ".service"])
)


@fuzzed
@given(UNITS)
@example("--help")
@example("a.service\n")
@example("é")
def test_unit_names(service: object) -> None:
    unit = unit_name(service)
    if unit is None:
        return
    assert isinstance(service, str)
    assert unit.endswith(".service")
    assert not unit.startswith(("-", "."))
    assert len(unit) <= 255
    assert unit.isascii()
    assert not re.search(r"[\s/;$&|<>`'\"*?(){}\x00-\x1f]", unit)
    assert unit_name(service_name(unit)) == unit or service_name(unit).endswith(".service")
    assert shlex.split(shlex.join(show_command([unit])))[-1] == unit


BYTES = st.binary(max_size=200)
PIECES = [
    "\x1b[31m",
    "\x1b]0;t\x07",
    "\x1b",
    "\x9b",
    "\x9d",
    "\x90",
    "\r",
    "\n",
    "\r\n",
    "\t",
    "a",
    "é",
    "\x00",
    "\x85",
    "\\",
    "\x07",
]
MESSAGES = BYTES | st.lists(st.sampled_from(PIECES), max_size=20).map(lambda parts: "".join(parts).encode())


@fuzzed
@given(MESSAGES)
@example(b"\x1b\x1b[31mx")
@example("\x9d\x1b\x9b".encode())
def test_cleaned_text(message: bytes) -> None:
    lines = clean(message)
    assert lines
    for line in lines:
        assert valid(line)
        assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f]", line)
        assert clean(line.encode()) == [line]


@fuzzed
@given(
    st.lists(
        st.builds(
            Entry, st.just("c"), st.integers(0, 2**64), MESSAGES, st.none(), st.none(), st.sampled_from([None, 1, 7])
        )
    )
)
def test_lines_before_a_failure(found: list[Entry]) -> None:
    lines = lines_before_failure(found)
    assert len(lines) <= 10
    assert all(len(line) <= 1000 for line in lines)


NOW = datetime(2026, 9, 12, 8, 15, tzinfo=UTC)
KEYS = ["__CURSOR", "__REALTIME_TIMESTAMP", "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "_PID", "UNIT", "_SYSTEMD_UNIT"]
RECORDS = st.dictionaries(st.sampled_from(KEYS), ODD | st.lists(st.integers(-1, 300), max_size=5) | st.just(["a", "b"]))


def printed(found: list[Piece]) -> str:
    """What the filter would print, as bytes of a terminal."""
    lines = parsed([found], None, lambda text: moment(text, NOW, UTC))
    text = "".join(show(lines, Renderer(True, True, False, None), Choice()))
    return text.encode().decode()


@fuzzed
@given(st.lists(RECORDS, max_size=3))
@example([{"_PID": float("inf")}])
@example([{"MESSAGE": "x", "__REALTIME_TIMESTAMP": 10**400}])
@example([{"MESSAGE": "x", "_SYSTEMD_UNIT": "\ud800"}])
@example([{"MESSAGE": "x", "_SYSTEMD_UNIT": "\x1b]0;owned\x07"}])
@example([{"MESSAGE": "x", "PRIORITY": -1}])
@example([{"MESSAGE": [10**30]}])
def test_json_records_of_the_filter(records: list[dict[str, object]]) -> None:
    found = [json_entry(json.dumps(each).encode()) for each in records]
    assert len(found) == len(records)
    text = re.sub("\x1b\\[[0-9;]*m", "", printed(found))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


@fuzzed
@given(st.binary(max_size=300) | STREAMS, st.sampled_from(list(KINDS)))
@example(b"[" * 100_000 + b"\n", "json")
@example(b'{"__REALTIME_TIMESTAMP":' + b"9" * 5000 + b"}\n", "auto")
def test_anything_into_the_filter(data: bytes, kind: str) -> None:
    with tempfile.TemporaryFile() as file:
        os.write(file.fileno(), data)
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        printed([piece for batch in pieces(unpacked(file), kind, NOW, UTC) for piece in batch])


@fuzzed
@given(
    TEXT | st.text("abc=\"'[]{}:|, \t0123.\\", max_size=120),
    st.none() | st.integers(0, 7),
    st.booleans(),
    st.booleans(),
)
def test_lines(text: str, priority: int | None, manager: bool, further: bool) -> None:
    LineParser().parse(text, priority, manager=manager, further=further)
