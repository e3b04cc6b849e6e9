"""Runs all tests: `python -m tests`, which is `make test`.

Most of what takes time here waits: for a node that comes back, for a tick. So several pytests run at once, each with
one module (the quick ones of a room together), and another one whenever one is done. What each says is printed as a
whole, the failures again at the end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import local

from . import programs

TESTS = Path(__file__).parent
AT_ONCE = int(os.environ.get("TESTS_AT_ONCE", "3"))
"Two processors are kept busy by about so many."
SLOW = ("system", "console", "deploy", "frontend", "demo")
OTHERS = ("real_systemd", "bare")
"Rooms with commands of their own."
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?)")
_SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] [^:]+:(?:\d+:)? (.*)\n", re.MULTILINE)


def portions() -> Iterator[list[str]]:
    """Yield what each pytest gets, in the order in which they start: what takes long first."""
    for room in SLOW:
        modules = sorted((TESTS / room).glob("test_*.py"), key=lambda path: -path.stat().st_size)
        yield from ([str(path.relative_to(TESTS.parent))] for path in modules)
    rooms = [path for path in sorted(TESTS.iterdir()) if path.is_dir() and path.name not in (*SLOW, *OTHERS)]
    yield from ([str(path.relative_to(TESTS.parent))] for path in rooms if list(path.glob("test_*.py")))
    yield [str(path.relative_to(TESTS.parent)) for path in sorted(TESTS.glob("test_*.py"))]


_mine = local()


def run(paths: list[str]) -> tuple[list[str], int, str]:
    """Run one pytest; return what it was given, its exit status and what it said."""
    command = [sys.executable, "-m", "pytest", "-rs", "--no-header", "--color=no", *paths]
    environment = {**os.environ, "TESTS_PLACE": str(_mine.place)}
    done = subprocess.run(
        command, cwd=TESTS.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return paths, done.returncode, done.stdout


def main() -> int:
    """Exit status 0 when every test passed, or was skipped where it may be."""
    places = iter(range(AT_ONCE))

    def take_place() -> None:
        _mine.place = next(places)

    total = dict.fromkeys(("passed", "failed", "skipped", "errors"), 0)
    failures: list[str] = []
    skipped: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE, initializer=take_place) as pool:
        for done in as_completed([pool.submit(run, paths) for paths in portions()]):
            paths, status, said = done.result()
            for number, reason in _SKIPPED.findall(said):
                skipped[reason] += int(number)
            print(" ".join(paths), _SKIPPED.sub("", said), sep="\n", flush=True)
            counts = _COUNT.findall(said.strip().rpartition("\n")[2])
            for number, what in counts:
                total["errors" if what.startswith("error") else what] += int(number)
            if status != 0 or not counts:
                failures.append(f"{' '.join(paths)}: exit status {status}")
    for reason, number in skipped.most_common():
        print(f"{number} skipped: {reason}")
    if skipped and (command := programs.installing()):
        print(f"More of them run after: {command}")
    print(*(f"FAILED {each}" for each in failures), sep="\n")
    bad = total["failed"] + total["errors"] or len(failures)
    print(f"{total['passed']} passed, {bad} failed, {total['skipped']} skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
