"""A TCP proxy in front of sshd or Redis that can cut, refuse, freeze, trickle, delay, and lead elsewhere."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from .parts import free_port

CHUNK = 16384


class Proxy:
    """Listens on a port of its own and forwards to another, with faults on demand."""

    def __init__(self, target: int) -> None:
        self.target = target
        "The port that new connections lead to."
        self._listener = socket.create_server(("127.0.0.1", free_port()), reuse_port=False)
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._refusing = False
        self._trickling = False
        self.delay = 0.0
        "Seconds that every piece of data takes longer."
        self._closed = False
        self.accepted = 0
        "How many connections came so far, those refused included."
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self._refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            self._pairs.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(64 if self._trickling else CHUNK):
                self._flowing.wait()
                if self._trickling:
                    time.sleep(0.001)  # what makes it a trickle
                if self.delay:
                    time.sleep(self.delay)  # what makes it slow
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Every connection breaks; new ones are let through."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, not a FIN
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def refuse(self, refusing: bool) -> None:
        """New connections are closed at once."""
        self._refusing = refusing

    def freeze(self, frozen: bool) -> None:
        """Bytes are taken and not delivered; nobody is told."""
        if frozen:
            self._flowing.clear()
        else:
            self._flowing.set()

    def trickle(self, trickling: bool) -> None:
        """Bytes come a few at a time."""
        self._trickling = trickling

    def close(self) -> None:
        """Ends everything."""
        self._closed = True
        self._flowing.set()
        self._listener.close()
        self.cut()
