"""Attacks by a machine whose SSH server is the attacker's own work: how it lets in, and what it sends besides."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import paramiko

from tests.system.raw import Raw

from .world import Attacker, Begin, World, arrive, dwell

SOURCE = "127.0.1.1"
Serve = Callable[[paramiko.Transport], None]


class _LetsIn(paramiko.ServerInterface):
    """Lets anybody in, and takes each command."""

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return True

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        return True


def ssh_server(port: int, tokens: list[str], target: int, kind: str) -> None:
    """A machine that lets in, and then does one thing without end; and the pages of its sessions."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    listener = socket.create_server(("127.0.0.1", target), backlog=512)
    key = paramiko.RSAKey.generate(2048)

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(Exception):
            transport = paramiko.Transport(connection)
            if kind == "exchanges":
                transport.get_security_options().kex = ("diffie-hellman-group14-sha256",)
            transport.add_server_key(key)
            transport.start_server(threading.Event(), _LetsIn())
            while not transport.is_authenticated():
                time.sleep(0.05)
            while transport.is_active():
                ENDLESS[kind](transport)

    def accept() -> None:
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    dwell(arrive(port, tokens))


def _exchange(transport: paramiko.Transport) -> None:
    transport.renegotiate_keys()


def _ignore(transport: paramiko.Transport) -> None:
    transport.send_ignore(1)


def _debug(transport: paramiko.Transport) -> None:
    message = paramiko.Message()
    message.add_byte(paramiko.common.cMSG_DEBUG)
    message.add_boolean(True)
    message.add_string("x" * 30_000)
    message.add_string("")
    transport._send_user_message(message)


def _requests(transport: paramiko.Transport) -> None:
    transport.global_request("keepalive@openssh.com", wait=False)


def _channels(transport: paramiko.Transport) -> None:
    message = paramiko.Message()
    message.add_byte(paramiko.common.cMSG_CHANNEL_OPEN)
    message.add_string("x11")
    for number in (1, 1 << 21, 1 << 15):
        message.add_int(number)
    message.add_string("127.0.0.1")
    message.add_int(1)
    transport._send_user_message(message)


def _exits(transport: paramiko.Transport) -> None:
    channel = transport.accept(1)
    if channel is not None:
        channel.send_exit_status(0)
        channel.close()


ENDLESS: dict[str, Serve] = {
    "exchanges": _exchange,
    "ignored": _ignore,
    "debug": _debug,
    "requests": _requests,
    "channels": _channels,
    "exits": _exits,
}


def raw_machine(port: int, tokens: list[str], target: int, say: bytes, again: bytes, pause: float) -> None:
    """A machine that is no SSH server: it says something, then something else again and again."""
    listener = socket.create_server(("127.0.0.1", target), backlog=512)
    listener.setblocking(False)
    peers: list[socket.socket] = []

    def talk() -> None:
        while True:
            with contextlib.suppress(OSError):
                peer = listener.accept()[0]
                peer.sendall(say)
                peer.setblocking(False)
                peers.append(peer)
            for peer in list(peers):
                try:
                    peer.send(again)
                except BlockingIOError:
                    pass
                except OSError:
                    peers.remove(peer)
            time.sleep(pause)

    threading.Thread(target=talk, daemon=True).start()
    dwell(arrive(port, tokens))


def come_and_go(port: int, tokens: list[str]) -> None:
    """Pages that connect with a good token and leave, without end."""
    while True:
        for token in tokens:
            with contextlib.suppress(OSError, AssertionError):
                page = Raw(port, SOURCE)
                page.connect(token)
                page.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _own(kind: str, sessions: int) -> Begin:
    def begin(world: World) -> list[Attacker]:
        target = _free_port()
        tokens = [world.session(port=target) for _ in range(sessions)]
        return [Attacker(ssh_server, world.server.port, tokens, target, kind)]

    return begin


def _raw(say: bytes, again: bytes, pause: float, sessions: int, world: World) -> list[Attacker]:
    target = _free_port()
    tokens = [world.session(port=target) for _ in range(sessions)]
    return [Attacker(raw_machine, world.server.port, tokens, target, say, again, pause)]


ATTACKS: dict[str, Any] = {
    "key exchanges without end, group14, 8 sessions": _own("exchanges", 8),
    "packets to be ignored, 8 sessions": _own("ignored", 8),
    "debug packets of 30 KB, 8 sessions": _own("debug", 8),
    "global requests without end, 8 sessions": _own("requests", 8),
    "channels that it opens, without end": _own("channels", 8),
    "commands that end at once, without a word": _own("exits", 20),
    "lines before the greeting, without end": partial(_raw, b"", b"x" * 200 + b"\r\n", 0.001, 50),
    "a greeting letter by letter, 200 sessions": partial(_raw, b"SSH-2.0-", b"x", 0.5, 200),
    "packets that announce 2 GB": partial(_raw, b"SSH-2.0-x\r\n", b"\x7f\xff\xff\xff" + b"x" * 4096, 0.001, 50),
}
