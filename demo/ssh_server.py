"""A real SSH server on loopback for the simulated node, made of paramiko.

Belongs here: logins with one password, channels, and the processes behind them. It must not know what the commands
do: it runs `sh -c` with the node's `bin` first in PATH, as a login on a node would.

    python -m demo.ssh_server --state DIR --port 0 --user staker --password-file FILE

prints `{"port": ..., "host_key": "SHA256:..."}` and serves until SIGTERM, or, without `--keep`, until its standard
input ends: so it does not outlive the process that started it.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko

from .simnode import install

MAX_SESSIONS = 10
"Channels of one connection, as sshd has it by default; a further one is refused."
_READ = 32 * 1024


def host_key(path: Path) -> paramiko.PKey:
    """The key in a file; made when there is none."""
    if not path.exists():
        paramiko.ECDSAKey.generate().write_private_key_file(str(path))
    return paramiko.ECDSAKey.from_private_key_file(str(path))


def fingerprint(key: paramiko.PKey) -> str:
    """`SHA256:...`, as ssh-keygen tells it."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


class Execution:
    """A command that a client runs on a channel. It ends when the command does, or when the channel does."""

    def __init__(self, channel: paramiko.Channel, command: str, environment: dict[str, str]) -> None:
        self._channel = channel
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )
        for work in (self._feed, self._serve, self._watch):
            _in_background(work)

    def _feed(self) -> None:
        """Standard input, until the client ends it."""
        stdin: Any = self._process.stdin
        with contextlib.suppress(OSError, EOFError):
            while data := self._channel.recv(_READ):
                view = memoryview(data)
                while view:
                    view = view[stdin.write(view) :]
        with contextlib.suppress(OSError):
            stdin.close()

    def _serve(self) -> None:
        """Standard output and error, then the exit status."""
        errors = threading.Thread(
            target=self._pump, args=(self._process.stderr, self._channel.sendall_stderr), daemon=True
        )
        errors.start()
        self._pump(self._process.stdout, self._channel.sendall)
        errors.join()
        status = self._process.wait()
        with contextlib.suppress(OSError, EOFError):
            self._channel.send_exit_status(status if status >= 0 else 128 - status)
            self._channel.shutdown_write()
            self._channel.close()

    def _pump(self, source: Any, send: Callable[[bytes], None]) -> None:
        # `send` waits while the client's window is full, and then the command's pipe fills: back-pressure.
        with contextlib.suppress(OSError, EOFError):
            while data := source.read(_READ):
                send(data)
        # Nobody reads any more: a command that goes on writing gets to know, as from sshd.
        with contextlib.suppress(OSError):
            source.close()

    def _watch(self) -> None:
        # On this side there is never an exit status to come, so the event means that the channel is closed.
        self._channel.status_event.wait()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class _Session(paramiko.ServerInterface):
    """What one connection may do."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._open = 0

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        right = username == self._server.user and hmac.compare_digest(password.encode(), self._server.password.encode())
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind != "session":
            return int(paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE)
        if self._open >= MAX_SESSIONS:
            return int(paramiko.OPEN_FAILED_CONNECT_FAILED)
        self._open += 1
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        _in_background(lambda: self._count_down(channel))
        channel.get_transport().accept(0)  # takes it off paramiko's list of channels that nobody has asked for
        try:
            Execution(channel, command.decode("utf-8", "surrogateescape"), self._server.environment)
        except (OSError, ValueError):
            return False
        return True

    def _count_down(self, channel: paramiko.Channel) -> None:
        channel.status_event.wait()
        self._open -= 1


class SshServer:
    """The server. Its threads are daemons; `close` ends every connection and command."""

    def __init__(self, state: Path, user: str, password: str, port: int = 0) -> None:
        folder = install(state)
        self.user = user
        self.password = password
        self.environment = {
            **{key: value for key, value in os.environ.items() if key in ("HOME", "LANG", "TZ", "TMPDIR")},
            "PATH": f"{folder}:{os.environ.get('PATH', os.defpath)}",
            "USER": user,
        }
        self.key = host_key(state / "host_key")
        self._listener = socket.create_server(("127.0.0.1", port))
        self._transports: set[paramiko.Transport] = set()
        self._closed = False
        _in_background(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._transports = {transport for transport in self._transports if transport.is_active()}
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            self._transports.add(transport)
            with contextlib.suppress(paramiko.SSHException, OSError):
                transport.start_server(event=threading.Event(), server=_Session(self))

    def close(self) -> None:
        """Ends it, its connections and their commands."""
        self._closed = True
        # shutdown() wakes the thread that waits in accept(); close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in self._transports:
            transport.close()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.ssh_server")
    parser.add_argument("--state", type=Path, required=True, help="the simulated node's directory")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="staker")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="go on when standard input ends")
    options = parser.parse_args()
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # a client that goes away is no news here
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: end.set())
    password = options.password_file.read_text().rstrip("\n")
    try:
        server = SshServer(options.state, options.user, password, options.port)
    except OSError as problem:
        print(f"ssh_server: {problem}", file=sys.stderr)
        return 1
    print(json.dumps({"port": server.port, "host_key": fingerprint(server.key)}), flush=True)

    def until_stdin_ends() -> None:
        while os.read(0, 1024):
            pass
        end.set()

    if not options.keep:
        _in_background(until_stdin_ends)
    end.wait()
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
