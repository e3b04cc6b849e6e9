"""What one connection, socket, session, followed log and running command cost in memory: `make sizes`.

The production command is started, real Redis and real sshd, and things are added to it; printed is by how much the
worker grew for each, and beside it what the server's own ledger counts for it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.attacks.world import World, read_all
from tests.system.parts import free_port
from tests.system.raw import Raw

MANY = int(os.environ.get("MANY", "200"))
"Things of a kind that are added."
LOGS = 10
ENTRIES = 2000
"Entries that each log has: as `RING_ENTRIES`, they are fewer than RING_BYTES allows."


class _Server:
    def __init__(self, world: World, metrics: int) -> None:
        self._world = world
        self._metrics = metrics
        self._before = self._held = 0
        self.pages: list[Raw] = []
        "The pages that have to answer pings."
        self.mark()

    def _memory(self) -> tuple[int, int]:
        held, before = self._held_now(), -1
        while held != before:  # measuring: what is under way comes to an end
            for _ in range(10):
                read_all(self.pages)
                time.sleep(0.2)
            held, before = self._held_now(), held
        return int(self._world.worker.memory_info().rss), held

    def _held_now(self) -> int:
        text = urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics").read().decode()
        return int(sum(float(each) for each in re.findall(r"ethpillar_memory_held_bytes{.*} (\S+)", text)))

    def mark(self) -> None:
        """Measure from here."""
        self._before, self._held = self._memory()

    def print(self, what: str, count: int) -> None:
        """Print what was added since."""
        now, held = self._memory()
        each = [(now - self._before) / count / 1024, (held - self._held) / count / 1024]
        print(f"{what:58} {each[0]:8.0f} {each[1]:8.0f}", flush=True)
        self._before, self._held = now, held


def main() -> int:
    """Print the sizes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        metrics = free_port()
        world = World(Path(folder), {"METRICS_BIND": f"127.0.0.1:{metrics}", "MAX_NODES": "1000"})
        try:
            for name in ("execution", *(f"unit{number}" for number in range(LOGS))):
                world.node.set_unit(f"{name}.service", LoadState="loaded", ActiveState="active", SubState="running")
                for number in range(ENTRIES):
                    world.node.append(
                        f"{name}.service", f"INFO [01-01|00:00:00.000] Imported new chain segment n={number}"
                    )
            server, port = _Server(world, metrics), world.server.port
            print(f"{'':58} {'KiB each':>8} {'counted':>8}")
            pages = server.pages
            silent = [Raw(port, "127.0.3.1") for _ in range(MANY)]
            server.print("a connection that says nothing", MANY)
            for each in silent:
                each.close()
            token = world.session(port=world.sshd.port)
            first = Raw(port, "127.0.3.2")
            first.connect(token)
            pages.append(first)
            server.mark()
            for _ in range(MANY):
                page = Raw(port, "127.0.3.3")
                page.connect(token)
                pages.append(page)
            server.print("another socket of a session", MANY)
            for page in pages[1:]:
                page.say('420["subscribe_logs",{"service":"execution"}]')
                page.say('421["subscribe_status",{"interval":5000}]')
            server.print("a log and the states that a socket follows with others", MANY)
            nodes = []
            for _ in range(MANY // 10):
                page = Raw(port, "127.0.3.4")
                page.connect(world.session(port=world.sshd.port))
                nodes.append(page)
                pages.append(page)
            server.print("a session of its own: a socket and a node", len(nodes))
            for page in nodes:
                page.say('421["subscribe_status",{"interval":5000}]')
            server.print("the states of a node", len(nodes))
            for page in nodes:
                payload = json.dumps({"service": "unit0", "lines": 0})
                page.say(f'420["subscribe_logs",{payload}]')
            server.print("a followed log, 50 lines in its ring", len(nodes))
            for number in range(1, LOGS):
                payload = json.dumps({"service": f"unit{number}", "lines": 0})
                first.say(f'42{number}["subscribe_logs",{payload}]')
            server.mark()
            for number in range(1, LOGS):
                for count in range(ENTRIES):
                    text = f"INFO [01-01|00:00:00.000] Imported new chain segment number={count} hash=0xabcdef txs=12"
                    world.node.append(f"unit{number}.service", text)
            server.print(f"{ENTRIES} lines more in a ring", LOGS - 1)
        finally:
            world.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
