"""State at module level: what two applications in one process would share without wanting to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .source import SERVER, Module

VALUES = {
    *("Struct", "Path", "TypeVar", "ParamSpec", "NewType", "MappingProxyType", "Decimal"),
    *("IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"),
}
"Classes of the standard library whose objects never change."
MAKERS = {"dict", "list", "set", "bytearray", "deque", "defaultdict", "count", "cycle", "iter"}
"Functions, and classes in lower case, that make something that changes."
CHANGES = {
    *("append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "popleft", "remove", "discard"),
    *("clear", "appendleft", "extendleft", "move_to_end", "sort", "reverse"),
}
"Methods that change a container."


def module_state(modules: dict[str, Module]) -> list[str]:
    """Return what keeps state at module level in the server, one line each: `module:line: why`."""
    server = [module for name, module in modules.items() if name.partition(".")[0] == SERVER]
    values = VALUES | {each.name for module in server for each in _classes(module) if _is_value(each)}
    changed = {name for module in server for name in _changed_in_functions(module)}
    return [
        f"{module.name}:{line}: {why}" for module in server for line, why in sorted(_findings(module, values, changed))
    ]


def _findings(module: Module, values: set[str], changed: set[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}"
    for name, value in bindings(module.tree):
        if (module.name, name) in changed:
            yield value.lineno, f"{name} is changed by a function"
        elif isinstance(value, ast.Dict | ast.List | ast.Set) and not ast.unparse(value).strip("{}[]"):
            yield value.lineno, f"{name} begins empty"
        elif isinstance(value, ast.Call):
            made = ast.unparse(value.func).rpartition(".")[2]
            if made in MAKERS or (made.lstrip("_")[:1].isupper() and made not in values):
                yield value.lineno, f"{name} is an object of {made}, which may change"


def bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that a module binds, with its value."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((each.id, node.value) for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _classes(module: Module) -> list[ast.ClassDef]:
    return [node for node in module.tree.body if isinstance(node, ast.ClassDef)]


def _is_value(node: ast.ClassDef) -> bool:
    """Return True if this is a class whose objects never change: a frozen dataclass, an enum, a named tuple."""
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return bool(bases & {"Enum", "StrEnum", "IntEnum", "NamedTuple"}) or any(
        isinstance(each, ast.Call)
        and any(key.arg == "frozen" and ast.unparse(key.value) == "True" for key in each.keywords)
        for each in node.decorator_list
    )


def _changed_in_functions(module: Module) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of each module-level name that a function here changes in place."""
    origin = {name: (module.name, name) for name, _ in bindings(module.tree)}
    for full, _ in module.imports():
        source, _, name = full.rpartition(".")
        origin.setdefault(name, (source, name))
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (origin[name] for name in _changed_names(function) if name in origin)


def _changed_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    local, found = {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}, set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            local.add(node.id)
        target: ast.expr | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            target = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
            target = node.func.value
        if isinstance(target, ast.Name):
            found.add(target.id)
    return found - local
