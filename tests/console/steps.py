"""What the tests of the console do again and again: lines as clients print them, and steps of who looks at them."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..system.conftest import EXECUTION, World
from .chromium import Page

Console = Callable[..., Page]

VALIDATOR = "validator.service"
CALM = "All two services are running."
HOUR = 3_600_000_000
COPIED = "navigator.clipboard.writeText = async (text) => void (window.copied = text)"
"A clipboard whose text can be read."


def geth(level: str, message: str, pairs: str = "") -> str:
    """A line as Geth prints it."""
    return f"{level:<5}[11-26|02:07:02.540] {message:<40} {pairs}".rstrip()


def fill(world: World, count: int, ago: float, words: str = "Imported") -> int:
    """Write numbered lines, one each second, from so many hours ago on; when that was, in microseconds."""
    start = int(time.time() * 1_000_000 - ago * HOUR)
    for number in range(count):
        level = "ERROR" if number % 100 == 50 else "INFO"
        world.node.append(EXECUTION, geth(level, f"{words} {number}"), realtime_us=start + number * 1_000_000)
    return start


def fail(world: World, unit: str) -> None:
    """Have a unit fail."""
    world.node.set_unit(unit, ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="1")


def calm(console: Console, token: str | None = None, **options: str | int) -> Page:
    """Open the console for a node on which all is well."""
    page = console(token, **options)
    page.see(CALM)
    return page


def rows(page: Page) -> list[str]:
    """The messages of the rows that are in the page."""
    return page.texts(".log .row .text")


def bars(kind: str) -> str:
    """Script for how many bars of a kind the histogram has: they are one path."""
    return f"(document.querySelector('#when {kind}')?.getAttribute('d') ?? '').split('M').length - 1"


def search(page: Page, text: str) -> None:
    """Type into the search, in place of what is there."""
    page.eval("document.querySelector('.find input').focus(); document.querySelector('.find input').select()")
    page.do("type", text=text)


def search_back(page: Page, text: str) -> None:
    """Search for what is not among the lines that are held, in all history."""
    search(page, text)
    page.see("No line among the", ".void")
    page.button("Search further back")


def tab(page: Page, number: int) -> None:
    """Go to one of the phone's pages: 0 Services, 1 Log, 2 Today."""
    page.eval(f"document.querySelectorAll('.tabs a')[{number}].click()")
    page.wait(f"document.querySelectorAll('.tabs a')[{number}].hasAttribute('aria-current')")
