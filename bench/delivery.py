"""What a line costs, and what another socket costs, beside the peer: `make bench-delivery`.

Real parts: Redis, sshd with a node that prints as fast as it is read, this server under gunicorn, and `bench/peer/`, a
server in Node.js that follows a journal for each socket and does not parse. Each scenario is a burst of lines into some
sockets, which a process of its own counts. Prints for each server microseconds of CPU a line (of the server's process,
from /proc/PID/stat) and lines a second.

    python bench/delivery.py [--other CHECKOUT ...] [--only NAME ...] [--lines FACTOR]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis as redis_py

from bench.node import LINE, FastNode
from bench.servers import Ours, Peer, cpu
from tests.system.parts import PASSWORD, USER, RedisServer, Sshd

COUNTER = Path(__file__).with_name("counter.py")


@dataclass(frozen=True)
class Scenario:
    """A burst."""

    name: str
    sockets: int
    lines: int
    batch: bool = False
    peer: bool = True
    "Whether the peer can do it: sshd allows ten channels."
    counters: int = 1
    "Processes that count."
    services: tuple[str, ...] = ("execution",)
    "The units that the sockets follow in turn."


SCENARIOS = (
    Scenario("1 socket", 1, 200_000),
    Scenario("9 sockets", 9, 100_000),
    Scenario("9 sockets, batch", 9, 100_000, batch=True),
    Scenario("50 sockets", 50, 60_000, peer=False),
    Scenario("200 sockets", 200, 40_000, peer=False, counters=2),
)


class Figure(NamedTuple):
    """What a burst cost."""

    cpu: float
    "Microseconds of CPU a line."
    rate: float
    "Lines a second, until the last socket had its last."


class Stage:
    """Redis, sshd and the node, which all servers share."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        for part in ("redis", "sshd", "servers"):
            (folder / part).mkdir()
        self.folder = folder
        self.node = FastNode(folder / "node")
        self.redis = RedisServer(folder / "redis")
        self.sshd = Sshd(folder / "sshd", str(self.node.bin))

    def session(self) -> str:
        """Write a session as the dashboard does, and return its token."""
        token = str(uuid.uuid4())
        record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": self.sshd.port}
        record["lastAccessed"] = int(time.time() * 1000)
        with redis_py.Redis.from_url(self.redis.url) as store:
            store.set(f"ssh_session:{token}", json.dumps(record), ex=10200)
        return token

    def close(self) -> None:
        """End everything."""
        self.node.close()
        self.sshd.stop()
        self.redis.stop()


@contextmanager
def stage() -> Iterator[Stage]:
    """Set the stage for the time of the block."""
    with tempfile.TemporaryDirectory() as name:
        found = Stage(Path(name))
        try:
            yield found
        finally:
            found.close()


def burst(
    stage: Stage, server: Any, scenario: Scenario, lines: int, token: str, texts: Sequence[str] | None = None
) -> Figure:
    """Run one scenario against a server.

    :param token: of the session, or of several with commas between, which the sockets have in turn
    :param texts: the lines of each unit, if not the usual ones
    """
    stage.node.prepare(texts or [LINE.format(number) for number in range(lines)])
    each = scenario.sockets // scenario.counters
    services = ",".join(scenario.services)
    words = [sys.executable, str(COUNTER), str(server.port), token, services, str(each), str(int(scenario.batch))]
    counters = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(scenario.counters)
    ]
    try:
        for counter in counters:
            _answer(counter)
        time.sleep(1)  # the followers' second journalctl
        before = cpu(server.pid())
        for counter in counters:
            _command(counter, lines)
        stage.node.burst()
        answers = [_answer(counter) for counter in counters]
        used = cpu(server.pid()) - before
    finally:
        for counter in counters:
            counter.kill()
            counter.wait()
    first, last = min(each[0] for each in answers), max(each[1] for each in answers)
    return Figure(used / lines * 1e6, lines / (last - first))


def _command(counter: subprocess.Popen[str], lines: int) -> None:
    assert counter.stdin
    counter.stdin.write(f"{lines}\n")
    counter.stdin.flush()


def _answer(counter: subprocess.Popen[str]) -> tuple[float, float]:
    assert counter.stdout
    words = counter.stdout.readline().split()
    if len(words) != 2:
        raise SystemExit("a counter ended before its time")
    return float(words[0]), float(words[1])


def makers(others: list[Path]) -> dict[str, Callable[[Path, str], Any]]:
    """Return the servers to measure, by name."""
    found: dict[str, Callable[[Path, str], Any]] = {"peer": Peer, "ours": Ours}
    for root in others:
        found[root.name] = lambda folder, url, root=root: Ours(folder, url, root)
    return found


def run(stage: Stage, name: str, make: Callable[[Path, str], Any], scenario: Scenario, factor: float) -> Figure | None:
    """Measure one server in one scenario; None where it can't do it."""
    if name == "peer" and not scenario.peer:
        return None
    server = make(stage.folder / "servers", stage.redis.url)
    try:
        token = stage.session()
        burst(stage, server, scenario, 5000, token)  # the first lines of a process cost more
        return burst(stage, server, scenario, int(scenario.lines * factor), stage.session())
    finally:
        server.stop()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--other", action="append", type=Path, default=[])
    parser.add_argument("--only", action="append")
    parser.add_argument("--server", action="append")
    parser.add_argument("--lines", type=float, default=1.0)
    options = parser.parse_args()
    with stage() as found:
        for scenario in SCENARIOS:
            if options.only and scenario.name not in options.only:
                continue
            for name, make in makers(options.other).items():
                if options.server and name not in options.server:
                    continue
                figure = run(found, name, make, scenario, options.lines)
                if figure is None:
                    continue
                print(
                    f"{scenario.name:20} {name:10} {figure.cpu:8.2f} us of CPU a line {figure.rate:10,.0f} lines/s "
                    f"{figure.rate * scenario.sockets:12,.0f} deliveries/s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
