"""The figures of an attack, on the screen and in `bench/HOSTILE.md`, which has the last ones of each attack."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from bench.results import machine

FILE = Path(__file__).resolve().parent.parent / "HOSTILE.md"
COLUMNS = ("p50 0", "p99 0", "p50", "p99", "beside", "new", "lag", "work", "MB 0", "MB", "MB 1", "sent")
WIDTHS = (7, 7, 7, 7, 7, 7, 6, 6, 5, 5, 5, 7)
HEAD = " ".join([f"{'attack':48}", *(f"{name:>{width}}" for name, width in zip(COLUMNS, WIDTHS, strict=True))])
TEXT = """# What one tenant can do to all others

Written by `make bench-hostile`, on {machine}: the last run of each attack against the production command with its
defaults, if its row says nothing else. The victim is somebody else's page, which asks something each 20 ms: p50 and
p99 of its acks before (0) and during the attack, in milliseconds. `beside` is the p99 of the same page at the same
time on a second server that nobody attacks: attackers, nodes, Redis, pages and both servers share the processors, and
so much of `p99` is the busy machine's. `new`: a third person's page, which connects in the middle of it to a node of
its own, is let in after so many milliseconds. `lag` is the longest time in which the event loop had no turn; `work`,
how much of it this process worked. Memory is the worker's, before (0), at its height, and once the attackers have
gone (1); `sent`, the MB that they had to send to the server's port.

The bars: p99 100 ms, newcomer 3 s, work 100 ms, 300 MB more at the height and 100 MB afterwards
(for a small `MEMORY_BUDGET`, 200 MB in all), nobody else disconnected, all descriptors let go of.

"""


@dataclass(frozen=True)
class Row:
    """One attack; milliseconds and megabytes."""

    name: str
    p50_before: float
    p99_before: float
    p50: float
    p99: float
    beside: float
    newcomer: float
    lag: float
    work: float
    before: float
    height: float
    after: float
    sent: float
    faults: str

    def __str__(self) -> str:
        _, *numbers, faults = astuple(self)
        cells = [f"{each:{width}.{1 if width == 7 else 0}f}" for each, width in zip(numbers, WIDTHS, strict=True)]
        return f"{self.name[:48]:48} {' '.join(cells)}  {faults}"

    @property
    def cells(self) -> str:
        """Return it as a row of Markdown."""
        name, *numbers, faults = astuple(self)
        shown = [f"{each:.{1 if width == 7 else 0}f}" for each, width in zip(numbers, WIDTHS, strict=True)]
        return f"| {name} | {' | '.join(shown)} | {faults or 'none'} | {time.strftime('%F')} |"


def write(rows: Sequence[Row], names: Sequence[str]) -> None:
    """Put these rows into the file, in the order of all attacks; those of attacks that are no more are dropped."""
    there = FILE.read_text().splitlines() if FILE.exists() else []
    known = {found[1]: line for line in there if (found := re.match(r"\| (.+?) \|", line))}
    known.update({row.name: row.cells for row in rows})
    table = [f"| attack | {' | '.join(COLUMNS)} | missed | on |", "|---" * (len(COLUMNS) + 3) + "|"]
    table += [known[name] for name in names if name in known]
    FILE.write_text(TEXT.format(machine=machine()) + "\n".join(table) + "\n")
