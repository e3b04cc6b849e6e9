"""`make mutants`: puts small faults into the server, one at a time, and asks the unit tests that run the line.

A fault that no test notices shows a test that is missing, or a line that makes no difference. The table says for each
module how many of a sample were noticed; survivors are listed, as `tools/judged.txt` would have them: it has those that
no test can or should notice, with a reason each, and they do not count. `make mutants ROOM=nodes FAULTS=400` takes one
room and more faults, `TESTS=tests/nodes` asks only these tests. It takes minutes, and its figures hold for this sample
(`SEED=1` takes another).

The tests run in forks of one process that has imported everything but the server; a changed module is compiled from its
tree when it is imported, so that no file is ever changed.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from .faults import Fault, faults, with_fault
from .judged import Place, judged
from .source import ROOT, SERVER, Module, modules

AT_ONCE = int(os.environ.get("MUTANTS_AT_ONCE", "2"))
MOST_TESTS = 40
"Test functions that are asked about a fault: those of its own room first, then those that run the fewest lines."
ENDLESS = 60.0
"Seconds until tests that do not end have noticed the fault."
NOT_UNIT = ("system", "demo", "frontend", "real_systemd", "bare", "tools", "page", "console")
NOTICED, SURVIVED, NOT_RUN, JUDGED = "noticed", "survived", "not run", "judged"
BETTER = "judged, but noticed"


@dataclass(frozen=True)
class Mutant:
    """A module with a fault in it, and the tests that run its line."""

    module: Module
    fault: Fault
    tests: tuple[str, ...]

    @property
    def place(self) -> Place:
        """What it is called in `tools/judged.txt`."""
        return str(self.module.path.relative_to(ROOT)), self.fault.what


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module of the server from a changed tree."""

    def __init__(self, module: Module, tree: ast.Module) -> None:
        self._module = module
        self._tree = tree

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find the changed module, and no other."""
        if name != self._module.name:
            return None
        where = [str(self._module.path.parent)] if self._module.path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, self._module.path, loader=self, submodule_search_locations=where
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed tree."""
        exec(compile(self._tree, str(self._module.path), "exec"), module.__dict__)


def unit_tests() -> list[str]:
    """Return what pytest is given: the folders and files of unit tests."""
    if only := os.environ.get("TESTS"):
        return only.split()
    tests = ROOT / "tests"
    rooms = [each for each in sorted(tests.iterdir()) if each.is_dir() and list(each.glob("**/test_*.py"))]
    return [str(each.relative_to(ROOT)) for each in [*rooms, *tests.glob("test_*.py")] if each.name not in NOT_UNIT]


def record(data: Path) -> None:
    """Run the unit tests once and note which test function runs which line."""
    config = data.with_name("coveragerc")
    config.write_text("[run]\nsource = ethpillar\nbranch = false\nconcurrency = gevent,thread\n")
    words = ["-m", "coverage", "run", f"--rcfile={config}", f"--data-file={data}", "-m", "pytest", "-q", "-p"]
    words += ["tools.contexts", "-p", "no:cacheprovider", *unit_tests()]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"mutants: the unit tests fail without any fault:\n{done.stdout[-3000:]}")


def who_runs(data: Path) -> dict[str, dict[int, set[str]]]:
    """Return the test functions that run each line, by the file's path."""
    from coverage import CoverageData

    measured = CoverageData(str(data))
    measured.read()
    found = {}
    for path in measured.measured_files():
        lines = {line: set(names) for line, names in measured.contexts_by_lineno(path).items()}
        every = set().union(*lines.values()) - {""}
        # What runs when a module is imported is run for every test of it.
        found[path] = {line: every if names == {""} else names - {""} for line, names in lines.items()}
    return found


def choose(wanted: str | None, number: int, seed: int, ran: dict[str, dict[int, set[str]]]) -> list[Mutant]:
    """Return a sample of faults, as many from each module as it has its share of lines."""
    sizes = Counter(test for lines in ran.values() for tests in lines.values() for test in tests)
    every = []
    for module in modules().values():
        if module.name.partition(".")[0] != SERVER or (wanted and module.room != wanted) or module.room == "cli":
            continue
        lines = ran.get(str(module.path), {})
        for fault in faults(module.tree):
            tests = sorted(
                lines.get(fault.line, ()), key=lambda each: (f"/{module.room}/" not in each, sizes[each], each)
            )
            every.append(Mutant(module, fault, tuple(tests[:MOST_TESTS])))
    return random.Random(seed).sample(every, min(number, len(every)))


