"""Plays a trouble: in short, waiting for its end states; or for the table, looking after 1, 5 and 30 seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console.chromium import Chromium
from .stage import Site, Stage
from .troubles import Trouble, good

FIRST, SECOND, THIRD, OVER = 1, 5, 30, 80
"""Seconds after which the table looks; the last is for a page that is refused, and has given up by then. A trouble that
lasts is looked at once more when it has been over for a while."""
AFTERWARDS = 10
MOST, WITHIN = 10, 20.0
"Sockets that the page may open in so many seconds because it is refused."


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    trouble: Trouble
    lasts: float | None
    looks: dict[int, dict[str, Any]]
    "By the seconds after which it was looked."
    reloaded: dict[str, Any]
    sockets: int
    at_once: int
    "The most of them in 20 seconds."
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


def most_at_once(sockets: Sequence[float]) -> int:
    """Return how many sockets there were at most in 20 seconds; each is when it was opened."""
    return max((sum(start <= each < start + WITHIN for each in sockets) for start in sockets), default=0)


def rest(stage: Stage, before: int) -> None:
    """Wait until the refused page has come back once more than it may at first; that has to take its time."""
    seen = stage.until(lambda seen: len(seen["sockets"]) > before + MOST, "the page to come back")
    assert most_at_once(seen["sockets"][before:]) <= MOST


def play(trouble: Trouble, folder: Path, site: Site, chromium: Chromium) -> None:
    """Wait for what the page shows in the end, and for its being well again after a repair."""
    with stage_of(trouble, folder, site, chromium) as stage:
        before = len(stage.seen()["sockets"]) if trouble.first else 0
        begin(trouble, stage)
        stage.until(trouble.end, f"the end state of {trouble.name}")
        if trouble.rests:
            rest(stage, before)
            assert trouble.end(stage.seen())
        if trouble.tries is not None:
            assert stage.proxy.accepted <= trouble.tries, stage.proxy.accepted
        if trouble.repair is not None:
            trouble.repair(stage)
            if trouble.reload:
                stage.page.do("reload")
            stage.until(good, f"the recovery from {trouble.name}", 90)
        if trouble.host != "127.0.0.1":
            assert f"Refused origin {site.origin(trouble.host)}" in stage.server.log


def times(trouble: Trouble, lasts: float | None) -> list[int]:
    """Return the seconds after which the table looks at a trouble."""
    last = OVER if trouble.rests else int(lasts or 0) + AFTERWARDS
    return [FIRST, SECOND, THIRD, *([last] if last > THIRD else [])]


def look(trouble: Trouble, lasts: float | None, folder: Path, site: Site, chromium: Chromium, pictures: Path) -> Row:
    """Look at the page after 1, 5 and 30 s, and after a reload."""
    name = trouble.name + (f"-{lasts:g}s" if lasts else "")
    with stage_of(trouble, folder / name, site, chromium) as stage:
        sockets = len(stage.seen()["sockets"]) if trouble.first else 0
        tries = stage.proxy.accepted
        if not trouble.first:
            begin(trouble, stage)
        began = time.monotonic()
        acting = ThreadPoolExecutor(1).submit(trouble.act if trouble.first else lambda _: None, stage)
        repair = None
        if lasts is not None and trouble.repair is not None:
            repair = threading.Timer(lasts, trouble.repair, (stage,))
            repair.start()
        looks = {}
        when = times(trouble, lasts)
        for at in when:
            time.sleep(max(0.0, began + at - time.monotonic()))
            looks[at] = stage.seen()
            if at == trouble.pictured:
                stage.page.do("shot", path=str(pictures / f"{name}.png"))
        acting.result()
        if repair is not None:
            repair.join()
        made = looks[when[-1]]["sockets"][sockets:]
        tried = stage.proxy.accepted - tries
        stage.page.do("reload")
        time.sleep(3)  # what a person sees who looks then
        picture = f"{name}.png"
        return Row(trouble, lasts, looks, stage.seen(), len(made), most_at_once(made), tried, picture)
