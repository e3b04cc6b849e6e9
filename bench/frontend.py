"""A fast log in a browser: `make bench-frontend`, with RATE=5000 lines a second for SECONDS=10.

Real parts: Valkey, sshd with a simulated node, the server under gunicorn, and the hooks in a headless Chromium, with
React's production build and a page that shows the last 1000 lines. Prints how long the frames took (aim: none over
100 ms), how often the page rendered, what its heap is, and whether the lines it shows are the last ones, in order.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis as redis_py

from demo.simnode import SimNode, install
from tests.frontend.browser import Browser, Tab
from tests.system.parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd, free_port
from tests.waiting import until

UNIT = "execution.service"
SHOWN = 1000
WRITES = 50
"How often a second lines are written to the journal."
LONG = 100
"Milliseconds of a frame that a person notices."
LINE = "INFO [07-21|10:11:12.345] Imported new potential chain segment number={} hash=1f2e3d..a0b1c2 blocks=1 txs=187"


def main() -> int:
    """Run it and print the figures."""
    rate, seconds = int(os.environ.get("RATE", "5000")), float(os.environ.get("SECONDS", "10"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        install(folder / "node", sys.executable)
        node = SimNode(folder / "node")
        node.set_unit(UNIT, LoadState="loaded", ActiveState="active", SubState="running", Description="Geth x")
        for part in ("redis", "sshd", "server"):
            (folder / part).mkdir()
        port = free_port()
        redis = RedisServer(folder / "redis")
        sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        server = EthPillarServer(folder / "server", redis.url, FRONTEND_URL=f"http://localhost:{port}")
        browser = Browser(port, "production")
        try:
            token = str(uuid.uuid4())
            record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": sshd.port, "lastAccessed": 0}
            redis_py.Redis.from_url(redis.url).set(f"ssh_session:{token}", json.dumps(record), ex=10200)
            tab = browser.open(server.url, token, sockets=1, statuses=1, logs=[["execution", SHOWN]])
            tab.until("app.seen.logs.execution?.isLive && !app.seen.status.isLoading")
            return measure(tab, node, rate, seconds)
        finally:
            browser.close()
            server.stop()
            sshd.stop()
            redis.stop()


def measure(tab: Tab, node: SimNode, rate: int, seconds: float) -> int:
    """Print lines at this rate for so long, and what the page made of them."""
    tab.get("app.watchFrames()")
    rendered, before, work = tab.get("app.seen.renders"), tab.do("weight")["heap"], tab.do("work")
    written, started = 0, time.monotonic()
    while written < rate * seconds:
        due = min(int((time.monotonic() - started + 1 / WRITES) * rate), int(rate * seconds))
        node.append_many(UNIT, [LINE.format(number) for number in range(written, due)])
        written = due
        time.sleep(1 / WRITES)
    took = time.monotonic() - started
    last = f"number={written - 1} "
    until(lambda: last in tab.get("app.raws('execution').at(-1) ?? ''"), "the last line", 120)
    late = time.monotonic() - started - took
    worked = {what: spent - work[what] for what, spent in tab.do("work").items()}
    frames = tab.get("app.seen.frames")
    numbers = [int(raw.partition("number=")[2].split()[0]) for raw in tab.raws("execution")]
    ordered = numbers == list(range(written - SHOWN, written))
    long = [each for each in frames if each > LONG]
    print(f"{written:,} lines in {took:.1f} s ({written / took:,.0f} a second); the last was shown {late:.2f} s later")
    print(
        f"frames over {LONG} ms: {len(long)} (over 50 ms: {len(frames)}); the longest took {max(frames, default=50)} ms"
    )
    print(f"the page rendered the log {tab.get('app.seen.renders') - rendered} times")
    print(", ".join(f"{what} {spent / took:.0%}" for what, spent in worked.items()), "of that time: the page's work")
    print(f"heap before {before / 2**20:.1f} MB, after {tab.do('weight')['heap'] / 2**20:.1f} MB")
    print(f"it shows the last {SHOWN} lines, in order: {ordered}")
    return 0 if ordered else 1


if __name__ == "__main__":
    sys.exit(main())
