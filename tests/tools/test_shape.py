"""Classes with little changing state, functions that fit a screen: `make shape` says so, and can be believed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.shape import MOST_ATTRIBUTES, MOST_LINES, long_functions, shapes
from tools.source import Module, modules


def changing(text: str, folder: Path) -> set[str]:
    path = folder / "module.py"
    path.write_text(text)
    return {name for shape in shapes(Module("module", path)) for name in shape.attributes}


def test_no_class_and_no_function_is_too_large() -> None:
    found = [each for each in modules().values() if each.room not in ("bench",)]
    classes = {each.name for module in found for each in shapes(module) if len(each.attributes) > MOST_ATTRIBUTES}
    functions = {each.name for module in found for each in long_functions(module) if each.lines > MOST_LINES}
    assert classes | functions == set()


@pytest.mark.parametrize(
    "change", ["self.x = 1", "self.x += 1", "del self.x", "self.x[1] = 2", "self.x.append(1)", "self.x.set()"]
)
def test_what_a_method_changes_counts(change: str, tmp_path: Path) -> None:
    text = f"class A:\n    def __init__(self):\n        self.x = self.y = []\n    def f(self):\n        {change}\n"
    assert changing(text, tmp_path) == {"x"}


@pytest.mark.parametrize("use", ["return self.x", "self.x.spend(1)", "x = self.x[1]", "self.x.y.clear", "other.x = 1"])
def test_what_is_only_used_does_not_count(use: str, tmp_path: Path) -> None:
    text = f"class A:\n    def __init__(self):\n        self.x = []\n    def f(self, other):\n        {use}\n"
    assert changing(text, tmp_path) == set()


def test_lines_of_a_function_are_counted_with_its_docstring(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('@one\ndef f():\n    """A.\n\n    B.\n    """\n    return 1\n')
    assert [(each.name, each.lines) for each in long_functions(Module("m", path))] == [("m.f", 6)]


def test_a_protocol_says_what_it_promises() -> None:
    """In some thirty words: what may wait, in which order things are called, which errors there are."""
    short = [
        f"{module.name}.{node.name}"
        for module in modules().values()
        if module.name.startswith("ethpillar.")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
        if len((ast.get_docstring(node) or "").split()) < 25
    ]
    assert short == []
