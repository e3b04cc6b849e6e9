"""A client of the server, as a dashboard is one: shows its token, subscribes, and keeps what comes.

Belongs here: Socket.IO and the model of what is shown. It must not know how it is shown.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

import socketio

from .parts import DemoError

BACKLOG = 20
"Lines of each service's past that are asked for."

Payload = dict[str, Any]


class Watcher:
    """Receives in threads of its own; `drain` hands over to the caller's."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._incoming: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._subscribed: set[str] = set()
        self.services: list[Payload] = []
        "The latest `status_update`."
        self.lines = 0
        "How many have come."
        self.on_line: Callable[[Payload], None] = lambda line: None
        self.on_status: Callable[[list[Payload]], None] = lambda services: None
        self.on_notice: Callable[[str], None] = lambda text: None
        self._client = socketio.Client(
            reconnection_delay=0.5,
            reconnection_delay_max=2,
            # A program is no page: without an origin the server takes it, whatever `FRONTEND_URL` says.
            websocket_extra_options={"suppress_origin": True},
        )
        self._listen()

    def _listen(self) -> None:
        client = self._client
        client.on("connect", lambda: client.emit("authenticate", self._token))
        client.on("authenticated", lambda *_: self._later(self._enter))
        client.on("status_update", lambda services: self._later(lambda: self._status(services)))
        client.on("log_data", lambda line: self._later(lambda: self._line(line)))
        client.on("log_batch", lambda batch: self._later(lambda: self._batch(batch)))
        client.on("log_state", lambda state: self._later(lambda: self._log_state(state)))
        client.on("error", lambda error: self._later(lambda: self._error(error)))
        client.on("connection_state", lambda state: self._later(lambda: self._connection(state)))
        client.on("connect_error", lambda *why: self._later(lambda: self.on_notice(f"not connected: {why}")))
        client.on("disconnect", lambda *_: self._later(lambda: self.on_notice("disconnected from the server")))

    def _later(self, work: Callable[[], None]) -> None:
        self._incoming.put(work)

    def connect(self) -> None:
        """Connects. Raises `DemoError` when the server refuses."""
        try:
            self._client.connect(self._url, auth={"token": self._token}, transports=["websocket"], wait_timeout=15)
        except socketio.exceptions.ConnectionError as problem:
            raise DemoError(f"the server refuses the demo's own client: {problem}") from None

    def close(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.shutdown()

    def drain(self) -> bool:
        """Works off what has come. Whether there was anything."""
        any_come = False
        # Bounded: a flood of lines must not keep the caller from looking at anything else.
        for _ in range(5000):
            try:
                work = self._incoming.get_nowait()
            except queue.Empty:
                break
            work()
            any_come = True
        return any_come

    def _enter(self) -> None:
        # Again after a reconnect: the server knows nothing of the socket before.
        self._subscribed.clear()
        self._client.emit("subscribe_status", {"interval": 1000})

    def _status(self, services: list[Payload]) -> None:
        self.services = services
        for each in services:
            name = each["service"]
            if each["status"] != "not_installed" and name not in self._subscribed:
                self._subscribed.add(name)
                self._client.emit("subscribe_logs", {"service": name, "lines": BACKLOG})
        self.on_status(services)

    def _line(self, line: Payload) -> None:
        self.lines += 1
        self.on_line(line)

    def _batch(self, batch: Payload) -> None:
        for line in batch["entries"]:
            self._line({"service": batch["service"], **line})

    def _log_state(self, state: Payload) -> None:
        if state.get("state") != "live":
            more = ", ".join(f"{key} {value}" for key, value in state.items() if key not in ("service", "state"))
            self.on_notice(f"{state.get('service')}: {state.get('state')} {more}".rstrip())

    def _error(self, error: Payload) -> None:
        hint = f" ({error['hint']})" if error.get("hint") else ""
        self.on_notice(f"error: {error.get('message')}{hint}")

    def _connection(self, state: Payload) -> None:
        if state.get("state") != "connected":
            self.on_notice(f"SSH: {state.get('state')}")
