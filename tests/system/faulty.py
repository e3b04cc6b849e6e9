"""SSH servers that misbehave: one that stops listening at a chosen message, and one that is no SSH server at all."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.packet import Packetizer

from demo.simnode import SimNode
from demo.ssh_server import Execution

from .parts import PASSWORD, free_port

KEXINIT, KEX_REPLY, SERVICE, LOGIN, OPEN, EXEC, CLOSE = 20, 30, 5, 50, 90, 98, 97
"Numbers of messages that a client sends."


class Listener:
    """Listens on a port of its own and hands every connection to `serve`, in a thread."""

    def __init__(self, serve: Callable[[socket.socket], None] | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = int(self._listener.getsockname()[1])
        self.accepted = 0
        self._connections: list[socket.socket] = []
        self._serve = serve or self.serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                self._connections.append(connection)
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._serve(connection)

    def serve(self, connection: socket.socket) -> None:
        """One connection. This one is silent until its client goes away."""
        while connection.recv(65536):
            pass
        connection.close()

    def close(self) -> None:
        """Ends everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.disconnect()

    def disconnect(self) -> None:
        """Ends every connection."""
        connections, self._connections = self._connections, []
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class _Deaf(Packetizer):
    def __init__(self, sock: Any, server: DeafServer) -> None:
        super().__init__(sock)
        self._server = server
        self._seen: Counter[int] = Counter()

    def read_message(self) -> Any:
        while True:
            number, message = super().read_message()
            self._seen[number] += 1
            first = self._server.deaf.get(number)
            if first is None or self._seen[number] < first:
                return number, message
            if self._server.hangs_up:
                raise EOFError


class DeafServer(Listener):
    """A node behind an SSH server that can be made deaf: messages of a kind are read and never acted upon."""

    def __init__(self, node: SimNode) -> None:
        self.deaf: dict[int, int] = {}
        "Number of a message: from its how manieth on, in each connection, it is ignored."
        self.hangs_up = False
        "Hangs up instead of ignoring."
        self.password = PASSWORD
        self.passwords: list[str] = []
        "Every password that was shown."
        self.second_factor: tuple[str, ...] = ()
        "Questions that are asked, one by one, after a right password or key; with any, nobody gets in."
        self.methods = "password"
        self.key: paramiko.PKey = paramiko.ECDSAKey.generate()
        self.environment = {"PATH": f"{node.state / 'bin'}:{os.environ['PATH']}"}
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection, packetizer_class=lambda sock: _Deaf(sock, self))
        transport.add_server_key(self.key)
        transport.start_server(event=threading.Event(), server=_Session(self))


class _Session(paramiko.ServerInterface):
    def __init__(self, server: DeafServer) -> None:
        self._server = server
        self._methods = server.methods
        self._questions = list(server.second_factor)

    def get_allowed_auths(self, username: str) -> str:
        return self._methods

    def _so_far(self) -> int:
        if not self._questions:
            return int(paramiko.AUTH_SUCCESSFUL)
        self._methods = "keyboard-interactive"
        return int(paramiko.AUTH_PARTIALLY_SUCCESSFUL)

    def check_auth_password(self, username: str, password: str) -> int:
        self._server.passwords.append(password)
        return self._so_far() if password == self._server.password else int(paramiko.AUTH_FAILED)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._so_far()

    def check_auth_interactive(self, username: str, submethods: str) -> Any:
        return paramiko.InteractiveQuery("", "", (self._questions.pop(0), False))

    def check_auth_interactive_response(self, responses: list[str]) -> Any:
        self._server.passwords += responses
        if self._questions:
            return paramiko.InteractiveQuery("", "", (self._questions.pop(0), False))
        return int(paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        channel.get_transport().accept(0)
        Execution(channel, command.decode(), self._server.environment)
        return True
