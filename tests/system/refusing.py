"""A proxy before a real Redis that passes on some commands only, as the managed ones do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection
from typing import Any

from .parts import free_port


class RefusingProxy:
    """Answers commands that it does not know with an error, and hands all others to a Redis."""

    def __init__(self, port: int, refused: Collection[str]) -> None:
        self.refused = set(refused)
        self.asked: set[str] = set()
        "The commands that came."
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            client,
            socket.create_connection(("127.0.0.1", self._to)) as server,
            contextlib.suppress(OSError, EOFError),
        ):
            asking, answers = client.makefile("rb"), server.makefile("rb")
            while True:
                raw = _read(asking)
                name = raw.split(b"\r\n")[2].decode().upper()
                self.asked.add(name)
                if name in self.refused:
                    client.sendall(f"-ERR unknown command '{name}'\r\n".encode())
                    continue
                server.sendall(raw)
                client.sendall(_read(answers))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _read(stream: Any) -> bytes:
    """Read one value of the protocol."""
    line: bytes = stream.readline()
    if not line:
        raise EOFError
    if line[:1] == b"$":
        size = int(line[1:])
        return line + (stream.read(size + 2) if size >= 0 else b"")
    if line[:1] == b"*":
        return line + b"".join(_read(stream) for _ in range(int(line[1:])))
    return line
