"""The terminal view: text, and both ways to show it."""

from __future__ import annotations

import io
import os
import re
from typing import Any

import pytest

from demo import view
from demo.text import fit, log_line, now, plain, status_row, wrapped
from demo.view import Plain, Screen

LINE: dict[str, Any] = {
    "service": "execution",
    "line": "WARN [11-23|13:47:55.000] Odd peer=1",
    "timestamp": "2026-11-23T13:47:55.123456Z",
    "level": "warn",
    "component": "p2p",
    "message": "Odd",
    "fields": {"peer": "1"},
    "cursor": "c",
}
SERVICE: dict[str, Any] = {
    "service": "dora", "status": "activating", "sub_state": "auto-restart", "client": "Dora", "restarts": 3,
    "since": "2026-11-23T13:47:55Z", "memory_bytes": 2_500_000_000, "result": "exit-code", "exit_status": 1,
}  # fmt: skip
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_a_log_line() -> None:
    assert plain(log_line(LINE)) == "13:47:55.123 WARN  execution            p2p: Odd  peer=1"
    assert "\x1b[33mWARN" in plain(log_line(LINE), colours=True)


def test_a_log_line_of_a_server_without_parsers() -> None:
    assert plain(log_line({"service": "a", "line": "text"})).split() == ["-", "a", "text"]


def test_a_status_row() -> None:
    row = plain(status_row(SERVICE, now()))
    for word in ("dora", "activating (auto-restart)", "2.5 GB", "3 restarts", "exit-code, exit status 1"):
        assert word in row
    assert "not installed" in plain(status_row({"service": "x", "status": "not_installed"}, now()))
    assert "x" in plain(status_row({"service": "x", "status": "active"}, now()))  # the contract's least


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("too long for it", 8, "too lon…"),
        ("界界界", 6, "界界界"),
        ("界界界", 5, "界界…"),
        ("a\x1b[31m\nb", 20, "a [31m b"),
        ("x", 0, ""),
    ],
)
def test_fitting(text: str, columns: int, expected: str) -> None:
    assert fit([("", text)], columns, colours=False) == expected


def test_fitting_several_spans() -> None:
    assert fit([("", "abc"), ("red", "def"), ("", "ghi")], 7, colours=False) == "abcdef…"


def test_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "SETTLE", 0.0)
    out = io.StringIO()
    shown = Plain(out, ["heading"])
    shown.line({**LINE, "timestamp": "2026-11-23T13:47:56.000000Z", "message": "second"})
    shown.line({**LINE, "message": "first"})
    shown.draw()
    shown.status([SERVICE])
    shown.status([SERVICE])
    shown.notice("a notice")
    shown.close()
    text = out.getvalue()
    assert "\x1b" not in text
    assert text.index("heading") < text.index("first") < text.index("second") < text.index("== ")
    assert text.count("dora") == 1  # told when it changes
    assert "-- a notice" in text


LAST = "database: error writing to database: disk full"
FAILED = {**SERVICE, "last_lines": ["starting", LAST]}


@pytest.mark.parametrize("rows", [24, 50])
def test_why_a_service_failed_is_on_a_screen_of_eighty_columns(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(view, "_size", lambda out: (80, rows))
    out = io.StringIO()
    address = "http://127.0.0.1:12345/console#token=00000000-0000-4000-8000-000000000000"
    screen = Screen(out, [f"ethpillar demo: {address}", "a second line", "a third one"])
    others = [{**SERVICE, "service": f"s{number}", "status": "active", "result": "success"} for number in range(12)]
    screen.status([*others, FAILED])
    for number in range(100):
        screen.line({**LINE, "message": f"line {number}"})
    screen.draw()
    drawn = _ESCAPE.sub("", out.getvalue())
    assert address in drawn
    assert "exit-code, exit status 1" in drawn
    assert LAST in drawn
    assert drawn.count("line 9") >= 10  # most of it is the log's all the same


def test_lines_without_a_terminal_say_why_a_service_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "SETTLE", 0.0)
    out = io.StringIO()
    shown = Plain(out, [])
    shown.status([FAILED])
    shown.close()
    assert LAST in out.getvalue()
    assert "exit-code, exit status 1" in out.getvalue()


