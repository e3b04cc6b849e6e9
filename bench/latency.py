"""How old a line is when its event comes, beside a bare `ssh` that follows the same journal: `make bench-latency`.

Real parts: Redis, sshd, this server under gunicorn. A unit prints a hundred lines a second, each with the time at which
it was written; one tenant's socket and an `ssh` read it. First alone, then beside a burst that another tenant reads,
which never ends. Prints p50 and p99 of each, and how much more the server's are; the aim is less than 5 and 50 ms.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.counter import Counting
from bench.delivery import Stage, stage
from bench.node import LINE, exported
from bench.servers import Ours
from tests.system.parts import USER

RATE = 100
"Lines a second."
SECONDS = 10.0
"For which ages are noted."
_TICK = re.compile(rb"tick=(\d{19})")
_SOURCE = """case "$*" in
  *consensus*) exec {python} -u {ticker} tick $format ;;
esac
while cat burst.$format; do :; done"""


def tick(form: str) -> None:
    """Print lines, as the node's journalctl does, for ever."""
    number = 10_000
    while True:
        time.sleep(1 / RATE)
        number += 1
        line = f"INFO [07-21|10:11:12.345] Imported new potential chain segment     tick={time.time_ns()} txs=187"
        sys.stdout.buffer.write(exported(number, line) if form == "export" else f"{line}\n".encode())
        sys.stdout.buffer.flush()


class Ages(threading.Thread):
    """Notes how old each line is when it is read."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        """:param read: waits for some bytes, and returns them; b"" at the end"""
        super().__init__(daemon=True)
        self._read = read
        self._ages: list[float] = []
        self.start()

    def run(self) -> None:
        while data := self._read():
            now = time.time_ns()
            self._ages += [(now - int(written)) / 1e6 for written in _TICK.findall(data)]

    def begin(self) -> None:
        """Note ages from now on."""
        self._ages = []

    def figures(self) -> tuple[float, float]:
        """Return p50 and p99 in milliseconds."""
        ages = sorted(self._ages)
        if len(ages) < RATE * SECONDS / 2:
            raise SystemExit("half of the lines did not come")
        return ages[len(ages) // 2], ages[int(len(ages) * 0.99)]


def of_both(*every: Ages) -> list[tuple[float, float]]:
    """Return the figures of several, in the same seconds."""
    for each in every:
        each.begin()
    time.sleep(SECONDS)
    return [each.figures() for each in every]


def measure(found: Stage) -> dict[str, tuple[float, float]]:
    """Return p50 and p99 of this server and of `ssh`, alone and beside a burst, by name."""
    source = _SOURCE.format(python=sys.executable, ticker=Path(__file__).resolve())
    found.node.prepare([LINE.format(number) for number in range(5000)], source)
    server = Ours(found.folder / "servers", found.redis.url)
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    words = ["ssh", "-p", str(found.sshd.port), "-i", str(found.sshd.folder / "client")]
    words += [word for each in options for word in ("-o", each)]
    follow = "journalctl -u consensus.service -n 50 -f -o cat"
    ssh = subprocess.Popen([*words, f"{USER}@127.0.0.1", follow], stdout=subprocess.PIPE, bufsize=0)
    burst = None
    try:
        socket = Counting(server.port, found.session(), "consensus", False, "127.0.1.1")
        assert ssh.stdout
        ours, bare = Ages(lambda: socket.socket.recv(65536)), Ages(lambda: ssh.stdout.read(65536) or b"")  # type: ignore[union-attr]
        found.node.burst()
        time.sleep(2)  # the first lines of a process cost more
        alone = of_both(ours, bare)
        counter = str(Path(__file__).with_name("counter.py"))
        burst = subprocess.Popen(
            [sys.executable, counter, str(server.port), found.session(), "execution", "1", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert burst.stdin
        assert burst.stdout
        burst.stdout.readline()
        burst.stdin.write(f"{10**9}\n")
        burst.stdin.flush()
        time.sleep(2)
        beside = of_both(ours, bare)
    finally:
        for each in (ssh, burst):
            if each is not None:
                each.kill()
        server.stop()
    return {"alone": alone[0], "alone, ssh": alone[1], "beside a burst": beside[0], "beside a burst, ssh": beside[1]}


def main() -> None:
    """Measures and prints."""
    if sys.argv[1:2] == ["tick"]:
        tick(sys.argv[2])
    with stage() as found:
        figures = measure(found)
    for name in ("alone", "beside a burst"):
        ours, bare = figures[name], figures[f"{name}, ssh"]
        print(
            f"{name:15} this server p50 {ours[0]:6.1f} ms p99 {ours[1]:6.1f} ms; ssh p50 {bare[0]:6.1f} ms "
            f"p99 {bare[1]:6.1f} ms; more by {ours[0] - bare[0]:5.1f} and {ours[1] - bare[1]:5.1f} ms"
        )


if __name__ == "__main__":
    main()
