"""The servers that are measured: this one, another checkout of it, and the peer."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import psutil

from tests.programs import environment, node, npm
from tests.system.parts import EthPillarServer, free_port
from tests.waiting import until

PEER = Path(__file__).resolve().parent / "peer"
_TICKS = os.sysconf("SC_CLK_TCK")


class Ours(EthPillarServer):
    """This server, or another checkout of it, as in production."""

    def __init__(self, folder: Path, redis_url: str, root: Path | None = None, **settings: str) -> None:
        if root is not None:
            self.root = root
        super().__init__(folder, redis_url, **{"LOG_LEVEL": "warning", "NODE_LINGER": "0", **settings})

    def pid(self) -> int:
        """The process whose CPU counts."""
        return self.worker_pid()


class Peer:
    """`bench/peer/server.mjs`."""

    def __init__(self, _folder: Path, redis_url: str) -> None:
        self.port = free_port()
        if not (PEER / "node_modules").exists():
            words = [*(npm() or ["npm"]), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(words, cwd=PEER, env=environment(), check=True)
        self._process = subprocess.Popen([str(node()), str(PEER / "server.mjs"), str(self.port), redis_url])
        until(self._answers, "the peer")

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            return False
        return True

    def pid(self) -> int:
        """The process whose CPU counts."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used, user and system (/proc/PID/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> int:
    """Return the bytes of memory of a process (RSS)."""
    return int(psutil.Process(pid).memory_info().rss)
