"""A restart of the server: every client comes back by itself, on both transports, and not all at the same moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import socketio

from ..waiting import until
from .conftest import EXECUTION, World

EACH = 5
"Clients of each kind."
SPREAD = 0.1
"Seconds between the first that tries to come back and the last, at least: each waits for 0.5 to 1.5 s, by chance."


class PythonClient:
    """python-socketio's client, with its defaults."""

    def __init__(self, url: str, token: str, transport: str) -> None:
        self.tried: list[float] = []  # in vain, and when
        self.received: list[tuple[str, Any]] = []
        # Of itself it calls the server the origin of its page.
        self._client = socketio.Client(websocket_extra_options={"suppress_origin": True})
        self._client.on("connect_error", lambda *_: self.tried.append(time.monotonic()))
        self._client.on("*", lambda event, *payload: self.received.append((event, *payload)))
        self._client.connect(url, transports=[transport], auth={"token": token}, wait_timeout=20)

    def events(self, name: str) -> list[Any]:
        """The events of a name."""
        return [each for each in self.received if each[0] == name]

    def call(self, event: str, payload: dict[str, Any]) -> Any:
        """Send an event; its ack."""
        return self._client.call(event, payload, timeout=20)

    def close(self) -> None:
        """Leave for good."""
        self._client.shutdown()


@pytest.fixture
def python(world: World) -> Iterator[Any]:
    """Opens python-socketio's clients."""
    made: list[PythonClient] = []

    def connect(transport: str) -> PythonClient:
        made.append(PythonClient(world.server.url, world.session(), transport))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.mark.parametrize("how", ["stopped", "killed"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_all_clients_come_back_by_themselves(world: World, python: Any, transport: str, how: str) -> None:
    pythons = [python(transport) for _ in range(EACH)]
    options = {"reconnectionDelay": 1000, "reconnectionDelayMax": 5000, "transports": [transport]}
    browsers = [world.enter(**options) for _ in range(EACH)]
    clients = [*pythons, *browsers]
    for each in clients:
        until(lambda each=each: each.events("authenticated"), "to be in")  # type: ignore[misc]
    if how == "killed":
        world.server.kill()
    else:
        world.server.terminate()
        for each in clients:
            assert each.events("error")
    for each in pythons:
        until(lambda each=each: each.tried, "a first try")  # type: ignore[misc]
    if how == "stopped":  # one that polls notices a kill at its next request, without a pause
        times = [each.tried[0] for each in pythons]
        assert max(times) - min(times) > SPREAD
    world.server.start()
    for each in clients:
        until(lambda each=each: len(each.events("authenticated")) == 2, "to be in again", 120)  # type: ignore[misc]
    world.node.append(EXECUTION, "after the restart")
    for each in clients:
        assert each.call("subscribe_logs", {"service": "execution", "lines": 1}) == {"ok": True}
        until(lambda each=each: each.events("log_data"), "the line")  # type: ignore[misc]
