"""No module of the server keeps state: two applications in one process share nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.module_state import module_state
from tools.source import Module, modules


def state_of(text: str, folder: Path, name: str = "ethpillar.room.module") -> list[str]:
    path = folder / "module.py"
    path.write_text(text)
    return [each.partition(": ")[2] for each in module_state({name: Module(name, path)})]


def test_no_module_of_the_server_keeps_state() -> None:
    assert list(module_state(modules())) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("_seen = {}", "_seen begins empty"),
        ("_seen: dict[str, int] = {}", "_seen begins empty"),
        ("_seen = set()", "_seen is an object of set, which may change"),
        ("_lock = Lock()", "_lock is an object of Lock, which may change"),
        ("_now = 0\ndef f():\n    global _now\n    _now = 1", "global _now"),
        ("NAMES = {'a': 1}\ndef f():\n    NAMES['b'] = 2", "NAMES is changed by a function"),
        ("NAMES = ['a']\ndef f():\n    NAMES.append('b')", "NAMES is changed by a function"),
        ("class _Thing: ...\nONE = _Thing()", "ONE is an object of _Thing, which may change"),
    ],
)
def test_state_is_found(text: str, why: str, tmp_path: Path) -> None:
    assert state_of(text, tmp_path) == [why]


@pytest.mark.parametrize(
    "text",
    [
        "NAMES = {'a': 1}\ndef f(key):\n    return NAMES[key]",
        "NAMES = {'a': 1}\ndef f():\n    NAMES = {}\n    NAMES['a'] = 1",
        "_WORD = re.compile('a')",
        "log = logging.getLogger(__name__)",
        "@dataclass(frozen=True)\nclass Point: ...\nORIGIN = Point()",
        "LINE = struct.Struct('<I')",
    ],
)
def test_what_never_changes_is_no_state(text: str, tmp_path: Path) -> None:
    assert state_of(text, tmp_path) == []


def test_other_folders_may_keep_state(tmp_path: Path) -> None:
    assert state_of("_seen = {}", tmp_path, "demo.module") == []
