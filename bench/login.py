"""How long a page waits after it has connected: `make bench-login`.

Logs in to a real sshd again and again, each time as the first page of a session does: log in, look at a unit, follow
its log. Prints the milliseconds until the login counts as done and until the first line is there (p50 and p90).
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gevent import monkey

monkey.patch_all()

import statistics
import tempfile
import time
from typing import Any

from gevent.event import Event

from demo.simnode import SimNode, install
from ethpillar.gateway import log_lines, wire
from ethpillar.nodes.items import Encoder
from ethpillar.nodes.node import Node, NodeOptions
from ethpillar.sessions import SessionRecord
from ethpillar.ssh.login import Login, LoginOptions
from ethpillar.ssh.target import Target
from tests.system.parts import PASSWORD, USER, Sshd

UNIT = "execution.service"
LOGINS = 40


class Pins:
    """Where no key was ever pinned."""

    def host_key(self, host: str, port: int) -> str | None:
        return None

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        return pin


class Sink:
    """Takes everything, and says when the first line has come."""

    window = 0.0

    def __init__(self) -> None:
        self.first = Event()

    def wait_ready(self, timeout: float | None = None) -> bool:
        return True

    def ready(self) -> bool:
        return True

    def lines(self, items: Any) -> None:
        self.first.set()

    def state(self, *_: Any) -> None: ...

    def failed(self, *_: Any) -> None: ...


def log_in(target: Target) -> tuple[float, float]:
    """Return the milliseconds until the login is done, and until the first line."""
    record = SessionRecord("token", target, None)
    options = NodeOptions(Encoder(log_lines.encode_line, log_lines.encode_template), wire.encode_statuses)
    begin = time.perf_counter()
    node = Node(record, Login(target, Pins(), LoginOptions()), options)
    try:
        node.connect()
        done = time.perf_counter()
        node.check_unit(UNIT)
        sink = Sink()
        node.log_feed(UNIT).subscribe(sink)
        if not sink.first.wait(30):
            raise SystemExit("no line came")
        return (done - begin) * 1000, (time.perf_counter() - begin) * 1000
    finally:
        node.close()


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "node"
        install(state, sys.executable)
        node = SimNode(state)
        node.set_unit(UNIT, LoadState="loaded", ActiveState="active", SubState="running", Description="Geth")
        node.append_many(UNIT, ["INFO [11-26|06:55:11.123] Imported new potential chain segment number=1"] * 100)
        sshd = Sshd(Path(folder) / "sshd", str(state / "bin"))
        try:
            target = Target("127.0.0.1", sshd.port, USER, PASSWORD)
            log_in(target)
            times = [log_in(target) for _ in range(LOGINS)]
        finally:
            sshd.stop()
    for name, column in zip(("login", "first line"), zip(*times, strict=True), strict=True):
        print(
            f"{name:<11} p50 {statistics.median(column):6.0f} ms   p90 {statistics.quantiles(column, n=10)[8]:6.0f} ms"
        )


if __name__ == "__main__":
    main()
