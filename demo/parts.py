"""The parts of the demo, each started, waited for and ended: the node, its SSH server, the session, the real server."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .children import start, stop
from .embedded import Redis

ROOT = Path(__file__).resolve().parents[1]
USER = "staker"
SESSION_TTL = 10_200
DEADLINE = 30.0
"Seconds a part may take to be ready."

Check = Callable[[], None]


class DemoError(Exception):
    """The demo can't start or go on. The text says why, in one line."""


def check_packages() -> None:
    """Raises when a package that the demo needs is missing."""
    needed = {"socketio": "python-socketio", "websocket": "websocket-client", "requests": "requests"}
    needed |= {"gunicorn": "gunicorn", "paramiko": "paramiko"}
    missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise DemoError(
            f"not installed: {', '.join(missing)} (pip install -r requirements.txt -r requirements-demo.txt)"
        )


def last_word(log: Path) -> str:
    """What a part has said about its end: its last error, else its last line."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    errors = [line for line in lines if re.match(r"\w+(\.\w+)*(Error|Exception): ", line)]
    return (errors or lines or ["it said nothing"])[-1]


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the demo."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises when it has ended."""
        status = self.process.poll()
        if status is not None:
            raise DemoError(f"{self.name} ended with status {status}: {last_word(self.log)}")


@dataclass(frozen=True, slots=True)
class Ssh(Part):
    """The SSH server of the simulated node."""

    port: int
    password: str
    host_key: str


@contextlib.contextmanager
def ssh_server(folder: Path, state: Path, check: Check) -> Iterator[Ssh]:
    """The simulated node's SSH server."""
    log, password = folder / "ssh.log", secrets.token_urlsafe(12)
    secret = folder / "password"
    secret.touch(0o600)
    secret.write_text(password)
    words = [sys.executable, "-m", "demo.ssh_server", "--state", str(state), "--user", USER]
    process = start([*words, "--password-file", str(secret), "--keep"], log, cwd=ROOT)
    try:
        end = time.monotonic() + DEADLINE
        while not (log.exists() and log.read_text().endswith("}\n")):
            check()
            Part("the node's SSH server", process, log).check()
            if time.monotonic() > end:
                raise DemoError("the node's SSH server does not start")
            time.sleep(0.02)
        told = json.loads(log.read_text().splitlines()[-1])
        yield Ssh("the node's SSH server", process, log, told["port"], password, told["host_key"])
    finally:
        stop(process, 5)


def write_session(redis: Redis, ssh: Ssh) -> str:
    """A session as the dashboard writes it; its token."""
    token = str(uuid.uuid4())
    session = {
        "host": "127.0.0.1",
        "port": ssh.port,
        "username": USER,
        "password": ssh.password,
        "hostKey": ssh.host_key,
        "lastAccessed": int(time.time() * 1000),
    }
    answer = redis.command("SET", f"ssh_session:{token}", json.dumps(session), "EX", SESSION_TTL)
    if answer != "+OK":
        raise DemoError(f"Redis did not take the session: {answer}")
    return token


def wanted_port(option: int | None) -> int:
    """The port that was asked for by `--port`, or else by `WS_PORT`; 0 for any."""
    name, text = ("WS_PORT", os.environ.get("WS_PORT") or "0") if option is None else ("--port", str(option))
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise DemoError(f"{name} must be a port: a number from 1 to 65535")
    return int(text)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(folder: Path, redis: Redis, port: int, check: Check) -> Iterator[Part]:
    """The real server, with the production command."""
    log = folder / "server.log"
    environment = {
        **os.environ,
        "REDIS_URL": redis.url,
        "WS_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "FRONTEND_URL": os.environ.get("FRONTEND_URL", "http://localhost:3000"),
        "SSH_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SSH_DENIED_NETWORKS": "",
        "CONSOLE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    words = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    part = Part("the server", start(words, log, environment, ROOT), log)
    try:
        end = time.monotonic() + DEADLINE
        while not ready(port):
            check()
            part.check()
            if time.monotonic() > end:
                raise DemoError(f"the server does not get ready: {last_word(log)}")
            time.sleep(0.05)
        yield part
    finally:
        stop(part.process)


def ready(port: int) -> bool:
    """Return True if `/readyz` says yes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
