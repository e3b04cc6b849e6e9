"""Making items of entries."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import LineParser
from ethpillar.nodes.items import CHUNK, ItemMaker, portions


def encode(service: str, entry: Entry, text: str, line: Any, last: bool) -> bytes:
    return f"{service} {text} {entry.cursor if last else '-'}{' more' if line.continuation else ''}\n".encode()


def make(message: bytes, **fields: Any) -> list[str]:
    item = ItemMaker("execution", encode).make(Entry("c1", 5, message, **fields), LineParser())
    lines = item.data.decode().splitlines()
    assert item.lines == len(lines)
    return lines


def test_an_entry_is_a_line_with_its_cursor() -> None:
    item = ItemMaker("execution", encode).make(Entry("c1", 5, b"hello"), LineParser())
    assert (item.cursor, item.realtime_us, item.data, item.gap) == ("c1", 5, b"execution hello c1\n", None)


def test_only_the_last_line_of_an_entry_has_its_cursor() -> None:
    assert make(b"one\n  two\n  three") == ["execution one -", "execution   two - more", "execution   three c1 more"]


def test_what_a_parser_is_told_of_each_line() -> None:
    told: list[Any] = []

    class Parser(LineParser):
        def parse(self, text: str, priority: int | None = None, **how: Any) -> Any:
            told.append((text, priority, how))
            return super().parse(text, priority, **how)

    for pid in (1, 2):
        ItemMaker("execution", encode).make(Entry("c", 1, b"a\nb", 4, "systemd", pid), Parser())
    assert told == [
        ("a", 4, {"manager": True, "further": False}),
        ("b", 4, {"manager": True, "further": True}),
        ("a", 4, {"manager": False, "further": False}),
        ("b", 4, {"manager": False, "further": True}),
    ]


def test_portions_are_about_as_much_work_each() -> None:
    small = [Entry(f"i={number}", 1, b"x", 6) for number in range(600)]
    assert [len(some) for some in portions(small)] == [256, 256, 88]
    large = [Entry(f"i={number}", 1, b"x\n" * 300, 6) for number in range(3)]
    assert [len(some) for some in portions([*small[:10], *large])] == [11, 1, 1]
    long = [Entry(f"i={number}", 1, b"x" * 100 * 1024, 6) for number in range(6)]
    assert [len(some) for some in portions(long)] == [3, 3]
    assert list(portions([])) == []


@given(st.lists(st.integers(0, 400)))
def test_portions_have_all_entries_in_order(lines: list[int]) -> None:
    entries = [Entry(f"i={number}", 1, b"\n" * count) for number, count in enumerate(lines)]
    found = list(portions(entries))
    assert [each for some in found for each in some] == entries
    for some in found:
        assert sum(1 + each.message.count(b"\n") for each in some[:-1]) < CHUNK
