"""`make states`: draws the tables of transitions into ARCHITECTURE.md from the code.

A table is a module-level name of the server that ends in TRANSITIONS: a dict from each member of an enum to the
frozenset of those that may follow it. A member's meaning is the string below it, else its value.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping
from enum import Enum

from .module_state import bindings
from .rooms import DOCUMENT
from .source import SERVER, Module, modules

BEGIN, END = "<!-- states: made by `make states` -->\n", "<!-- /states -->\n"


def tables(found: dict[str, Module]) -> list[tuple[Module, Mapping[Enum, frozenset[Enum]]]]:
    """Return the tables of transitions, each with its module, in the order of modules and lines."""
    return [
        (module, getattr(importlib.import_module(module.name), name))
        for module in found.values()
        if module.name.partition(".")[0] == SERVER
        for name, _ in bindings(module.tree)
        if name.endswith("TRANSITIONS")
    ]


def drawn(module: Module, table: Mapping[Enum, frozenset[Enum]]) -> str:
    """Return a table in Markdown.

    :raises ValueError: a member of the enum is not in the table, or nothing leads to it
    """
    kind = type(next(iter(table)))
    if set(table) != set(kind):
        raise ValueError(f"{kind.__name__}: the table lacks {', '.join(each.name for each in set(kind) - set(table))}")
    first = next(iter(kind))
    reached = frozenset().union(*table.values()) | {first}
    if reached != set(kind):
        raise ValueError(f"{kind.__name__}: nothing leads to {', '.join(each.name for each in set(kind) - reached)}")
    meanings = _meanings(module, kind)
    rows = [
        f"**{kind.__name__}** (`{module.name}`) begins as `{first.name}`.",
        "",
        "| state | meaning | may be followed by |",
    ]
    rows.append("|---|---|---|")
    for state in kind:
        following = ", ".join(f"`{each.name}`" for each in kind if each in table[state]) or "nothing"
        rows.append(f"| `{state.name}` | {meanings[state.name]} | {following} |")
    return "\n".join(rows) + "\n"


def _meanings(module: Module, kind: type[Enum]) -> dict[str, str]:
    """Return what is written below each member, else its value, by its name."""
    found = {each.name: str(each.value) for each in kind}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            for member, below in zip(node.body, node.body[1:], strict=False):
                if (
                    isinstance(member, ast.Assign)
                    and isinstance(below, ast.Expr)
                    and isinstance(below.value, ast.Constant)
                ):
                    found[ast.unparse(member.targets[0])] = " ".join(str(below.value.value).split())
    return found


def section() -> str:
    """Return all tables, as they stand between the marks in the document."""
    return "\n".join(["", *(drawn(module, table) for module, table in tables(modules())), ""])


def replaced(document: str, text: str) -> str:
    """Return the document with this text between its marks.

    :raises ValueError: the document does not have both marks
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("ARCHITECTURE.md must have both marks of `make states`")
    return before + begin + text + end + after


def main() -> int:
    """Write the tables into the document."""
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(), section()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
