"""The past of a large journal: `make bench-history`, with ENTRIES=1000000 (root, Linux, a container that boots).

Real parts: journald and sshd of a Debian that boots in a container (SYSTEMD_SUITE names another release), Valkey, the
server under gunicorn, socket.io-client. Prints how long the last 200 errors of a unit with so many entries take, over
as many calls as it takes, beside a plain reading of the same entries into a file over SSH (the aim is less than 1.5
times as long), with and without `gzip -1` on the way, how long the first page takes when all is warm (the aim: under
150 ms), and how old the lines of another log are when they come, alone and beside a search. Exits with 1 when one of
the two aims is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.real_systemd.conftest import Node, World
from tests.system.clients import JsClients
from tests.system.parts import EthPillarServer, RedisServer
from tests.waiting import until

UNIT = "execution-big"
ERRORS = 200
"Errors that are looked for; the unit has as many, evenly spread, so that all of its entries are read."
RATIO, FIRST_MS = 1.5, 150
PAGES = 40
LIVE = "execution-live"
"A unit that prints a line twenty times a second."
CALM = 10
"Seconds for which its lines are watched before the search."
FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_SYSTEMD_UNIT,UNIT,_LINE_BREAK"
INFO = "INFO [11-26|02:07:02.540] Imported new potential chain segment number=%d hash=5c1f0a..9d2e41 blocks=1 "
REST = "txs=187 mgas=14.221 elapsed=118.302ms mgasps=120.214 triediffs=12.31MiB triedirty=41.02MiB"
ERROR = "ERROR[11-26|02:07:02.540] Snapshot extension registration failed number=%d err=missing-parent"


def fill(node: Node, entries: int) -> None:
    """Let a unit print the lines, and wait until the journal has them."""
    every = entries // ERRORS
    say = f'printf (i % {every} == {every - 1} ? "{ERROR}\\n" : "{INFO}{REST}\\n"), i'
    script = f"awk 'BEGIN {{ for (i = 0; i < {entries}; i++) {say} }}'; exec sleep infinity"
    run = ("systemd-run", "--quiet", "--collect", f"--unit={UNIT}")
    node.machine.run(*run, "sh", "-c", script)
    tail = ("journalctl", "--quiet", f"--unit={UNIT}", "--lines=1", "-o", "cat")
    until(lambda: f"number={entries - 1} " in node.machine.run(*tail) + " ", "the last line", 600)
    node.machine.run("systemctl", "stop", UNIT)


class Watch(threading.Thread):
    """Notes how old each line of a live log is when it comes."""

    def __init__(self, socket: Any) -> None:
        super().__init__(daemon=True)
        self.ages: list[float] = []
        self._socket = socket
        self._over = False

    def run(self) -> None:
        seen = len(self._socket.events("log_data"))
        while not self._over:
            time.sleep(0.005)
            lines, now = self._socket.events("log_data"), time.time()
            self.ages += [now - datetime.fromisoformat(each["timestamp"]).timestamp() for each in lines[seen:]]
            seen = len(lines)

    def end(self) -> str:
        """Stop; return what was seen."""
        self._over = True
        self.join()
        ages = sorted(self.ages)
        if not ages:
            return "no line came"
        p50, p99 = (ages[int(len(ages) * part)] * 1000 for part in (0.5, 0.99))
        return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(ages)} lines"


def timed(act: Callable[[], Any]) -> float:
    """Return the seconds that something takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def plain(node: Node, folder: Path, pipe: str = "") -> float:
    """Return the seconds of a plain reading of the unit's entries into a file, over SSH; print its bytes."""
    key = folder / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        allow = "install -d -m 700 -o staker ~staker/.ssh && cat > ~staker/.ssh/authorized_keys"
        node.machine.run("sh", "-c", allow, stdin=(folder / "key.pub").read_text())
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    words = ["ssh", "-p", str(node.port), "-i", str(key), *(word for each in options for word in ("-o", each))]
    command = f"journalctl -q --no-pager -o export --output-fields={FIELDS} -u {UNIT}{pipe}"
    with open(folder / "read", "wb") as file:
        took = timed(lambda: subprocess.run([*words, "staker@127.0.0.1", command], stdout=file, check=True))
    size = (folder / "read").stat().st_size
    (folder / "read").unlink()
    print(f"plain reading over SSH{pipe}: {took:.2f} s, {size / 1e6:.0f} MB")
    return took


def search(socket: Any) -> tuple[float, int]:
    """Return the seconds in which the errors are found, and in how many calls."""
    found, calls, before = 0, 0, None
    began = time.monotonic()
    while found < ERRORS:
        payload = {"service": UNIT, "level": "error", "limit": ERRORS - found}
        answer = socket.call("read_logs", payload | ({} if before is None else {"before": before}), deadline=60)
        assert answer["ok"], answer
        found += len(answer["entries"])
        calls += 1
        before = answer.get("before")
        if not answer["more"]:
            break
    took = time.monotonic() - began
    assert found == ERRORS, found
    return took, calls


def main() -> int:
    """Run it and print the figures."""
    entries = int(os.environ.get("ENTRIES", "1000000"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("redis", "server", "machine"):
            (folder / part).mkdir()
        redis = RedisServer(folder / "redis")
        server = EthPillarServer(folder / "server", redis.url)
        clients = JsClients(server.url)
        node = Node(folder / "machine")
        try:
            print(f"{entries:,} entries in {timed(lambda: fill(node, entries)):.0f} s", flush=True)
            world = World(folder, redis, server, node, clients)
            return measure(world, folder)
        finally:
            clients.close()
            node.machine.stop()
            server.stop()
            redis.stop()


def measure(world: World, folder: Path) -> int:
    """Print what the readings take. Two of each, in turns: the shorter one counts."""
    socket = world.enter_as()
    socket.call("read_logs", {"service": UNIT})
    pages = [timed(lambda: socket.call("read_logs", {"service": UNIT})) * 1000 for _ in range(PAGES)]
    world.machine.run("systemd-run", "-q", f"--unit={LIVE}", "sh", "-c", "while sleep 0.05; do echo tick; done")
    live = world.enter_as()
    live.emit("subscribe_logs", {"service": LIVE, "lines": 0})
    live.wait("log_data", deadline=60)
    watch = Watch(live)
    watch.start()
    time.sleep(CALM)
    print(f"lines of another log, alone: {watch.end()}", flush=True)
    plain(world.real, folder, " | gzip -1")
    whole, found = [], []
    for _ in range(2):
        whole.append(plain(world.real, folder))
        watch = Watch(live)
        watch.start()
        found.append(search(socket))
        print(f"lines of another log, beside the search: {watch.end()}")
        print(f"the last {ERRORS} errors: {found[-1][0]:.2f} s in {found[-1][1]} calls", flush=True)
    ratio = min(found)[0] / min(whole)
    first = statistics.median(pages)
    print(f"ratio {ratio:.2f} (aim: < {RATIO})")
    print(f"first page, warm: p50 {first:.0f} ms, the longest of {PAGES} {max(pages):.0f} ms (aim: < {FIRST_MS} ms)")
    return 0 if ratio < RATIO and first < FIRST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
