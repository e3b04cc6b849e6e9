"""`make test-pythons`: the unit tests of the pure rooms on every Python from 3.11 to 3.14 that this machine has.

Pythons are looked for on the PATH, and where pyenv and uv keep them. Each gets an environment of its own, with what
these tests import and nothing else: gevent is not there, so that a pure room that needs it fails.
"""

from __future__ import annotations

import glob
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

from .source import ROOT

PURE = ("tests/journal", "tests/units", "tests/limits")
NEEDED = ("pytest", "hypothesis", "orjson", "google-re2")
MINORS = range(11, 15)
KEPT = ("~/.pyenv/versions/*/bin/python3", "~/.local/share/uv/python/*/bin/python3", "/opt/*/bin/python3")


def interpreters() -> dict[int, str]:
    """Return one interpreter for each minor version of Python 3 that is here."""
    named = [f"python3.{minor}" for minor in MINORS]
    kept = [path for pattern in KEPT for path in sorted(glob.glob(str(Path(pattern).expanduser())))]
    found: dict[int, str] = {}
    for path in [sys.executable, *filter(None, map(shutil.which, [*named, "python3"])), *kept]:
        asked = [path, "-S", "-c", "import sys; print(*sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
        major, _, minor = done.stdout.strip().partition(" ")  # a shim of a version that is not installed says nothing
        if major == "3" and int(minor) in MINORS:
            found.setdefault(int(minor), path)
    return found


def environment(minor: int, path: str) -> Path:
    """Return the interpreter of an environment for the tests, which is made the first time."""
    folder = ROOT / ".venv" / "pythons" / f"3.{minor}"
    python = folder / "bin" / "python"
    pinned = [f"{name}=={importlib.metadata.version(name)}" for name in NEEDED]
    if not (folder / ".done").exists():
        subprocess.run([path, "-m", "venv", "--clear", str(folder)], check=True)
        words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned]
        subprocess.run(words, check=True)
        (folder / ".done").touch()
    return python


def main() -> int:
    """Exit status 1 when a test fails on some Python."""
    found, failed = interpreters(), []
    for minor in sorted(found):
        print(f"Python 3.{minor} ({found[minor]})", flush=True)
        words = [str(environment(minor, found[minor])), "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider"]
        words.append("--hypothesis-profile=ci")  # machines are noisy: no example has a deadline
        if subprocess.run([*words, *PURE], cwd=ROOT).returncode:
            failed.append(minor)
    missing = [f"3.{minor}" for minor in MINORS if minor not in found]
    print(f"Not on this machine: Python {', '.join(missing)}" if missing else "All of them are on this machine")
    print(*(f"FAILED on Python 3.{minor}" for minor in failed), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
