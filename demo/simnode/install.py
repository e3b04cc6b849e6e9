"""Making a node's directory and its commands."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from .commands import store
from .writer import create

COMMANDS = ("journalctl", "systemctl", "systemd-id128", "sudo")

# -I and -S: no environment, no site-packages, so that a command starts in a few milliseconds and is the same anywhere.
_START = "import sys; sys.path.insert(0, {folder!r}); from commands.run import main; main()"


def install(state_dir: str | os.PathLike[str], python: str = sys.executable) -> Path:
    """Creates the node's state (kept when there is one) and its commands. Returns the directory of the commands.

    :param python: what runs them
    """
    state = Path(state_dir).absolute()
    create(state)
    folder = state / store.BIN
    folder.mkdir(exist_ok=True)
    start = _START.format(folder=str(Path(__file__).parent))
    for name in COMMANDS:
        words = shlex.join([python, "-I", "-S", "-c", start, str(state), name])
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        wrapper.chmod(0o755)
    return folder
