"""Making items of entries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import LineParser
from ethpillar.journal.history import blocks
from ethpillar.nodes import items
from ethpillar.nodes.items import CHUNK, Encoder, ItemMaker, UnitLines, WholeJournalLines, portions


def encode(service: str, entry: Entry, text: str, line: Any, last: bool) -> bytes:
    return f"{service} {text} {entry.cursor if last else '-'}{' more' if line.continuation else ''}\n".encode()


def make(message: bytes, **fields: Any) -> list[str]:
    item = ItemMaker("execution", Encoder(encode)).make(Entry("c1", 5, message, **fields), UnitLines())
    lines = item.data.decode().splitlines()
    assert item.lines == len(lines)
    return lines


def test_an_entry_is_a_line_with_its_cursor() -> None:
    item = ItemMaker("execution", Encoder(encode)).make(Entry("c1", 5, b"hello"), UnitLines())
    assert (item.cursor, item.realtime_us, item.data, item.gap) == ("c1", 5, b"execution hello c1\n", None)


def test_only_the_last_line_of_an_entry_has_its_cursor() -> None:
    assert make(b"one\n  two\n  three") == ["execution one -", "execution   two - more", "execution   three c1 more"]


def test_what_a_parser_is_told_of_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    class Parser(LineParser):
        def parse(self, text: str, priority: int | None = None, **how: Any) -> Any:
            told.append((text, priority, how))
            return super().parse(text, priority, **how)

    monkeypatch.setattr(items, "LineParser", Parser)
    for pid in (1, 2):
        ItemMaker("execution", Encoder(encode)).make(Entry("c", 1, b"a\nb", 4, "systemd", pid), UnitLines())
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


GETH = b"WARN [11-26|06:55:11.123] Served eth_call conn=127.0.0.1 err=none"
LIGHTHOUSE = b"Nov 26 06:55:12.003 ERRO Disk is full service: beacon"


def test_each_line_of_the_whole_journal_is_parsed_as_its_unit_s_and_says_where_it_is_from() -> None:
    descriptions = {"execution.service": "Geth Execution Layer", "consensus.service": "Lighthouse Beacon Node"}
    lines = WholeJournalLines(descriptions.get)
    found = [
        lines.take(entry)[0][1]
        for entry in (
            Entry("a", 1, GETH, 6, "geth", 7, "execution.service"),
            Entry("b", 2, b"goroutine 1 [running]:", 6, "geth", 7, "execution.service"),
            Entry("c", 3, LIGHTHOUSE, 6, "lighthouse", 8, "consensus.service"),
            Entry("d", 4, b"\t/src/main.go:12 +0x1d", 6, "geth", 7, "execution.service"),
            Entry("e", 5, b"Out of memory: Killed process 7", 3, "kernel"),
            Entry("f", 6, b"Started Geth.", 6, "systemd", 1, "execution.service"),
            Entry("g", 7, b"nobody said it"),
        )
    ]
    components = [each.component for each in found[:6]]
    assert components == ["execution", "execution", "consensus", "execution", "kernel", "execution"]
    assert [each.level for each in found[:1] + found[2:3] + found[4:5]] == ["warn", "error", "critical"]
    assert found[0].message == "Served eth_call"
    assert found[3].continuation  # of its own unit's line, whatever came between
    assert not found[6].component


def test_a_node_with_a_name_for_each_line_fills_no_memory() -> None:
    lines = WholeJournalLines(lambda _: None)
    for number in range(3 * blocks.MOST):
        lines.take(Entry("a", 1, b"x", 6, f"program-{number}"))
    assert len(lines._blocks._parsers) == blocks.MOST
    assert len(lines._blocks._block) <= blocks.MOST
