"""A machine on which the server itself is installed, by the lines in deploy/droplet/README.md as they stand there.

Belongs here: what is put in the place of a forge, an editor and a package mirror, and running the lines of a document.
The machine is a node as well: its own sshd, users and units are what the server watches.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from ..bare.__main__ import _KEPT, CERTIFICATES
from ..debian import Debian
from ..system.parts import ROOT, free_port
from .conftest import Node
from .root import PACKAGES, SUITE, USERS

MORE = ("git", "python3-venv", "redis-server", "ca-certificates", "nano")
"What the README has people install by apt: here it is there already, and apt finds nothing to do."
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INSTALLING = 300.0
"Seconds for all that pip downloads."


def blocks(page: str) -> list[str]:
    """Return the commands of a page, block by block."""
    return BLOCK.findall((ROOT / page).read_text())


class Droplet(Node):
    """A machine as a person has it before the first line is typed, with a forge in `/project.git`."""

    def __init__(self, folder: Path) -> None:
        """Boot it. Raises `CannotRun`."""
        self.installed = ""
        "What was printed when the lines of the README were typed."
        self.redis_port, self.ports = free_port(), (free_port(), free_port())
        super().__init__(folder, Debian(SUITE, (*PACKAGES, *MORE), USERS).root())
        self._environment = [f"{name}={value}" for name, value in os.environ.items() if _KEPT.fullmatch(name)]

    def write_more(self, seed: Path) -> None:
        """See `Node`: the forge, and a Redis on a port of its own, as all machines here share one network."""
        subprocess.run(["git", "clone", "-q", "--bare", str(ROOT), str(seed / "project.git")], check=True)
        (seed / "etc/gitconfig").write_text(
            "[safe]\n\tdirectory = *\n[user]\n\tname = tests\n\temail = tests@example.invalid\n"
        )
        shutil.copy("/etc/resolv.conf", seed / "etc/resolv.conf")
        if CERTIFICATES.exists():
            (seed / "etc/ssl/certs").mkdir(parents=True)
            shutil.copy(CERTIFICATES, seed / "etc/ssl/certs/ca-certificates.crt")
        unit = seed / "etc/systemd/system/redis-server.service.d/port.conf"
        unit.parent.mkdir(parents=True)
        start = (
            f"/usr/bin/redis-server /etc/redis/redis.conf --port {self.redis_port} --supervised systemd --daemonize no"
        )
        unit.write_text(f"[Service]\nExecStart=\nExecStart={start}\n")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.ports[0]}"

    def type(self, text: str, check: bool = True) -> str:
        """Type lines into a shell of root's, which ends at the first that fails; what they print."""
        for line, instead in {
            "REPOSITORY": "file:///project.git",
            "nano /etc/ethpillar.env": "cp /root/edited /etc/ethpillar.env && chmod 600 /etc/ethpillar.env",
            "3001": str(self.ports[0]),
            "3002": str(self.ports[1]),
        }.items():
            text = text.replace(line, instead)
        words = ["env", "HOME=/root", *self._environment, "bash", "-ec", text]
        return self.machine.run(*words, check=check, deadline=INSTALLING)

    def edit(self, **settings: object) -> None:
        """Write the settings' file as an editor would leave it, for root alone."""
        own = {
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "FRONTEND_URL": "http://localhost:3000",
            "BIND_HOST": "127.0.0.1",
            "WS_PORT": self.ports[0],
            "TRUSTED_PROXIES": "none",
            "NODE_LINGER": 0,
            **settings,
        }
        text = "".join(f"{name}={value}\n" for name, value in own.items() if value != "")
        self.machine.run("sh", "-c", "umask 077; cat > /root/edited; cat /root/edited > /etc/ethpillar.env", stdin=text)

    def said(self, *options: str) -> list[str]:
        """What the unit has said so far."""
        return self.machine.run("journalctl", "-q", "-u", "ethpillar", "-o", "cat", *options).splitlines()

    def change(self, path: str, command: str) -> None:
        """Push a commit to the forge in which a shell command has changed a file."""
        quoted = shlex.quote(path)
        self.type(
            "rm -rf /root/work; git clone -q file:///project.git /root/work; cd /root/work; "
            f"f={quoted}; {command}; git commit -qam change; git push -q"
        )
