"""`make coverage`: which lines and branches of each room all tests together run, and whether that is enough.

The server under gunicorn, the commands and the demo run in processes of their own, and count as well. The floors stand
in pyproject.toml and only rise. `make coverage ROOM=nodes` prints what nothing ran of a room in the last run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import coverage

from .source import ROOT, SERVER

DATA = ROOT / ".coverage"
CONFIG = ROOT / "pyproject.toml"


@dataclass
class Sum:
    """What was run of some files."""

    statements: int = 0
    missing: int = 0
    branches: int = 0
    missing_branches: int = 0

    def add(self, numbers: coverage.results.Numbers) -> None:
        """Add a file's numbers."""
        self.statements += numbers.n_statements
        self.missing += numbers.n_missing
        self.branches += numbers.n_branches
        self.missing_branches += numbers.n_missing_branches

    @property
    def percent(self) -> float:
        """Statements and branches that were run, of all."""
        total = self.statements + self.branches
        return 100 * (1 - (self.missing + self.missing_branches) / total) if total else 100.0

    def __str__(self) -> str:
        lines = 100 * (1 - self.missing / self.statements) if self.statements else 100.0
        branches = 100 * (1 - self.missing_branches / self.branches) if self.branches else 100.0
        return f"{lines:7.1f} {branches:9.1f} {self.percent:9.1f}"


def floors() -> dict[str, float]:
    """Return the percentage that each room must have, by its name."""
    with CONFIG.open("rb") as file:
        found: dict[str, float] = tomllib.load(file)["tool"]["ethpillar"]["coverage"]
    return found


def room(path: Path) -> str:
    """Return the room of a file of the server; files that stand alone have their own name."""
    parts = path.relative_to(ROOT / SERVER).with_suffix("").parts
    return SERVER if parts == ("__init__",) else parts[0]


def below(sums: dict[str, Sum], wanted: dict[str, float]) -> list[str]:
    """Return the rooms with less than their floor, in words; percentages are rounded down to one decimal place."""
    return [
        f"{name} has {sums[name].percent:.1f} % and must have {floor:g} %"
        for name, floor in wanted.items()
        if name in sums and int(sums[name].percent * 10) < floor * 10
    ]


def measure(words: list[str]) -> int:
    """Run tests with all their processes measured, and put what they ran into one file; their exit status."""
    for left in ROOT.glob(".coverage*"):
        left.unlink()
    environment = {**os.environ, "COVERAGE_PROCESS_START": str(CONFIG), "COVERAGE_FILE": str(DATA)}
    status = subprocess.run([sys.executable, "-m", "tests", *words], cwd=ROOT, env=environment).returncode
    subprocess.run([sys.executable, "-m", "coverage", "combine", "-q"], cwd=ROOT, check=True)
    return status


def report(only: str | None) -> int:
    """Print the table, or what is missing in a room; exit status 1 when a room is below its floor."""
    measured = coverage.Coverage(data_file=str(DATA), config_file=str(CONFIG))
    measured.load()
    sums: dict[str, Sum] = defaultdict(Sum)
    for path in sorted((ROOT / SERVER).rglob("*.py")):
        analysis = measured._analyze(str(path))
        sums[room(path)].add(analysis.numbers)
        if only == room(path) and (analysis.numbers.n_missing or analysis.numbers.n_missing_branches):
            arcs = {line: to for line, to in analysis.missing_branch_arcs().items() if line not in analysis.missing}
            exits = ", ".join(f"{line}->{'/'.join(str(each) for each in to)}" for line, to in sorted(arcs.items()))
            print(f"{path.relative_to(ROOT)}: lines {analysis.missing_formatted()}; branches {exits or 'all'}")
    if only is not None:
        return 0
    wanted = floors()
    print(f"{'room':12} {'lines':>7} {'branches':>9} {'together':>9} {'floor':>6}")
    for name, total in sorted(sums.items()):
        print(f"{name:12} {total} {wanted.get(name, 0):6g}")
    missed = below(sums, wanted)
    print(*missed, sep="\n")
    return 1 if missed else 0


def main() -> int:
    """Run all tests and print the table; with the name of a room, only print from the last run."""
    only = sys.argv[1] if len(sys.argv) > 1 else None
    status = measure([]) if only is None else 0
    return report(only) or status


if __name__ == "__main__":
    sys.exit(main())
