"""A node's SSH side that hangs or babbles, in each phase: told clearly, in time, and to nobody else's harm."""

from __future__ import annotations

import contextlib
import socket as plain_socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.simnode import SimNode

from ..waiting import until
from .conftest import EXECUTION, World
from .faulty import CLOSE, EXEC, KEX_REPLY, KEXINIT, LOGIN, OPEN, SERVICE, DeafServer, Listener
from .local import LocalServer, count, settle


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    timeouts = {"SSH_CONNECT_TIMEOUT": "3", "SSH_LOGIN_TIMEOUT": "4", "SSH_COMMAND_TIMEOUT": "2", "STATUS_TIMEOUT": "2"}
    return {**timeouts, "SSH_KEEPALIVE": "1", "SSH_DEAD_AFTER": "2", "SSH_LOGINS": "2"}


@pytest.fixture
def server(local: LocalServer) -> LocalServer:
    return local


@pytest.fixture
def before(world: World, local: LocalServer) -> Iterator[dict[str, int]]:
    """What is held when nobody is there; at the end, nothing more is."""
    world.node.append(EXECUTION, "hello")
    use(world)
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "an idle server")
    held = count()
    yield held
    world.clients.close_sockets()
    until(lambda: not local.rooms.gateway.sockets and not len(local.rooms.registry), "an idle server")
    settle(held)
    until(lambda: not world.sshd.connections() and not world.node.running(), "the end of everything on the node")


@pytest.fixture
def deaf(node: SimNode, before: dict[str, int]) -> Iterator[DeafServer]:
    made = DeafServer(node)
    yield made
    made.close()


def use(world: World) -> Any:
    """A page of another session that comes, looks and goes: what must work whatever else does not."""
    socket = world.enter()
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    socket.emit("subscribe_status", {"interval": 60_000})
    socket.wait("status_update")
    until(lambda: socket.lines("execution"), "a line")
    assert socket.events("error") == []
    socket.close()


def told(socket: Any, *codes: str) -> None:
    """The socket hears that its node is away, or why the node does not let it in."""
    if codes == AWAY:
        error = socket.wait("error")
        assert (error["code"], error["message"]) == (
            AWAY[0],
            "The node can't be reached over SSH at the moment. Trying again.",
        )
        assert socket.events("connection_state")[0] == {"state": "reconnecting"}
    else:
        error = socket.wait("connect_error")
        assert error["data"]["code"] in codes, error
        assert socket.events("authenticated") == []
    assert "auth" not in error["message"].lower()


def enters(socket: Any, token: str) -> None:
    """The node is well again, and the same socket gets in."""
    assert socket.call("authenticate", token) is True  # which brings the next try forward
    assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: socket.lines("execution"), "a line")


AWAY = ("ssh_unreachable",)

HANGS: list[dict[int, int]] = [
    {KEXINIT: 1, KEX_REPLY: 1},
    {KEX_REPLY: 1},
    {SERVICE: 1},
    {LOGIN: 1},
    {LOGIN: 2},  # the first asks what is allowed, the second shows the password
]


@pytest.mark.parametrize("hangs_up", [False, True])
def test_logins_that_hang_or_are_cut(world: World, node: SimNode, before: dict[str, int], hangs_up: bool) -> None:
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(contextlib.closing(DeafServer(node))) for _ in HANGS]
        for server, hang in zip(servers, HANGS, strict=True):
            server.deaf.update(hang)
            server.hangs_up = hangs_up
        tokens = [world.session(port=server.port) for server in servers]
        sockets = [world.open(token) for token in tokens]
        use(world)  # more of them hang than there are places for logins
        for socket in sockets:
            told(socket, *AWAY)
        assert not world.store.keys("ethpillar:refused:*")  # a password that nobody looked at was not refused
        for server, socket, token in zip(servers, sockets, tokens, strict=True):
            server.deaf.clear()
            enters(socket, token)
            assert len(server.passwords) == 1


