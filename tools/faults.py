"""Small faults that can be put into a syntax tree, one at a time: a comparison, a bound, a condition, a statement.

Pure: a tree in, places and changed trees out. Lines that only log, annotations and names of modules are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In},
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv}
LOGGERS = {"log", "logging", "logger"}
LOGS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Fault:
    """A place in a module where one thing can be changed."""

    line: int
    what: str
    "The function, and in words what is changed, with the code as it was. No two faults of a module have the same."
    number: int
    "Of the place, counted through the module."


class _Changer(ast.NodeTransformer):
    """Visits all places in order; changes the one with this number, or only notes them."""

    def __init__(self, wanted: int | None) -> None:
        self.wanted = wanted
        self.found: list[Fault] = []
        self._inside = 0
        self._names: list[str] = []
        self._statement: ast.stmt | None = None

    def _here(self, node: ast.stmt | ast.expr, what: str) -> bool:
        """Note a place. Return True if it is the one to change."""
        if not self._inside:
            return False
        self.found.append(Fault(node.lineno, f"{'.'.join(self._names)}: {what}", len(self.found)))
        return self.wanted == len(self.found) - 1

    def visit(self, node: ast.AST) -> Any:
        """Remember in which statement it is."""
        if isinstance(node, ast.stmt):
            self._statement = node
        return super().visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Look into it by its name."""
        self._names.append(node.name)
        self.generic_visit(node)
        self._names.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Look into the body only: defaults, decorators and annotations stay."""
        self._inside += 1
        self._names.append(node.name)
        start = 1 if ast.get_docstring(node) is not None else 0
        node.body[start:] = [self.visit(each) for each in node.body[start:]]
        self._names.pop()
        self._inside -= 1
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Leave the annotation alone."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """`<` becomes `<=`, `is` becomes `is not`, and so on."""
        kind = COMPARISONS[type(node.ops[0])]
        if self._here(node, f"comparison turned: {ast.unparse(node)}"):
            node.ops[0] = kind()
            return node
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """`and` becomes `or`."""
        if self._here(node, f"and/or turned: {ast.unparse(node)}"):
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            return node
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """`not x` becomes `x`."""
        if isinstance(node.op, ast.Not) and self._here(node, f"not dropped: {ast.unparse(node)}"):
            return node.operand
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """`+` becomes `-`; text is left alone, where that would only raise."""
        other = ARITHMETIC.get(type(node.op))
        if other is not None and not _is_text(node) and self._here(node, f"arithmetic turned: {ast.unparse(node)}"):
            node.op = other()
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Make a number one more, and True False."""
        if not isinstance(node.value, bool | int):
            return node
        around = _short(self._statement) if self._statement is not None else ""
        if self._here(node, f"constant changed: {node.value!r} in {around}"):
            value = not node.value if isinstance(node.value, bool) else node.value + 1
            return ast.copy_location(ast.Constant(value), node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Leave text alone."""
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Do not raise an error."""
        return _nothing(node) if self._here(node, f"dropped: {_short(node)}") else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Make no call."""
        if isinstance(node.value, ast.Constant) or _logs(node.value):
            return node
        if self._here(node, f"dropped: {_short(node)}"):
            return _nothing(node)
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Set no attribute and no item; a name would only be missing."""
        if isinstance(node.targets[0], ast.Attribute | ast.Subscript) and self._here(node, f"dropped: {_short(node)}"):
            return _nothing(node)
        return self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Leave a count as it is."""
        return _nothing(node) if self._here(node, f"dropped: {_short(node)}") else self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> ast.AST:
        """Delete no item."""
        return _nothing(node) if self._here(node, f"dropped: {_short(node)}") else node

    def visit_Continue(self, node: ast.Continue) -> ast.AST:
        """Run the rest of the loop's body."""
        return _nothing(node) if self._here(node, "dropped: continue") else node

    def visit_Break(self, node: ast.Break) -> ast.AST:
        """Go on with the loop."""
        return _nothing(node) if self._here(node, "dropped: break") else node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """Go on in a function without a result."""
        if node.value is None and self._here(node, "dropped: return"):
            return _nothing(node)
        return self.generic_visit(node)


def _nothing(node: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Pass(), node)


def _short(node: ast.stmt) -> str:
    return ast.unparse(node).partition("\n")[0][:90]


def _is_text(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(isinstance(each, ast.JoinedStr | ast.List | ast.Tuple) for each in sides) or any(
        isinstance(each, ast.Constant) and isinstance(each.value, str | bytes) for each in sides
    )


def _logs(node: ast.expr) -> bool:
    """Return True if it is a call of a logger, be it a name or an attribute: `log.info()`, `self._log.debug()`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    logger = ast.unparse(node.func.value).rpartition(".")[2]
    return logger.strip("_") in LOGGERS and node.func.attr in LOGS


def faults(tree: ast.Module) -> list[Fault]:
    """Return every fault that can be put into a module."""
    changer = _Changer(None)
    changer.visit(copy.deepcopy(tree))
    times = Counter[str]()
    found = []
    for each in changer.found:
        times[each.what] += 1
        found.append(each if times[each.what] == 1 else replace(each, what=f"{each.what} ({times[each.what]})"))
    return found


def with_fault(tree: ast.Module, number: int) -> ast.Module:
    """Return the module with one fault in it."""
    changed = copy.deepcopy(tree)
    _Changer(number).visit(changed)
    return ast.fix_missing_locations(changed)
