"""Pictures of the console: `make screenshots`, into FOLDER (screenshots when left out).

Real parts: Valkey, sshd with the demo's simulated node, the server under gunicorn, and the console in a headless
Chromium, at 1440, 1024 and 390 pixels, light and dark. The states are those that `shoot` is called with: loading, calm,
busy, failing, a restart loop, away, empty, without a session, history, menus and so on. ONLY=slot,away takes only some.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis as redis_py

from demo.simnode import SimNode, install
from demo.world import World
from tests.console.chromium import Chromium, Page
from tests.system.parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd

SIZES = {1440: 900, 1024: 768, 390: 844}
MOMENT = "new Promise((done) => setTimeout(() => done(true), 1500))"
"For the histogram, which comes after the lines."


SLOTS = 300
"Slots that the journal already has: an hour."
Act = Callable[[Page], Callable[[], object] | None]
SERVICES, LOG, TODAY = (f"document.querySelectorAll('.tabs a')[{number}]?.click()" for number in range(3))
"Show a page, on phones, which have three."


FLOOD = "INFO [11-26|11:23:14.508] Imported new potential chain segment number=4,415,{:03} hash=c11828..5d3c86 txs=85"
ERRORS = 'ERROR[11-26|11:23:14.628] Snapshot extension failed number={} err="missing parent" root=fadb8f..9c9767'
PANIC = [
    "panic: runtime error: invalid memory address or nil pointer dereference",
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x9a1f3e]",
    "goroutine 4127 [running]:",
    "github.com/flashbots/mev-boost/server.(*BoostService).getHeader(0xc0001f2000)",
    "\t/build/server/get_header.go:402 +0x5c2",
]


class Studio:
    """Where the pictures are taken."""

    def __init__(self, browser: Chromium, url: str, target: Path) -> None:
        self._browser = browser
        self._url = url
        self._target = target
        self._only = set(filter(None, os.environ.get("ONLY", "").split(",")))

    def shoot(
        self,
        name: str,
        token: str | Callable[[], str],
        see: str,
        act: str = "",
        log: bool = True,
        then: Act | None = None,
    ) -> None:
        """Take a picture at each width and in each theme, once a text can be read.

        :param token: of the session, or what makes one for each width
        :param log: whether there are lines to wait for
        :param act: what is done on the page before
        :param then: what is done elsewhere before; all that is undone in the end is called with the page
        """
        if self._only and name not in self._only:
            return
        for width, height in SIZES.items():
            of = token if isinstance(token, str) else token()
            fragment = f"#token={of}" if of else ""
            page = self._browser.open(f"{self._url}/console{fragment}", width=width, height=height, theme="dark")
            page.see(see, deadline=60)
            if log:
                page.wait("innerWidth < 700 || document.querySelector('.log .row')", 60)
                page.wait(MOMENT)
            if log:
                page.eval(LOG)
                page.wait("document.querySelectorAll('.log .row').length > 8", 60)
            if act:
                page.eval(act)
                page.wait(MOMENT)
            undo = then(page) if then else None
            for theme in ("dark", "light"):
                if theme == "light":
                    page.eval("document.querySelector('.top .theme').click()")
                page.do("shot", path=str(self._target / f"{name}-{width}-{theme}.png"))
            page.close()
            if undo:
                undo()


def take(studio: Studio, node: SimNode, sshd: Sshd, session: Callable[[int], str], empty: int, silent: int) -> None:
    """Take all pictures: first while all is well, then as one thing after the other goes wrong.

    :param empty: port of a node without services
    :param silent: port of one that takes its time
    """
    token = session(sshd.port)

    def busy(page: Page) -> None:
        page.press("Space")
        page.see("Paused") if page.eval("innerWidth > 700") else page.eval(MOMENT)
        for number in range(1, 6):
            node.append_many("execution.service", [FLOOD.format(number)] * 400 + [ERRORS.format(number)] * number)
        page.wait("/1[0-9] errors/.test(document.querySelector('.pill').innerText)", 60)

    def away(page: Page) -> Callable[[], object]:
        sshd.stop()
        page.see("The node has been out of reach")
        return sshd.start

    studio.shoot("token", "", "Paste the session", log=False)
    studio.shoot("empty", session(empty), "no Ethereum services yet", log=False)
    studio.shoot("loading", lambda: session(silent), "Connecting", log=False)
    studio.shoot("calm", token, "running", SERVICES)
    studio.shoot("line", token, "running", "[...document.querySelectorAll('.log .open')].at(-6).click()")
    studio.shoot("slot", token, "running", "[...document.querySelectorAll('.log .f a')].at(-1).click()")
    studio.shoot("side", token, "running", "document.querySelector('[title^=\"A column\"]').click()")
    studio.shoot("history", token, "running", "location.hash = `#time=${Date.now() - 60000}`")
    search = "const box = document.querySelector('.find input'); box.focus(); box.value = 'slashing'"
    enter = "box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))"
    studio.shoot("nomatch", token, "running", f"(() => {{ {search}; {enter} }})()")
    studio.shoot("time", token, "running", "document.querySelector('[title^=\"Which time\"]').click()")
    menu = "document.querySelector(innerWidth < 700 ? '.top .menu' : '.tools [aria-haspopup=menu]').click()"
    studio.shoot("menu", token, "running", menu)
    studio.shoot("help", token, "running", "document.querySelector('.top .help').click()")
    for line in PANIC:
        node.append("mevboost.service", line)
    studio.shoot("busy", token, "running", then=busy)
    studio.shoot("today", token, "running", TODAY)
    studio.shoot("away", token, "running", then=away)
    for number in range(1, 5):
        words = f"mevboost.service: Scheduled restart job, restart counter is at {number}."
        moment = int((time.time() - 60 + 10 * number) * 1_000_000)
        node.append("mevboost.service", words, manager=True, realtime_us=moment)
    looping = {"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "4", "ExecMainStatus": "1"}
    node.set_unit("mevboost.service", **looping)
    studio.shoot("loop", token, "What mevboost said last", SERVICES)
    node.set_unit("mevboost.service", ActiveState="active", SubState="running")
    fatal = "Fatal: Failed to register the Ethereum service: write /var/lib/geth: no space left on device"
    low = "Disk space is running low. Geth will shutdown if disk space runs below critical level."
    node.append("execution.service", f"WARN [11-26|11:23:15.002] {low} available=1.02GiB path=/var/lib/geth/geth")
    for number in range(1, 6):
        words = f"execution.service: Scheduled restart job, restart counter is at {number}."
        moment = int((time.time() - 12 + 2 * number) * 1_000_000)
        node.append("execution.service", fatal, realtime_us=moment - 1_000)
        node.append("execution.service", words, manager=True, realtime_us=moment)
    node.append("execution.service", fatal)
    failed = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "1"}
    node.set_unit("execution.service", NRestarts="5", **failed)
    studio.shoot("failing", token, "What execution said last", SERVICES)
    studio.shoot("broken", token, "What execution said last")


def main() -> int:
    """Take them."""
    target = Path(os.environ.get("FOLDER", "screenshots")).absolute()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("redis", "sshd", "empty", "server", "chromium"):
            (folder / part).mkdir()
        for part in ("node", "bare"):
            install(folder / part, sys.executable)
        node = SimNode(folder / "node")
        world = World(node, SLOTS, failing=False)
        redis = RedisServer(folder / "redis")
        sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        empty = Sshd(folder / "empty", str(folder / "bare" / "bin"))
        server = EthPillarServer(folder / "server", redis.url, CONSOLE="1", LOG_LEVEL="info")
        browser = Chromium(folder / "chromium")
        silent = socket.create_server(("127.0.0.1", 0))
        try:
            world.start()

            def session(port: int) -> str:
                token = str(uuid.uuid4())
                record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": port, "lastAccessed": 0}
                redis_py.Redis.from_url(redis.url).set(f"ssh_session:{token}", json.dumps(record), ex=10200)
                return token

            studio = Studio(browser, server.url, target)
            take(studio, node, sshd, session, empty.port, silent.getsockname()[1])
        finally:
            silent.close()
            world.stop()
            browser.close()
            server.stop()
            sshd.stop()
            empty.stop()
            redis.stop()
    print(f"{len(list(target.glob('*.png')))} pictures in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
