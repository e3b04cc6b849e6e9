"""How long it takes until all pages are served again that reconnect at once: `make bench-herd`.

Real parts: Redis, sshd, this server under gunicorn, and another checkout of it if one is given. Each page is a socket
that shows its token, follows a log and the states, and is served when it has the log's last line and all states. They
are connected one after the other; then all connections are cut at the same moment, and all come back at once. The
nodes stay connected meanwhile, as they do when a proxy restarts. With `--reload` the server is told to reload instead:
its worker is replaced, each page comes back after 0.5 to 1.5 s, as socket.io-client does, and the nodes are logged in
to anew. Prints the seconds until the last page was served, and half of them, and the server's CPU.

    python bench/herd.py [--pages 1000] [--reload] [--other CHECKOUT ...]
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse
import contextlib
import random
import signal
import statistics
import sys
import time
from pathlib import Path

import gevent
from gevent.pool import Pool

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.delivery import Stage, stage
from bench.idle import answer_from_memory
from bench.node import BACKLOG
from bench.servers import Ours, cpu
from tests.system.raw import Raw

PAGES_OF_A_SESSION = 20
PATIENCE = 120.0
"Seconds after which a page counts as not served."


class Page:
    """A page, and its address."""

    def __init__(self, port: int, token: str, number: int) -> None:
        self._port = port
        self._token = token
        self._source = f"127.1.{number >> 4 & 127}.{number >> 11 | 1}"
        self._raw: Raw | None = None

    def come(self) -> float:
        """Connect, again if it has to, and wait until it is served. Return the seconds that took."""
        began = time.monotonic()
        while True:
            try:
                self._come()
                return time.monotonic() - began
            except (OSError, AssertionError):
                self.cut()
                gevent.sleep(0.2)

    def _come(self) -> None:
        self._raw = raw = Raw(self._port, self._source)
        raw.connect(self._token)
        raw.say(f'420["subscribe_logs",{{"service":"execution","lines":{BACKLOG}}}]')
        raw.say('421["subscribe_status",{"interval":5000}]')
        lines = states = 0
        while lines < BACKLOG or not states:
            packet = raw.hear()
            lines += packet.startswith('42["log_data"')
            states += packet.startswith('42["status_update"')

    def come_back(self) -> None:
        """Wait for the end of the connection, and come again."""
        with contextlib.suppress(OSError):
            while self._raw is not None:
                self._raw.hear()
        gevent.sleep(random.uniform(0.5, 1.5))
        self.come()

    def cut(self) -> None:
        """End the connection without a word."""
        if self._raw is not None:
            self._raw.close()


def first_time(stage: Stage, server: Ours, count: int) -> list[Page]:
    """Connect so many pages, one after the other, and return them."""
    tokens = [stage.session() for _ in range(max(1, count // PAGES_OF_A_SESSION))]
    pages = [Page(server.port, tokens[number % len(tokens)], number) for number in range(count)]
    Pool(20).map(Page.come, pages)
    return pages


def cut_off(stage: Stage, server: Ours, count: int) -> tuple[list[float], float]:
    """Return the seconds that each page took to come back, and the server's CPU meanwhile."""
    pages = first_time(stage, server, count)
    for page in pages:
        page.cut()
    gevent.sleep(2)  # the server has seen it
    used = cpu(server.pid())
    with gevent.Timeout(PATIENCE, SystemExit("not all pages were served")):
        took = [each.get() for each in [gevent.spawn(page.come) for page in pages]]
    return took, cpu(server.pid()) - used


def reload(stage: Stage, server: Ours, count: int) -> list[float]:
    """Return the seconds after a reload at which each page was served."""
    pages = first_time(stage, server, count)
    assert server.process is not None
    began = time.monotonic()
    server.process.send_signal(signal.SIGHUP)

    def back(page: Page) -> float:
        page.come_back()
        return time.monotonic() - began

    with gevent.Timeout(PATIENCE, SystemExit("not all pages were served")):
        return [each.get() for each in [gevent.spawn(back, page) for page in pages]]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--reload", action="store_true")
    parser.add_argument("--other", action="append", type=Path, default=[])
    options = parser.parse_args()
    with stage() as found:
        found.node.burst()  # which is empty: what follows waits in peace
        answer_from_memory(found.node.bin / "systemctl")
        for root in [None, *options.other]:
            server = Ours(found.folder / "servers", found.redis.url, root, NODE_LINGER="60")
            try:
                if options.reload:
                    took, used = reload(found, server, options.pages), None
                else:
                    took, used = cut_off(found, server, options.pages)
            finally:
                server.stop()
            name = root.name if root is not None else "this"
            said = f"the last served after {max(took):.2f} s, half of them after {statistics.median(took):.2f} s"
            cost = "" if used is None else f"; {used / options.pages * 1000:.2f} ms of CPU a page"
            print(f"{name:10} {options.pages} pages: {said}{cost}", flush=True)


if __name__ == "__main__":
    main()
