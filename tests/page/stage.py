"""Where a trouble is played: a node behind a proxy that cuts, Redis, the server, and the page that looks at them."""

from __future__ import annotations

import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

from demo.simnode import SimNode, install

from ..console.chromium import Chromium, Page
from ..system.clients import JS
from ..system.conftest import EXECUTION, World
from ..system.parts import EthPillarServer, RedisServer, Sshd, free_port
from ..system.proxy import Proxy
from ..waiting import until

SITE = Path(__file__).parent / "site"
LINES = 20
"Lines in the log when the page opens."


class Site:
    """The web server of the page. Of its two names the dashboard's origin has one only."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(SITE, folder)
        shutil.copy(JS / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js", folder / "socket.io.js")
        self.turn = threading.Lock()
        "Of stages that are set up: one after the other, or none of their servers is there in time."
        self.port = free_port()
        handler = functools.partial(Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def origin(self, host: str = "127.0.0.1") -> str:
        """Return an origin of the page."""
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: Any) -> None: ...


class Stage:
    """All parts of one trouble, of its own, so that several can be played side by side."""

    def __init__(self, folder: Path, site: Site, chromium: Chromium, settings: dict[str, str]) -> None:
        with site.turn:
            self._set_up(folder, site, chromium, settings)

    def _set_up(self, folder: Path, site: Site, chromium: Chromium, settings: dict[str, str]) -> None:
        folder.mkdir(parents=True)
        self._site = site
        self._chromium = chromium
        self.pages: list[Page] = []
        self.node = _node(folder / "node")
        self.sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        self.redis = RedisServer(folder)
        self.proxy = Proxy(self.sshd.port)
        quick = {"NODE_LINGER": "1", "SSH_LOGIN_TIMEOUT": "5"}
        self.server = EthPillarServer(folder, self.redis.url, FRONTEND_URL=site.origin(), **quick, **settings)
        self.world = World(folder, self.redis, self.server, self.sshd, self.node, _NoClients())  # type: ignore[arg-type]
        self.token = self.session()

    def session(self, **changes: Any) -> str:
        """Write a session whose node is behind the proxy; its token."""
        return self.world.session(**{"port": self.proxy.port, **changes})

    def log(self) -> None:
        """Let the node's client print."""
        self.node.append_many(EXECUTION, [f"INFO [11-26|06:55:{number:02}.000] Imported" for number in range(LINES)])

    def open(self, host: str = "127.0.0.1", token: str | None = None) -> Page:
        """Open the page."""
        where = f"{self._site.origin(host)}/?server={self.server.url}&token={token or self.token}&service=execution"
        self.pages.append(self._chromium.open(where, width=780, height=360, theme="light"))
        return self.pages[-1]

    @property
    def page(self) -> Page:
        """The page that was opened last."""
        return self.pages[-1]

    def seen(self) -> dict[str, Any]:
        """Return what is on the screen."""
        return dict(self.page.eval("seen()"))

    def until(self, condition: Any, what: str, deadline: float = 60.0) -> dict[str, Any]:
        """Wait until what is on the screen fulfils a condition; return it."""
        last: dict[str, Any] = {}

        def look() -> bool:
            last.update(self.seen())
            return bool(condition(last))

        try:
            until(look, what, deadline)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; the page shows {last}") from None
        return last

    def close(self) -> None:
        """End everything."""
        for page in self.pages:
            page.close()
        self.server.stop()
        self.proxy.close()
        self.sshd.stop()
        self.redis.stop()
        self.world.store.close()


class _NoClients:
    url = ""


def _node(state: Path) -> SimNode:
    install(state, sys.executable)
    made = SimNode(state)
    for unit, client, pid in ((EXECUTION, "Geth Execution", 4242), ("validator.service", "Lighthouse Validator", 4243)):
        words = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}
        made.set_unit(unit, Description=f"{client} Client service for HOODI", MainPID=str(pid), **words)
    return made
