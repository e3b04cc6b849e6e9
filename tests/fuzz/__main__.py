"""`make fuzz`: every fuzz test, for INPUTS inputs or SECONDS seconds each, whichever comes first.

Hypothesis knows no bound in time, so each test runs in rounds, each of other inputs, until one of the two is reached.
Prints how many inputs each test got. One that fails is told with the smallest input that does it, and the others go on;
the exit code is 1 then. `python -m tests.fuzz WORD...` runs those with one of the words in their names.
"""

from gevent import monkey

monkey.patch_all()

import importlib  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import pkgutil  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

from hypothesis import HealthCheck, settings  # noqa: E402

ROUND = 1000
"Inputs between two looks at the clock."


def tests(words: list[str]) -> Iterator[tuple[str, Any]]:
    """The fuzz tests, by name."""
    for module in pkgutil.iter_modules([os.path.dirname(__file__)]):
        if not module.name.startswith("test_"):
            continue
        for name, each in vars(importlib.import_module(f"tests.fuzz.{module.name}")).items():
            chosen = not words or any(word in f"{module.name}.{name}" for word in words)
            if chosen and getattr(each, "is_hypothesis_test", False):
                yield f"{module.name}.{name}", each


def fuzz(test: Any, inputs: int, seconds: float) -> tuple[int, str]:
    """How many inputs a test got, and what failed, if anything."""
    taken = 0
    inner = test.hypothesis.inner_test

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal taken
        taken += 1
        return inner(*arguments, **named)

    test.hypothesis.inner_test = counted
    end = time.monotonic() + seconds
    try:
        while taken < inputs and time.monotonic() < end:
            before = taken
            test()
            if taken - before < ROUND // 2:
                break  # there are no more: it has been through all of them
    except Exception:  # noqa: BLE001
        return taken, traceback.format_exc()
    return taken, ""


def main() -> int:
    """0 when nothing was found."""
    everything = list(HealthCheck)
    settings.register_profile(
        "fuzz", max_examples=ROUND, deadline=None, database=None, suppress_health_check=everything
    )
    settings.load_profile("fuzz")
    os.environ["FUZZ_EXAMPLES"] = str(ROUND)  # for those that name their number, see `kit`
    logging.disable()  # what is told about bad input is not the question here
    inputs, seconds = int(os.environ.get("INPUTS", "20000")), float(os.environ.get("SECONDS", "60"))
    total = failed = 0
    for name, test in tests(sys.argv[1:]):
        started = time.monotonic()
        taken, problem = fuzz(test, inputs, seconds)
        total += taken
        failed += bool(problem)
        print(f"{taken:9,} inputs {time.monotonic() - started:7.1f} s  {name}{'  FAILED' * bool(problem)}", flush=True)
        if problem:
            print(problem, flush=True)
    print(f"{total:9,} inputs in all; {failed} tests failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
