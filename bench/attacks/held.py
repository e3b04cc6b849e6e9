"""Attacks that want the server to hold something for long, or to do the same again and again."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import uuid

from tests.system.raw import HANDSHAKE, Raw

from .browser import SOURCE, connections
from .node import HOSTILE_LOGS, entry, units
from .world import Attacker, World, arrive, read_all


def half_messages(port: int, count: int) -> None:
    """WebSocket messages of 60 KB of which the last byte never comes."""
    for peer in connections(port, count):
        with contextlib.suppress(OSError):
            peer.sendall((HANDSHAKE + "\r\n").encode())
            peer.recv(4096)
            peer.sendall(b"\x81\xfe" + (60_000).to_bytes(2, "big") + b"\0\0\0\0" + b"x" * 59_999)
    time.sleep(3600)


def half_bodies(port: int, count: int) -> None:
    """Bodies of 60 KB of which the last byte never comes, again and again."""
    while True:
        peers = connections(port, count)
        head = b"POST /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.sendall(head + b"x" * 59_999)
        time.sleep(10)
        for peer in peers:
            peer.close()


def frozen_readers(port: int, token: str, count: int) -> None:
    """Pages that follow a log that floods, and read nothing."""
    pages = []
    for _ in range(count):
        page = Raw(port, SOURCE)
        page.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        page.connect(token)
        page.say('421["subscribe_logs",{"service":"unit0"}]')
        pages.append(page)
    time.sleep(3600)


def mute_machine(port: int, target: int, tokens: list[str]) -> None:
    """Sessions to a machine that takes connections, and says nothing."""
    listener = socket.create_server(("127.0.0.1", target), backlog=512)
    held = []
    pages = arrive(port, tokens)
    listener.settimeout(0.02)
    while True:
        with contextlib.suppress(TimeoutError):
            held.append(listener.accept())
        read_all(pages)


def again_and_again(port: int, tokens: list[str], events: list[list[object]]) -> None:
    """Sockets of sessions that send the same events without end, as fast as they are taken."""
    pages = []
    for token in tokens:
        page = Raw(port, SOURCE)
        page.connect(token)
        pages.append(page)
    number = 0
    while True:
        for page in pages:
            for event in events:
                number += 1
                page.socket.settimeout(0.05)
                with contextlib.suppress(OSError):
                    page.say(f"42{number % 1000}{json.dumps(event)}")
        read_all(pages)


def bad_tokens(port: int, count: int) -> None:
    """Tokens of which none is one, on many sockets of an address."""
    pages = []
    for _ in range(count):
        page = Raw(port, SOURCE)
        page.connect()
        pages.append(page)
    while True:
        for page in pages:
            page.socket.settimeout(0.05)
            with contextlib.suppress(OSError):
                page.say(f'420["authenticate","{uuid.uuid4()}"]')
        read_all(pages)


def control_frames(port: int, count: int) -> None:
    """Pings, and empty fragments, as fast as they are taken."""
    peers = connections(port, count)
    for peer in peers:
        peer.sendall((HANDSHAKE + "\r\n").encode())
        peer.recv(4096)
        peer.setblocking(False)
    data = b"\x89\x80\0\0\0\0" * 500 + b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 500
    while True:
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.send(data)
                peer.recv(1 << 16)
        time.sleep(0.001)


def _sessions(world: World, count: int) -> list[str]:
    return [world.session() for _ in range(count)]


def _frozen(world: World) -> list[Attacker]:
    units(world, 1)
    world.hostile.prints_for_ever("journalctl", entry("INFO x" * 100), HOSTILE_LOGS)
    return [Attacker(frozen_readers, world.server.port, world.session(), 400)]


def _mute(world: World) -> list[Attacker]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = int(free.getsockname()[1])
    tokens = [world.session(port=target) for _ in range(300)]
    return [Attacker(mute_machine, world.server.port, target, tokens)]


def _events(*events: list[object]) -> object:
    return lambda world: [Attacker(again_and_again, world.server.port, _sessions(world, 3), list(events))]


ATTACKS = {
    "60 KB of a message, and never its end": lambda world: [Attacker(half_messages, world.server.port, 450)],
    "60 KB of a body, and never its end": lambda world: [Attacker(half_bodies, world.server.port, 450)],
    "400 frozen readers of a flooding log": _frozen,
    "300 logins to a machine that is mute": _mute,
    "subscribe and unsubscribe without end": _events(
        ["subscribe_logs", {"service": "execution"}], ["unsubscribe_logs", {"service": "execution"}]
    ),
    "merged logs, begun and ended without end": _events(
        ["subscribe_logs", {"services": ["execution", "consensus", "validator"], "lines": 5000}],
        ["unsubscribe_logs", {"services": ["execution", "consensus", "validator"]}],
    ),
    "searches of the past without end": _events(
        ["read_logs", {"services": ["execution"], "match": "(a|b)+c", "limit": 500}]
    ),
    "states asked for anew without end": _events(["subscribe_status", {"interval": 1000, "all": True}]),
    "bad tokens on 100 sockets": lambda world: [Attacker(bad_tokens, world.server.port, 100)],
    "pings and empty fragments, 300 connections": lambda world: [Attacker(control_frames, world.server.port, 300)],
}