def _ask(mutant: Mutant) -> None:
    """In a fork: run the tests on the changed module, and exit with pytest's status."""
    import pytest

    null = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(null, handle)
    os.setsid()
    sys.meta_path.insert(0, Changed(mutant.module, with_fault(mutant.module.tree, mutant.fault.number)))
    status = 3
    try:
        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", *mutant.tests]))
    finally:
        os._exit(status)


def judge(mutants: list[Mutant]) -> dict[Mutant, str]:
    """Return what came of each fault; of those so far, if Ctrl-C or SIGTERM ends it."""
    verdicts = {each: NOT_RUN for each in mutants if not each.tests}
    waiting = [each for each in mutants if each.tests]
    running: dict[int, tuple[Mutant, float]] = {}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                mutant = waiting.pop()
                pid = os.fork()
                if pid == 0:
                    _ask(mutant)
                running[pid] = mutant, time.monotonic() + ENDLESS
            time.sleep(0.02)
            _reap(running, verdicts)
            print(f"\r{len(verdicts)} of {len(mutants)}", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        for pid in running:
            os.killpg(pid, signal.SIGKILL)
    print(file=sys.stderr)
    return verdicts


def _reap(running: dict[int, tuple[Mutant, float]], verdicts: dict[Mutant, str]) -> None:
    """Take the verdicts of the tests that have ended, and end those that take too long."""
    for pid, (mutant, end) in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended and time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            ended, status = os.waitpid(pid, 0)
        if ended:
            del running[pid]
            verdicts[mutant] = SURVIVED if status == 0 else NOTICED


def show(verdicts: dict[Mutant, str]) -> None:
    """Print the survivors and the table."""
    known = judged()
    for mutant, verdict in verdicts.items():
        if mutant.place in known:
            verdicts[mutant] = BETTER if verdict == NOTICED else JUDGED
    for verdict in (SURVIVED, NOT_RUN, BETTER):
        print(f"{verdict}:")
        for path in sorted({each.place[0] for each, found in verdicts.items() if found == verdict}):
            print(path)
            here = (each.fault for each, found in verdicts.items() if found == verdict and each.place[0] == path)
            for fault in sorted(here, key=lambda each: each.line):
                print(f"  {fault.what}")
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, verdict in verdicts.items():
        for name in (mutant.module.name.removeprefix(f"{SERVER}."), mutant.module.room.upper(), "ALL"):
            table[name][verdict] += 1
    print(f"{'module':32} {'noticed':>8} {'survived':>9} {'not run':>8} {'judged':>8} {'noticed %':>10}")
    for name, counts in sorted(table.items(), key=lambda each: (each[0].isupper(), each[0])):
        noticed, survived, not_run = counts[NOTICED] + counts[BETTER], counts[SURVIVED], counts[NOT_RUN]
        percent = 100 * noticed / max(1, noticed + survived + not_run)
        print(f"{name:32} {noticed:8} {survived:9} {not_run:8} {counts[JUDGED]:8} {percent:10.1f}")


def main() -> int:
    """Print survivors and the table; the exit status is 0, for a fault that survives is to be judged by a person."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        data = Path(folder) / "coverage"
        record(data)
        ran = who_runs(data)
        number, seed = int(os.environ.get("FAULTS", "400")), int(os.environ.get("SEED", "0"))
        mutants = choose(os.environ.get("ROOM") or None, number, seed, ran)
        _import_all_but_the_server()
        show(judge(mutants))
    return 0


def _import_all_but_the_server() -> None:
    """So that forks begin with it. The monkey patch comes first, as in tests/conftest.py."""
    from gevent import monkey

    monkey.patch_all()
    sys.path.insert(0, str(ROOT))
    for name in ("pytest", "hypothesis", "paramiko", "flask_socketio", "redis", "cryptography.fernet", "orjson"):
        importlib.import_module(name)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
