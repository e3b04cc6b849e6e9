"""A thundering herd: every page there is comes back at the same moment, because the server was started again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ..waiting import until
from .conftest import EXECUTION, World

SESSIONS, SOCKETS, LOGINS = 50, 20, 4


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    # From one address, as the tests are; a real herd comes from many.
    return {"SSH_LOGINS": str(LOGINS), "MAX_CONNECTIONS_PER_ADDRESS": "5000", "NODE_LINGER": "10"}


@pytest.fixture
def sshd_options() -> dict[str, str]:
    return {"LogLevel": "DEBUG1"}


def most_at_once(log: str) -> int:
    """How many logins were under way at once, as sshd saw them: from the client's first bytes to its acceptance."""
    most = now = 0
    for line in log.splitlines():
        if "Remote protocol version" in line:
            now += 1
            most = max(most, now)
        elif line.startswith("Accepted password"):
            now -= 1
    return most


def test_a_thousand_sockets_of_fifty_sessions_come_back_at_once(world: World) -> None:
    world.node.append_many(EXECUTION, [f"line {number}" for number in range(60)])
    tokens = [world.session() for _ in range(SESSIONS)]
    options: dict[str, Any] = {"transports": ["websocket"]}
    sockets = [world.open(token, **options) for token in tokens for _ in range(SOCKETS)]
    for socket in sockets:
        socket.wait("authenticated", deadline=90)
    # A page is let in after 8 s, though its login may still wait for its turn.
    until(lambda: world.sshd.logins() == SESSIONS, "all logins", 90)
    before = len((world.sshd.folder / "log").read_text())
    world.server.terminate()
    until(lambda: not world.sshd.connections(), "the end of SSH")
    world.server.start()
    for socket in sockets:
        until(lambda socket=socket: len(socket.events("authenticated")) == 2, "to be served again", 90)  # type: ignore[misc]
    until(lambda: world.sshd.logins() >= 2 * SESSIONS, "all logins again", 90)
    until(lambda: world.sshd.connections() == SESSIONS, "a connection for each")
    assert world.sshd.logins() == 2 * SESSIONS  # one for each session, however many asked
    assert world.sshd.failures() == 0
    log = (world.sshd.folder / "log").read_text()[before:]
    # More than LOGINS only when some took so long that they gave up their places: on a busy machine many do.
    assert most_at_once(log) < SESSIONS / 2
    told = Counter(error["code"] for socket in sockets for error in socket.events("error"))
    assert set(told) <= {"server_restarting"}
    for socket in sockets[::SOCKETS]:
        socket.emit("subscribe_logs", {"service": "execution", "lines": 5})
    for socket in sockets[::SOCKETS]:
        until(lambda socket=socket: len(socket.lines("execution")) == 5, "the log", 60)  # type: ignore[misc]
    assert world.server.get("/readyz")[0] == 200
