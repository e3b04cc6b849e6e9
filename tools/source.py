"""The project's modules as syntax trees: where they are, which room they belong to, what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVER = "ethpillar"
FOLDERS = (SERVER, "demo", "bench", "tools")
"Top-level folders whose imports are held to the table; tests may import everything."


@dataclass(frozen=True)
class Module:
    """A Python file of the project."""

    name: str
    "Dotted, as it is imported."
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.path.read_text(), str(self.path))

    @property
    def room(self) -> str:
        """The room it belongs to: `nodes` for `ethpillar.nodes.ring`, the first name for what is outside the server."""
        first, _, rest = self.name.partition(".")
        return rest.partition(".")[0] if first == SERVER and rest else first

    @property
    def package(self) -> str:
        """What its relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield each imported name, absolute, with its line: `a.b.c` for `from a.b import c`, wherever it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((each.name, node.lineno) for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = self.package.split(".")[: -(node.level - 1) or None] if node.level else []
                base = ".".join([*start, *([node.module] if node.module else [])])
                yield from ((f"{base}.{each.name}", node.lineno) for each in node.names)


def modules(root: Path = ROOT) -> dict[str, Module]:
    """Return every module of the project but its tests, by name."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    found = {}
    for path in [*sorted(root.glob("*.py")), *paths]:
        parts = list(path.relative_to(root).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return found


@dataclass(frozen=True)
class Import:
    """One module of the project that imports another."""

    of: Module
    line: int
    what: Module

    def __str__(self) -> str:
        return f"{self.of.path.relative_to(ROOT)}:{self.line} imports {self.what.name}"


def internal_imports(found: dict[str, Module]) -> list[Import]:
    """Return the imports among these modules."""
    return [
        Import(module, line, found[target])
        for module in found.values()
        for name, line in module.imports()
        if (target := name if name in found else name.rpartition(".")[0]) in found and target != module.name
    ]
