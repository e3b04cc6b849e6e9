"""Random pages and random faults for some minutes, and what is left of it: `make soak MINUTES=5`.

Real parts: redis-server and sshd, each behind a proxy that can break; a simulated node; socket.io-client. The server
runs in this process, so that all it holds can be counted. Pages come, subscribe, talk nonsense, freeze and go, or are
cut off; sessions are revoked; sshd and Redis are killed, frozen and cut off. When everybody has left and it has calmed
down, a table tells what is held, before and after. Exits with 1 when that is more than before, when memory (RSS)
has grown by more than 50 MB, or when one piece of work kept the event loop for more than 100 ms. SEED=... repeats a
run's decisions, though not its timing.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gevent
import psutil

from bench.storm import Storm
from ethpillar.watchdog import LATE
from tests.waiting import until

BOUND = 50 * 1024 * 1024
"Bytes by which memory may have grown at the end."
CALM = 150.0
"Seconds for everything to be let go of: a client that was frozen is given up after Engine.IO's 40."


class Figures:
    """What was held before, at the height, and after."""

    def __init__(self, storm: Storm, before: dict[str, int]) -> None:
        self._storm = storm
        self._before = before
        self._height = dict(before)
        self._memory = psutil.Process().memory_info
        self._rss = [self._memory().rss]

    def look(self) -> None:
        """Takes the figures of this moment."""
        self._rss.append(self._memory().rss)
        for key, value in self._storm.held().items():
            self._height[key] = max(self._height[key], value)

    def report(self, after: dict[str, int], calm: float) -> int:
        """Prints the table; 1 when something is held that was not, or when there was no storm."""
        storm, rss = self._storm, [*self._rss, self._memory().rss]
        for title, each in (("what happened", storm.happened), ("seen", storm.lively.seen + storm.freezing.seen)):
            print(f"{title}: " + ", ".join(f"{name} {number:,}" for name, number in each.most_common()))
        print(f"calm after {calm:.0f} s\n\n{'held':32} {'before':>8} {'height':>8} {'after':>8}")
        left = [key for key, value in self._before.items() if after[key] > value]
        for key, value in self._before.items():
            print(f"{key:32} {value:8} {self._height[key]:8} {after[key]:8}" + ("  LEFT" if key in left else ""))
        mega = 1024 * 1024
        grown = rss[-1] - rss[0] > BOUND
        lag = storm.server.rooms.watchdog.lag
        held = lag.worked > LATE
        print(f"{'RSS, MB':32} {rss[0] / mega:8.1f} {max(rss) / mega:8.1f} {rss[-1] / mega:8.1f}" + "  GROWN" * grown)
        print(str(lag) + "  HELD THE LOOP" * held)
        served = all(each.alive and each.seen["log_batch"] for each in (storm.lively, storm.freezing))
        if not served:
            print("NO STORM: a client process has ended, or was never served")
        return 0 if served and not left and not grown and not held else 1


def warm_up(storm: Storm) -> None:
    """One page, so that what is made once is there before anything is counted."""
    storm.print_lines()
    page = storm.lively.open(storm.tokens[1])
    page.emit("subscribe_logs", {"service": "execution"})
    page.emit("subscribe_status", {"interval": 1000})
    until(lambda: storm.lively.seen["status_update"] > 1, "a page that is served", 60)
    page.close()
    until(lambda: not len(storm.server.rooms.registry), "its end", 60)


def main() -> int:
    """Runs it and prints what is left."""
    minutes = float(os.environ.get("MINUTES", "5"))
    seed = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
    random.seed(seed)
    print(f"{minutes:g} minutes, SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        storm = Storm(Path(name))
        try:
            warm_up(storm)
            storm.server.rooms.collector.start()
            before = settled(storm, None)
            figures = Figures(storm, before)
            storm.rage(minutes * 60, figures.look)
            calm_since = time.monotonic()
            after = settled(storm, before)
            return figures.report(after, time.monotonic() - calm_since)
        finally:
            storm.close()


def settled(storm: Storm, before: dict[str, int] | None) -> dict[str, int]:
    """What is held when that is no more than before, and for some seconds; or what is held anyway, after `CALM`.

    :param before: None: it has to be the same for some seconds
    """
    end = time.monotonic() + CALM
    last: dict[str, int] = {}
    calm = 0
    while True:
        storm.tidy()
        now = storm.held()
        good = now == last if before is None else all(now[key] <= before[key] for key in now)
        calm = calm + 1 if good else 0
        if calm >= 5 or time.monotonic() > end:
            return now
        last = now
        gevent.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
