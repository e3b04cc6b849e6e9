"""`make wheels`: every pinned requirement has a wheel for each Python and platform that README names.

Asks the package index for each of them, and downloads nothing. A package without a wheel would need a compiler.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from .source import ROOT

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_36", "aarch64-manylinux_2_36")
"Debian 12's C library; newer ones have what it has."
FILES = ("requirements.txt", "requirements-demo.txt", "requirements-dev.txt")


def resolve(uv: str, python: str, platform: str) -> str:
    """Return what is wrong with these requirements on one Python and platform, nothing when all have wheels."""
    # The system's certificates: a company's proxy has one of its own.
    words = [uv, "pip", "compile", "--system-certs", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-header"]
    words += ["--python-version", python, "--python-platform", platform, *FILES]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    return done.stderr.strip() if done.returncode else ""


def main() -> int:
    """Exit status 1 when something has no wheel somewhere."""
    targets = [(python, platform) for python in PYTHONS for platform in PLATFORMS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: resolve(sys.argv[1], *each), targets))
    for (python, platform), problem in zip(targets, found, strict=True):
        print(f"Python {python} on {platform}: {problem or 'wheels for everything'}")
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())
