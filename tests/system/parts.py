"""Real parts, each in a process of its own, on loopback, with nothing left behind.

The node behind sshd is simulated: its `journalctl`, `systemctl` and `sudo` are `demo.simnode`'s. SSH and Redis
between it and the server are real.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo.embedded import executable as redis_executable
from tests.programs import missing, need
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "staker", "correct horse"
# sha512-crypt of PASSWORD, as shadow(5) wants it.
_SHADOW = "$6$ethpillartest$ImslENSsrOMxigX4O/SxFNgsYqTJjU7ENV6nM2zVxtNVgpuXQG5A0kyy1CpZYxWdtFTh/OJJwb3wY0YRBWhc71"


# Of several pytests that run at the same time (tests/__main__.py) each has ports of its own.
_place = int(os.environ.get("TESTS_PLACE", "0")) % 10
_share = range(12_000 + 2_000 * _place, 14_000 + 2_000 * _place)
_ports = itertools.cycle(random.sample(_share, len(_share)))


def free_port() -> int:
    """A TCP port that is free, and that no test of this run had before.

    It is below those that Linux gives to outgoing connections, so it stays free until it is listened on, and however
    often it is; and what a server remembers of it, such as a host key, is of the part that has it now.
    """
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable")


class RedisServer:
    """A real valkey-server or redis-server on loopback that can be stopped, started and frozen."""

    def __init__(self, folder: Path, *options: str, program: str | None = None, tls: bool = False) -> None:
        """:param program: which one to run; None: the one that the demo runs"""
        executable = program or redis_executable()
        if executable is None:
            missing("valkey-server or redis-server")
        self.port = free_port()
        self._command = [
            *(
                str(executable),
                "--tls-port" if tls else "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(folder),
            ),
            *("--daemonize", "no", *(["--port", "0"] if tls else []), *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """For `REDIS_URL`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it (again) and waits until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: answers(self.port), "redis-server")

    def stop(self) -> None:
        """Kills it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Sends it a signal, e.g. SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(number)


def answers(port: int) -> bool:
    """Return True if something listens on a port of loopback."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.2):
            return True
    except OSError:
        return False


