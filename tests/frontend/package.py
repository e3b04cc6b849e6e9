"""The package in `frontend/`: its commands, run by the Node.js and npm that the tests have.

`python -m tests.frontend.package run example` is `npm run example` in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .. import programs

FRONTEND = programs.FRONTEND


def need() -> list[str]:
    """Return the words that run npm; skip the test where it, or what the package needs, is missing."""
    words = programs.npm()
    if words is None:
        programs.missing("Node.js")
    if not (FRONTEND / "node_modules" / "vitest").exists():
        programs.missing("what frontend/ needs (npm ci in it)")
    return words


def npm(*arguments: str, folder: Path = FRONTEND) -> str:
    """Run npm to its end; return what it said. Fails with that when it fails."""
    done = subprocess.run(
        [*need(), *arguments],
        cwd=folder,
        env=programs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def main() -> None:
    """Become npm, in the package's folder."""
    words = programs.npm()
    if words is None:
        sys.exit("There is no Node.js here.")
    os.chdir(FRONTEND)
    os.execve(words[0], [*words, *sys.argv[1:]], programs.environment())


if __name__ == "__main__":
    main()
