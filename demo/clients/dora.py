"""Dora, a plugin that fails now and then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from .slot import slot_at


def dora_run(start: float, seconds: float) -> Iterator[tuple[float, str]]:
    """What it prints in a run of so many seconds that ends badly: moments in seconds since the epoch, and lines."""

    def line(moment: float, level: str, message: str, pairs: str) -> tuple[float, str]:
        at = datetime.fromtimestamp(moment, UTC)
        return moment, f'time="{at:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{message}" {pairs}'

    yield line(start + 0.1, "info", "starting", "name=explorer version=v1.19.3")
    yield line(start + 0.4, "info", "database connection established", "engine=sqlite service=database")
    moment = start + 2
    while moment < start + seconds - 1.5:
        slot = slot_at(moment)
        root = slot.hash("root")
        yield line(
            moment,
            "info",
            f"received block {slot.epoch}:{slot.number} [0x{root}]",
            "client=lighthouse service=cl-indexer",
        )
        moment += 6
    yield line(
        start + seconds - 1.0, "error", "error while building db blocks: block body not found", "service=cl-indexer"
    )
    yield line(start + seconds - 0.2, "fatal", "error writing to database: disk I/O error", "service=database")
