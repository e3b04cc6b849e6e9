"""Writes docs/what-the-page-shows.md: `make what-the-page-shows`. It takes some minutes, as troubles do."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..console.chromium import Chromium
from ..system.parts import ROOT
from .play import Row, look
from .stage import Site
from .troubles import TROUBLES, Trouble

PAGE = ROOT / "docs" / "what-the-page-shows.md"
PICTURES = ROOT / "docs" / "page"
AT_ONCE = 5
INTRODUCTION = """# What the page shows when something goes wrong

Made by `make what-the-page-shows`; `tests/page` waits for the same end states. The page there has five sockets, as the
dashboard has, and tries five times to connect. Each trouble begins while the page works, unless the heading says
that the page opens during it. The numbers of sockets and SSH tries are those up to the last row but one; the row
'a reload' shows the page three seconds after it was reloaded. A page that is refused is looked at after 80 seconds as
well: by then it has tried five times, and rests.
"""


def shown(seen: dict[str, Any]) -> str:
    """Return one look as the cells of a table."""
    cards = seen["cards"]
    states = cards if isinstance(cards, str) else ", ".join(f"{name} {word}" for name, word in cards.items())
    log = seen["log"] if "Imported" not in seen["log"] else "lines"
    return f"{seen['header']} | {seen['alert'] or '-'} | {states} | {log}"


def section(row: Row) -> str:
    """Return what the document says of one trouble."""
    looks = [f"| {at} s | {shown(seen)} |" for at, seen in row.looks.items()]
    return "\n".join(
        [
            f"\n## {_heading(row.trouble, row.lasts)}\n",
            "| after | header | alert | cards | log |\n|---|---|---|---|---|",
            *looks,
            f"| a reload | {shown(row.reloaded)} |\n",
            f"What you can do: {row.trouble.can_do} {_cost(row)}\n",
            f"![{row.trouble.title}, after {row.trouble.pictured} seconds](page/{row.picture})\n",
        ]
    )


def _cost(row: Row) -> str:
    most = f" ({row.at_once} at most in 20 seconds)" if row.sockets > row.at_once else ""
    return f"It cost {_count(row.sockets, 'socket', 'sockets')}{most} and {_count(row.tries, 'SSH try', 'SSH tries')}."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def headings(trouble: Trouble) -> list[str]:
    """Return the headings of a trouble's rows."""
    return [_heading(trouble, lasts) for lasts in trouble.seconds or (None,)]


def _heading(trouble: Trouble, lasts: float | None) -> str:
    return trouble.title + (f", for {lasts:g} seconds" if lasts else "")


def document(before: str, rows: Sequence[Row]) -> str:
    """Return the whole document: of what was not played now it says what it said before."""
    said = {part.partition("\n")[0]: f"\n## {part}" for part in before.split("\n## ")[1:]}
    said |= {_heading(row.trouble, row.lasts): section(row) for row in rows}
    order = [heading for trouble in TROUBLES for heading in headings(trouble)]
    return INTRODUCTION + "".join(said[each].rstrip("\n") + "\n" for each in order if each in said)


def main(names: Sequence[str]) -> int:
    """Play every trouble, or those named, and write the document."""
    PICTURES.mkdir(exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        site, chromium = Site(folder / "site"), Chromium(folder)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = [
                pool.submit(look, trouble, lasts, folder, site, chromium, PICTURES)
                for trouble in TROUBLES
                if not names or trouble.name in names
                for lasts in (trouble.seconds or (None,))
            ]
        for job in jobs:
            if (problem := job.exception()) is None:
                rows.append(job.result())
            else:
                print(f"left out: {problem}")
        chromium.close()
        site.close()
    PAGE.write_text(document(PAGE.read_text() if PAGE.exists() else "", rows))
    print(f"{len(rows)} of {len(jobs)}: {PAGE.relative_to(ROOT)}")
    return len(jobs) - len(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