@pytest.mark.parametrize("phase", [OPEN, EXEC])
def test_a_channel_or_a_command_that_is_never_answered(world: World, deaf: DeafServer, phase: int) -> None:
    token = world.session(port=deaf.port)
    socket = world.enter(token)
    deaf.deaf[phase] = 1
    socket.emit("subscribe_logs", {"service": "execution"})
    use(world)
    # A right that was found before is used, and the log goes on trying; one that is searched for now is an error.
    until(lambda: socket.events("error") or socket.events("log_state"), "what the log does")
    if errors := socket.events("error"):
        assert (errors[0]["code"], errors[0]["service"]) == ("log_unavailable", "execution")
        assert errors[0]["hint"] == "The node did not answer in time."
    else:
        assert socket.events("log_state")[0]["state"] == "reconnecting"
    socket.emit("subscribe_status", {"interval": 60_000})
    socket.wait("error", lambda error: error["code"] == "status_unavailable")
    deaf.deaf.clear()
    socket.emit("subscribe_status", {"interval": 1000})
    socket.wait("status_update")
    enters(socket, token)
    assert len(deaf.passwords) == 1


def test_a_close_that_is_never_answered(world: World, deaf: DeafServer) -> None:
    deaf.deaf[CLOSE] = 1
    socket = world.enter(world.session(port=deaf.port))
    for _ in range(5):
        assert socket.call("subscribe_logs", {"service": "execution"}) == {"ok": True}
        socket.wait("log_state", lambda state: state["state"] == "live")
        assert socket.call("unsubscribe_logs", {"service": "execution"}) == {"ok": True}
    use(world)
    assert socket.events("error") == []


def test_syn_and_then_nothing(world: World, before: dict[str, int]) -> None:
    # A full queue: the kernel takes no further SYN, as a firewall that drops.
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(contextlib.closing(plain_socket.socket()))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            filler = stack.enter_context(contextlib.closing(plain_socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        socket = world.open(world.session(port=full.getsockname()[1]))
        use(world)
        told(socket, *AWAY)


def silent(connection: plain_socket.socket) -> None:
    while connection.recv(4096):
        pass


def hangs_up(connection: plain_socket.socket) -> None:
    connection.close()


def endless_line(connection: plain_socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 65536)


def endless_lines(connection: plain_socket.socket) -> None:
    while True:
        connection.sendall(b"not yet\r\n" * 1000)


def slow_lines(connection: plain_socket.socket) -> None:
    while True:
        connection.sendall(b"wait\r\n")
        time.sleep(0.5)  # the fault itself: each line comes in time, and the last one never


def garbage(connection: plain_socket.socket) -> None:
    connection.sendall(b"SSH-2.0-x\r\n" + bytes(range(256)) * 400)
    silent(connection)


def huge_packet(connection: plain_socket.socket) -> None:
    connection.sendall(b"SSH-2.0-x\r\n" + b"\x7f\xff\xff\xfc")
    while True:
        connection.sendall(bytes(65536))


def endless_ignores(connection: plain_socket.socket) -> None:
    connection.sendall(b"SSH-2.0-x\r\n")
    packet = (12).to_bytes(4, "big") + b"\x06\x02" + bytes(10)
    while True:
        connection.sendall(packet * 1000)


def no_text(connection: plain_socket.socket) -> None:
    connection.sendall(b"\xff\xfe\x00\r\n" * 10 + b"HTTP/1.1 400 Bad Request\r\n\r\n")


PEERS: list[tuple[Callable[[plain_socket.socket], None], tuple[str, ...]]] = [
    (silent, AWAY),
    (slow_lines, AWAY),
    (endless_ignores, AWAY),
    (hangs_up, AWAY),
    (endless_line, AWAY),
    (endless_lines, AWAY),
    (garbage, AWAY),
    (huge_packet, AWAY),
    (no_text, AWAY),
    (lambda connection: connection.sendall(b"SSH-1.5-old\r\n"), ("ssh_outdated",)),
]


def test_what_is_no_ssh_server(world: World, before: dict[str, int]) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(contextlib.closing(Listener(peer))) for peer, _ in PEERS]
        sockets = [world.open(world.session(port=listener.port)) for listener in listeners]
        use(world)
        for socket, (_, codes) in zip(sockets, PEERS, strict=True):
            told(socket, *codes)
        assert all(listener.accepted >= 1 for listener in listeners)
