"""The table of rooms in ARCHITECTURE.md, read as the law that it is.

Its first column names files and folders, its last one what they may import: `everything`, `nothing`, or rooms by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .source import ROOT, SERVER

DOCUMENT = ROOT / "ARCHITECTURE.md"
_CODE = re.compile(r"`([^`]+)`")


class TableError(ValueError):
    """The table can't be read. The text says what is wrong with which row."""


@dataclass(frozen=True)
class Rooms:
    """Which room may import which."""

    allowed: dict[str, frozenset[str] | None]
    "By the room's name; None: everything."

    def may(self, room: str, other: str) -> bool:
        """Return True if `room` may import `other`. A room that is not in the table may import nothing."""
        allowed = self.allowed.get(room, frozenset())
        return room == other or allowed is None or other in allowed


def read(document: Path = DOCUMENT) -> Rooms:
    """Read the table under the heading "Rooms".

    :raises TableError: a row says something else than `everything`, `nothing` or names of rooms in the table
    """
    _, _, section = document.read_text().partition("\n## Rooms\n")
    rows = [line.strip("|").split("|") for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    allowed: dict[str, frozenset[str] | None] = {}
    for cells in rows:
        names, rights = [_room(each) for each in _CODE.findall(cells[0])], cells[-1].strip()
        found: frozenset[str] | None = frozenset(_CODE.findall(rights))
        if rights == "everything":
            found = None
        elif rights != "nothing" and not re.fullmatch(r"`[a-z_]+`(, `[a-z_]+`)*", rights):
            raise TableError(
                f"{cells[0].strip()}: {rights!r} must be everything, nothing, or rooms like `ssh`, `units`"
            )
        allowed.update(dict.fromkeys(names, found))
    for room, others in allowed.items():
        unknown = (others or frozenset()) - allowed.keys()
        if unknown:
            raise TableError(f"{room} may import {', '.join(sorted(unknown))}, which the table does not have")
    if not allowed:
        raise TableError("there is no table under the heading Rooms")
    return Rooms(allowed)


def _room(place: str) -> str:
    """`nodes` for `ethpillar/nodes/`, `ethpillar` for `ethpillar/__init__.py`, `wsgi` for `wsgi.py`."""
    parts = [part for part in place.removesuffix(".py").split("/") if part not in ("", "__init__")]
    if len(parts) > 1 and parts[0] == SERVER:
        parts = parts[1:]
    return parts[0].removesuffix(".conf")


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return a circle for each group of names that reach each other, in an order that follows the edges."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in sorted(edges):
        path = _way_back(edges, start)
        if path and not done & set(path):
            found.append(path)
            done |= set(path)
    return found


def _way_back(edges: dict[str, set[str]], start: str) -> list[str] | None:
    before: dict[str, str] = {}
    queue = [start]
    for name in queue:
        for other in sorted(edges.get(name, ())):
            if other == start:
                path = [name]
                while path[-1] != start:
                    path.append(before[path[-1]])
                return path[::-1]
            if other not in before:
                before[other] = name
                queue.append(other)
    return None
