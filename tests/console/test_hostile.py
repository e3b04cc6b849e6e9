"""Attempts to break the console in a real Chromium: by lines, patterns, links and addresses."""

from __future__ import annotations

import time

import pytest

from ..system.conftest import EXECUTION, World
from .steps import CALM, Console, calm, geth, rows, search

pytestmark = pytest.mark.system


def test_a_pattern_that_is_slow_in_a_part_of_a_line_does_not_stop_the_page(console: Console, world: World) -> None:
    """The whole line has a hit at once; the message alone, which is what is marked, would take for ever."""
    world.node.append(EXECUTION, geth("INFO", "a" * 60 + "!"))
    page = console(more="&find=%2F%28a%2B%29%2B%24%7CINFO%2F")  # /(a+)+$|INFO/
    page.see("This pattern is too slow here.", ".tools")
    assert page.eval("1 + 1") == 2
    search(page, "aaa")
    page.see("1", ".hits")


def test_a_stack_trace_without_an_end(console: Console, world: World) -> None:
    world.node.append(EXECUTION, "panic: runtime error: invalid memory address")
    world.node.append_many(EXECUTION, [f"\t/build/main.go:{number} +0x5c2" for number in range(6_000)])
    world.node.append(EXECUTION, geth("INFO", "afterwards"))
    page = console()
    page.see("afterwards", ".log", 40)
    page.see("more lines, a stack trace", ".log")  # the server begins another line then
    page.eval("[...document.querySelectorAll('.log .more')].at(-1).click()")
    page.wait("document.querySelector('.trace')?.innerText.split('\\n').length > 400")
    assert page.eval("document.querySelectorAll('.log .item').length") <= 220


def test_a_link_with_a_token_in_a_tab_that_has_one(console: Console, world: World) -> None:
    page = calm(console)
    token = world.session()
    page.eval(f"window.before = true; location.hash = '#token={token}&level=error'")
    page.wait("!window.before && document.querySelector('.rail .name')")
    page.see(CALM)
    assert page.eval("location.hash") == "#level=error"
    assert page.eval("sessionStorage.getItem('token')") == token


@pytest.mark.parametrize(
    "fragment",
    [
        "&at=%3Cimg%20src%3Dx%3E&show=%3Cscript%3E,__proto__&level=constructor&find=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "&slot=1e99&time=-5&side=2&show=,,,",
        "&slot=9007199254740991",
        "&time=8640000000000001",
        "&find=%2F(%2F&at=" + "s" * 600,
        "&find=%E2%80%AEgnp",
    ],
)
def test_an_address_that_makes_no_sense(console: Console, world: World, fragment: str) -> None:
    world.node.append(EXECUTION, geth("INFO", "a line"))
    page = console(more=fragment)
    page.see("services are running.", "#verdict")
    page.wait("document.querySelector('.foot').innerText.length > 3")
    assert page.eval("document.querySelectorAll('img, main script').length") == 0
    page.press("Escape", "Escape", "Escape", "0")
    page.wait("!document.body.innerText.includes('undefined') && !document.body.innerText.includes('NaN')")


def test_fields_and_names_of_any_length_and_kind(console: Console, world: World) -> None:
    many = " ".join(f"k{number}={number}" for number in range(3_000))
    world.node.append(EXECUTION, geth("INFO", "many", many))
    world.node.append(EXECUTION, geth("INFO", "odd", f"__proto__=1 constructor=2 {'k' * 9_000}=3 toString=4"))
    world.node.append(EXECUTION, "\u202e" * 3_000)
    world.node.append(EXECUTION, "e" + "\u0301" * 20_000)
    page = console()
    page.see("odd", ".log")
    page.wait("document.querySelectorAll('.log .row').length >= 3")
    page.eval("for (const each of [...document.querySelectorAll('.log .open')]) each.click()")
    page.wait("document.querySelector('.inspect')")
    assert page.eval("document.documentElement.scrollWidth") <= 1440
    assert "\u202e" not in page.eval("document.body.textContent")


def test_a_line_of_the_far_future_and_one_of_long_ago(console: Console, world: World) -> None:
    now = int(time.time() * 1_000_000)
    world.node.append(EXECUTION, geth("INFO", "long ago"), realtime_us=1)
    world.node.append(EXECUTION, geth("INFO", "now"), realtime_us=now)
    world.node.append(EXECUTION, geth("ERROR", "far away"), realtime_us=253_402_300_000_000_000)
    page = console()
    page.see("far away", ".log")
    page.see("long ago", ".log")
    assert rows(page) == ["long ago", "now", "far away"]
    page.press("ArrowUp", "ArrowUp", "ArrowRight")
    page.see("as printed", ".item.current")
