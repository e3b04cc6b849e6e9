"""Real parts for an attack: a good node and its owner, the attacker's machine, Redis, and the server as deployed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import re
import shlex
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import redis as redis_py

from demo.simnode import SimNode, install
from tests.system.parts import PASSWORD, USER, EthPillarServer, RedisServer, Sshd
from tests.system.raw import Raw

UNITS = ("execution", "consensus", "validator", "mevboost")
VICTIM = "127.0.0.9"
PAUSE = 0.02
"Seconds between the victim's requests."
KEPT_OUT = 10.0
"Seconds after which a newcomer gives up."
LINGERS = 90.0
"Seconds in which everything of an attack must be let go of."

_spawn = multiprocessing.get_context("spawn")

Begin = Callable[["World"], "list[Attacker]"]
"""Begins an attack."""


@dataclass(frozen=True)
class Case:
    """An attack that is not one on a server with its defaults, or not by somebody at another address."""

    begin: Begin
    settings: dict[str, str] = field(default_factory=dict)
    victim: str = VICTIM
    "The victim's address."
    most: int | None = None
    "Bytes that the server may hold; None: as for all others."


def units(node: SimNode) -> None:
    """The usual services."""
    for name in UNITS:
        node.set_unit(
            f"{name}.service", LoadState="loaded", ActiveState="active", SubState="running", Description="Geth x"
        )


class HostileMachine:
    """A machine of the attacker's own: a real sshd, and commands that print what they like."""

    def __init__(self, folder: Path) -> None:
        self._bin = install(folder / "node", sys.executable)
        units(SimNode(folder / "node"))
        self._sshd = Sshd(folder / "sshd", str(self._bin))
        self.port = self._sshd.port

    def prints(self, command: str, script: str, only: str = "") -> None:
        """Replace a command by a shell script. The original is `$0.real`, which answers what has no `only` in it."""
        path = self._bin / command
        path.rename(path.with_suffix(".real"))
        guard = f'case "$*" in *{shlex.quote(only)}*) ;; *) exec "$0.real" "$@";; esac\n' if only else ""
        path.write_text("#!/bin/sh\n" + guard + script + "\n")
        path.chmod(0o755)

    def prints_for_ever(self, command: str, payload: bytes, only: str = "") -> None:
        """Replace a command by one that prints this again and again, as fast as it is read."""
        file = self._bin / f"{command}.payload"
        file.write_bytes(payload * max(1, 262_144 // len(payload)))
        self.prints(command, f"while cat {file}; do :; done", only)

    def stop(self) -> None:
        """End it."""
        self._sshd.stop()


@dataclass
class World:
    """What an attack finds."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start them. `beside` is a second server that nobody attacks: it shows what the busy machine itself costs."""
        folder = self.folder
        for name in ("good", "hostile", "server", "beside"):
            (folder / name).mkdir()
        self.redis = RedisServer(folder)
        install(folder / "good" / "node", sys.executable)
        self.node = SimNode(folder / "good" / "node")
        units(self.node)
        self.sshd = Sshd(folder / "good" / "sshd", str(folder / "good" / "node" / "bin"))
        self.hostile = HostileMachine(folder / "hostile")
        # Its defaults, but for what a test's helper sets, and for clients of their own on loopback.
        usual = {"LOG_LEVEL": "info", "NODE_LINGER": "10", "TRUSTED_PROXIES": "none"}
        self.server = EthPillarServer(folder / "server", self.redis.url, **{**usual, **self.settings})
        self.beside = EthPillarServer(folder / "beside", self.redis.url, **usual)
        self._store: Any = redis_py.Redis.from_url(self.redis.url)
        self.worker = psutil.Process(self.server.worker_pid())

    def session(self, **changes: Any) -> str:
        """A session on the attacker's machine, or elsewhere."""
        token = str(uuid.uuid4())
        record = {"host": "127.0.0.1", "username": USER, "password": PASSWORD, "port": self.hostile.port}
        self._store.set(f"ssh_session:{token}", json.dumps({**record, "lastAccessed": 0, **changes}), ex=10200)
        return token

    def held(self) -> int:
        """Descriptors of the worker, but for its connections to Redis: a few that were needed once are kept."""
        port = int(self.redis.url.rsplit(":", 1)[1].split("/")[0])
        to_redis = [each for each in self.worker.net_connections() if each.raddr and each.raddr.port == port]
        return int(self.worker.num_fds()) - len(to_redis)

    def stop(self) -> None:
        """End all parts."""
        self.server.stop()
        self.beside.stop()
        self.hostile.stop()
        self.sshd.stop()
        self.redis.stop()

    def lag(self) -> tuple[float, float, int]:
        """Milliseconds: the loop's longest lag and its own work in one; and how many were too long. Once it stopped."""
        found = re.search(r"lag of the loop (\d+) ms, of which at most (\d+) ms .*?; (\d+) of", self.server.log)
        return (float(found[1]), float(found[2]), int(found[3])) if found else (float("inf"), float("inf"), 0)


class Victim:
    """Somebody else's page, in a process of its own: one log, the states, and a question each `PAUSE`."""

    def __init__(self, port: int, token: str, source: str = VICTIM) -> None:
        self._pipe, end = _spawn.Pipe()
        self._process = _spawn.Process(target=_ask_again_and_again, args=(port, token, source, end), daemon=True)
        self._process.start()
        assert self._pipe.recv() == "in"

    def took(self) -> list[float]:
        """Milliseconds that each ack took since the last call. Raises ConnectionError if it was disconnected."""
        self._pipe.send("?")
        found = self._pipe.recv()
        if not isinstance(found, list):
            raise ConnectionError(found)
        return found

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()


class Newcomer(threading.Thread):
    """A third person's page, which connects during the attack, to a node of its own."""

    def __init__(self, port: int, token: str, source: str) -> None:
        super().__init__(daemon=True)
        self._where, self._token = (port, source), token
        self.took = float("inf")
        "Milliseconds until it was in."

    def run(self) -> None:
        """Connect, again if it has to, and leave."""
        began = time.monotonic()
        while time.monotonic() < began + KEPT_OUT:
            with contextlib.suppress(OSError, AssertionError):
                page = Raw(*self._where)
                page.socket.settimeout(KEPT_OUT)
                page.connect(self._token)
                self.took = (time.monotonic() - began) * 1000
                page.close()
                return
            time.sleep(0.1)


def _ask_again_and_again(port: int, token: str, source: str, pipe: Any) -> None:
    took: list[float] = []
    problem: str | None = None
    try:
        page = Raw(port, source)
        page.connect(token)
        page.say('420["subscribe_logs",{"service":"execution"}]')
        page.say('421["subscribe_status",{"interval":2000}]')
        pipe.send("in")
        number = 2
        while True:
            started = time.monotonic()
            page.say(f'42{number}["unsubscribe_logs",{{"service":"consensus"}}]')
            wanted = f"43{number}["
            while not (packet := page.hear()).startswith(wanted):
                if packet == "2":
                    page.say("3")
            took.append((time.monotonic() - started) * 1000)
            number += 1
            time.sleep(PAUSE)
            if pipe.poll():
                pipe.recv()
                pipe.send(took)
                took = []
    except (OSError, AssertionError) as found:
        problem = f"{type(found).__name__}: {found}"
    while True:
        pipe.recv()
        pipe.send(problem)


class Attacker:
    """One process that attacks; it counts the bytes that it sends to the server's port."""

    def __init__(self, act: Callable[..., None], *arguments: Any) -> None:
        self.sent = _spawn.Value("q", 0)
        self._process = _spawn.Process(target=_run, args=(act, self.sent, arguments), daemon=True)
        self._process.start()

    @property
    def dead(self) -> bool:
        """True if it failed."""
        return self._process.exitcode not in (None, 0)

    def stop(self) -> None:
        """End it; its connections end with it."""
        self._process.kill()
        self._process.join()


def _run(act: Callable[..., None], sent: Any, arguments: Sequence[Any]) -> None:
    send, send_all = socket.socket.send, socket.socket.sendall

    class Counted(socket.socket):
        def send(self, data: Any, *rest: Any) -> int:  # type: ignore[override]
            count = send(self, data, *rest)
            sent.value += count
            return count

        def sendall(self, data: Any, *rest: Any) -> None:  # type: ignore[override]
            send_all(self, data, *rest)
            sent.value += len(data)

    socket.socket = Counted  # type: ignore[misc]
    with contextlib.suppress(KeyboardInterrupt):
        act(*arguments)


def arrive(port: int, tokens: Sequence[str], source: str = "127.0.1.1") -> list[Raw]:
    """Return a page of each session, which does not wait for its node."""
    pages = []
    for token in tokens:
        page = Raw(port, source)
        page.upgrade()
        page.hear()
        page.say("40" + json.dumps({"token": token}))
        pages.append(page)
    return pages


def dwell(pages: Sequence[Raw]) -> None:
    """Read what comes, and discard it; answer pings. For ever."""
    while True:
        read_all(pages)
        time.sleep(0.02)


def read_all(pages: Sequence[Raw]) -> None:
    """Read what has come, and discard it; answer pings."""
    for page in pages:
        page.socket.setblocking(False)
        with contextlib.suppress(OSError):
            while data := page.socket.recv(1 << 18):
                if b"\x81\x012" in data:
                    page.socket.setblocking(True)
                    page.say("3")
                    page.socket.setblocking(False)
        page.socket.setblocking(True)
