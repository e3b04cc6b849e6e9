"""A fast log in the console: `make bench-console`, with RATE=2000 lines a second for SECONDS=60.

Real parts: Valkey, sshd with a simulated node, the server under gunicorn, and the console in a headless Chromium.
Meanwhile somebody types into the search field and scrolls. Prints how long it took until what came of it was presented,
as the browser reckons it (keys: Event Timing; the wheel: EventLatency of its trace; p50, p95, the longest; the aim is a
p95 under 50 ms of both): without lines, and as the page holds more and more of them. Of scrolling also how often it
came to rows that were not in the page yet, and how long it took until the frame after the one in which they were
painted, beside the same of a page of still rows without a script: what is left of that is not the console's. Then
frames that took longer, the heap as time goes by and what of it is in use when the page holds all that it may, and how
many rows are in the page; with TASKS=1 also how long the tasks of its main thread took, and with PROFILE=1 where the
page's time went, both of which take time themselves. Exits with 1 when a p95 is over the aim and over that of the page
of still rows, or the last line does not come.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis as redis_py

from demo.simnode import SimNode, install
from tests.console.chromium import Chromium, Page
from tests.system.parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd
from tests.waiting import until

UNIT = "execution.service"
WRITES = 20
"How often a second lines are written to the journal."
IDLE = 30
"Rounds of typing and scrolling without lines, and on a still page: what the browser takes on this machine anyway."
PARTS = 12
"Parts of the main thread's work that are named."
PROFILED = 30
"Functions of the page that are named with PROFILE=1."
PARTS_OF_RUN = 4
"Parts of the run whose inputs are told by themselves: whether it gets slower."
MOST = 100_000
"Lines that the page holds."
AIM = 50
"Milliseconds in which an input should be seen."
WHEEL = (-600, -600, 400)
"Pixels of each turn of the wheel in a round."
SCROLLING = ("FIRST_GESTURE_SCROLL_UPDATE", "GESTURE_SCROLL_UPDATE")
"What Chromium calls a scrolling that is to be presented."
STILL = 2_000
"Rows of the page that does nothing."
TYPED = "imported block number timeout "
LINE = "INFO [07-21|10:11:12.345] Imported new potential chain segment number={} hash=1f2e3d..a0b1c2 blocks=1 txs=187"
WATCH = """
(() => {
  if (window.seen) return;
  window.seen = { keys: new Map(), wheels: [], frames: [], scrolled: 0, bare: 0 };
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries()) { // a key is pressed and released: that is one input
      if (interactionId) seen.keys.set(interactionId, Math.max(duration, seen.keys.get(interactionId) ?? 0));
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
  document.addEventListener("wheel", ({ timeStamp }) => { // of which a browser tells its pages nothing
    requestAnimationFrame(() => requestAnimationFrame((now) => seen.wheels.push(now - timeStamp)));
  }, { capture: true, passive: true });
  document.addEventListener("scroll", ({ target }) => { // what stands for rows that are not in the page can be seen
    const log = target.getBoundingClientRect();
    const spaces = [...target.querySelectorAll(".spacer")].map((each) => each.getBoundingClientRect());
    seen.scrolled += 1;
    seen.bare += spaces.some(({ height, top, bottom }) => height && bottom > log.top + 1 && top < log.bottom - 1);
  }, { capture: true, passive: true });
  new PerformanceObserver((list) => { // not by asking for each frame: that would make the page draw all of them
    seen.frames.push(...list.getEntries().map((each) => each.duration));
  }).observe({ type: "long-animation-frame", buffered: false });
})()
"""


class Writer(threading.Thread):
    """Writes lines to the journal at a rate."""

    def __init__(self, node: SimNode, rate: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self._node = node
        self._rate = rate
        self._total = int(rate * seconds)
        self.written = 0
        self.took = 0.0

    def run(self) -> None:
        """Write until all is written."""
        started = time.monotonic()
        while self.written < self._total:
            due = min(int((time.monotonic() - started + 1 / WRITES) * self._rate), self._total)
            self._node.append_many(UNIT, [LINE.format(number) for number in range(self.written, due)])
            self.written = due
            time.sleep(1 / WRITES)
        self.took = time.monotonic() - started


def main() -> int:
    """Run it and print the figures."""
    rate, seconds = int(os.environ.get("RATE", "2000")), float(os.environ.get("SECONDS", "60"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        install(folder / "node", sys.executable)
        node = SimNode(folder / "node")
        node.set_unit(UNIT, LoadState="loaded", ActiveState="active", SubState="running", Description="Geth x")
        for part in ("redis", "sshd", "server", "chromium"):
            (folder / part).mkdir()
        redis = RedisServer(folder / "redis")
        sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        server = EthPillarServer(folder / "server", redis.url, CONSOLE="1", LOG_LEVEL="info")
        browser = Chromium(folder / "chromium")
        try:
            token = str(uuid.uuid4())
            record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": sshd.port, "lastAccessed": 0}
            redis_py.Redis.from_url(redis.url).set(f"ssh_session:{token}", json.dumps(record), ex=10200)
            floor = still(browser)
            page = browser.open(f"{server.url}/console#token={token}")
            node.append(UNIT, LINE.format("none"))
            page.see("number=none", ".log", 60)
            return measure(page, Writer(node, rate, seconds), floor)
        finally:
            browser.close()
            server.stop()
            sshd.stop()
            redis.stop()


def still(browser: Chromium) -> Times:
    """Return how long scrolling takes on a page that does nothing."""
    page = browser.open("about:blank")
    rows = f"`<div>{LINE}</div>`.repeat({STILL})"
    style = "height:700px;overflow:auto;font:14px/24px sans-serif"
    log = f"`<div id=log class=log tabindex=0 style='{style}'>${{{rows}}}</div>`"
    page.eval(f"document.body.innerHTML = `<div class=find><input></div>${{{log}}}`")
    page.eval(f"document.getElementById('log').scrollTop = {STILL * 12}")
    times = watched(page)
    page.do("close")
    return times


def watched(page: Page) -> Times:
    """Type and scroll where nothing happens meanwhile. Return how long that took."""
    page.eval(WATCH)
    page.do("trace", categories=[])
    times = rounds(page, IDLE)
    times.scrolls = scrolls(page.do("traced"))
    return times


def measure(page: Page, writer: Writer, floor: Times) -> int:
    """Print what the page made of the lines, beside what the browser takes anyway."""
    tell_inputs("a page of still rows without a script", floor)
    tell_inputs("without lines", watched(page))
    profile, tasks = bool(os.environ.get("PROFILE")), bool(os.environ.get("TASKS"))
    used = [heap(page)]
    heaps: list[float] = []
    took: list[tuple[int, Times]] = []
    page.do("trace", **({} if tasks else {"categories": []}))
    if profile:
        page.do("profile")
    writer.start()
    while writer.is_alive():
        took.append((writer.written, rounds(page, 1)))
        heaps.append(heap(page, collect=False))
        if writer.written >= MOST and len(used) == 1:
            used.append(heap(page))
    if profile:
        tell_profile(page.do("profiled"))
    traced = page.do("traced")
    if tasks:
        tell_tasks(traced)
    tell_last(page, writer)
    for part in range(PARTS_OF_RUN):
        first, end = (writer.written * each // PARTS_OF_RUN for each in (part, part + 1))
        some = [each for written, times in took if first <= written < end for each in times.keys]
        print(f"with {min(first, MOST):,} to {min(end, MOST):,} lines held, keys: {told(some)}")
    everything = Times(
        [each for _, times in took for each in times.keys],
        [each for _, times in took for each in times.frames],
        scrolls(traced),
    )
    tell_inputs(f"all (aim: p95 < {AIM} ms)", everything)
    scrolled, bare = page.eval("[seen.scrolled, seen.bare]")
    print(f"scrolled {scrolled} times, of which {bare} to where rows were not in the page yet")
    frames = page.eval("seen.frames")
    print(f"frames over {AIM} ms: {len(frames)}, the longest {_ms(max(frames, default=0))}")
    tell_inputs("without lines, with those held", watched(page))
    used.append(heap(page))
    tell_size(page, writer, heaps, used)
    pairs = ((everything.keys, floor.keys), (everything.scrolls, floor.scrolls))
    return int(any(quantile(ours, 0.95) > max(AIM, quantile(least, 0.95)) for ours, least in pairs))


def tell_last(page: Page, writer: Writer) -> None:
    """Wait for the last line, and print how late it came."""
    last = f"number={writer.written - 1:d}"
    ended = time.monotonic()
    until(lambda: last in page.text(".log"), "the last line", 120)
    late = time.monotonic() - ended
    print(f"{writer.written:,} lines in {writer.took:.1f} s ({writer.written / writer.took:,.0f} a second)")
    print(f"the last line was shown {late:.2f} s after the last input")


def tell_size(page: Page, writer: Writer, heaps: list[float], used: list[float]) -> None:
    """Print how much the page holds: its heap as time went by, what of it is in use, and its rows."""
    print("heap in MB: " + " ".join(f"{each / 2**20:.0f}" for each in heaps[:: max(1, len(heaps) // 12)]))
    when = ["before", f"at {MOST:,} lines", f"at {writer.written:,}"] if len(used) > 2 else ["before", "after"]
    print("of it in use: " + ", ".join(f"{each / 2**20:.0f} {then}" for each, then in zip(used, when, strict=True)))
    rows = page.eval("document.querySelectorAll('.log .item').length")
    print(f"rows in the page: {rows}; lines held: {page.texts('.level')[0].split()[1:]}")


@dataclass
class Times:
    """How long a page took for inputs, in milliseconds."""

    keys: list[float]
    "From a key until what came of it was presented; 0 when that is less than the browser tells (16 ms)."
    frames: list[float]
    "From a turn of the wheel until the frame after the one in which what came of it was painted."
    scrolls: list[float] = field(default_factory=list)
    "From a turn of the wheel until what was scrolled to was presented, as the browser reckons it."


def rounds(page: Page, count: int) -> Times:
    """Type and scroll so many times. Return how long the page took for that."""
    keys = sum(type_and_scroll(page) for _ in range(count))
    longer, wheels = page.eval(
        "(() => { const all = [[...seen.keys.values()], seen.wheels];"
        " seen.keys.clear(); seen.wheels = []; return all; })()"
    )
    return Times([0.0] * max(0, keys - len(longer)) + longer, wheels)


def scrolls(traced: dict[str, Any]) -> list[float]:
    """How long each scrolling took, of what was traced."""
    return [each for kind in SCROLLING for each in traced["latencies"].get(kind, [])]


def type_and_scroll(page: Page) -> int:
    """Type into the search, take it back, scroll, go by key. Return how many keys that were."""
    page.eval("document.querySelector('.find input').focus()")
    for key in TYPED[:10]:
        page.press("Space" if key == " " else key)
    page.press(*["Backspace"] * 10)
    page.eval("document.getElementById('log').focus()")
    for by in WHEEL:
        page.do("wheel", selector=".log", by=by)
    page.press("ArrowUp", "ArrowDown", "End")
    return 23


def quantile(times: list[float], part: float) -> float:
    """Return the time in which this part of the inputs was seen, in milliseconds."""
    return sorted(times)[int(len(times) * part)]


def told(times: list[float]) -> str:
    """Return how long inputs took, in words."""
    if not times:
        return "no inputs"
    p50, p95 = (quantile(times, part) for part in (0.5, 0.95))
    return f"{len(times)} inputs: p50 {_ms(p50)}, p95 {_ms(p95)}, the longest {_ms(max(times))}"


def tell_inputs(when: str, times: Times) -> None:
    """Print how long inputs took."""
    print(f"{when}, keys: {told(times.keys)}")
    print(f"{when}, scrolling: {told(times.scrolls)}")
    print(f"{when}, until the frame after that: {told(times.frames)}", flush=True)


def tell_profile(seconds: dict[str, float]) -> None:
    """Print where the page's time went."""
    whole = sum(seconds.values()) or 1.0
    for name, each in sorted(seconds.items(), key=lambda pair: -pair[1])[:PROFILED]:
        print(f"{each / whole:6.1%} {name}")


def tell_tasks(traced: dict[str, Any]) -> None:
    """Print how long the tasks of the page's main thread took, and what they did.

    The processor's time is what the page needs; the clock's is that and what others had of these cores meanwhile.
    """
    for name, column in (("of the processor", 1), ("by the clock", 0)):
        times = sorted(task[column] for task in traced["tasks"]) or [0.0]
        said = f"p95 {times[int(len(times) * 0.95)]:.0f} ms, the longest {times[-1]:.0f} ms {name}"
        print(f"main thread: {len(times)} tasks of 4 ms and more, {said}")
    for name, parts in (("all tasks", traced["spent"]), ("each of the longest twentieth", traced["longest"])):
        spent = sorted(parts.items(), key=lambda pair: -pair[1])[:PARTS]
        print(f"{name}, ms of the processor: " + ", ".join(f"{part} {ms:,.0f}" for part, ms in spent))


def heap(page: Page, collect: bool = True) -> float:
    """Bytes of the page's JavaScript heap that are in use. Collecting what is not takes the page's time."""
    return float(page.do("heap", collect=collect))


def _ms(duration: float) -> str:
    return f"{duration:.0f} ms" if duration else "under 16 ms"


if __name__ == "__main__":
    sys.exit(main())
