"""A fast log in the console: `make bench-console`, with RATE=2000 lines a second for SECONDS=60.

Real parts: Valkey, sshd with a simulated node, the server under gunicorn, and the console in a headless Chromium.
Meanwhile somebody types into the search field and scrolls. Prints how long the page took for each input (p50, p95, the
longest; the aim is a p95 under 50 ms), beside the same without lines, frames that took longer, the heap as time goes
by, and how many rows are in the page; with PROFILE=1 also where the page's time went. Exits with 1 when the p95 is over
the aim or the last line does not come.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import uuid
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
IDLE = 10
"Rounds of typing and scrolling before there are lines: what the browser takes on this machine anyway."
PARTS = 12
"Parts of the main thread's work that are named."
PROFILED = 30
"Functions of the page that are named with PROFILE=1."
AIM = 50
"Milliseconds in which an input should be seen."
TYPED = "imported block number timeout "
LINE = "INFO [07-21|10:11:12.345] Imported new potential chain segment number={} hash=1f2e3d..a0b1c2 blocks=1 txs=187"
WATCH = """
(() => {
  window.seen = { events: [], frames: [] };
  new PerformanceObserver((list) => {
    const inputs = list.getEntries().filter((each) => each.interactionId || each.name === "wheel");
    seen.events.push(...inputs.map((each) => each.duration));
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
  let last = performance.now();
  const frame = (now) => { seen.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
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
            page = browser.open(f"{server.url}/console#token={token}")
            node.append(UNIT, LINE.format("none"))
            page.see("number=none", ".log", 60)
            return measure(page, Writer(node, rate, seconds))
        finally:
            browser.close()
            server.stop()
            sshd.stop()
            redis.stop()


def measure(page: Page, writer: Writer) -> int:
    """Print what the page made of the lines."""
    page.eval(WATCH)
    idle = sum(type_and_scroll(page) for _ in range(IDLE))
    print(f"without lines: {answers(page, idle)[0]}", flush=True)
    heaps, before = [], heap(page)
    inputs = 0
    profiling = bool(os.environ.get("PROFILE"))
    page.do("profile" if profiling else "trace")
    writer.start()
    while writer.is_alive():
        inputs += type_and_scroll(page)
        heaps.append(heap(page, collect=False))
    if profiling:
        tell_profile(page.do("profiled"))
    else:
        tell_tasks(page.do("traced"))
    last = f"number={writer.written - 1:d}"
    ended = time.monotonic()
    until(lambda: last in page.text(".log"), "the last line", 120)
    late = time.monotonic() - ended
    said, p95 = answers(page, inputs)
    frames = sorted(page.eval("seen.frames"))
    print(f"{writer.written:,} lines in {writer.took:.1f} s ({writer.written / writer.took:,.0f} a second)")
    print(f"the last line was shown {late:.2f} s after the last input")
    print(f"{said} (aim: p95 < {AIM} ms)")
    long = sum(each > AIM for each in frames)
    print(f"frames: p95 {frames[int(len(frames) * 0.95)]:.0f} ms, over {AIM} ms: {long} of {len(frames)}")
    print("heap in MB: " + " ".join(f"{each / 2**20:.0f}" for each in heaps[:: max(1, len(heaps) // 12)]))
    print(f"without what is not used any more: {before / 2**20:.0f} before, {heap(page) / 2**20:.0f} after")
    rows = page.eval("document.querySelectorAll('.log .item').length")
    print(f"rows in the page: {rows}; counted: {page.texts('.level')[0].split()[-2:]}")
    return 0 if p95 < AIM else 1


def type_and_scroll(page: Page) -> int:
    """Type into the search, take it back, scroll, go by key. Return how many inputs that were."""
    page.eval("document.querySelector('.find input').focus()")
    for key in TYPED[:10]:
        page.press("Space" if key == " " else key)
    page.press(*["Backspace"] * 10)
    page.eval("document.getElementById('log').focus()")
    for by in (-600, -600, 400):
        page.do("wheel", selector=".log", by=by)
    page.press("ArrowUp", "ArrowDown", "End")
    return 26


def answers(page: Page, inputs: int) -> tuple[str, float]:
    """Return how long the page took for the inputs since the last call, in words, and the p95 in milliseconds."""
    events = sorted(page.eval("seen.events.splice(0)"))
    times = [0.0] * max(1, inputs - len(events)) + events  # shorter ones are not reported
    p50, p95 = (times[int(len(times) * part)] for part in (0.5, 0.95))
    return f"{inputs} inputs: p50 {_ms(p50)}, p95 {_ms(p95)}, the longest {_ms(times[-1])}", p95


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
