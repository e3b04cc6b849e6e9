"""The parts of `bench/soak.py`, and the pages that come, act at random and go, while things break."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import redis as redis_py
from gevent.lock import BoundedSemaphore

from bench.breakage import BREAKAGE
from demo.simnode import SimNode, install
from ethpillar.watchdog import SELDOM, Lag
from tests.system.clients import JsClients
from tests.system.local import LocalServer
from tests.system.local import count as count_objects
from tests.system.parts import PASSWORD, USER, RedisServer, Sshd
from tests.system.proxy import Proxy

PAGES = 12
"Pages that are there at once."
SERVICES = ("execution", "consensus", "validator", "mevboost", "nosuchunit", "--help", "oauth2-proxy")
QUICK = {
    **{"SSH_CONNECT_TIMEOUT": "3", "SSH_LOGIN_TIMEOUT": "4", "SSH_COMMAND_TIMEOUT": "5", "STATUS_TIMEOUT": "4"},
    **{"SSH_KEEPALIVE": "2", "SSH_DEAD_AFTER": "3", "AUTH_TIMEOUT": "5", "NODE_LINGER": "1", "REQUEST_TIMEOUT": "5"},
    **{
        "MAX_BAD_TOKENS": "1000000",
        "MAX_BAD_TOKENS_PER_ADDRESS": "100000",
        "TRUSTED_PROXIES": "none",
        "LOG_LEVEL": "error",
    },
}
ODD: tuple[Any, ...] = (
    *(None, True, -1, 1e308, "", "x" * 5000, [], [[]], {}, {"service": None}, {"service": "execution", "lines": -1}),
    *({"service": ["execution"]}, {"service": "execution", "after": "nowhere"}, {"interval": "soon"}, "\ud800"),
)
GARBAGE = (
    *(b"", b"\x00" * 100, b"GET / HTTP/1.1\r\n", b"GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"),
    b"POST /?EIO=4&transport=polling&sid=nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n40",
    b"GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x81\xfe\x00",
)


class Clients(JsClients):
    """The driver, of which only is remembered how often what happened: memory is what is measured here."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[str] = Counter()
        self._turn = BoundedSemaphore()
        super().__init__(url)

    @property
    def alive(self) -> bool:
        """Return True if the process is there."""
        return self._process.poll() is None

    def send(self, **command: Any) -> None:
        """Tells the driver something; waits when it is frozen and the pipe is full."""
        with self._turn:
            super().send(**command)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            event = text.partition('"event":"')[2].partition('"')[0] or "ack"
            self.seen[event] += 1
            if event == "ready":
                self._ready.set()


