"""Marks in the stream, what the node says of itself, the ends of a chosen time, and narrow screens, in Chromium."""

from __future__ import annotations

import shutil

import pytest

from ..system.conftest import EXECUTION, World
from ..waiting import until
from .steps import CALM, VALIDATOR, Console, bars, fail, fill, geth, rows, search

pytestmark = pytest.mark.system
NO_REGISTRY = "Object.defineProperty(CSS, 'highlights', { value: undefined })"


def test_a_reboot_is_a_mark_between_the_lines(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("INFO", "before the reboot"))
    page = console()
    page.see("before the reboot", ".log")
    world.node.reboot()
    world.node.append(EXECUTION, geth("INFO", "after the reboot"))
    page.see("after the reboot", ".log")
    page.see("The node restarted", ".log")
    text = page.text(".log")
    assert text.index("before the reboot") < text.index("The node restarted") < text.index("after the reboot")
    page.see("The node restarted", ".events")


def test_a_reboot_of_the_past_is_a_mark_as_well(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("INFO", "before the reboot"))
    world.node.reboot()
    world.node.append(EXECUTION, geth("INFO", "after the reboot"))
    page = console()
    page.see("after the reboot", ".log")
    page.see("The node restarted", ".log")
    assert page.text(".log").count("The node restarted") == 1


def test_a_failure_from_before_is_marked_where_it_was(console: Console, world: World) -> None:
    world.node.append(VALIDATOR, "long before", realtime_us=1_795_000_000_000_000)
    fail(world, VALIDATOR)
    page = console()
    page.see("long before", ".log")
    page.see("validator failed", ".log")


def test_a_clock_that_is_wrong_is_told_and_the_node_has_its_name(console: Console, world: World) -> None:
    date = world.node.state / "bin" / "date"
    date.write_text(f'#!/bin/sh\nexec {shutil.which("date")} -d "-150 seconds" "$@"\n')
    date.chmod(0o755)
    page = console()
    # Half of the time that the question took is taken for its way there.
    page.wait(r"/node’s clock is 1(49\.[5-9]|50\.\d) s behind/.test(document.querySelector('#top')?.innerText ?? '')")
    page.see("s behind", "#top")
    assert page.text("#top .node")


def test_the_ends_of_a_chosen_time_can_be_moved(console: Console, world: World) -> None:
    fill(world, 3000, 1)
    page = console()
    page.see("Imported 2999", ".log")
    page.wait(f"{bars('.bar')} > 80")
    page.do("drag", selector="#when svg", **{"from": 0.3, "to": 0.5})
    page.see("Reading history", ".foot")
    size = "document.querySelector('#when .brush')?.getAttribute('width')"
    page.wait(f"Math.abs({size} - 240) < 12")
    page.do("drag", selector="#when svg", **{"from": 0.5, "to": 0.7})
    page.wait(f"Math.abs({size} - 480) < 12")
    page.do("drag", selector="#when svg", **{"from": 0.3, "to": 0.6})
    page.wait(f"Math.abs({size} - 120) < 12")
    page.do("drag", selector="#when svg", **{"from": 0.1, "to": 0.2})
    page.wait(f"Math.abs({size} - 120) < 12 && document.querySelector('#when .brush').getAttribute('x') < 200")
    page.press("Escape")
    page.wait("!document.querySelector('#when .brush')")


def test_hits_are_marked_where_there_is_no_registry_of_highlights(console: Console, world: World) -> None:
    for number in range(20):
        world.node.append(EXECUTION, geth("INFO", f"Imported <b>{number}</b>", "timeout=8s" if number % 5 == 2 else ""))
    page = console(script=NO_REGISTRY)
    page.see("Imported <b>19</b>", ".log")
    search(page, "imported port <b>1")
    page.wait("[...document.querySelectorAll('.log mark')].some((each) => each.innerText === '<b>1')")
    assert set(page.texts(".log mark")) <= {"Imported", "<b>1"}
    until(lambda: all(row.startswith("Imported <b>1") for row in rows(page)), "the hits only")
    search(page, "/b>[37]</")
    page.wait("[...document.querySelectorAll('.log mark')].map((each) => each.innerText).join() === 'b>3<,b>7<'")
    page.eval("document.querySelector('.find input').value = ''")
    page.press("Enter")
    page.wait("document.querySelectorAll('.log mark').length === 0")
    assert "Imported <b>19</b>" in rows(page)


