"""The export format: whatever the chunks, the same entries; whatever the bytes, no exception."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.entry import Entry
from ethpillar.journal.export import BREATH, CONTEXT_LIMIT, CONTEXTS, NO_TEXT, REST, VALUE_MOST, ExportParser

FIELDS = [(b"__CURSOR", b"s=a;i=1"), (b"__REALTIME_TIMESTAMP", b"42"), (b"PRIORITY", b"6"), (b"MESSAGE", b"hello")]


def export(*fields: tuple[bytes, bytes], binary: bool = False) -> bytes:
    """An entry as journalctl writes it."""
    parts = []
    for name, value in fields:
        if binary and name == b"MESSAGE":
            parts.append(name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
        else:
            parts.append(name + b"=" + value + b"\n")
    return b"".join(parts) + b"\n"


def parse(data: bytes, cuts: list[int] | None = None, limit: int = 1 << 20) -> list[Entry]:
    parser = ExportParser(limit)
    entries = []
    edges = sorted({0, *(cut % (len(data) + 1) for cut in cuts or []), len(data)})
    for start, stop in itertools.pairwise(edges):
        entries += parser.feed(data[start:stop])
    return entries + parser.close()


def test_an_entry() -> None:
    (entry,) = parse(
        export(*FIELDS, (b"SYSLOG_IDENTIFIER", b"geth"), (b"_PID", b"7"), (b"_SYSTEMD_UNIT", b"x"), (b"_BOOT_ID", b"b"))
    )
    assert entry == Entry("s=a;i=1", 42, b"hello", 6, "geth", 7, "x", "b")


def test_a_line_of_the_manager_is_about_its_unit() -> None:
    fields = [*FIELDS, (b"_PID", b"1"), (b"UNIT", b"execution.service"), (b"_SYSTEMD_UNIT", b"init.scope")]
    assert parse(export(*fields))[0].unit == "execution.service"


def test_an_entry_without_a_text_says_so() -> None:
    (entry,) = parse(export(*FIELDS[:3]))
    assert entry == Entry("s=a;i=1", 42, NO_TEXT, 6)
    assert parse(export(*FIELDS[:3], (b"MESSAGE", b"")))[0].message == b""


def test_what_is_missing_is_none() -> None:
    (entry,) = parse(b"MESSAGE=x\n\n")
    assert entry == Entry("", 0, b"x")


@pytest.mark.parametrize("value", [b"8", b"-1", b"", b"66", b"x", b"\xb2"])
def test_priorities_that_are_none(value: bytes) -> None:
    assert parse(export((b"MESSAGE", b"x"), (b"PRIORITY", value)))[0].priority is None


@pytest.mark.parametrize("message", [b"a\n\nb", b"\n", b"", b"\x00" * 10, b"\xff=\n", b"__CURSOR=x\n\nMESSAGE=y\n\n"])
def test_binary_values_hold_anything(message: bytes) -> None:
    data = export(*FIELDS[:3], (b"MESSAGE", message), (b"_PID", b"5"), binary=True) * 2
    for entry in parse(data):
        assert (entry.message, entry.pid) == (message, 5)
    assert len(parse(data)) == 2


MESSAGES = st.lists(st.tuples(st.binary(max_size=60), st.booleans()), max_size=5)


@given(MESSAGES, st.lists(st.integers(0, 2000), max_size=12))
def test_any_chunking_gives_the_same_entries(messages: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    data = b""
    expected = []
    for number, (message, binary) in enumerate(messages):
        text = message if binary else message.replace(b"\n", b" ")
        data += export((b"__CURSOR", b"%d" % number), (b"MESSAGE", text), (b"_PID", b"9"), binary=binary)
        expected.append((str(number), text, 9))
    found = [(entry.cursor, entry.message, entry.pid) for entry in parse(data, cuts)]
    assert found == expected


class Plain(ExportParser):
    """Takes each entry apart, whatever the one before was."""

    def _take_usual(self, data: bytes, at: int, entries: list[Entry]) -> int:
        return at


NUMBERS = [b"__CURSOR=s=a;i=1", b"__CURSOR=s=a;i=2", b"__CURSOR=\xff", b"__REALTIME_TIMESTAMP=42", b"__SEQNUM=7"]
NUMBERS += [b"__REALTIME_TIMESTAMP=43", b"__REALTIME_TIMESTAMP=1_0", b"__REALTIME_TIMESTAMP=" + b"1" * 21]
NUMBERS += [b"__MONOTONIC_TIMESTAMP=4", b"__SEQNUM_ID=b", b"__CURSOR=" + b"c" * 600]
OTHERS = [b"_BOOT_ID=b", b"_BOOT_ID=c", b"PRIORITY=6", b"PRIORITY=3", b"MESSAGE=one", b"MESSAGE=two=2", b"MESSAGE="]
OTHERS += [b"_PID=1", b"_PID=7", b"UNIT=x", b"no field", b"SYSLOG_IDENTIFIER=geth", b"_LINE_BREAK=line-max"]
USUAL = [NUMBERS[0], NUMBERS[3], NUMBERS[8], *OTHERS[0:3:2], OTHERS[4], OTHERS[8]]
LIKE = st.lists(st.lists(st.sampled_from(NUMBERS), max_size=4).flatmap(lambda numbers: st.lists(
    st.sampled_from(OTHERS), max_size=5).map(lambda others: [*numbers, *others])) | st.just(USUAL)
    | st.tuples(st.integers(0, 6), st.sampled_from(NUMBERS + OTHERS)).map(
        lambda change: [change[1] if at == change[0] else line for at, line in enumerate(USUAL)]
    ), max_size=8)  # fmt: skip


@given(LIKE)
def test_an_entry_like_the_last_is_what_its_lines_say(lines: list[list[bytes]]) -> None:
    data = b"".join(b"\n".join(entry) + b"\n\n" for entry in lines)
    plain = Plain()
    assert parse(data) == plain.feed(data) + plain.close()
    assert parse(data, list(range(0, len(data), 7))) == parse(data)


def test_what_surrounds_messages_is_remembered_within_bounds() -> None:
    parser = ExportParser()
    for number in range(10 * CONTEXTS):
        lines = [*USUAL[:4], b"_PID=%d" % number, USUAL[5]]
        assert parser.feed(b"\n".join([*lines, b"\n"]))[0].pid == number
        assert len(parser._same) <= CONTEXTS
    long = [*USUAL[:4], b"PRIORITY=6" * CONTEXT_LIMIT, USUAL[5]]
    assert len(parser.feed(b"\n".join([*long, b"\n"]))) == 1
    assert sum(len(before) + len(after) for before, after in parser._same) <= CONTEXTS * CONTEXT_LIMIT


def test_entries_of_one_program_are_taken_by_what_differs() -> None:
    class Telling(ExportParser):
        taken = 0

        def _take_usual(self, data: bytes, at: int, entries: list[Entry]) -> int:
            before = len(entries)
            at = super()._take_usual(data, at, entries)
            self.taken += len(entries) - before
            return at

    newer = [*USUAL[:3], b"__SEQNUM=1", b"__SEQNUM_ID=a", *USUAL[3:]]
    for lines in (USUAL, newer):
        parser = Telling()
        assert len(parser.feed(b"\n".join([*lines, b"\n"]) * 3)) == 3
        assert parser.taken == 3


@given(st.binary(max_size=400), st.lists(st.integers(0, 500), max_size=8))
def test_any_bytes_in_any_chunks_give_the_same_entries(data: bytes, cuts: list[int]) -> None:
    assert parse(data, cuts) == parse(data)


@given(st.binary(max_size=200))
def test_after_garbage_that_ends_an_entry_comes_back(garbage: bytes) -> None:
    junk = bytes(byte for byte in garbage if byte not in b"\n") + b"\n\n\n"
    found = parse(junk + b" " * 16 + b"\n\n" + export(*FIELDS))
    assert not found or found[-1].message == b"hello"


def test_a_value_too_long_is_cut_and_the_rest_is_not_held() -> None:
    for binary in (False, True):
        parser = ExportParser(1000)
        data = export((b"MESSAGE", b"x" * 500_000), (b"_PID", b"5"), binary=binary) + export(*FIELDS)
        entries = []
        for at in range(0, len(data), 777):
            entries += parser.feed(data[at : at + 777])
            assert len(parser._buffer) + len(parser._value) < 4000
        assert [len(entry.message) for entry in entries] == [1000, 5]
        assert entries[0].pid == 5


def test_a_length_that_is_a_lie_holds_nothing() -> None:
    parser = ExportParser(1000)
    parser.feed(b"MESSAGE\n" + VALUE_MOST.to_bytes(8, "little") + b"x" * 5000)
    assert len(parser._value) == 1000


def test_a_length_that_cannot_be_is_no_length() -> None:
    junk = b"MESSAGE\n" + (VALUE_MOST + 1).to_bytes(8, "little") + b"\n\n"
    assert [entry.message for entry in parse(junk + export(*FIELDS))] == [b"hello"]


def test_an_entry_that_was_cut_off_is_dropped() -> None:
    assert parse(export(*FIELDS)[:-1]) == []


GARBAGE = [
    b"=\n",
    b"x\n=\n",
    b"a=b\n",
    b"\x00\n",
    b"A\n",
    b"A=1\nB\n" + (1).to_bytes(8, "little") + b"x\n",
    b"A\n" + (1 << 40).to_bytes(8, "little"),
]


@pytest.mark.parametrize("piece", GARBAGE)
def test_megabytes_that_are_no_entry_are_passed_over(piece: bytes) -> None:
    garbage = piece * (4_000_000 // len(piece))  # tried anew after each line, this would take an hour
    parser = ExportParser()
    entries = [entry for at in range(0, len(garbage), 32_768) for entry in parser.feed(garbage[at : at + 32_768])]
    entries += parser.feed(b"\n\n" + export(*FIELDS))
    assert [entry.message for entry in entries] == [b"hello"]


def test_what_is_kept_of_no_entry_yet_is_weighed() -> None:
    parser = ExportParser()
    assert parser.size == 0
    parser.feed(b"__CURSOR=" + b"c" * 300 + b"\nMESSAGE\n" + (1000).to_bytes(8, "little") + b"x" * 500)
    assert 800 <= parser.size <= 1000
    parser.feed(b"x" * 500 + b"\n\n")
    assert parser.size == 0


@pytest.mark.parametrize("binary", [False, True])
def test_the_rest_of_a_value_too_long_is_no_field(binary: bool) -> None:
    """Whatever a program prints, and however its bytes come: it cannot say when, and of which unit, it was printed."""
    forged = b"\n_PID=1\n" if binary else b"_PID=1"
    data = export((b"MESSAGE", b"x" * 3000 + forged), binary=binary) + export(*FIELDS)
    for size in (1, 2, 7, 500, 3000):
        parser = ExportParser(1000)
        entries = [each for at in range(0, len(data), size) for each in parser.feed(data[at : at + size])]
        assert [(len(each.message), each.pid) for each in entries] == [(1000, None), (5, entries[1].pid)]
    for cut in range(len(data) - 200, len(data)):  # a piece begins right at the forged field
        parser = ExportParser(1000)
        assert [*parser.feed(data[:cut]), *parser.feed(data[cut:])][0].pid is None


def test_a_line_without_an_end_and_without_a_name_is_passed_over() -> None:
    parser = ExportParser(1000)
    for _ in range(10):
        assert parser.feed(b"x" * 1000) == []
        assert parser.size <= REST + 1000
    assert [each.message for each in parser.feed(b"\n\n" + export(*FIELDS))] == [b"hello"]


def test_others_have_their_turn_among_entries_that_are_alike() -> None:
    breaths: list[int] = []
    data = export(*FIELDS[:2], (b"__MONOTONIC_TIMESTAMP", b"4"), (b"_BOOT_ID", b"b"), *FIELDS[2:])
    assert len(ExportParser(breathe=lambda: breaths.append(1)).feed(data * 10 * BREATH)) == 10 * BREATH
    assert len(breaths) >= 9


@pytest.mark.parametrize("value", [*range(8)])
def test_priorities(value: int) -> None:
    assert parse(export((b"MESSAGE", b"x"), (b"PRIORITY", b"%d" % value)))[0].priority == value


@pytest.mark.parametrize(
    ("fields", "entry"),
    [
        ([(b"_PID", b"1"), (b"UNIT", b"a"), (b"_SYSTEMD_UNIT", b"b")], Entry("", 0, b"", None, None, 1, "a")),
        ([(b"_PID", b"1"), (b"_SYSTEMD_UNIT", b"b")], Entry("", 0, b"", None, None, 1, "b")),
        ([(b"_PID", b"2"), (b"UNIT", b"a"), (b"_SYSTEMD_UNIT", b"b")], Entry("", 0, b"", None, None, 2, "b")),
        ([(b"UNIT", b"a")], Entry("", 0, b"")),
        ([(b"_PID", b"x"), (b"PRIORITY", b"7")], Entry("", 0, b"", 7)),
        ([(b"__REALTIME_TIMESTAMP", b"1" * 20)], Entry("", int("1" * 20), b"")),
        ([(b"__REALTIME_TIMESTAMP", b"1" * 21)], Entry("", 0, b"")),
        ([(b"__CURSOR", b"c" * 600)], Entry("c" * 512, 0, b"")),
        ([(b"SYSLOG_IDENTIFIER", b""), (b"_BOOT_ID", b"\xff")], Entry("", 0, b"", boot_id="\ufffd")),
        ([(b"_LINE_BREAK", b"line-max")], Entry("", 0, b"", goes_on=True)),
        ([(b"_LINE_BREAK", b"eof")], Entry("", 0, b"")),
    ],
)
def test_the_fields_of_an_entry(fields: list[tuple[bytes, bytes]], entry: Entry) -> None:
    assert parse(export((b"MESSAGE", b""), *fields)) == [entry]


def test_lines_that_are_neither_a_cursor_nor_a_message_are_no_entry() -> None:
    assert parse(export((b"_PID", b"1"), (b"PRIORITY", b"3"))) == []
    assert [entry.cursor for entry in parse(export((b"__CURSOR", b"c")))] == ["c"]
    binary = b"OTHER\n" + (2).to_bytes(8, "little") + b"ab\n\n"
    assert parse(binary) == []
    assert parse(binary + export((b"MESSAGE", b"m"))) == [Entry("", 0, b"m")]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (b"MESSAGE", True),
        (b"_PID", True),
        (b"A" * 64, True),
        (b"A" * 65, False),
        (b"A B", False),
        (b"\xc3\xa9", False),
        (b"___", False),
    ],
)
def test_what_may_be_the_name_of_a_binary_field(name: bytes, is_one: bool) -> None:
    """The value of a field that is one is passed over; else its lines are looked at like any other."""
    value = b"\nMESSAGE=no\n"
    data = name + b"\n" + len(value).to_bytes(8, "little") + value + b"\nPRIORITY=3\n\n"
    messages = [entry.message for entry in parse(data + export((b"MESSAGE", b"yes")))]
    assert messages[-1] == b"yes"
    assert (b"no" in messages) is not is_one


@pytest.mark.parametrize("size", [999, 1000, 1001, 1255, 1256, 1257, 3000])
@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_a_value_is_cut_where_its_limit_is(size: int, cut: int) -> None:
    data = export((b"MESSAGE", b"m" * size), (b"_PID", b"5")) + export(*FIELDS)
    parser = ExportParser(1000)
    entries = [each for at in range(0, len(data), cut) for each in parser.feed(data[at : at + cut])]
    assert [(len(each.message), each.pid) for each in entries] == [(min(size, 1000), 5), (5, None)]


def test_a_parser_that_was_closed_begins_anew() -> None:
    breaths: list[int] = []
    parser = ExportParser(10, lambda: breaths.append(1))
    parser.feed(b"__CURSOR=c\nMESSAGE\n" + (100).to_bytes(8, "little") + b"x" * 5)
    assert parser.size > 0
    assert parser.close() == []
    assert parser.size == 0
    assert [entry.message for entry in parser.feed(export((b"MESSAGE", b"x" * 50)))] == [b"x" * 10]
    parser.feed(b"a=b\n" * 10 * BREATH)
    assert len(breaths) >= 9


def test_others_have_their_turn_among_lines_of_any_kind() -> None:
    for lines, least in ((b"a=b\n", 9), (b"MESSAGE=x\n\n", 9), (b"MESSAGE=x\nA=b\nC=d\n\n", 28)):
        breaths: list[int] = []
        ExportParser(breathe=lambda: breaths.append(1)).feed(lines * 10 * BREATH)  # noqa: B023
        assert least <= len(breaths) <= least + 12


@given(
    st.lists(
        st.sampled_from([b"half ", b"HALF", b"tick\n", b"tick\nhalf", b"a=b\n", b"\n\n", b"\x1b[0m", b"\xff\r", b""])
    ),
    st.booleans(),
    st.lists(st.integers(0, 10_000), max_size=10),
)
def test_what_something_else_prints_between_entries_costs_none(
    jobs: list[bytes], binary: bool, cuts: list[int]
) -> None:
    more = [(b"__MONOTONIC_TIMESTAMP", b"4"), (b"_BOOT_ID", b"b")]
    data = expected = b""
    for number, job in enumerate(jobs):
        cursor = b"s=a;i=%d;x=1" % number
        data += job + export((b"__CURSOR", cursor), FIELDS[1], *more, *FIELDS[2:], binary=binary)
        expected += cursor + b" hello "
    found = [f"{each.cursor} {each.message.decode()} " for each in parse(data, cuts) if each.cursor]
    assert "".join(found).encode() == expected


@pytest.mark.parametrize(("more", "size"), [(REST, REST), (REST + 1, REST + 1 - len(b"__CURSOR=\n"))])
def test_the_beginning_of_an_entry_is_kept_as_it_came_up_to_a_bound(more: int, size: int) -> None:
    """Beyond it, what came is taken apart, and the names of fields are not kept."""
    begun = b"__CURSOR=" + b"c" * (more - len(b"__CURSOR=\n")) + b"\n"
    for before in (b"", export(*FIELDS)):
        parser = ExportParser()
        parser.feed(before + begun)
        assert parser.size == size


def test_each_part_of_an_entry_that_has_not_come_whole_is_weighed() -> None:
    parser = ExportParser()
    parser.feed(b"__CURSOR=" + b"c" * 5000 + b"\nMESSAGE\n" + (1000).to_bytes(8, "little") + b"x" * 500)
    assert parser.size == 5000 + 500
    parser.feed(b"x" * 500 + b"\nPRIORITY=")
    assert parser.size == 5000 + 1000 + len(b"PRIORITY=")


@pytest.mark.parametrize(("length", "size"), [(REST + 257, REST + 257), (REST + 258, REST + 1)])
def test_of_a_line_without_an_end_no_more_is_kept_than_its_value_may_have(length: int, size: int) -> None:
    parser = ExportParser(REST + 1)
    parser.feed(b"MESSAGE=".ljust(length, b"x"))
    assert parser.size == size


@pytest.mark.parametrize("chunk", [777, 5000, 8000])
def test_a_long_line_that_comes_in_pieces_is_whole_up_to_its_limit(chunk: int) -> None:
    message = bytes(ord("a") + at % 26 for at in range(12_000)) + b"MESSAGE=forged"
    data = export((b"MESSAGE", message), (b"_PID", b"5"))
    for limit in (6000, 20_000):
        parser = ExportParser(limit)
        entries = [each for at in range(0, len(data), chunk) for each in parser.feed(data[at : at + chunk])]
        assert [(each.message, each.pid) for each in entries] == [(message[:limit], 5)]


@pytest.mark.parametrize(("size", "remembered"), [(CONTEXT_LIMIT, 1), (CONTEXT_LIMIT + 1, 0)])
def test_what_surrounds_a_message_is_remembered_unless_it_is_long(size: int, remembered: int) -> None:
    boot, unit = b"_BOOT_ID=b\n", b"_SYSTEMD_UNIT="
    unit += b"u" * (size - len(boot) - len(unit) - 1)
    lines = [b"__CURSOR=c", b"__REALTIME_TIMESTAMP=1", b"__MONOTONIC_TIMESTAMP=1", boot[:-1], b"MESSAGE=m", unit, b"\n"]
    parser = ExportParser()
    assert [each.message for each in parser.feed(b"\n".join(lines))] == [b"m"]
    assert len(parser._same) == remembered


@pytest.mark.parametrize("come", range(9))
def test_the_length_of_a_binary_field_may_come_in_pieces_behind_much_else(come: int) -> None:
    """So much that it is not kept as it is until the rest has come."""
    data = export(FIELDS[0], (b"OTHER", b"y" * REST), FIELDS[3], binary=True)
    (entry,) = parse(data, [data.index(b"MESSAGE\n") + len(b"MESSAGE\n") + come])
    assert entry == Entry("s=a;i=1", 0, b"hello")


def test_an_entry_that_would_be_usual_but_for_a_binary_field() -> None:
    head = b"__CURSOR=s=a;i=1\n__REALTIME_TIMESTAMP=42\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=b\nMESSAGE=hello\n"
    odd = b"_ODD\n" + (3).to_bytes(8, "little") + b"abc\n"
    assert parse((head + odd + b"PRIORITY=6\n\n") * 2) == [Entry("s=a;i=1", 42, b"hello", 6, boot_id="b")] * 2


def test_what_comes_of_a_line_that_is_too_long_is_no_field() -> None:
    parser = ExportParser(value_limit=10)
    assert parser.feed(b"__CURSOR=c\nMESSAGE=" + b"x" * 2 * REST) == []
    assert parser.feed(b"MESSAGE=" + b"y" * 2 * REST) == []
    assert parser.size < 300
    assert [entry.message for entry in parser.feed(b"\n\n")] == [b"x" * 10]
