"""The journal package on every Python that is here, with nothing but its standard library.

Debian 12's own python3 is 3.11.2, whose regular expressions lose what a possessive group took back inside (CPython
gh-106052, fixed in 3.11.5): a line of a log came out with parts missing, and no error.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def interpreters() -> dict[str, str]:
    """By what they say of themselves: each build once, however many names it has."""
    names = [sys.executable, "/usr/bin/python3", *(f"python3.{minor}" for minor in range(11, 15)), "python3"]
    tell = "import sys; print(sys.version_info >= (3, 11), sys.version.replace(chr(10), ' '))"
    found: dict[str, str] = {}
    for path in filter(None, map(shutil.which, names)):
        done = subprocess.run([path, "-S", "-c", tell], capture_output=True, text=True, timeout=30)
        new_enough, _, version = done.stdout.strip().partition(" ")
        if new_enough == "True":  # a shim of a version that is not installed says nothing
            found.setdefault(version, path)
    return found


FOUND = interpreters()


@pytest.mark.parametrize("path", FOUND.values(), ids=[version.split()[0] for version in FOUND])
def test_the_lines_are_understood_by(path: str) -> None:
    command = [path, "-S", "bench/score.py", "tests/journal/lines"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