@pytest.mark.parametrize("value", ["", "1"])
def test_no_color(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(view, "_size", lambda out: (80, 24))
    monkeypatch.setenv("NO_COLOR", value)
    out = io.StringIO()
    screen = Screen(out, ["heading"])
    screen.status([FAILED])
    screen.line({**LINE, "level": "error"})
    screen.draw()
    assert bool(re.search(r"\x1b\[[0-9;]*m", out.getvalue())) is (value == "")


@pytest.mark.parametrize("columns", [1, 10, 80, 200])
@pytest.mark.parametrize("rows", [1, 2, 5, 12, 40])
def test_the_screen_fits_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, rows: int) -> None:
    monkeypatch.setattr(view, "_size", lambda out: (columns, rows))
    out = io.StringIO()
    screen = Screen(out, ["heading one", "heading two"])
    screen.status([{**SERVICE, "service": f"s{number}"} for number in range(7)])
    for number in range(100):
        screen.line({**LINE, "message": f"line {number}"})
    screen.notice("late")
    out.truncate(0)
    out.seek(0)
    screen.draw()
    drawn = _ESCAPE.sub("", out.getvalue()).split("\r\n")
    assert len(drawn) <= rows
    assert max(len(row) for row in drawn) <= columns
    if columns >= 80:
        assert "late" in drawn[-1]
    if columns >= 80 and rows >= 12:
        assert "s3" in "".join(drawn)
        assert "line 99" in drawn[-2]


def test_the_screen_draws_only_what_has_changed_and_tidies_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "_size", lambda out: (80, 24))
    out = io.StringIO()
    screen = Screen(out, [])
    screen.draw()
    size = len(out.getvalue())
    screen.draw()
    assert len(out.getvalue()) == size
    screen.close()
    assert out.getvalue().endswith("\x1b[?1049l")


def test_the_size_of_what_is_no_terminal() -> None:
    with open(os.devnull, "w") as out:
        assert view._size(out) == (80, 24)


class Terminal:
    """What a terminal that does not wrap shows: the cursor stays on the last cell, and clearing takes that as well."""

    def __init__(self, columns: int, rows: int) -> None:
        self.cells = [["#"] * columns for _ in range(rows)]
        self.columns, self.row, self.column = columns, 0, 0

    def write(self, text: str) -> None:
        for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", text):
            if piece == "\x1b[H":
                self.row = self.column = 0
            elif piece == "\x1b[K":
                self.cells[self.row][self.column :] = " " * (self.columns - self.column)
            elif piece == "\r":
                self.column = 0
            elif piece == "\n":
                self.row += 1
            elif len(piece) == 1:
                self.cells[self.row][self.column] = piece
                self.column = min(self.column + 1, self.columns - 1)
            else:
                assert piece.endswith("m")


@pytest.mark.parametrize("rows", [8, 40])
def test_full_rows_keep_their_last_cell_and_nothing_old_is_left(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(view, "_size", lambda out: (80, rows))
    out = io.StringIO()
    screen = Screen(out, [])
    for _ in range(10):
        screen.line({**LINE, "message": "x" * 100, "fields": {}})
    out.truncate(0)
    screen.draw()
    terminal = Terminal(80, rows)
    terminal.write(out.getvalue().lstrip("\0"))
    shown = ["".join(cells) for cells in terminal.cells]
    assert shown[0] == "─" * 80
    assert {row[-2:] for row in shown[1:11]} == {"x…"}
    assert set("".join(shown[11:])) <= {" "}


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
def test_the_heading_is_broken_where_it_can_be_copied(columns: int) -> None:
    token = "0f9bd2a1-6f6e-4a8c-b7a0-1234567890ab"
    page = f'browser: io("http://127.0.0.1:3001", {{path: "/", auth: {{token: "{token}"}}}})  then emit subscribe_logs'
    assert " ".join(wrapped(page, columns)).split() == page.split()
    command = (
        f"shell:   REDIS_URL=unix:///tmp/ethpillar-demo-x/redis.sock python -m flask node logs {token} execution -f"
    )
    lines = wrapped(command, columns)
    assert "\n".join(lines).replace("\\\n", "").split() == command.split()
    assert all(len(line) <= columns for line in (*lines, *wrapped(page, columns)))
    assert wrapped("", columns) == []
