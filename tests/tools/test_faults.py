"""The faults that `make mutants` puts in."""

from __future__ import annotations

import ast

import pytest

from tools.faults import faults, with_fault


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
        ("for a in b: break", ["for a in b:\n        pass"]),
    ],
)
def test_each_place_is_changed_by_itself(body: str, expected: list[str]) -> None:
    assert changed(body) == expected


@pytest.mark.parametrize(
    "body", ["'a docstring'", "log.info('x')", "a = b", "return f'{a:3}'", "return 'a' + b", "return a"]
)
def test_what_says_nothing_is_left_alone(body: str) -> None:
    assert changed(body) == []


def test_the_tree_itself_stays_as_it_is() -> None:
    tree = ast.parse("def f(a):\n    return a < 1")
    with_fault(tree, 0)
    assert ast.unparse(tree) == "def f(a):\n    return a < 1"


def test_modules_and_defaults_are_left_alone() -> None:
    assert faults(ast.parse("LIMIT = 1 + 2\ndef f(a=3, *, b: int = 4) -> None: ...")) == []
