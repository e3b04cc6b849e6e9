"""Log lines on the wire: a frame for each line, and batches that are made of frames."""

import json
from typing import Any

from ethpillar.gateway import log_lines
from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import Line
from ethpillar.nodes.items import Item
from ethpillar.web.ready import messages_in

LINE = Line("warn", "p2p", "Peer gone", {"id": "16U", "n": "3"})
ENTRY = Entry("s=1;i=2", 1_795_441_675_000_042, b"raw", 6)


def decode(packet: bytes) -> Any:
    text = b"".join(messages_in(packet)).decode()
    assert text[0] == "2"
    return json.loads(text[1:])


def test_a_line() -> None:
    assert decode(log_lines.encode_line("execution", ENTRY, "raw", LINE, True)) == [
        "log_data",
        {
            "service": "execution",
            "line": "raw",
            "timestamp": "2026-11-23T13:47:55.000042Z",
            "level": "warn",
            "component": "p2p",
            "message": "Peer gone",
            "fields": {"id": "16U", "n": "3"},
            "cursor": "s=1;i=2",
        },
    ]


def test_a_line_that_does_not_end_its_entry_shows_no_cursor() -> None:
    assert decode(log_lines.encode_line("execution", ENTRY, "raw", LINE, False))[1]["cursor"] is None


def test_lone_surrogates_are_mended() -> None:
    line = Line("info", None, "bad \ud800", {"\udfff": "\ud800"})
    assert decode(log_lines.encode_line("x", ENTRY, "bad \ud800", line, True))[1]["line"] == "bad ?"


def test_a_batch_is_made_of_lines() -> None:
    frames = [log_lines.encode_line("dora", ENTRY, f"line {n}", LINE, True) for n in range(3)]
    batch = log_lines.ready_batches({"service": "dora"}, [Item("", 0, b"".join(frames), 3)])
    name, payload = decode(batch.data)
    assert name == "log_batch"
    assert payload["service"] == "dora"
    assert [entry["line"] for entry in payload["entries"]] == ["line 0", "line 1", "line 2"]


def test_a_batch_says_in_which_boot_its_lines_were_written() -> None:
    def item(number: int, boot: str, lines: int = 1, cursor: str = "s=a;i={};b={}{};m=1;t=2;x=3") -> Item:
        frames = [log_lines.encode_line("dora", ENTRY, f"line {number}.{n}", LINE, True) for n in range(lines)]
        return Item(cursor.format(number, boot, "0" * 24), 0, b"".join(frames), lines)

    gap = Item("s=a;i=1;b=cccccccc;m=1", 0, b"", 0)
    items = [item(1, "aaaaaaaa", 2), item(2, "aaaaaaaa"), gap, item(3, "bbbbbbbb", 2), item(4, "", 1, "t=1")]
    _, payload = decode(log_lines.ready_batches({"service": "dora"}, items).data)
    assert [(each["line"], each.get("boot")) for each in payload["entries"]] == [
        ("line 1.0", "aaaaaaaa"),
        ("line 1.1", None),
        ("line 2.0", None),
        ("line 3.0", "bbbbbbbb"),
        ("line 3.1", None),
        ("line 4.0", None),
    ]


def test_a_boot_is_told_by_its_own_part_of_a_cursor_and_by_no_other() -> None:
    """A journal's own number may begin as the boot before did."""
    cursors = ["s=1;i=1;b=aaaaaaaa", "s=aaaaaaaa;i=2;b=bbbbbbbb", "s=aaaaaaaa;i=3;b=bbbbbbbb"]
    assert log_lines.boots_in([Item(cursor, 0, b"", 1) for cursor in cursors]) == [(0, "aaaaaaaa"), (1, "bbbbbbbb")]
