"""How many lines a second each format takes apart: `make bench-formats`.

Made-up lines in each client's grammar go through the parser of a unit, as they do in the server (colours already
removed). Prints microseconds a line (median over the lines of the best of several runs) and lines a second, the slowest
format by name, and the slowest of the hostile inputs of `bench/hostile.py`.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import hostile
from bench.lines import LINES
from ethpillar.journal.formats import LineParser

RUNS = 5
LOOPS = 2000
MOST_USED = ("Geth", "Nethermind", "Lighthouse", "Prysm", "MEV-Boost")


def microseconds(client: str, text: str) -> float:
    """One line's cost: the best of several runs, since others use the machine too."""
    parse = LineParser(f"{client} service").parse
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        for _ in range(LOOPS):
            parse(text, 6)
        best = min(best, time.perf_counter() - start)
    return best / LOOPS * 1e6


def main() -> int:
    """Prints the table."""
    print(f"{'client':28}{'median us/line':>16}{'lines/s':>12}{'slowest us':>12}")
    medians: dict[str, float] = {}
    for client, lines in LINES.items():
        costs = [microseconds(client, text) for text in lines]
        medians[client] = statistics.median(costs)
        print(f"{client:28}{medians[client]:>16.2f}{1e6 / medians[client]:>12,.0f}{max(costs):>12.2f}")
    slowest = max(medians, key=lambda client: medians[client])
    print(f"\nslowest: {slowest}, {medians[slowest]:.2f} us a line")
    used = statistics.median(medians[client] for client in MOST_USED)
    print(
        f"the five most used ({', '.join(MOST_USED)}): median {used:.2f} us, at most "
        f"{max(medians[client] for client in MOST_USED):.2f} us"
    )
    parser = LineParser()
    worst, count = (0.0, ""), 0
    for text in hostile.texts():
        start = time.perf_counter()
        parser.parse(text)
        worst = max(worst, (time.perf_counter() - start, text))
        count += 1
    print(f"hostile inputs of 48 KiB: {count:,}; the slowest took {worst[0] * 1000:.1f} ms: {worst[1][:60]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
