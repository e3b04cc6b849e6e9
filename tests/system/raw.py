"""Clients that do as they please: bytes on a TCP connection, and WebSocket frames by hand."""

from __future__ import annotations

import json
import socket
from typing import Any

from ..frames import frame

HANDSHAKE = (
    "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


class Raw:
    """A TCP connection to the server."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 20, source_address=(source, 0))
        self._buffer = b""

    def send(self, data: str | bytes) -> bool:
        """Send. Return False if the connection is not there any more.

        Raises TimeoutError when the server neither reads nor ends the connection in 20 s: that is no end.
        """
        try:
            self.socket.sendall(data.encode() if isinstance(data, str) else data)
        except TimeoutError:
            raise
        except OSError:
            return False
        return True

    def rest(self) -> bytes:
        """All that comes until the server ends the connection. Fails when it does not."""
        found, self._buffer = self._buffer, b""
        try:
            while data := self.socket.recv(65536):
                found += data
        except ConnectionError:
            return found
        return found

    def ended(self) -> bool:
        """Return True if the server has ended the connection; do not wait, and discard what came."""
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(1 << 20)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        finally:
            self.socket.settimeout(20)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            data = self.socket.recv(65536)
            if not data:
                break
            self._buffer += data
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server ended the connection")
            self._buffer += data
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer; status 0 when the connection ended instead."""
        head = self._until(b"\r\n\r\n").decode()
        if not head:
            return 0, {}, b""
        lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        return int(lines[0].split()[1]), headers, self._exactly(int(headers.get("content-length", 0)))

    def request(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request and its answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)
        return self.answer()

    # -- WebSocket

    def upgrade(self, **headers: str) -> int:
        """The opening handshake of a new Engine.IO session; its status."""
        self.send(HANDSHAKE + "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items()) + "\r\n")
        return self.answer()[0]

    def say(self, packet: str | bytes) -> bool:
        """Sends a packet in a frame."""
        data = packet.encode() if isinstance(packet, str) else packet
        return self.send(frame(1 if isinstance(packet, str) else 2, data))

    def hear(self) -> str:
        """The next packet. Raises ConnectionError at the end."""
        first, length = self._exactly(2)
        if length > 125:
            length = int.from_bytes(self._exactly(2 if length == 126 else 8), "big")
        data = self._exactly(length)
        if first & 0x0F == 8:
            raise ConnectionError("closed")
        return data.decode()

    def hear_event(self, name: str) -> Any:
        """The payload of the next event of that name; answers pings meanwhile."""
        while True:
            packet = self.hear()
            if packet == "2":
                self.say("3")
            if packet.startswith("42"):
                event = json.loads(packet[2:])
                if event[0] == name:
                    return event[1] if len(event) > 1 else None

    def connect(self, token: str | None = None, **headers: str) -> None:
        """Becomes a Socket.IO socket; with a token it waits until it is in."""
        assert self.upgrade(**headers) == 101
        assert self.hear().startswith("0")
        self.say("40" + (json.dumps({"token": token}) if token else ""))
        assert self.hear().startswith("40")
        if token:
            self.hear_event("authenticated")

    def close(self) -> None:
        self.socket.close()


def polling_session(connection: Raw, **headers: str) -> str:
    """The URL of a new polling session."""
    status, _, body = connection.request("GET", "/?EIO=4&transport=polling", **headers)
    assert status == 200
    return "/?EIO=4&transport=polling&sid=" + str(json.loads(body[1:])["sid"])
