"""Reading a log in a real Chromium: pausing, choosing, copying, going by key, and searches that take their time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ..system.conftest import EXECUTION, World
from ..waiting import until
from .steps import COPIED, HOUR, VALIDATOR, Console, calm, fail, fill, geth, rows, search_back

pytestmark = pytest.mark.system

SOCKET = """
window.held = []; window.refusals = 0;
window.WebSocket = class extends WebSocket {
  send(text) {
    const asked = /^42(\\d+)\\["read_logs",.*"match"/.exec(text);
    if (asked && window.refusals) {
      window.refusals--;
      const error = { code: "limit_reached", message: "Too many searches." };
      return void setTimeout(() => this.onmessage({ data: `43${asked[1]}[${JSON.stringify({ ok: false, error })}]` }));
    }
    if (asked && window.holding) return void window.held.push(text);
    super.send(text);
  }
};
"""
"A socket whose searches the test can hold back, or refuse as a server does whose node has no place for them."

CHOOSE = """
(() => {
  const rows = [...document.querySelectorAll('.log .row .text')];
  const [from, to] = %s.map((words) => rows.find((row) => row.innerText === words).firstChild);
  document.getSelection().setBaseAndExtent(from, 2, to, 3);
})()
"""
COPY = """
(() => {
  const event = new ClipboardEvent('copy', { clipboardData: new DataTransfer(), bubbles: true, cancelable: true });
  document.querySelector('.log .row').dispatchEvent(event);
  return event.defaultPrevented ? event.clipboardData.getData('text/plain') : null;
})()
"""


def test_a_selection_pauses_and_is_kept(console: Console, world: World) -> None:
    for number in range(5):
        world.node.append(EXECUTION, geth("INFO", f"line {number}"))
    page = console()
    page.see("line 4", ".log")
    page.eval(CHOOSE % json.dumps(["line 1", "line 3"]))
    page.see("Paused at", ".foot")
    world.node.append_many(EXECUTION, [geth("INFO", f"later {number}") for number in range(400)])
    page.see("400 new lines", ".pill")
    assert page.eval("document.getSelection().toString()").startswith("ne 1")
    page.eval("document.getSelection().removeAllRanges()")
    page.see("Live", ".foot")
    page.see("later 399", ".log")


def test_several_rows_are_copied_as_the_node_printed_them(console: Console, world: World) -> None:
    lines = [geth("WARN", f"line {number}", "peers=3") for number in range(4)]
    for line in lines:
        world.node.append(EXECUTION, line)
    page = console()
    page.see("line 3", ".log")
    page.eval(CHOOSE % json.dumps(["line 1", "line 2"]))
    assert page.eval(COPY) == "\n".join(lines[1:3])
    page.eval("document.body.dispatchEvent(new KeyboardEvent('keydown', { shiftKey: true, bubbles: true }))")
    copied = page.eval(COPY).split("\n")
    assert [line.split("\t")[1:] for line in copied] == [["execution", "warn", line] for line in lines[1:3]]
    page.eval(CHOOSE % json.dumps(["line 1", "line 1"]))
    assert page.eval(COPY) is None  # a part of one line is copied as the browser does


def test_a_menu_of_a_line_pauses_until_it_is_closed(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("INFO", "a line"))
    page = console()
    page.see("a line", ".log")
    page.click(".log .row .text")
    page.eval("document.getElementById('log').focus()")
    page.press("Enter")
    page.see("Lines around this", ".menu-box")
    page.see("Paused at", ".foot")
    page.press("Escape")
    page.see("Live", ".foot")
    page.press("Enter", "Enter")
    page.see("as printed", ".item.current")


def test_the_head_of_a_stack_trace_stays_in_sight(console: Console, world: World) -> None:
    world.node.append(EXECUTION, "panic: runtime error: invalid memory address")
    for number in range(30):
        world.node.append(EXECUTION, f"\t/build/main.go:{number} +0x5c2")
    for number in range(80):
        world.node.append(EXECUTION, geth("INFO", f"line {number}"))
    page = console()
    page.see("line 79", ".log")
    page.press("E", "ArrowRight")
    page.see("/build/main.go:29", ".trace")
    page.eval("document.querySelector('.trace').scrollIntoView({ block: 'start' })")
    page.eval("document.getElementById('log').scrollTop += 90")
    top = "document.querySelector('.row.traced .msg').getBoundingClientRect().top"
    edge = "document.getElementById('log').getBoundingClientRect().top"
    page.wait(f"document.querySelector('.trace').getBoundingClientRect().top < {top} && {top} - {edge} < 6")


def test_a_row_that_says_another_line_is_all_of_that_line(console: Console, world: World) -> None:
    page = calm(console, script=COPIED)
    for begin in range(0, 600, 50):  # levels and services in turns, so that rows of several shapes are used again
        lines = [
            geth(("INFO", "WARN")[number % 7 == 0], f"line {number}", f"n={number}")
            for number in range(begin, begin + 50)
        ]
        world.node.append_many((EXECUTION, VALIDATOR)[begin % 100 == 0], lines)
        page.see(f"line {begin + 49}", ".log")
    page.do("wheel", selector=".log", by=-700)
    page.see("Paused at", ".foot")
    page.wait("document.querySelectorAll('.log .row').length > 20")
    told = page.eval(
        "[...document.querySelectorAll('.log .row')].map((row) => [row.className.split(' ')[2], "
        "row.querySelector('.svc').innerText, row.querySelector('.text').innerText, "
        "row.querySelector('.f').innerText.trim()])"
    )
    for level, service, text, field in told:
        number = int(text.split()[1])
        assert (field, level) == (f"n={number}", ("info", "warn")[number % 7 == 0])
        assert service == ("execution", "validator")[number // 50 % 2 == 0]
    _, _, text, _ = told[len(told) // 2]
    row = (
        f"[...document.querySelectorAll('.log .row')].find((row) => row.querySelector('.text').innerText === '{text}')"
    )
    page.eval(f"{row}.querySelector('.open').click()")
    page.see(text, ".inspect")
    page.eval(f"{row}.dispatchEvent(new MouseEvent('mousedown', {{ bubbles: true }}))")
    page.press("c")
    assert text in page.wait("window.copied")


def test_numbers_are_services_as_on_the_screen(console: Console, world: World) -> None:
    page = calm(console)
    fail(world, VALIDATOR)
    page.wait("document.querySelector('.rail .name').innerText === 'validator'")
    page.press("1")
    page.wait("document.querySelectorAll('.rail .show:checked').length === 1")
    assert page.eval("document.querySelector('.rail .show').checked")
    page.press("1")  # again: all
    page.wait("document.querySelectorAll('.rail .show:checked').length === 2")


def test_the_time_button_names_what_is_on_the_screen(console: Console, world: World) -> None:
    fill(world, 300, 3)
    page = console()
    page.see("Imported 299", ".log")
    page.see("Last hour", "#tools")
    page.do("wheel", selector=".log", by=-400)
    page.see("to now", "#tools")
    page.press("End")
    page.see("Last hour", "#tools")


def test_a_search_that_takes_long_can_be_stopped(console: Console, world: World) -> None:
    fill(world, 700, 2)
    page = console(script=SOCKET + "window.holding = true;")
    page.see("Imported 699", ".log")
    search_back(page, "nothing like it")
    page.see("Searching…", ".reading")
    page.button("Stop")
    page.wait("document.querySelector('.reading').hidden")
    page.see("No line among the", ".void")
    assert page.eval("window.held.length") == 1
    page.eval("window.holding = false")
    page.button("Search further back")
    page.see("Looked at 700 lines", ".foot")


def test_a_search_waits_while_others_have_all_places(console: Console, world: World) -> None:
    fill(world, 300, 5, "needle")
    fill(world, 600, 2)
    page = console(script=SOCKET + "window.refusals = 1;")
    page.see("Imported 599", ".log")
    search_back(page, "needle 77")
    page.see("Another search of this node is running. Waiting.", ".told")
    page.see("needle 77", ".log")


def test_debug_lines_are_shown_unless_they_are_not_wanted(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("DEBUG", "very small"))
    world.node.append(EXECUTION, geth("INFO", "small"))
    page = console()
    page.see("very small", ".log")
    page.button("View")
    page.button("Info and worse, without debug")
    until(lambda: rows(page) == ["small"])


def test_single_keys_can_be_switched_off(console: Console, world: World) -> None:
    world.node.append(EXECUTION, geth("ERROR", "broken"))
    page = console()
    page.see("broken", ".log")
    page.press("?")
    page.see("Keys", "dialog[open]")
    page.eval("document.querySelector('dialog[open] input').click()")
    page.press("Escape")
    page.wait("document.activeElement === document.body")
    page.press("m", "Space", "E")
    page.press("ArrowUp")  # not a single character: it goes on working
    page.wait("document.querySelector('.item.current')")
    assert page.eval("document.querySelector('.sidehead').hidden")
    page.do("reload")
    page.see("broken", ".log")
    page.press("m", "ArrowUp")
    page.wait("document.querySelector('.item.current')")
    assert page.eval("document.querySelector('.sidehead').hidden")


def test_a_very_long_line_is_cut_on_the_screen_and_masked_in_a_download(
    console: Console, world: World, tmp_path: Path
) -> None:
    long = "x" * 47_000 + " peer=203.0.113.77"
    world.node.append(EXECUTION, f"dialing {long}")
    page = console()
    page.see("dialing x", ".log")
    page.see("more, unfold", ".log")
    assert page.eval("document.querySelector('.log .text').innerText.length") <= 4_000
    page.eval("document.querySelector('.log .open').click()")
    page.see("203.0.113.77", ".inspect")
    page.do("downloads", folder=str(tmp_path))
    page.button("Download")
    page.button("Text")
    file: Any = until(lambda: list(tmp_path.glob("*.log")))[0]
    text = until(lambda: file.read_text(), "its text")
    assert "x" * 1_000 in text
    assert "203.0.113.77" not in text


def test_what_happened_days_ago_is_not_of_today(console: Console, world: World) -> None:
    now = int(time.time() * 1_000_000)
    for hours in (70, 23, 1):
        line = geth("ERROR", f"{hours} hours ago")
        world.node.append((EXECUTION, VALIDATOR)[hours == 1], line, realtime_us=now - hours * HOUR)
    page = console()
    page.see("1 hours ago", ".log")
    page.see("validator: 1 error", ".events")
    page.see("execution: 1 error", ".events")
    assert len([each for each in page.texts(".events li") if "1 error" in each]) == 2
    if time.gmtime(now // 1_000_000).tm_hour < 22:
        assert len(page.texts(".events time")[-1]) > len("00:00")  # yesterday's has its date
