"""Reading a journal as text, and as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ethpillar.journal import inputs
from ethpillar.journal.inputs import pieces

NOW = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
HEAD = b"Dec 31 23:59:59 node "


def messages(*chunks: bytes, kind: str = "cat") -> list[bytes]:
    return [piece.entry.message for batch in pieces(chunks, kind, NOW, UTC) for piece in batch]


@pytest.mark.parametrize(
    ("kind", "chunks", "read"),
    [
        ("cat", [b"a", b"b\n", b"c\n"], 1),
        ("auto", [b"a\n", b"b\n"], 1),
        ("auto", [b"a", b"b\n", b"c\n"], 2),  # the first line tells what it is
        ("auto", [b"a" * 9, b"b\n", b"c\n"], 2),
        ("auto", [b"a" * 10, b"b\n", b"c\n"], 1),  # what is so long is no line
    ],
)
def test_no_more_is_read_than_tells_what_it_is(
    kind: str, chunks: list[bytes], read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "_LONGEST_LINE", 10)
    taken: list[bytes] = []

    def source() -> Iterator[bytes]:
        for chunk in chunks:
            taken.append(chunk)
            yield chunk

    next(pieces(source(), kind, NOW))
    assert len(taken) == read


def test_a_line_may_come_in_pieces_up_to_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_LONGEST_LINE", 10)
    assert messages(b"a" * 10, b"b\n") == [b"a" * 10 + b"b"]
    assert messages(b"a" * 11, b"b\n") == [b"a" * 11, b"b"]


@pytest.mark.parametrize(
    ("name", "pid", "unit"),
    [
        (b"geth[7]", 7, "geth"),
        (b"geth", None, "geth"),
        (b"execution.service[7]", 7, "execution.service"),
        (b"execution.service/init.scope[7]", 7, "execution.service"),
        (b"systemd[1]", 1, "systemd"),
        (b"init.scope[1]", 1, "init.scope"),
        (b"geth[" + b"1" * 19 + b"]", int("1" * 19), "geth"),
        (b"geth[" + b"1" * 20 + b"]", None, "geth"),
    ],
)
def test_who_has_written_a_line_of_the_short_form(name: bytes, pid: int | None, unit: str) -> None:
    ((piece,),) = pieces([HEAD + name + b": hello\n"], "short", NOW, UTC)
    assert (piece.entry.message, piece.entry.pid, piece.entry.unit) == (b"hello", pid, unit)
    assert piece.entry.realtime_us == int(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_line_that_is_indented_as_far_as_a_message_is_a_further_line_of_it() -> None:
    head = HEAD + b"geth[7]: "
    blanks = b" " * len(head)
    lines = [head + b"one", blanks + b"two", blanks + b"  three", blanks[1:] + b"four", blanks + b"five"]
    (found,) = pieces([b"\n".join(lines) + b"\n"], "short", NOW, UTC)
    assert [(piece.entry.message, piece.further) for piece in found] == [
        (b"one", False),
        (b"two", True),
        (b"  three", True),
        (blanks[1:] + b"four", False),
        (blanks + b"five", False),  # what it would belong to is over
    ]
