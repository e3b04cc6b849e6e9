"""Plays a trouble: in short, waiting for its end states; or for the table, looking after 1, 5 and 30 seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console.chromium import Chromium
from .stage import Site, Stage
from .troubles import Trouble, good

LOOKS = (1, 5, 30)
"Seconds after which the table looks."


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    trouble: Trouble
    lasts: float | None
    looks: list[dict[str, Any]]
    reloaded: dict[str, Any]
    sockets: int
    tries: int
    picture: str


@contextmanager
def stage_of(trouble: Trouble, folder: Path, site: Site, chromium: Chromium) -> Iterator[Stage]:
    """The stage of a trouble, with the page open and well, if that is how it begins."""
    stage = Stage(folder, site, chromium, trouble.settings)
    try:
        if not trouble.silent:
            stage.log()
        if trouble.first:
            stage.open(trouble.host)
            stage.until(good, "all to be well")
        yield stage
    finally:
        stage.close()


def begin(trouble: Trouble, stage: Stage) -> None:
    """Let it go wrong."""
    trouble.act(stage)
    if not trouble.first:
        stage.open(trouble.host)


def play(trouble: Trouble, folder: Path, site: Site, chromium: Chromium) -> None:
    """Wait for what the page shows in the end, and for its being well again after a repair."""
    with stage_of(trouble, folder, site, chromium) as stage:
        begin(trouble, stage)
        stage.until(trouble.end, f"the end state of {trouble.name}")
        if trouble.tries is not None:
            assert stage.proxy.accepted <= trouble.tries, stage.proxy.accepted
        if trouble.repair is not None:
            trouble.repair(stage)
            if trouble.reload:
                stage.page.do("reload")
            stage.until(good, f"the recovery from {trouble.name}", 90)
        if trouble.host != "127.0.0.1":
            assert f"Refused origin {site.origin(trouble.host)}" in stage.server.log


def look(trouble: Trouble, lasts: float | None, folder: Path, site: Site, chromium: Chromium, pictures: Path) -> Row:
    """Look at the page after 1, 5 and 30 s, and after a reload."""
    name = trouble.name + (f"-{lasts:g}s" if lasts else "")
    with stage_of(trouble, folder / name, site, chromium) as stage:
        sockets = stage.seen()["sockets"] if trouble.first else 0
        tries = stage.proxy.accepted
        began = time.monotonic()
        acting = ThreadPoolExecutor(1).submit(begin, trouble, stage)
        repair = None
        if lasts is not None and trouble.repair is not None:
            repair = threading.Timer(lasts, trouble.repair, (stage,))
            repair.start()
        looks = []
        last = max(LOOKS[-1], (lasts or 0) + 10)
        for at in (*LOOKS[:-1], last):
            time.sleep(max(0.0, began + at - time.monotonic()))
            looks.append(stage.seen() if stage.pages else {"header": "", "alert": "", "cards": "", "log": ""})
            if at == LOOKS[1]:
                stage.page.do("shot", path=str(pictures / f"{name}.png"))
        acting.result()
        if repair is not None:
            repair.join()
        made = looks[-1]["sockets"] - sockets
        tried = stage.proxy.accepted - tries
        stage.page.do("reload")
        time.sleep(3)  # what a person sees who looks then
        return Row(trouble, lasts, looks, stage.seen(), made, tried, f"{name}.png")
