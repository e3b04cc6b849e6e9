"""`make shape`: classes that hold too much changing state, and functions that do not fit a screen.

An attribute changes when it is assigned outside of `__init__` (and of class bodies), or when what `__init__` puts there
is a container or counter that a method changes in place. Settings, values and other objects do not count.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from .module_state import CHANGES
from .source import SERVER, Module, modules

MOST_ATTRIBUTES = 10
MOST_LINES = 40
CHANGED_BY = CHANGES | {"set", "put"}
"Methods that change a container, an event or a queue."
SHOWN = 6
"Attributes from which a class is shown."

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Shape:
    """A class with its attributes that change."""

    name: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Long:
    """A function with the number of its lines, its docstring with them and its decorators without."""

    name: str
    lines: int


def shapes(module: Module) -> Iterator[Shape]:
    """Yield each class of a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            yield Shape(f"{module.name}.{node.name}", tuple(sorted(_changing(node))))


def _changing(node: ast.ClassDef) -> set[str]:
    methods = [each for each in node.body if isinstance(each, Function)]
    found: set[str] = set()
    for method in methods:
        first = method.args.args[0].arg if method.args.args else ""
        for part in ast.walk(method):
            name = _changed_attribute(part, first)
            if name and (method.name not in ("__init__", "__post_init__") or isinstance(part, ast.Call)):
                found.add(name)
    properties = {each.name for each in methods}
    return found - properties


def _changed_attribute(part: ast.AST, me: str) -> str | None:
    """Return the attribute of `me` that this part of a method changes."""
    target: ast.AST | None = None
    if isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store | ast.Del):
        target = part if isinstance(part, ast.Attribute) else part.value
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in CHANGED_BY:
        target = part.func.value
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == me:
        return target.attr
    return None


def long_functions(module: Module) -> Iterator[Long]:
    """Yield each function of a module with its length."""
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield Long(f"{module.name}.{node.name}", (node.end_lineno or 0) - node.lineno + 1)


def main() -> int:
    """Print both lists; exit status 1 when something in them is too large."""
    places = (SERVER, "config", "setting_values", "demo", "tools")
    found = [each for each in modules().values() if each.name.partition(".")[0] in places]
    classes = sorted((each for module in found for each in shapes(module)), key=lambda each: -len(each.attributes))
    functions = sorted((each for module in found for each in long_functions(module)), key=lambda each: -each.lines)
    print(f"Attributes that change, for each class with at least {SHOWN} (at most {MOST_ATTRIBUTES}):")
    for shape in classes:
        if len(shape.attributes) >= SHOWN:
            print(f"{len(shape.attributes):4} {shape.name}: {', '.join(shape.attributes)}")
    print(f"Lines of the longest functions (at most {MOST_LINES}):")
    for function in functions[:5]:
        print(f"{function.lines:4} {function.name}")
    bad = [shape.name for shape in classes if len(shape.attributes) > MOST_ATTRIBUTES]
    bad += [function.name for function in functions if function.lines > MOST_LINES]
    print(f"Too large: {', '.join(bad) or 'nothing'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
