"""Thousands of peers that want nothing good, and what they cost: `make bench-peers`.

The production command with a real Redis, default limits but for shorter deadlines. Each kind of peer comes in its
thousands and stays until the server ends it. Prints how many the server turned away at once, how long until the last
was gone, the worker's memory (RSS) before, at its height and after, and how long a good client's opening handshake
took meanwhile. The allocator keeps what the first thousands needed, so the costliest kind comes a second time: that
must cost nothing more. Exits with 1 when it does, when a peer was never ended, or when a good client was not served.
"""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from tests.frames import frame
from tests.system.parts import EthPillarServer, RedisServer
from tests.system.raw import HANDSHAKE, Raw

DEADLINES = {"REQUEST_TIMEOUT": "10", "AUTH_TIMEOUT": "10"}
PATIENCE = 120.0
"Seconds that a peer is waited for."
BOUND = 50 * 1024 * 1024
GOOD = "127.0.0.9"
MEGA = 1024 * 1024

Dribble = Callable[[socket.socket], None]


def nothing(_: socket.socket) -> None:
    """Goes on saying nothing."""


def letter(peer: socket.socket) -> None:
    """One more letter of a header."""
    peer.send(b"x")


def kilobyte(peer: socket.socket) -> None:
    """One more piece of a body."""
    peer.send(b"400\r\n" + b"x" * 1024 + b"\r\n")


POLL = b"GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = HANDSHAKE.encode() + b"\r\n"

KINDS: tuple[tuple[str, int, int, bytes, Dribble], ...] = (
    ("idle, one address", 5000, 1, b"", nothing),
    ("idle, 50 addresses", 5000, 50, b"", nothing),
    ("a head, letter by letter", 5000, 50, b"GET / HTTP/1.1\r\nX: ", letter),
    ("a body without end", 2000, 50, POST, kilobyte),
    ("an upgrade that stops half-way", 5000, 50, HANDSHAKE.encode(), nothing),
    ("a WebSocket that never connects", 5000, 50, UPGRADE, nothing),
    ("half of a 64 KiB frame", 2000, 50, UPGRADE + frame(1, b"x" * 30_000, length=65_536), nothing),
    ("polling that never polls", 5000, 50, POLL, nothing),
    ("a WebSocket that never connects", 5000, 50, UPGRADE, nothing),
)


class GoodClient(threading.Thread):
    """Opens a Socket.IO connection again and again, and remembers how long each took."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._stopping = threading.Event()
        self.took: list[float] = []
        self.failed = 0

    def run(self) -> None:
        while not self._stopping.wait(0.1):
            started = time.monotonic()
            try:
                raw = Raw(self._port, GOOD)
                with contextlib.closing(raw):
                    raw.connect()
            except (OSError, AssertionError):
                self.failed += 1
            self.took.append(time.monotonic() - started)

    def stop(self) -> None:
        """Ends it."""
        self._stopping.set()
        self.join()


class Peers:
    """So many peers of one kind."""

    def __init__(self, port: int, number: int, addresses: int, first: bytes, dribble: Dribble) -> None:
        self._dribble = dribble
        self._open: dict[int, socket.socket] = {}
        self._poll = select.epoll()
        for each in range(number):
            source = f"127.0.1.{1 + each % addresses}"
            with contextlib.suppress(OSError):
                peer = socket.create_connection(("127.0.0.1", port), 20, source_address=(source, 0))
                peer.setblocking(False)
                self._open[peer.fileno()] = peer
                self._poll.register(peer, select.EPOLLIN | select.EPOLLHUP)
                with contextlib.suppress(OSError):
                    peer.send(first)

    def __len__(self) -> int:
        return len(self._open)

    def go_on(self) -> None:
        """Lets those go that the server has ended, and says a bit more on the others."""
        for number, _ in self._poll.poll(0, 65536):
            with contextlib.suppress(BlockingIOError):
                try:
                    data = self._open[number].recv(65536)
                except ConnectionError:
                    data = b""
                if not data:
                    self._poll.unregister(number)
                    self._open.pop(number).close()
        for peer in self._open.values():
            with contextlib.suppress(OSError):
                self._dribble(peer)

    def close(self) -> None:
        """Ends those that are left."""
        for peer in self._open.values():
            peer.close()
        self._poll.close()


def attack(server: EthPillarServer, kind: tuple[str, int, int, bytes, Dribble]) -> int | None:
    """Runs one kind and prints its row. Bytes by which memory grew; None when something was not as it must be."""
    name, number, addresses, first, dribble = kind
    worker = psutil.Process(server.worker_pid())
    before = height = worker.memory_info().rss
    good = GoodClient(server.port)
    good.start()
    started = time.monotonic()
    peers = Peers(server.port, number, addresses, first, dribble)
    time.sleep(1)  # so that those it turns away at once are told
    peers.go_on()
    held = len(peers)
    while len(peers) and time.monotonic() - started < PATIENCE:
        height = max(height, worker.memory_info().rss)
        time.sleep(0.5)
        peers.go_on()
    took, left = time.monotonic() - started, len(peers)
    peers.close()
    good.stop()
    after = worker.memory_info().rss
    milliseconds = sorted(each * 1000 for each in good.took)
    print(
        f"{name:32} {number:6,} {held:6,} {took:6.0f} s {before / MEGA:7.0f} {height / MEGA:6.0f} {after / MEGA:6.0f}"
        f" {statistics.median(milliseconds):8.0f} {milliseconds[-1]:6.0f} {good.failed:6}" + "  LEFT" * bool(left),
        flush=True,
    )
    return None if left or good.failed else after - before


def main() -> int:
    """0 when all was as it must be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        server = EthPillarServer(Path(folder), redis.url, LOG_LEVEL="error", TRUSTED_PROXIES="none", **DEADLINES)
        print(f"file descriptors: {soft:,} allowed at first; deadlines: {DEADLINES}")
        print(f"{'':32} {'peers':>6} {'held':>6} {'gone in':>8} {'RSS':>7} {'height':>6} {'after':>6}", end="")
        print(f" {'good: ms':>8} {'worst':>6} {'failed':>6}")
        try:
            grown = [attack(server, kind) for kind in KINDS]
            return 0 if None not in grown and (grown[-1] or 0) < BOUND else 1
        finally:
            server.stop()
            redis.stop()


if __name__ == "__main__":
    sys.exit(main())
