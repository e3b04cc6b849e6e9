"""Lines that journald cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.entry import Entry
from ethpillar.journal.export import ExportParser
from ethpillar.journal.formats import LONGEST as TAKEN_APART
from ethpillar.journal.formats import LineParser
from ethpillar.journal.joining import LONGEST, MOST, LineJoiner


def piece(number: int, text: bytes, goes_on: bool = False, pid: int = 7) -> Entry:
    return Entry(f"s=1;i={number:x}", number, text, 6, "geth", pid, goes_on=goes_on)


def test_pieces_are_one_line_with_the_last_ones_cursor() -> None:
    joiner = LineJoiner()
    assert joiner.feed([piece(1, b"a"), piece(2, b"b", True), piece(3, b"c", True)]) == [piece(1, b"a")]
    assert joiner.feed([]) == []
    assert joiner.feed([piece(4, b"d"), piece(5, b"e")]) == [piece(4, b"bcd"), piece(5, b"e")]
    assert joiner.close() == []


def test_another_programs_line_ends_it() -> None:
    joiner = LineJoiner()
    got = joiner.feed([piece(1, b"a", True), piece(2, b"systemd's", pid=1), piece(3, b"b")])
    assert got == [piece(1, b"a", True), piece(2, b"systemd's", pid=1), piece(3, b"b")]


def test_a_line_without_end_comes_in_pieces() -> None:
    joiner = LineJoiner()
    size = 48 * 1024
    got = [entry for number in range(20) for entry in joiner.feed([piece(number, b"x" * size, True)])]
    assert [len(entry.message) for entry in got] == [6 * size] * 3
    assert 6 * size >= LONGEST
    assert [len(entry.message) for entry in joiner.close()] == [2 * size]


def test_a_line_as_long_as_that_is_not_waited_for() -> None:
    assert LineJoiner().feed([piece(1, b"x" * (LONGEST - 1), True)]) == []
    assert len(LineJoiner().feed([piece(1, b"x" * LONGEST, True)])) == 1


def test_what_is_kept_of_a_line_is_bounded_in_pieces_too() -> None:
    joiner = LineJoiner()
    got = [entry for number in range(10 * MOST) for entry in joiner.feed([piece(number, b"", True)])]
    assert len(got) == 10


def test_a_piece_that_was_given_out_is_not_joined_again() -> None:
    joiner = LineJoiner("s=1;i=2")
    assert joiner.feed([]) == []
    assert joiner.feed([piece(2, b"a", True), piece(3, b"b", True)]) == [piece(2, b"a", True)]
    assert joiner.feed([piece(4, b"c")]) == [piece(4, b"bc")]
    joiner = LineJoiner("s=1;i=2")
    assert joiner.feed([piece(3, b"a"), piece(2, b"b")]) == [piece(3, b"a"), piece(2, b"b")]
    assert joiner.feed([piece(2, b"c", True)]) == []


@given(st.lists(st.tuples(st.binary(max_size=5), st.booleans(), st.integers(1, 2))), st.data())
def test_nothing_is_lost_or_reordered(lines: list[tuple[bytes, bool, int]], data: st.DataObject) -> None:
    entries = [piece(number, text, goes_on, pid) for number, (text, goes_on, pid) in enumerate(lines)]
    joiner, got, at = LineJoiner(), [], 0
    while at < len(entries):
        some = data.draw(st.integers(1, len(entries) - at))
        got += joiner.feed(entries[at : at + some])
        at += some
    got += joiner.close()
    assert b"".join(entry.message for entry in got) == b"".join(entry.message for entry in entries)
    assert [entry.realtime_us for entry in got] == sorted(entry.realtime_us for entry in got)


def test_the_export_format_says_where_a_line_was_cut() -> None:
    data = b"__CURSOR=s=1\n_LINE_BREAK=line-max\nMESSAGE=a\n\n__CURSOR=s=2\n_LINE_BREAK=eof\nMESSAGE=b\n\n"
    assert [entry.goes_on for entry in ExportParser().feed(data)] == [True, False]


def test_a_very_long_line_is_whole_and_its_beginning_is_taken_apart() -> None:
    parser = LineParser()
    rest = "y" * TAKEN_APART
    line = parser.parse("INFO [09-12|08:15:01.004] A long tale " + rest)
    assert (line.level, line.message) == ("info", "A long tale " + rest)
    line = parser.parse("\tat a.b.C.d(C.java:1) " + rest)
    assert line.continuation
    assert line.message.endswith(rest)
    line = parser.parse("INFO [09-12|08:15:01.004] A tale with fields                       a=1 b=" + rest)
    assert line.message == "A tale with fields"
    assert line.fields["a"] == "1"
