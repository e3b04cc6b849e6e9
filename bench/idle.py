"""What sessions cost in which nothing happens: `make bench-idle`.

Real parts: Redis, sshd, this server under gunicorn. Sessions with two sockets each connect, each by an SSH login of its
own, and nothing is asked of them; then both sockets follow the states of the services. Prints the CPU of a login, the
CPU and the memory that idle sessions cost, and the CPU of a poll: of the server's process, not of sshd nor the node.

    python bench/idle.py [--sessions 1000] [--seconds 60]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.attacks.world import read_all
from bench.delivery import Stage, stage
from bench.servers import Ours, cpu, memory
from tests.system.raw import Raw

INTERVAL = 5.0
"Seconds between two polls of a node's states."
SETTLED = 5.0
"Seconds until what a login began has ended."
_CACHING = """#!/bin/sh
found="$0.answers/$(echo "$*" | cksum | tr ' ' _)"
[ -e "$found" ] || { mkdir -p "$0.answers" && "$0.real" "$@" > "$found.$$" && mv "$found.$$" "$found"; }
cat "$found"
"""


class Sessions:
    """Pages that only answer pings."""

    def __init__(self, stage: Stage, server: Ours) -> None:
        self._stage = stage
        self._server = server
        self.pages: list[Raw] = []

    def connect(self, count: int) -> None:
        """Add sessions, each with two sockets, at addresses of their own."""
        for number in range(count):
            token = self._stage.session()
            for _ in range(2):
                page = Raw(self._server.port, f"127.1.{number >> 7}.{(number & 127) + 1}")
                page.connect(token)
                self.pages.append(page)
            read_all(self.pages[-200:])

    def cost(self, seconds: float) -> float:
        """Return the share of a core that they take for so many seconds."""
        before, began = cpu(self._server.pid()), time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            read_all(self.pages)
            time.sleep(0.5)
        return (cpu(self._server.pid()) - before) / took

    def say(self, packet: str) -> None:
        """Send a packet on each socket."""
        for page in self.pages:
            page.say(packet)


def answer_from_memory(command: Path) -> None:
    """Let a command of the node's answer what it answered the first time: Python would take the machine for itself."""
    command.rename(command.with_suffix(".real"))
    command.write_text(_CACHING)
    command.chmod(0o755)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    count = options.sessions
    with stage() as found:
        answer_from_memory(found.node.bin / "systemctl")
        server = Ours(found.folder / "servers", found.redis.url, MAX_NODES=str(2 * count))
        try:
            Sessions(found, server).connect(1)
            sessions = Sessions(found, server)
            time.sleep(SETTLED)
            used, held = cpu(server.pid()), memory(server.pid())
            sessions.connect(count)
            sessions.cost(SETTLED)
            login = (cpu(server.pid()) - used) / count
            size = (memory(server.pid()) - held) / count
            idle = sessions.cost(options.seconds)
            sessions.say(f'421["subscribe_status",{{"interval":{INTERVAL * 1000:.0f}}}]')
            sessions.cost(2 * INTERVAL)
            polled = sessions.cost(options.seconds)
        finally:
            server.stop()
    print(f"{count} sessions with two sockets each, each with its own SSH connection")
    print(f"a login and two sockets        {login * 1000:8.1f} ms of CPU")
    print(f"a session with its two sockets {size / 1024:8.0f} KiB")
    print(
        f"all of them, idle              {idle * 100:8.2f} % of a core ({idle / count * 1e6:.1f} us a second for each)"
    )
    print(f"a poll, for both sockets       {(polled - idle) * INTERVAL / count * 1000:8.2f} ms of CPU")


if __name__ == "__main__":
    main()
