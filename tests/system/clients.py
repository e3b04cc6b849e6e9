"""The official JavaScript socket.io-client, in a Node.js process that is told what to do."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from .. import programs
from ..programs import missing
from ..waiting import until
from .parts import ROOT

JS = ROOT / "tests" / "js"


class JsSocket:
    """One socket.io-client socket in the driver's process."""

    def __init__(self, clients: JsClients, number: int) -> None:
        self._clients = clients
        self.id = number
        self.received: list[tuple[str, list[Any]]] = []
        self.acks: dict[int, list[Any]] = {}

    def emit(self, event: str, *arguments: Any) -> None:
        """Sends an event."""
        self._clients.send(op="emit", id=self.id, event=event, args=list(arguments))

    def call(self, event: str, *arguments: Any, deadline: float = 20.0) -> Any:
        """Sends an event and waits for its ack; the ack's first argument."""
        number = self._clients.next_ack()
        self._clients.send(op="emit", id=self.id, event=event, args=list(arguments), ack=number)
        answer = until(lambda: self.acks.get(number), f"the ack of {event}", deadline)
        return answer[0]

    def close(self) -> None:
        """Disconnects as a page does that is left."""
        self._clients.send(op="close", id=self.id)

    def kill(self) -> None:
        """Cuts the transport; the client reconnects by itself."""
        self._clients.send(op="kill", id=self.id)

    def events(self, name: str) -> list[Any]:
        """The first arguments of all events of a name, in order."""
        return [(args[0] if args else None) for event, args in list(self.received) if event == name]

    def changes(self) -> list[Any]:
        """The `connection_state`s, without those that only say more of a node that is connected."""
        return [each for each in self.events("connection_state") if "node" not in each]

    def wait(self, name: str, condition: Callable[[Any], Any] = lambda _: True, deadline: float = 20.0) -> Any:
        """The first event of a name that fulfils the condition."""

        def look() -> list[Any]:
            return [payload for payload in self.events(name) if condition(payload)][:1]

        try:
            return until(look, f"{name} on socket {self.id}", deadline)[0]
        except AssertionError as problem:
            raise AssertionError(f"{problem}; it got {self.received[-8:]}") from None

    def lines(self, service: str) -> list[str]:
        """The lines of a service so far, from `log_data` and `log_batch`, without the empty one of a silent unit."""
        found: list[str] = []
        for event, args in list(self.received):
            if event == "log_data" and args[0]["service"] == service and args[0] != {"service": service, "line": ""}:
                found.append(args[0]["line"])
            elif event == "log_batch" and args[0]["service"] == service:
                found += [entry["line"] for entry in args[0]["entries"]]
        return found


class JsClients:
    """A Node process with the official socket.io-client. It takes half a second to start."""

    def __init__(self, url: str = "") -> None:
        """:param url: the server that sockets connect to, unless they are given another one"""
        node = programs.node()
        if node is None:
            missing(f"Node.js {programs.NODE_SINCE} or newer")
        if not (JS / "node_modules" / "socket.io-client").exists():
            missing("socket.io-client (npm ci in tests/js)")
        self.url = url
        self._sockets: dict[int, JsSocket] = {}
        self._ids = itertools.count()
        self._acks = 0
        self._process = subprocess.Popen(
            [str(node), "driver.mjs"], cwd=JS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(20):
            raise AssertionError("the JavaScript client did not start")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            message = json.loads(text)
            if message.get("event") == "ready" and "id" not in message:
                self._ready.set()
                continue
            socket = self._sockets.get(message["id"])
            if socket is None:
                continue  # of a test that has ended
            if "ack" in message:
                socket.acks[message["ack"]] = message["args"] or [None]
            else:
                socket.received.append((message["event"], message["args"]))

    def send(self, **command: Any) -> None:
        """Tells the driver something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def next_ack(self) -> int:
        """A number for an ack."""
        self._acks += 1
        return self._acks

    def open(self, token: str | None = None, url: str | None = None, **options: Any) -> JsSocket:
        """A new socket, as the frontend opens it, with other options where they are given."""
        socket = JsSocket(self, next(self._ids))
        self._sockets[socket.id] = socket
        chosen: dict[str, Any] = {"path": "/", "addTrailingSlash": False, "transports": ["websocket", "polling"]}
        if token is not None:
            chosen["auth"] = {"token": token}
        self.send(op="open", id=socket.id, url=url or self.url, options={**chosen, **options})
        return socket

    def pause(self, seconds: float) -> None:
        """Freezes the whole client."""
        self.send(op="pause", seconds=seconds)

    def freeze(self, frozen: bool) -> None:
        """Stops or continues the process."""
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def close_sockets(self) -> None:
        """Disconnects every socket, and forgets it; the process stays, for other sockets."""
        self.freeze(False)
        sockets, self._sockets = self._sockets, {}
        for number in sockets:
            self.send(op="close", id=number)

    def close(self) -> None:
        """Disconnects every socket and ends the process."""
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