def test_a_token_can_be_pasted_on_a_phone(console: Console, world: World) -> None:
    page = console(token="", width=390, height=844)
    page.see("Paste the session’s token")
    assert page.eval("document.querySelector('.paste input').getBoundingClientRect().width") > 200
    page.do("click", selector=".paste input")
    page.do("type", text=world.session())
    page.press("Enter")
    page.see(CALM)


def test_a_node_without_services_says_so_on_a_phone(console: Console, world: World) -> None:
    for unit in (EXECUTION, VALIDATOR):
        world.node.remove_unit(unit)
    page = console(width=390, height=844)
    page.see("This node has none of the services that EthPillar installs.")
    page.see("Show the whole system journal")
    assert page.do("axe") == []
    assert page.eval("document.documentElement.scrollWidth") <= 390


def test_the_lanes_of_a_slot_have_room_for_their_names(console: Console, world: World) -> None:
    slot = 4_457_517
    start = (1_742_213_400 + slot * 12) * 1_000_000
    long = "csm_nimbusvalidator.service"
    unit = world.node
    unit.set_unit(long, LoadState="loaded", ActiveState="active", SubState="running", Description="Nimbus")
    for each, at in ((EXECUTION, 1), (long, 2)):
        unit.append(each, geth("INFO", "Slot start", f"slot={slot}"), realtime_us=start + at)
    for width in (1440, 1024, 390):
        page = console(width=width, height=800)
        page.see("running")
        page.eval(f"location.hash = '#slot={slot}'")
        page.wait("document.querySelectorAll('.slotv .lanes .svcname').length === 2")
        ends = "[...document.querySelectorAll('.lanes .svcname')].map((each) => each.getBoundingClientRect().right)"
        assert page.eval(f"Math.max(...{ends}) <= document.querySelector('.lanes .lane').getBoundingClientRect().left")


def test_before_what_the_page_may_hold_the_past_goes_on(console: Console, world: World) -> None:
    long = "x" * 40_000
    for begin in range(0, 400, 100):
        world.node.append_many(EXECUTION, [geth("INFO", f"Line {begin + n} {long}") for n in range(100)])
    page = console()
    page.see("Line 399 x", ".log", 60)
    for begin in range(400, 1200, 100):
        world.node.append_many(EXECUTION, [geth("INFO", f"Line {begin + n} {long}") for n in range(100)])
    page.see("Line 1199 x", ".log", 60)
    page.see("Holds the newest", ".foot")
    page.do("wheel", selector=".log", by=-400)
    page.see("Paused", ".foot")
    top = "document.getElementById('log').scrollTop = 0"
    page.wait(f"{top}, document.querySelector('.foot').innerText.includes('Reading history')")
    page.see("Before", "#tools")
    number = int(rows(page)[0].split()[1])
    assert 0 < number < 1199 - 500  # more than the first half is dropped
    page.wait(
        "document.getElementById('log').scrollTop = 0, document.querySelector('.log').innerText.includes('Line 0 x')",
        60,
    )
    page.press("End")
    page.see("Line 1199 x", ".log")
    page.see("Live", ".foot")


def test_a_gap_is_a_mark_where_lines_are_missing(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("INFO", "before the gap"))
    page = console()
    page.see("before the gap", ".log")
    world.sshd.stop()
    page.see("out of reach", "#verdict")
    for number in range(50):
        world.node.append(EXECUTION, geth("INFO", f"meanwhile {number}"))
    world.node.vacuum(keep_last=5)  # the journal has deleted the others
    world.sshd.start()
    page.button("Try now")
    page.see("meanwhile 49", ".log", 60)
    page.see("The node’s journal no longer has these lines.", ".sign.gap")
    text = page.text(".log")
    assert text.index("before the gap") < text.index("no longer has these lines") < text.index("meanwhile 45")
    assert "meanwhile 20" not in text
    page.see("Lines missing", ".events")
    assert "No line was lost" not in page.text(".log"), page.text(".log")
