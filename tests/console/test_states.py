"""What the console says of services and connections in a real Chromium, and how it says it to whom."""

from __future__ import annotations

import pytest

from ..system.conftest import EXECUTION, World
from .steps import CALM, VALIDATOR, Console, calm, fail, geth, tab

pytestmark = pytest.mark.system

LISTEN = """
document.addEventListener('DOMContentLoaded', () => {
  window.spoken = []; window.read = [];
  for (const id of ['state', 'alarm']) {
    const node = document.getElementById(id);
    new MutationObserver(() => spoken.push(`${id}: ${node.textContent}`)).observe(node, { childList: true });
  }
  const verdict = document.getElementById('verdict');
  const note = () => read.at(-1) === verdict.innerText || read.push(verdict.innerText);
  new MutationObserver(note).observe(verdict, { childList: true, subtree: true });
});
"""
"What a screen reader is told, and what can be read meanwhile."


def test_the_verdict_is_spoken_once_while_its_seconds_go_on(console: Console, world: World) -> None:
    page = calm(console, script=LISTEN)
    world.sshd.stop()
    page.see("The node has been out of reach for", "#verdict")
    page.wait("read.filter((each) => each.includes('out of reach for')).length >= 4")
    told = [each for each in page.eval("spoken") if "out of reach" in each]
    assert len(told) <= 2  # at first without a time
    world.sshd.start()
    page.button("Try now")
    page.see(CALM)
    fail(world, EXECUTION)
    page.see("execution has failed")
    page.wait("read.filter((each) => each.includes('has failed')).length >= 3")
    alarms = [each for each in page.eval("spoken") if each.startswith("alarm")]
    assert set(alarms) == {"alarm: execution has failed and is not being restarted."}
    assert len(alarms) < page.eval("read.filter((each) => each.includes('has failed')).length")


def test_a_service_that_was_removed_stays_and_says_since_when(console: Console, world: World) -> None:
    page = calm(console)
    world.node.remove_unit(VALIDATOR)
    page.see("removed", "#rail")
    page.see("gone since", "#rail")
    page.see("execution is running.", "#verdict")


def test_a_flooded_log_is_told(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("INFO", "first"))
    page = console(script=LISTEN)
    page.see("first", ".log")
    for begin in range(0, 6_000, 500):
        world.node.append_many(EXECUTION, [geth("INFO", f"line {begin + number}") for number in range(500)])
    page.wait("read.some((each) => /prints [0-9,]+ lines a second.\\s+.*Is debug logging on?/.test(each))")
    page.see("line 5999", ".log")


def test_without_services_the_whole_journal_can_be_read(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("INFO", "of the system"))
    world.node.remove_unit(EXECUTION)
    world.node.remove_unit(VALIDATOR)
    page = console()
    page.see("This node has no Ethereum services yet.")
    page.see("Show the whole system journal")
    assert (
        page.eval("document.querySelector('#when').offsetHeight + document.querySelector('#tools').offsetHeight") == 0
    )
    page.button("Show the whole system journal")
    page.see("of the system", ".log")


def test_a_page_without_network_says_so_and_comes_back(console: Console, world: World) -> None:
    page = calm(console)
    page.do("offline", on=True)
    page.eval("window.dispatchEvent(new Event('offline'))")
    page.see("This page has no connection to its server.", "#verdict")
    page.see("No connection", "#top")
    world.node.append(EXECUTION, geth("INFO", "meanwhile"))
    page.do("offline", on=False)
    page.see("meanwhile", ".log", 40)
    page.see("No line was lost", ".log")


def test_an_alert_is_kept_with_its_hint(console: Console, world: World) -> None:
    page = calm(console)
    world.sshd.stop()
    page.see("The node has been out of reach", "#verdict")
    page.wait("document.querySelector('.events details')")
    page.eval("document.querySelector('.events summary').click()")
    page.wait("document.querySelector('.events details p').innerText.length > 10")
    world.sshd.start()
    page.button("Try now")
    page.see("Connected", "#top")
    kept = page.texts(".events summary")
    assert len(kept) == len(set(kept)) > 0  # each once


def test_nothing_moves_for_those_who_do_not_want_it(console: Console, world: World) -> None:
    page = calm(console, motion="reduce")
    page.see("Live", ".foot")
    assert page.eval("document.getAnimations().length") == 0
    moving = console()
    moving.see("Live", ".foot")
    moving.wait("document.getAnimations().length === 1")


def test_at_four_times_the_size_nothing_is_wider_than_the_screen(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("WARN", "a line", "hash=" + "f" * 64))
    page = calm(console, width=360, height=225)
    for number in range(3):
        tab(page, number)
        assert page.eval("document.documentElement.scrollWidth") <= 360


def test_with_little_height_the_chart_shows_what_is_wrong_only(console: Console, world: World) -> None:
    for number in range(20):
        world.node.append(EXECUTION, geth(("INFO", "ERROR")[number % 2], f"line {number}"))
    page = console(width=1440, height=560)
    page.see("line 19", ".log")
    page.wait("document.querySelector('#when .bar-e')?.getAttribute('d')")
    assert page.eval("document.querySelector('#when .bar').getAttribute('d')") == ""
    assert page.eval("document.querySelector('#when svg').getAttribute('viewBox')") == "0 0 1200 30"


def test_errors_that_were_not_seen_are_counted_on_a_phone(console: Console, world: World) -> None:
    page = calm(console, width=390, height=844)
    for number in range(3):
        world.node.append(EXECUTION, geth("ERROR", f"broken {number}"))
    page.wait("document.querySelector('.tabs .num')?.innerText === '3'")
    tab(page, 1)
    page.see("broken 2", ".log")
    page.wait("!document.querySelector('.tabs .num')")
    page.click(".top .menu")
    page.see("Download…", ".menu-box")
    page.button("Time…")
    page.see("Around", ".menu-box")
    assert page.do("axe") == []


def test_forced_colours_leave_every_meaning(console: Console, world: World) -> None:
    for level in ("INFO", "WARN", "ERROR"):
        world.node.append(EXECUTION, geth(level, "a line", "peers=3"))
    page = console(forced=True)
    page.see("a line", ".log")
    assert page.eval("matchMedia('(forced-colors: active)').matches")

    def edge(level: str) -> list[str]:
        parts = ("borderLeftColor", "borderLeftStyle")
        return [page.eval(f"getComputedStyle(document.querySelector('.row.{level}')).{part}") for part in parts]

    assert edge("error") != edge("info") != edge("warn") != edge("error")
    page.press("E")
    page.wait("getComputedStyle(document.querySelector('.item.current > .row')).outlineStyle === 'solid'")
    assert page.eval("getComputedStyle(document.querySelector('.level[aria-pressed=true]')).outlineStyle") == "solid"
    world.node.append(EXECUTION, geth("ERROR", "another line"))
    page.see("1 new line", ".pill")
    style = "getComputedStyle(document.querySelector('.pill'))"
    assert page.eval(f"{style}.color") != page.eval(f"{style}.backgroundColor")
    assert page.eval(f"{style}.forcedColorAdjust") == "none"  # else the browser puts a bar behind its words
    assert page.do("axe") == []
