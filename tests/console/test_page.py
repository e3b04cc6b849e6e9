"""The page in a real Chromium, against the real server, a real sshd and a simulated node."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ..system.conftest import EXECUTION, World
from ..waiting import until
from .chromium import Chromium
from .steps import CALM, COPIED, VALIDATOR, Console, calm, fail, geth, rows, search, tab

pytestmark = pytest.mark.system


def test_a_link_without_a_token_shows_a_field_and_no_data(console: Console, world: World) -> None:
    page = console(token="")
    page.see("Paste the session’s token to look at its node.")
    assert "execution" not in page.text("#rail")
    page.eval("document.querySelector('.paste input').focus()")
    page.do("type", text=world.session())
    page.press("Enter")
    page.see(CALM)
    page.see("Geth", "#rail")


def test_the_token_leaves_the_address_and_is_nowhere_else(console: Console, world: World) -> None:
    token = world.session()
    page = calm(console, token, more="&level=warn")
    assert page.eval("location.href") == f"{world.server.url}/console#level=warn"
    assert token not in page.eval("document.documentElement.outerHTML")
    assert page.eval("Object.keys(localStorage).length") == 0
    assert token not in world.server.log
    page.do("reload")
    page.see(CALM)


def test_states_and_a_unit_that_fails_and_says_why(console: Console, world: World) -> None:
    page = console()
    page.see("Connected", "#top")
    page.see("running", "#rail")
    world.node.append(EXECUTION, geth("WARN", "Disk space is running low.", "available=1.02GiB"))
    world.node.append(EXECUTION, "Fatal: Failed to write /var/lib/geth/MANIFEST: no space left on device")
    world.node.append(EXECUTION, "execution.service: Failed with result 'exit-code'.", 4, manager=True)
    fail(world, EXECUTION)
    page.see("execution has failed and is not being restarted.", "#verdict")
    page.see("What execution said last", "#above")
    page.see("no space left on device", ".last")
    page.see("“no space left on device”: the disk is full.", ".do")
    assert "df -h" in page.texts(".cmd code")
    page.see("Exit status 1", "#rail")
    page.see("execution failed", "#rail .events")
    page.see("execution failed", ".sign.failed")
    assert page.eval("document.title").startswith("✕ execution has failed")
    page.button("Lines around " + page.eval("document.querySelector('.incident dd').innerText"))
    page.wait("!document.querySelector('.pill').hidden || document.querySelector('.foot').innerText.includes('Paused')")


def test_a_restart_loop_looks_like_one(console: Console, world: World) -> None:
    page = calm(console)
    for number in range(1, 5):
        words = f"validator.service: Scheduled restart job, restart counter is at {number}."
        realtime = int((time.time() - 60 + 10 * number) * 1_000_000)
        world.node.append(VALIDATOR, words, manager=True, realtime_us=realtime)
    world.node.set_unit(
        VALIDATOR,
        ActiveState="activating",
        SubState="auto-restart",
        NRestarts="4",
        ExecMainStatus="1",
        Result="exit-code",
    )
    page.see("validator is restarting over and over", "#verdict")
    page.see("restarting", "#rail")
    assert page.eval("document.querySelectorAll('.ticks rect').length") >= 3


def test_lines_of_all_services_are_merged_by_time(console: Console, world: World) -> None:
    page = calm(console)
    now = int(time.time() * 1_000_000)
    for number in range(6):
        unit = (EXECUTION, VALIDATOR)[number % 2]
        world.node.append(unit, geth("INFO", f"line {number}"), realtime_us=now + number)
    page.wait("document.querySelectorAll('.log .row').length >= 6")
    until(lambda: [row for row in rows(page) if row.startswith("line")] == [f"line {number}" for number in range(6)])


def test_levels_and_their_counts(console: Console, world: World) -> None:
    for level, message in [("INFO", "fine"), ("WARN", "careful"), ("ERROR", "broken"), ("INFO", "fine again")]:
        world.node.append(EXECUTION, geth(level, message))
    page = console()
    page.see("careful", ".log")
    counts = ["All 4", "Warnings 2", "Errors 1"]
    until(lambda: [" ".join(text.split()) for text in page.texts(".level")] == counts, "the counts")
    page.eval("document.querySelectorAll('.level')[1].click()")
    until(lambda: rows(page) == ["careful", "broken"], "the warnings")
    page.eval("document.querySelectorAll('.level')[2].click()")
    until(lambda: rows(page) == ["broken"], "the errors")
    page.press("0")
    page.eval("document.querySelectorAll('.rail .name')[1].click()")
    page.see("No line among the", ".void")


def test_words_patterns_and_going_from_hit_to_hit(console: Console, world: World) -> None:
    for number in range(200):
        world.node.append(EXECUTION, geth("INFO", f"Imported {number}", "timeout=8s" if number % 50 == 7 else ""))
    page = console()
    page.see("Imported 199", ".log")
    page.press("/")
    page.do("type", text="timeout imported")
    page.see("4", ".hits")
    until(lambda: rows(page) == [f"Imported {number}" for number in (7, 57, 107, 157)], "the hits only")
    assert page.wait("CSS.highlights.get('hit')?.size") > 0
    page.eval("document.querySelector('.only').click()")
    page.wait("document.querySelectorAll('.log .row').length > 10")
    page.eval("document.getElementById('log').focus()")
    page.press("N")
    page.see("4 of 4", ".hits")
    page.press("N", "N")
    page.see("2 of 4", ".hits")
    page.wait("document.querySelector('.item.current').innerText.includes('Imported 57')")
    page.press("n")
    page.see("3 of 4", ".hits")
    search(page, "/imported 1?9[05]\\b/")
    page.see("4", ".hits")
    page.do("type", text="(")
    page.eval("document.querySelector('.find input').value = '/(x/'")
    page.press("Enter")
    page.see("This pattern can’t be read: missing ) at", ".tools")


def test_what_is_typed_is_marked_before_lines_are_filtered_by_it(console: Console, world: World) -> None:
    for number in range(20):
        world.node.append(EXECUTION, geth("INFO", f"Imported {number}"))
    never = "const real = setTimeout; setTimeout = (act, ms, ...more) => (ms === 300 ? 0 : real(act, ms, ...more));"
    page = console(script=never)
    page.see("Imported 19", ".log")
    for text, hits in (("imp", 20), ("imported 1", 32), ("/d 1[5-9]/", 5), ("", None)):
        page.eval("document.querySelector('.find input').value = ''")
        search(page, text) if text else page.eval(
            "document.querySelector('.find input').dispatchEvent(new Event('input', { bubbles: true }))"
        )
        page.wait(f"CSS.highlights.get('hit')?.size {'===' if hits else '=='} {hits or 'null'}")
        assert len(rows(page)) == 20


def test_a_pattern_without_an_end_does_not_stop_the_page(console: Console, world: World) -> None:
    world.node.append(EXECUTION, "a" * 40 + "!")
    page = console()
    page.see("aaaa", ".log")
    search(page, "/(a+)+$/")
    page.see("This pattern is too slow here.", ".tools")
    assert page.eval("1 + 1") == 2


def test_pause_loses_nothing_and_leads_back(console: Console, world: World) -> None:
    for number in range(100):
        world.node.append(EXECUTION, geth("INFO", f"before {number}"))
    page = console()
    page.see("before 99", ".log")
    page.eval("document.getElementById('log').focus()")
    page.press("Space")
    page.see("Paused at", ".foot")
    shown = rows(page)
    for number in range(30):
        world.node.append(EXECUTION, geth("ERROR" if number % 10 == 0 else "INFO", f"after {number}"))
    page.see("30 new lines", ".pill")
    page.see("3 errors", ".pill")
    assert [row for row in rows(page) if row in shown] == shown
    page.click(".pill")
    page.see("after 29", ".log")
    page.see("Live", ".foot")
    page.do("wheel", selector=".log", by=-300)
    page.see("Paused at", ".foot")
    page.press("End")
    page.see("Live", ".foot")


def test_many_lines_and_few_rows(console: Console, world: World) -> None:
    world.node.append_many(EXECUTION, [geth("INFO", f"line {number}") for number in range(20_000)])
    page = console()
    page.see("line 19999", ".log")
    world.node.append_many(EXECUTION, [geth("INFO", f"more {number}") for number in range(20_000)])
    page.see("more 19999", ".log", 60)
    assert page.eval("document.querySelectorAll('.log .item').length") <= 220
    page.wait("document.querySelector('.level').innerText.includes('k')")
    page.eval("document.getElementById('log').scrollTop = 30000")
    page.wait("!document.querySelector('.log').innerText.includes('more 19999')")
    assert page.eval("document.querySelectorAll('.log .item').length") <= 220


def test_stack_traces_unfold(console: Console, world: World) -> None:
    world.node.append(EXECUTION, "panic: runtime error: invalid memory address")
    for line in ("goroutine 4127 [running]:", "main.run(0xc0001f2000)", "\t/build/main.go:402 +0x5c2"):
        world.node.append(EXECUTION, line)
    page = console()
    page.see("more line", ".log")
    page.eval("document.querySelector('.log .more').click()")
    page.see("/build/main.go:402", ".trace")
    page.eval("document.querySelector('.log .open').click()")
    page.see("as printed", ".inspect")


@pytest.mark.parametrize(
    "text",
    ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "a\u202egnp.exe\u2066b", "x\u200by", "{{7*7}}${7*7}"],
)
def test_hostile_lines_are_text(console: Console, world: World, text: str) -> None:
    world.node.append(EXECUTION, geth("ERROR", text, f"key={text.replace(' ', '')}"))
    page = console()
    page.wait("document.querySelectorAll('.log .row').length > 0")
    page.eval("document.querySelector('.log .open').click()")
    page.see("as printed", ".inspect")
    assert page.eval("document.querySelectorAll('img, script:not([src])').length") == 0
    shown = page.eval("document.body.textContent")
    for hidden in "\u202e\u2066\u200b":
        assert hidden not in shown
        assert hidden not in text or f"U+{ord(hidden):04X}" in shown  # by the server or by the page


def test_hostile_names_and_descriptions_are_text(console: Console, world: World) -> None:
    world.node.set_unit(
        EXECUTION,
        Description="<b>Geth</b>\u202e <img src=x> client",
        ActiveState="failed",
        SubState="failed",
        Result="<i>x</i>",
    )
    world.node.append(EXECUTION, "\u202e<svg onload=alert(1)>")
    page = console()
    page.see("execution has failed")
    assert page.eval("document.querySelectorAll('#rail b, #rail img, main img, main i').length") == 0
    assert "\u202e" not in page.eval("document.body.textContent")


def test_it_resumes_after_the_server_was_restarted(console: Console, world: World) -> None:
    page = calm(console)
    world.node.append(EXECUTION, geth("INFO", "before the restart"))
    page.see("before the restart", ".log")
    world.server.terminate()
    page.see("This page has no connection to its server.", "#verdict")
    page.see("unknown", "#rail")
    world.node.append(EXECUTION, geth("INFO", "while it was away"))
    world.server.start()
    page.see("while it was away", ".log", 60)
    assert rows(page).count("before the restart") == 1
    page.see(CALM)


def test_a_node_that_is_away_and_comes_back(console: Console, world: World) -> None:
    page = calm(console)
    world.sshd.stop()
    page.see("The node has been out of reach for", "#verdict")
    page.see("Node out of reach", "#top")
    page.see("No connection to the node since", ".log")
    page.see("Not live since", ".foot")
    world.node.append(EXECUTION, geth("INFO", "meanwhile"))
    world.sshd.start()
    page.button("Try now")
    page.see("meanwhile", ".log", 60)
    page.see("The connection to the node came back after", ".log")


def test_a_session_that_ends(console: Console, world: World) -> None:
    token = world.session()
    page = calm(console, token)
    world.store.delete(f"ssh_session:{token}")
    page.see("This session has ended. Nothing below is up to date.", "#verdict")
    page.see("The session ended at", ".log")
    assert page.eval("sessionStorage.getItem('token')") is None
    page.eval("document.querySelector('.paste input').focus()")  # a tab that was opened by itself leads nowhere else
    page.do("type", text=world.session())
    page.press("Enter")
    page.see(CALM)


def test_a_wrong_token(console: Console, world: World) -> None:
    page = console("8e3d9e48-7c5b-4b46-a5a5-000000000000")
    page.see("This session has ended.", "#verdict")


def test_after_sleep_the_page_asks_whether_the_socket_lives(console: Console, world: World) -> None:
    page = calm(console, script="const real = Date.now; window.slept = 0; Date.now = () => real() + window.slept;")
    # A packet that comes after sleep says that the socket lives: this server says nothing.
    os.kill(world.server.worker_pid(), signal.SIGSTOP)
    try:
        page.eval("(window.slept = 600000)")
        page.see("No connection to the server since", ".log")
    finally:
        os.kill(world.server.worker_pid(), signal.SIGCONT)
    page.see("The connection to the server came back", ".log", 40)
    world.node.append(EXECUTION, geth("INFO", "after sleep"))
    page.see("after sleep", ".log", 40)


def test_the_keyboard_alone(console: Console, world: World) -> None:
    for number in range(60):
        world.node.append(EXECUTION, geth("ERROR" if number in (10, 40) else "INFO", f"line {number}", "slot=5"))
    page = console()
    page.see("line 59", ".log")
    page.eval("document.body.focus()")
    page.press("E")
    page.wait("document.querySelector('.item.current').innerText.includes('line 40')")
    page.press("E")
    page.wait("document.querySelector('.item.current').innerText.includes('line 10')")
    page.press("e", "ArrowDown")
    page.wait("document.querySelector('.item.current').innerText.includes('line 41')")
    page.press("ArrowRight")
    page.see("as printed", ".item.current")
    page.press("ArrowLeft")
    page.wait("!document.querySelector('.item.current .inspect')")
    page.press("?")
    page.see("next, previous error", "dialog[open]")
    page.press("Escape")
    page.wait("!document.querySelector('dialog[open]')")
    page.press("t")
    page.see("Around", ".menu-box")
    page.press("Escape")
    page.wait("!document.querySelector('.menu-box')")
    page.press("m")
    page.wait("!document.querySelector('.sidehead').hidden")
    page.press("m", "2")
    page.wait("document.querySelectorAll('.rail .show:checked').length === 1")
    for _ in range(5):  # going live comes while the log is still being filtered
        page.press("0", "End")
        page.see("Live", ".foot")
        page.press("E", "2")


def test_a_copied_line_and_a_link(console: Console, world: World) -> None:
    token = world.session()
    line = geth("INFO", "to be copied")
    world.node.append(EXECUTION, line)
    page = console(token, script=COPIED)
    page.see("to be copied", ".log")
    page.eval("document.getElementById('log').focus()")
    page.press("ArrowUp", "c")
    assert page.wait("window.copied") == line
    page.press("l")
    page.see("The link is copied.", ".told")
    link = page.wait("window.copied.startsWith('http') && window.copied")
    assert "#at=" in link
    assert token not in link


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    console: Console, world: World, width: int, height: int, theme: str
) -> None:
    for number in range(40):
        world.node.append(EXECUTION, geth(("INFO", "WARN", "ERROR")[number % 3], f"line {number}", "number=4,412,430"))
    fail(world, VALIDATOR)
    page = console(width=width, height=height, theme=theme)
    page.see("validator has failed")
    page.see("What to type on the node")  # at once, on phones too
    assert page.do("axe") == []
    if width < 700:
        for number in (1, 2):
            tab(page, number)
            assert page.do("axe") == []
            assert page.eval("document.documentElement.scrollWidth") <= width
    assert page.eval("document.documentElement.scrollWidth") <= width


def test_axe_finds_nothing_without_a_token_nor_without_services(console: Console, world: World) -> None:
    page = console(token="")
    page.see("Paste the session")
    assert page.do("axe") == []
    world.node.remove_unit(EXECUTION)
    world.node.remove_unit(VALIDATOR)
    empty = console()
    empty.see("This node has no Ethereum services yet.")
    assert empty.do("axe") == []


def test_a_page_of_another_origin_may_not_connect(chromium: Chromium, world: World, tmp_path: Path) -> None:
    page = chromium.open(f"{world.server.url}/console")
    try:
        address = f"ws://127.0.0.1:{world.server.port}/?EIO=4&transport=websocket"
        socket = f"const socket = new WebSocket({json.dumps(address)});"
        told = "socket.onopen = () => done('open'); socket.onerror = () => done('refused');"
        script = f"new Promise((done) => {{ {socket} {told} }})"
        assert page.eval(script) == "open"
        page.do("goto", url="about:blank")
        assert page.eval(script) == "refused"
    finally:
        page.close()


def test_the_policy_lets_nothing_inline_run(console: Console, world: World) -> None:
    page = console(token="")
    act = (
        "const made = document.createElement('script'); made.textContent = 'window.ran = 1'; document.body.append(made)"
    )
    tried: Any = page.eval(f"(() => {{ try {{ {act} }} catch {{}} return window.ran }})()")
    assert tried is None
    assert page.problems()
