"""The past in a real Chromium: earlier lines, search, histogram, slots, links and downloads."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ..system.conftest import EXECUTION, World
from ..waiting import until
from .steps import COPIED, VALIDATOR, Console, bars, calm, fail, fill, geth, rows, search_back

pytestmark = pytest.mark.system
GENESIS = 1_742_213_400
"Of Hoodi."


def test_scrolling_up_loads_earlier_lines_and_nothing_jumps(console: Console, world: World) -> None:
    fill(world, 1600, 1)
    page = console()
    page.see("Imported 1599", ".log")
    page.see("500 lines held", ".foot")
    page.do("wheel", selector=".log", by=-400)
    page.see("Paused", ".foot")
    page.eval("document.getElementById('log').scrollTop = 300")
    page.wait(
        "parseInt(document.querySelector('.foot').innerText.match(/([0-9,]+) lines held/)[1].replace(',', '')) >= 990"
    )
    first = "[...document.querySelectorAll('.log .row')].find((row) => row.getBoundingClientRect().bottom > 260)"
    number = int(page.eval(f"{first}.querySelector('.text').innerText.split(' ')[1]"))
    assert 1080 <= number < 1200

    def at_the_top() -> list[str]:
        page.eval("document.getElementById('log').scrollTop = 0")
        return rows(page)

    until(lambda: "Imported 0" in at_the_top(), "the first line", 60)
    page.see("The node’s journal begins here.", ".early")
    page.press("End")
    page.see("Imported 1599", ".log")


def test_a_search_goes_back_through_all_history(console: Console, world: World) -> None:
    fill(world, 900, 5, "needle")
    fill(world, 600, 0.5, "hay")
    page = console()
    page.see("hay 599", ".log")
    search_back(page, "needle 77")
    page.see("needle 777", ".log")
    until(lambda: {"needle 77", "needle 770"} <= set(rows(page)), "all hits")
    page.see("Reading history", ".foot")
    page.see("Looked at", ".foot")
    page.see("Back to live", ".pill")
    page.click(".pill")
    page.see("Live", ".foot")


def test_the_histogram_knows_the_hour_and_a_chosen_time(console: Console, world: World) -> None:
    fill(world, 3000, 1)
    page = console()
    page.see("Imported 2999", ".log")
    page.wait(f"{bars('.bar')} > 80")
    assert page.eval(bars(".bar-e")) >= 10
    page.eval("document.querySelector('#when svg').focus()")
    page.press("Home", "ArrowRight", "ArrowRight")
    assert "lines" in page.eval("document.querySelector('#when svg').getAttribute('aria-valuetext')")
    page.do("drag", selector="#when svg", **{"from": 0.2, "to": 0.3})
    page.see("Reading history", ".foot")
    page.wait("document.querySelectorAll('#when .brush').length === 1")
    until(lambda: 500 < int(rows(page)[-1].split()[1]) < 1200, "the chosen time")
    page.press("Escape")
    page.see("Live", ".foot")
    page.wait("!document.querySelector('#when .brush')")


def test_a_time_that_is_typed(console: Console, world: World) -> None:
    fill(world, 1200, 7)
    page = console()
    page.see("Imported 1199", ".log")
    page.press("t")
    page.wait("document.querySelector('.menu-box').scrollWidth <= document.querySelector('.menu-box').clientWidth")
    page.do("type", text="sometime")
    page.press("Enter")
    page.see("is not a time", ".menu-box")
    page.eval("document.querySelector('.menu-box input.time').value = '-6.9h'")
    page.press("Enter")
    page.see("Reading history", ".foot")
    until(lambda: any(350 < int(row.split()[1]) < 370 for row in rows(page)), "lines around that time")
    page.see("Around", "#tools")


def test_a_link_brings_the_same_view(console: Console, world: World) -> None:
    fill(world, 1500, 1)
    token = world.session()
    page = console(token, script=COPIED)
    page.see("Imported 1499", ".log")
    page.press("E")
    page.wait("document.querySelector('.item.current')?.innerText.includes('Imported 1450')")
    page.press("l")
    link = page.wait("window.copied && window.copied.startsWith('http') && window.copied")
    other = console(token, more="&" + link.partition("#")[2])
    other.wait("document.querySelector('.item.current')?.innerText.includes('Imported 1450')")
    other.see("Around", "#tools")
    assert token not in link


def test_around_this_line(console: Console, world: World) -> None:
    fill(world, 900, 1)
    page = console()
    page.see("Imported 899", ".log")
    page.eval("document.querySelectorAll('.level')[2].click()")
    page.wait("document.querySelectorAll('.log .row').length === 5")
    page.eval("document.querySelector('.log .open').click()")
    page.button("Lines around this")
    page.wait("document.querySelector('.item.current')?.innerText.includes('Imported 450')")
    assert {"Imported 449", "Imported 451"} <= set(rows(page))


def test_a_slot_is_shown_across_services(console: Console, world: World) -> None:
    slot = int(time.time() - GENESIS) // 12 - 60
    start = (GENESIS + slot * 12) * 1_000_000
    lines = [
        (
            EXECUTION,
            geth("INFO", "Imported new potential chain segment", "number=4,412,430 hash=aaaaaa..bbbbbb"),
            4_890,
        ),
        (VALIDATOR, f"Nov 26 02:11:28.034 INFO Successfully published attestations  count: 3, slot: {slot}", 4_034),
        (EXECUTION, geth("INFO", "Looking for peers"), 9_200),
        (EXECUTION, geth("INFO", "long before"), -30_000),
        (EXECUTION, geth("INFO", "of the next slot"), 12_500),
    ]
    for unit, line, offset in sorted(lines, key=lambda each: each[2]):
        world.node.append(unit, line, realtime_us=start + offset * 1000)
    world.node.append(VALIDATOR, f"Nov 26 02:11:28.034 INFO All validators active  slot: {slot + 60}")
    page = console()
    page.see("All validators active", ".log")
    page.eval(f"location.hash = '#slot={slot}'")
    page.see(f"Slot {slot:,}", ".slotv")
    page.see("+4.034", ".slotv")
    page.see("4 s: attestations are due", ".slotv")
    page.see("Attestations published at 4.03 s, 0.86 s before the block", ".slotv")
    assert "Imported new potential chain segment" in page.texts(".slotv tr:not(.dimmed) .cell > bdi")  # of its block
    assert "of the next slot" not in page.text(".slotv")
    assert "long before" not in page.text(".slotv")
    assert page.do("axe") == []
    page.press("ArrowRight")
    page.see(f"Slot {slot + 1:,}", ".slotv")
    page.see("of the next slot", ".slotv")
    page.press("Escape")
    page.wait("document.querySelector('.slotv').hidden")


@pytest.mark.parametrize("kind", ["Text", "JSON lines"])
def test_a_download_is_masked_unless_asked_otherwise(console: Console, world: World, tmp_path: Path, kind: str) -> None:
    world.node.append(EXECUTION, geth("WARN", "Peer is gone", "peer=203.0.113.77"))
    page = console()
    page.see("203.0.113.77", ".log")
    folder = tmp_path / "downloads"
    folder.mkdir()
    page.do("downloads", folder=str(folder))

    def save() -> str:
        for each in folder.iterdir():
            each.unlink()
        page.button("Download")
        page.button(kind)
        file = until(lambda: [each for each in folder.iterdir() if not each.name.endswith(".crdownload")])[0]
        assert "127.0.0.1" not in file.name
        return until(lambda: file.read_text(), "its text")

    masked = save()
    assert "Peer is gone" in masked
    assert "203.0.113.77" not in masked
    if kind != "Text":
        assert json.loads(masked.splitlines()[0])["level"] == "warn"
    page.button("Download")
    page.eval("document.querySelector('.menu-box input').click()")
    page.see("Not masked, the file names addresses", ".menu-box")
    page.button("Leave them in")
    for each in folder.iterdir():
        each.unlink()
    page.button(kind)
    file = until(lambda: [each for each in folder.iterdir() if not each.name.endswith(".crdownload")])[0]
    assert "203.0.113.77" in until(lambda: file.read_text(), "its text")


def test_an_extract_for_a_helper_is_masked(console: Console, world: World) -> None:
    world.node.append(EXECUTION, "Fatal: could not reach 203.0.113.77: no space left on device")
    page = calm(console, script=COPIED)
    fail(world, EXECUTION)
    page.see("What execution said last")
    page.button("Copy for a helper, masked")
    text = page.wait("window.copied")
    assert "no space left on device" in text
    assert "exit status 1" in text
    assert "203.0.113.77" not in text
