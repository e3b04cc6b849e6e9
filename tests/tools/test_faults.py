"""The faults that `make mutants` puts in."""

from __future__ import annotations

import ast

import pytest

from tools.faults import faults, with_fault
from tools.judged import judged
from tools.source import ROOT, modules


def changed(body: str) -> list[str]:
    """A function's body with each of its faults."""
    tree = ast.parse(f"def f(self, a, b):\n    {body}")
    return [ast.unparse(with_fault(tree, each.number)).partition("\n")[2].strip() for each in faults(tree)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a < b", ["return a <= b"]),
        ("return a is b", ["return a is not b"]),
        ("return a and b", ["return a or b"]),
        ("return not a", ["return a"]),
        ("return a + 1", ["return a - 1", "return a + 2"]),
        ("return True", ["return False"]),
        ("self.x = a", ["pass"]),
        ("self.x += a", ["pass"]),
        ("del a[b]", ["pass"]),
        ("raise a", ["pass"]),
        ("self.close(a)", ["pass"]),
        ("self.log.news.fire()", ["pass"]),
        ("self._log.close()", ["pass"]),
        ("for a in b: break", ["for a in b:\n        pass"]),
    ],
)
def test_each_place_is_changed_by_itself(body: str, expected: list[str]) -> None:
    assert changed(body) == expected


@pytest.mark.parametrize("body", ["'a docstring'", "a = b", "return f'{a:3}'", "return 'a' + b", "return a"])
def test_what_says_nothing_is_left_alone(body: str) -> None:
    assert changed(body) == []


@pytest.mark.parametrize("logger", ["log", "logging", "self.log", "self._log", "self._feed.log"])
@pytest.mark.parametrize("method", ["debug", "info", "error"])
def test_a_line_that_only_logs_is_left_alone(logger: str, method: str) -> None:
    assert changed(f"{logger}.{method}('%d', 1 + 2)") == []


def test_the_tree_itself_stays_as_it_is() -> None:
    tree = ast.parse("def f(a):\n    return a < 1")
    with_fault(tree, 0)
    assert ast.unparse(tree) == "def f(a):\n    return a < 1"


def test_modules_and_defaults_are_left_alone() -> None:
    assert faults(ast.parse("LIMIT = 1 + 2\ndef f(a=3, *, b: int = 4) -> None: ...")) == []


def test_no_two_faults_of_a_module_are_called_the_same() -> None:
    tree = ast.parse(
        "class A:\n  def f(self, a):\n    g(a + 1)\n    if a < 1: return\n    if a < 1: return\n    return a + 1"
    )
    assert [each.what for each in faults(tree)] == [
        "A.f: dropped: g(a + 1)",
        "A.f: arithmetic turned: a + 1",
        "A.f: constant changed: 1 in g(a + 1)",
        "A.f: comparison turned: a < 1",
        "A.f: constant changed: 1 in if a < 1:",
        "A.f: dropped: return",
        "A.f: comparison turned: a < 1 (2)",
        "A.f: constant changed: 1 in if a < 1: (2)",
        "A.f: dropped: return (2)",
        "A.f: arithmetic turned: a + 1 (2)",
        "A.f: constant changed: 1 in return a + 1",
    ]


def test_the_faults_that_were_judged_are_still_there() -> None:
    paths = {path for path, _ in judged()}
    there = {
        (path, each.what)
        for module in modules().values()
        if (path := str(module.path.relative_to(ROOT))) in paths
        for each in faults(module.tree)
    }
    assert set(judged()) - there == set()


@pytest.mark.parametrize("text", ["a.py\n  f: dropped: x()\n", "  f: dropped: x()\n    why\n", "a.py\n    why\n"])
def test_a_fault_is_judged_with_a_place_and_a_reason(text: str) -> None:
    with pytest.raises(ValueError):
        judged(text)


def test_reasons_may_have_several_lines() -> None:
    assert judged("# why\na.py\n  f: dropped: x()\n    because\n    it is so\n") == {
        ("a.py", "f: dropped: x()"): "because it is so"
    }
