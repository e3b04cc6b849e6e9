"""A burst into many sockets of which some are frozen: `make bench-burst LINES=1000000`.

Real parts: redis-server, sshd with a simulated node, the server under gunicorn, socket.io-client. 40 sockets read, 10
are of a process that is stopped, as a laptop is that sleeps. Prints the worker's memory (RSS) before, at its height and
after, lines a second, and whether every socket, the frozen ones too once they read again, has got every line. Exits
with 1 when memory grew by more than 50 MB or a line is missing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import redis as redis_py

from demo.simnode import SimNode, install
from tests.programs import node
from tests.system.parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd
from tests.waiting import until

UNIT = "execution.service"
READING, FROZEN = 40, 10
BOUND = 50 * 1024 * 1024
LINE = (
    "INFO [07-21|10:11:12.345] Imported new potential chain segment     number={} hash=1f2e3d..a0b1c2 blocks=1 txs=187"
)


class Drain:
    """A process of sockets that count."""

    def __init__(self, url: str, token: str, sockets: int) -> None:
        self._process = subprocess.Popen(
            [str(node()), str(Path(__file__).with_name("drain.mjs")), url, token, "execution", str(sockets)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.counts = [0] * sockets
        self.live = self.returned = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for text in self._process.stdout:
            told = json.loads(text)
            self.counts, self.live, self.returned = told["counts"], told["live"], told["returned"]

    def freeze(self, frozen: bool) -> None:
        """Stops the process, or lets it go on; nobody is told."""
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()


def main() -> int:
    """Runs it and prints the figures."""
    lines = int(os.environ.get("LINES", "1000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        install(folder / "node", sys.executable)
        node = SimNode(folder / "node")
        node.set_unit(UNIT, LoadState="loaded", ActiveState="active", SubState="running", Description="Geth x")
        for part in ("redis", "sshd", "server"):
            (folder / part).mkdir()
        redis = RedisServer(folder / "redis")
        sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        server = EthPillarServer(folder / "server", redis.url)
        drains: list[Drain] = []
        try:
            token = str(uuid.uuid4())
            record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": sshd.port, "lastAccessed": 0}
            redis_py.Redis.from_url(redis.url).set(f"ssh_session:{token}", json.dumps(record), ex=10200)
            reading, frozen = Drain(server.url, token, READING), Drain(server.url, token, FROZEN)
            drains += [reading, frozen]
            until(lambda: reading.live >= READING and frozen.live >= FROZEN, "all sockets to be live", 60)
            return burst(lines, node, psutil.Process(server.worker_pid()), reading, frozen)
        finally:
            for drain in drains:
                drain.close()
            server.stop()
            sshd.stop()
            redis.stop()


def burst(lines: int, node: SimNode, worker: psutil.Process, reading: Drain, frozen: Drain) -> int:
    """The burst itself."""
    node.append(UNIT, LINE.format(0))
    until(lambda: min(reading.counts + frozen.counts) == 1, "the first line", 60)
    frozen.freeze(True)
    before = height = worker.memory_info().rss
    heights = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            heights.append(worker.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.monotonic()
    for at in range(1, lines, 20_000):
        node.append_many(UNIT, [LINE.format(number) for number in range(at, min(lines, at + 20_000))])
    until(lambda: min(reading.counts) >= lines, "every line, for those that read", 1800)
    seconds = time.monotonic() - started
    stuck = max(frozen.counts)
    height = max(heights)
    frozen.freeze(False)
    until(lambda: min(frozen.counts) >= lines, "every line, for those that were frozen", 1800)
    height_after = max(heights)
    done.set()
    watcher.join()
    after = worker.memory_info().rss
    mega = 1024 * 1024
    print(f"{lines:,} lines into {READING} sockets that read and {FROZEN} that are frozen")
    print(
        f"lines a second from the node: {lines / seconds:,.0f}; "
        f"events a second in all: {lines * READING / seconds:,.0f}"
    )
    print(f"a frozen socket had at most {stuck:,} lines before it read again")
    print(
        f"memory before {before / mega:.1f} MB, height {height / mega:.1f} MB (+{(height - before) / mega:.1f}), "
        f"height while they caught up {height_after / mega:.1f} MB (+{(height_after - before) / mega:.1f}), "
        f"after {after / mega:.1f} MB"
    )
    print(f"frozen sockets that were given up and came back with the cursor of their last line: {frozen.returned}")
    print(f"every socket has {lines:,} lines: {set(reading.counts + frozen.counts) == {lines}}")
    return 0 if height_after - before <= BOUND and set(reading.counts + frozen.counts) == {lines} else 1


if __name__ == "__main__":
    sys.exit(main())