class Storm:
    """The parts, and what happens to them."""

    def __init__(self, folder: Path) -> None:
        install(folder / "node", sys.executable)
        self.node = SimNode(folder / "node")
        for name in SERVICES[:4]:
            self.node.set_unit(
                f"{name}.service", LoadState="loaded", ActiveState="active", SubState="running", Description="Geth x"
            )
        self.redis = RedisServer(folder)
        self.sshd = Sshd(folder / "sshd", str(folder / "node" / "bin"))
        self.to_redis, self.to_sshd = Proxy(self.redis.port), Proxy(self.sshd.port)
        there: Any = SimpleNamespace(url=f"redis://127.0.0.1:{self.to_redis.port}/0")
        self.server = LocalServer(there, **QUICK)
        self.lively, self.freezing = Clients(self.server.url), Clients(self.server.url)
        self.store: Any = redis_py.Redis.from_url(self.redis.url)
        self.happened: Counter[str] = Counter()
        self.tokens: list[str] = []
        self.over = False
        self.write_sessions()

    # -- sessions

    def write_sessions(self) -> None:
        """Four sessions, as the dashboard writes them; one has a wrong password."""
        self.tokens = self.tokens or [str(uuid.uuid4()) for _ in range(4)]
        for number, token in enumerate(self.tokens):
            password = "wrong" if number == 0 else PASSWORD
            record = {"host": "127.0.0.1", "username": USER, "password": password, "port": self.to_sshd.port}
            self.store.set(f"ssh_session:{token}", json.dumps({**record, "lastAccessed": 0}), ex=10200)

    def _revoke(self) -> None:
        number = random.randrange(len(self.tokens))
        token, self.tokens[number] = self.tokens[number], str(uuid.uuid4())
        self.store.delete(f"ssh_session:{token}")
        self.write_sessions()

    # -- pages

    def page(self) -> None:
        """One page that comes, does something, and goes."""
        driver = random.choice((self.lively, self.lively, self.freezing))
        token = random.choice([*self.tokens, *self.tokens, None, str(uuid.uuid4()), "x", "*" * 200])
        transports = random.choice((["websocket", "polling"], ["polling", "websocket"], ["polling"]))
        sockets = [driver.open(token, transports=transports) for _ in range(random.randint(1, 5))]
        self.happened["sockets"] += len(sockets)
        try:
            for _ in range(random.randint(0, 25)):
                if self.over:
                    break
                self._act(random.choice(sockets))
                gevent.sleep(random.choice((0, 0, 0.02, 0.2, 1)))
        finally:
            for each in sockets:
                if random.random() < 0.3:
                    each.kill()  # the client comes back by itself, and leaves then
                each.close()

    def _act(self, page: Any) -> None:
        service = random.choice(SERVICES)
        name, payload = random.choice(
            (
                ("subscribe_logs", {"service": service, "lines": random.choice((0, 50, 5000)), "batch": True}),
                ("subscribe_logs", {"service": service, "lossless": random.random() < 0.5}),
                ("unsubscribe_logs", {"service": service}),
                ("subscribe_status", {"interval": random.choice((1000, 5000))}),
                ("unsubscribe_status", {}),
                ("authenticate", random.choice([*self.tokens, "nobody", None])),
                (random.choice(("subscribe_logs", "unsubscribe_logs", "authenticate", "*", "x")), random.choice(ODD)),
                ("subscribe_logs", {"$repeat": "x", "times": 100_000}),
            )
        )
        page.emit(name, payload)

    def garbage(self) -> None:
        """A peer that is no browser, and that closes without a word, sometimes late."""
        self.happened["garbage"] += 1
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.server.port), 5) as connection:
            connection.sendall(random.choice(GARBAGE) + random.randbytes(random.choice((0, 10, 1000))))
            gevent.sleep(random.choice((0, 0.1, 8)))

    def print_lines(self) -> None:
        """The node's programs print, sometimes a lot."""
        unit = random.choice(SERVICES[:4])
        self.node.append_many(
            unit, [f"INFO [07-21|10:11:12.345] Imported n={n}" for n in range(random.choice((1, 20, 3000)))]
        )

    # -- faults

    def fault(self) -> None:
        """Something breaks, and is mended a little later."""
        name = random.choice([*BREAKAGE])
        self.happened[name] += 1
        with BREAKAGE[name](self):
            gevent.sleep(random.choice((0.1, 1, 3, 8)))

    # -- all of it

    def rage(self, seconds: float, watch: Callable[[], None]) -> None:
        """The storm."""
        end = time.monotonic() + seconds

        def repeat(act: Callable[[], None], pause: float) -> None:
            while time.monotonic() < end:
                with contextlib.suppress(OSError, redis_py.RedisError):  # of the parts that are broken at the moment
                    act()
                gevent.sleep(random.uniform(0, pause))

        acts = [(self.page, 1.0)] * PAGES + [(self.garbage, 1.0)] * 2
        acts += [(self.print_lines, 1.0), (self.fault, 4.0), (self._revoke, 15.0), (watch, 4.0)]
        workers = [gevent.spawn(repeat, act, pause) for act, pause in acts]
        gevent.sleep(seconds)
        self.over = True
        gevent.joinall(workers, timeout=60, raise_error=True)

    def tidy(self) -> None:
        """Ends what is there by right: idle connections to Redis (there may be 32), and the proxies' remains."""
        self.server.rooms.store._redis.connection_pool.disconnect(inuse_connections=False)
        for proxy in (self.to_redis, self.to_sshd):
            _prune(proxy)
        subprocess.run(["true"], check=True)  # gevent holds the threads there were at the last fork

    def held(self) -> dict[str, int]:
        """What is there now: here, and on the node."""
        rooms = self.server.rooms
        engine = rooms.gateway._socketio.server
        with self.unwatched():
            objects = count_objects()
        return {
            **objects,
            "nodes (registry)": len(rooms.registry),
            "nodes that linger (registry)": len(rooms.registry._expiry),
            "sockets (gateway)": len(rooms.gateway.sockets),
            "sessions (guard)": len(rooms.gateway.guard),
            "sockets (Engine.IO)": len(engine.eio.sockets),
            "environs (Socket.IO)": len(engine.environ),
            "rooms (Socket.IO)": sum(len(each) for each in engine.manager.rooms.values()),
            "Engine.IO sessions (limits)": len(rooms.limits.engines),
            "sockets (limits)": len(rooms.limits.sockets),
            "threads": len(os.listdir("/proc/self/task")),
            "file descriptors": len(os.listdir("/proc/self/fd")),
            "SSH connections": self.sshd.connections(),
            "commands on the node": len(self.node.running()),
        }

    @contextlib.contextmanager
    def unwatched(self) -> Iterator[None]:
        """Look at all that there is: that takes long, and is none of the server's work."""
        watchdog = self.server.rooms.watchdog
        lag, watchdog.lag = watchdog.lag, Lag()
        gc.unfreeze()
        try:
            yield
        finally:
            gc.freeze()
            gevent.sleep(2 * SELDOM)  # the loop waits: its turn, too long, is counted elsewhere
            watchdog.lag = lag

    def close(self) -> None:
        """Ends all parts."""
        self.lively.close()
        self.freezing.close()
        self.server.close()
        for each in (self.to_redis, self.to_sshd):
            each.close()
        self.sshd.stop()
        self.redis.stop()


def _prune(proxy: Proxy) -> None:
    """Closes the proxied connections that have ended, which the proxy leaves to its own end."""
    ended = [pair for pair in proxy._pairs if not all(_connected(each) for each in pair)]
    proxy._pairs = [pair for pair in proxy._pairs if pair not in ended]
    for each in [each for pair in ended for each in pair]:
        each.close()


def _connected(connection: socket.socket) -> bool:
    try:
        connection.getpeername()
    except OSError:
        return False
    return True
