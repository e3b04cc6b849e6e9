"""Every import is held to the table of rooms in ARCHITECTURE.md."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tools.rooms import TableError, circles, read
from tools.source import Module, internal_imports, modules

MODULES = modules()
IMPORTS = internal_imports(MODULES)
PURE = ("journal", "units", "limits")
BARRED = {
    *("gevent", "paramiko", "redis", "flask", "click", "engineio", "socketio", "gunicorn", "geventwebsocket"),
    *("socket", "select", "selectors", "ssl", "subprocess", "threading", "asyncio", "logging", "signal", "tempfile"),
}
"What a pure room must not know: waiting, input and output."
FILTER = "ethpillar.journal.__main__"
"The one module of a pure room that reads and writes."


def test_every_room_is_in_the_table() -> None:
    rooms = read()
    assert {module.room for module in MODULES.values()} <= rooms.allowed.keys()


def test_each_room_imports_only_what_the_table_allows() -> None:
    rooms = read()
    assert [str(each) for each in IMPORTS if not rooms.may(each.of.room, each.what.room)] == []


def test_there_is_no_circle_between_rooms() -> None:
    edges: dict[str, set[str]] = defaultdict(set)
    for each in IMPORTS:
        if each.of.room != each.what.room:
            edges[each.of.room].add(each.what.room)
    assert circles(edges) == []


def test_there_is_no_circle_between_modules() -> None:
    edges: dict[str, set[str]] = defaultdict(set)
    for each in IMPORTS:
        edges[each.of.name].add(each.what.name)
    assert circles(edges) == []


def test_pure_rooms_do_no_input_and_output() -> None:
    found = [
        f"{module.name}:{line} imports {name}"
        for module in MODULES.values()
        if module.room in PURE and module.name != FILTER
        for name, line in module.imports()
        if name.partition(".")[0] in BARRED
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from . import codec, wire", {"a.b.codec", "a.b.wire"}),
        ("from ..c import d", {"a.c.d"}),
        ("from .. import c", {"a.c"}),
        ("import os.path, x", {"os.path", "x"}),
        ("def f():\n    from .late import thing", {"a.b.late.thing"}),
    ],
)
def test_imports_are_made_absolute(text: str, expected: set[str], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert {name for name, _ in Module("a.b.module", path).imports()} == expected


@pytest.mark.parametrize(
    ("rights", "problem"), [("nothing of ours", "must be"), ("`nowhere`", "nowhere"), ("`b` (a part)", "must be")]
)
def test_a_row_that_is_not_understood_is_an_error(rights: str, problem: str, tmp_path: Path) -> None:
    document = tmp_path / "A.md"
    document.write_text(
        f"# A\n\n## Rooms\n\n| place | what | may import |\n|---|---|---|\n| `a.py` | x | {rights} |\n\n## B\n"
    )
    with pytest.raises(TableError, match=problem):
        read(document)


def test_a_circle_is_found_wherever_it_begins() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert circles(edges) == [["b", "c"]]
