"""Sockets that count lines, in a process of their own: `python bench/counter.py PORT TOKENS SERVICES SOCKETS BATCH`.

They look for what every line has, and read nothing else of it, so that the server is the limit for as long as that is
possible. Each number on stdin is how many lines every socket has to get; printed are the seconds since the epoch at
which the first of them came, and at which the last socket had its last. The backlog does not count.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.node import BACKLOG
from tests.frames import frame
from tests.system.raw import HANDSHAKE

MARK = b'"line":"'
"Within a line it would have backslashes."
SEAM = len(MARK) - 1
"Bytes at the end of a piece that may be the beginning of one."
PING = b"\x81\x012"


class Counting:
    """One socket."""

    def __init__(self, port: int, token: str, service: str, batch: bool, source: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60, (source, 0))
        self.count = 0
        self._tail = b""
        self._say(HANDSHAKE.encode() + b"\r\n", b"101 Switching")
        self._say(frame(1, b"40" + json.dumps({"token": token}).encode()), b'["authenticated"')
        asked = json.dumps(["subscribe_logs", {"service": service, **({"batch": True} if batch else {})}])
        self.socket.sendall(frame(1, b"42" + asked.encode()))

    def _say(self, data: bytes, answer: bytes) -> None:
        self.socket.sendall(data)
        found = b""
        while answer not in found:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError(found)
            found += more
        self._take(bytearray(found), len(found))

    def _take(self, buffer: bytearray, length: int) -> None:
        """Count in place: what is copied here is missing to the server, which runs on the same processors."""
        seam = self._tail + buffer[: min(length, SEAM)]
        self.count += seam.count(MARK) + buffer.count(MARK, 0, length)
        if buffer.find(PING, 0, length) >= 0:
            self.socket.sendall(frame(1, b"3"))
        self._tail = bytes(buffer[length - SEAM : length] if length >= SEAM else seam[-SEAM:])

    def read(self, buffer: bytearray) -> int:
        """Read once, and return how many lines there are by now."""
        length = self.socket.recv_into(buffer)
        if not length:
            raise ConnectionError("the server ended the connection")
        self._take(buffer, length)
        return self.count


def main() -> None:
    """Connects, and counts as it is told."""
    port, tokens, services, sockets, batch = sys.argv[1:]
    whose, which = cycle(tokens.split(",")), cycle(services.split(","))
    selector = selectors.DefaultSelector()
    every: list[Counting] = []
    buffer = bytearray(1 << 20)
    for number in range(int(sockets)):
        every.append(Counting(int(port), next(whose), next(which), batch == "1", f"127.0.1.{1 + number // 10}"))
        selector.register(every[-1].socket, selectors.EVENT_READ, every[-1])
        for key, _ in selector.select(0):  # hundreds take a while, and each is to answer its pings
            key.data.read(buffer)
    print(*_count(selector, every, BACKLOG), flush=True)
    wanted = BACKLOG
    for command in sys.stdin:
        wanted += int(command)
        print(*_count(selector, every, wanted), flush=True)


def _count(selector: selectors.BaseSelector, every: list[Counting], wanted: int) -> tuple[float, float]:
    left = {each for each in every if each.count < wanted}
    first = 0.0
    buffer = bytearray(1 << 20)
    while left:
        for key, _ in selector.select(60):
            first = first or time.time()
            if key.data.read(buffer) >= wanted:
                left.discard(key.data)
    return first or time.time(), time.time()


if __name__ == "__main__":
    main()
