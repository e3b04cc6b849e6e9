"""Finding the node's processes: by their command lines, which name the node's directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .commands import store


def running(state: Path) -> list[dict[str, Any]]:
    """The commands of the node at `state` that are alive (not zombies), `pid` and `argv` of each. Needs /proc."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                line = Path(entry.path, "cmdline").read_bytes()
            except OSError:
                continue
            argv = _argv(str(state), line.decode("utf-8", "surrogateescape").split("\0")[:-1])
            if argv:
                found.append({"pid": int(entry.name), "argv": argv})
    return found


def _argv(state: str, line: list[str]) -> list[str] | None:
    """The command's own words, when the line is one of this node's."""
    if state in line and "-c" in line:  # python -I -S -c START STATE NAME ...
        return line[line.index(state) + 1 :]
    folder = os.path.join(state, store.BIN) + "/"
    if len(line) > 1 and line[1].startswith(folder):  # the wrapper, which is about to become that
        return [line[1].removeprefix(folder), *line[2:]]
    return None
