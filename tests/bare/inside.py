"""What runs inside of a bare Debian, with nothing but its python3: what a person types who has just come by README."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time

DEMO, UNITS = 300.0, 900.0
"Seconds for the first start of the demo, with all that it installs, and for the unit tests."
FLOWING = re.compile(r"^\d\d:\d\d:\d\d\.\d+ .* execution ")
"A log line, as the demo prints it where there is no terminal."


def run(words: list[str], deadline: float, until: re.Pattern[str] | None = None) -> tuple[int, str]:
    """Run a command to its end; interrupt it as Ctrl-C does when it prints this line. Return its status and output."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    late = threading.Timer(deadline, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if until is not None and until.search(line):
            os.killpg(process.pid, signal.SIGINT)
            until = None
    status = process.wait()
    if not late.is_alive():
        said.append(f"it did not end in {deadline:g} s")
    late.cancel()
    return status if until is None else status or 1, "".join(said)


def step(name: str, words: list[str], deadline: float, until: re.Pattern[str] | None, wanted: str) -> None:
    """Run a command and say how long it took; end with its output when it did not print what is wanted."""
    started = time.monotonic()
    status, said = run(words, deadline, until)
    took = time.monotonic() - started
    if not re.search(wanted, said) or (status != 0 and until is None):
        print(f"{name}: FAILED after {took:.0f} s, status {status}\n{said[-6000:]}", flush=True)
        sys.exit(1)
    lines = [line for line in said.splitlines() if re.search(rf"{wanted}|^(First|Installing)", line)]
    print(f"{name}: {took:.0f} s\n" + "".join(f"    {line}\n" for line in lines), end="", flush=True)


def main(where: str) -> None:
    """:param where: the release and the user, for what is printed"""
    os.chdir(os.path.expanduser("~"))
    run(["git", "clone", "-q", "/project.git", "ethpillar"], 60)
    os.chdir("ethpillar")
    step(f"{where}: make demo", ["make", "demo"], DEMO, FLOWING, r"demo: [1-9]\d* lines in .* everything is stopped")
    step(f"{where}: make test-unit", ["make", "test-unit"], UNITS, None, r"\d+ passed")


if __name__ == "__main__":
    main(sys.argv[1])
