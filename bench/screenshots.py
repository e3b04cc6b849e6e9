"""Pictures of the console: `make screenshots`, into FOLDER (screenshots when left out).

Real parts: Valkey, sshd with the demo's simulated node, the server under gunicorn, and the console in a headless
Chromium, at 1440, 1024 and 390 pixels, light and dark: loading, calm, busy, failing, away, empty, without a session, a
line that is unfolded and a slot.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis as redis_py

from demo.simnode import SimNode, install
from demo.world import World
from tests.console.chromium import Chromium
from tests.system.parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd

SIZES = {1440: 900, 1024: 768, 390: 844}
THEMES = ("dark", "light")
MOMENT = "new Promise((done) => setTimeout(() => done(true), 1500))"
"For the histogram, which comes after the lines."


class Studio:
    """Where the pictures are taken."""

    def __init__(self, browser: Chromium, url: str, target: Path) -> None:
        self._browser = browser
        self._url = url
        self._target = target

    def shoot(self, name: str, token: str, see: str, act: str = "", log: bool = True) -> None:
        """Take a picture at each width and in each theme, once a text can be read.

        :param log: whether there are lines to wait for
        :param act: what is done on the page before
        """
        for width, height in SIZES.items():
            for theme in THEMES:
                fragment = f"#token={token}" if token else ""
                page = self._browser.open(f"{self._url}/console{fragment}", width=width, height=height, theme=theme)
                page.see(see, deadline=60)
                if log:
                    page.wait("innerWidth < 700 || document.querySelector('.log .row')", 60)
                    page.wait(MOMENT)
                if act:
                    page.eval(act)
                    page.wait(MOMENT)
                page.do("shot", path=str(self._target / f"{name}-{width}-{theme}.png"))
                page.close()


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
        world = World(node)
        redis = RedisServer(folder / "redis")
        sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        empty = Sshd(folder / "empty", str(folder / "bare" / "bin"))
        server = EthPillarServer(folder / "server", redis.url, CONSOLE="1", LOG_LEVEL="info")
        browser = Chromium(folder / "chromium")
        try:
            world.start()

            def session(port: int) -> str:
                token = str(uuid.uuid4())
                record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": port, "lastAccessed": 0}
                redis_py.Redis.from_url(redis.url).set(f"ssh_session:{token}", json.dumps(record), ex=10200)
                return token

            studio = Studio(browser, server.url, target)
            studio.shoot("token", "", "Paste the session", log=False)
            studio.shoot("empty", session(empty.port), "no Ethereum services yet", log=False)
            token = session(sshd.port)
            studio.shoot("loading", token, "running", log=False)
            studio.shoot("calm", token, "running")
            log = "document.querySelectorAll('.tabs a')[1]?.click()"
            studio.shoot("log", token, "running", f"{log}; document.querySelector('.log .open')?.click()")
            studio.shoot("slot", token, "running", f"{log}; document.querySelector('.log .f a')?.click()")
            flood = (
                "INFO [11-26|11:23:14.508] Imported new potential chain segment number={} hash=c11828..5d3c86 txs=85"
            )
            errors = 'ERROR[11-26|11:23:14.628] Snapshot extension failed err="missing parent" root=fadb8f..9c9767'
            for begin in range(0, 5000, 500):
                lines = [flood.format(f"4,415,{number:03}") for number in range(begin // 10, begin // 10 + 450)]
                node.append_many("execution.service", [*lines, *[errors] * (begin // 100)])
            studio.shoot("busy", token, "running", log)
            failed = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "1"}
            low = "Disk space is running low. Geth will shutdown if disk space runs below critical level."
            for line in (
                f"WARN [11-26|11:23:15.002] {low} available=1.02GiB path=/var/lib/geth/geth",
                "Fatal: Failed to register the Ethereum service: write /var/lib/geth: no space left on device",
            ):
                node.append("execution.service", line)
            node.set_unit("execution.service", **failed)
            studio.shoot("failing", token, "What execution said last")
            sshd.stop()
            studio.shoot("away", token, "out of reach", log=False)
        finally:
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