@functools.cache
def _rsa_host_key() -> dict[str, bytes]:
    """The files of an RSA host key. All sshds of a run share it: making one takes a third of a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "host_rsa"
        subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(path)], check=True)
        return {each.name: each.read_bytes() for each in (path, path.with_suffix(".pub"))}


class Sshd:
    """A real OpenSSH sshd on loopback, with a user and a password of its own.

    As root it runs in a mount namespace with passwd and shadow files of its own, so that the machine's users stay as
    they are. `MaxSessions` is left at its default unless an option says else.
    """

    program = "sshd"

    def __init__(self, folder: Path, path: str, **options: str) -> None:
        """:param path: the PATH of commands; :param options: lines of sshd_config"""
        self.executable = need(self.program)
        need("ssh-keygen")
        need("unshare")
        if os.geteuid() != 0:
            missing("root, which sshd needs for password logins,")
        self.folder = folder
        self.port = free_port()
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._options = options
        self._write_files()
        self.start()

    def _write_files(self) -> None:
        folder = self.folder
        folder.mkdir(exist_ok=True)
        self.new_host_key("ed25519")
        for name, content in _rsa_host_key().items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        home = folder / "home"
        (home / ".ssh").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "client")], check=True, input=b"y\n"
        )
        (home / ".ssh" / "authorized_keys").write_text((folder / "client.pub").read_text())
        shell = folder / "shell"
        shell.write_text(f'#!/bin/sh\nPATH="{self._path}:$PATH"; export PATH\nexec /bin/sh "$@"\n')
        shell.chmod(0o755)
        passwd = Path("/etc/passwd").read_text() + f"{USER}:x:0:0::{home}:{shell}\n"
        (folder / "passwd").write_text(passwd)
        (folder / "shadow").write_text(Path("/etc/shadow").read_text() + f"{USER}:{_SHADOW}:19000:0:99999:7:::\n")
        (folder / "log").touch()
        rules = Path("/etc/pam.d/sshd")
        (folder / "pam").write_text(rules.read_text() if rules.exists() else "")

    def new_host_key(self, kind: str = "ed25519") -> None:
        """Makes a new host key; sshd has it after a restart."""
        path = self.folder / f"host_{kind}"
        path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)

    def fingerprint(self, kind: str = "ed25519") -> str:
        """`SHA256:...` of a host key, as ssh-keygen tells it."""
        path = str(self.folder / f"host_{kind}.pub")
        return subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True).stdout.split()[1]

    @property
    def private_key(self) -> str:
        """The text of the key that the user may log in with."""
        return (self.folder / "client").read_text()

    def start(self) -> None:
        """Starts it (again) on the same port and waits until it answers."""
        options = {
            "UsePAM": "no",
            "PasswordAuthentication": "yes",
            "PermitRootLogin": "yes",  # the user has uid 0 under another name: every process here is root's
            "StrictModes": "no",
            "PidFile": "none",
            "LogLevel": "VERBOSE",
            "MaxStartups": "500",
            "PerSourceMaxStartups": "none",
            "LoginGraceTime": "30",
            **self._options,
        }
        lines = [f"Port {self.port}", "ListenAddress 127.0.0.1", *(f"{key} {value}" for key, value in options.items())]
        lines += [f"HostKey {self.folder / 'host_ed25519'}", f"HostKey {self.folder / 'host_rsa'}"]
        config = self.folder / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        script = (
            f"mount --bind {self.folder}/passwd /etc/passwd && mount --bind {self.folder}/shadow /etc/shadow && "
            f"if [ -e /etc/pam.d/sshd ]; then mount --bind {self.folder}/pam /etc/pam.d/sshd; fi && "
            f"mkdir -p /run/sshd && exec {self.executable} -D -f {config} -E {self.folder}/log"
        )
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        until(lambda: answers(self.port), "sshd")

    def stop(self) -> None:
        """Kills it and every connection and process it has."""
        if self._process is None:
            return
        for pid in self.descendants():
            _kill(pid)
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop_listening(self) -> None:
        """Kills the listener; connections go on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def descendants(self) -> list[int]:
        """The processes under the listener: one or two for each connection, and what they run."""
        return descendants(self._process.pid) if self._process is not None else []

    def logins(self) -> int:
        """How many logins were accepted so far."""
        return (self.folder / "log").read_text(errors="replace").count("Accepted ")

    def failures(self) -> int:
        """How many passwords or keys were refused so far, as fail2ban counts them."""
        return (self.folder / "log").read_text(errors="replace").count("Failed password")

    def connections(self) -> int:
        """How many TCP connections are established with it now."""
        found = Path("/proc/net/tcp").read_text().splitlines()[1:]
        port = f"{self.port:04X}"
        return sum(1 for line in found if line.split()[1].endswith(":" + port) and line.split()[3] == "01")


def descendants(pid: int) -> list[int]:
    """All processes under one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class EthPillarServer:
    """The production command: `gunicorn -c gunicorn.conf.py wsgi:app`."""

    prefix: tuple[str, ...] = ()
    "What the command is run by."
    root = ROOT
    "The checkout that is run."

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        self.port = free_port()
        self.log_path = folder / f"server-{self.port}.log"
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
            "REDIS_URL": redis_url,
            "WS_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "FRONTEND_URL": "http://localhost:3000",
            "LOG_LEVEL": "debug",
            "NODE_LINGER": "0.5",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has told so far."""
        return self.log_path.read_text(errors="replace")

    def start(self) -> None:
        """Starts it (again) on the same port and waits until it is alive."""
        command = [*self.prefix, sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.root, env=self._environment, stdout=log, stderr=log)
        try:
            until(lambda: self._alive(), "the server", 60)
        except BaseException:
            self.stop()
            raise

    def _alive(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError("the server died:\n" + self.log)
        return answers(self.port) and self.get("/healthz")[0] == 200

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and text of a GET."""
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        except OSError:
            return 0, {}, ""
        finally:
            connection.close()

    def worker_pid(self) -> int:
        """The process that does the work."""
        assert self.process is not None
        return until(lambda: descendants(self.process.pid), "the worker")[0]  # type: ignore[union-attr]

    def terminate(self) -> float:
        """SIGTERM; the seconds it took to exit."""
        assert self.process is not None
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        return time.monotonic() - started

    def kill(self) -> None:
        """Kills it with all its processes, as a machine that loses power does."""
        assert self.process is not None
        for pid in [*descendants(self.process.pid), self.process.pid]:
            _kill(pid)
        self.process.wait()

    def stop(self) -> None:
        """Ends it, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            below = descendants(self.process.pid)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for pid in below:
                _kill(pid)
