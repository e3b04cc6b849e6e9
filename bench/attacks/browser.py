"""Attacks by browsers: anybody's, with no more than the port's address, or a page of somebody who may sign in."""

from __future__ import annotations

import contextlib
import json
import socket
import time

from tests.system.raw import HANDSHAKE, Raw

from .world import Attacker, World, dwell

SOURCE = "127.0.1.1"


def big_subscribes(port: int, tokens: list[str], sockets: int, each: int) -> None:
    """Subscribes with 60 KB of nothing, on a node whose commands hang."""
    pages = []
    for number in range(sockets):
        page = Raw(port, SOURCE)
        page.connect(tokens[number % len(tokens)])
        page.socket.settimeout(1)
        for at in range(each):
            with contextlib.suppress(TimeoutError):
                page.say(f'42{at}["subscribe_logs",{json.dumps({"service": f"u{at}", "x": "x" * 60_000})}]')
        page.socket.settimeout(20)
        pages.append(page)
    dwell(pages)


def connections(port: int, count: int, source: str = SOURCE) -> list[socket.socket]:
    """So many TCP connections of one address."""
    return [socket.create_connection(("127.0.0.1", port), 20, source_address=(source, 0)) for _ in range(count)]


def pipelined_probes(port: int, count: int, path: str) -> None:
    """Plain requests, as many as go into a packet, on many connections of one address."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 20
    _pour(connections(port, count), request)


def posts(port: int, count: int, packets: int) -> None:
    """Polling sessions of one address, each posting many packets at once, all at the same time."""
    peers = []
    body = "\x1e".join(["3"] * packets)
    for peer in connections(port, count):
        peer.sendall(b"GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = peer.recv(4096)
        if b'"sid":"' in answer:
            sid = answer.partition(b'"sid":"')[2].partition(b'"')[0].decode()
            head = (
                f"POST /?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            peers.append((peer, (head + body).encode()))
    _pour([peer for peer, _ in peers], *[request for _, request in peers])


def _pour(peers: list[socket.socket], *requests: bytes) -> None:
    for peer in peers:
        peer.setblocking(False)
    left = dict.fromkeys(peers, b"")
    while True:
        for number, peer in enumerate(peers):
            with contextlib.suppress(OSError):
                while peer.recv(1 << 16):
                    pass
            data = left[peer] or requests[number % len(requests)]
            with contextlib.suppress(OSError):
                left[peer] = data[peer.send(data) :]
        time.sleep(0.001)


def half_upgrades(port: int, count: int, sources: int) -> None:
    """Polling sessions whose upgrade stops after the probe."""
    pages = []
    for number in range(count):
        source = f"127.0.2.{1 + number % sources}"
        with contextlib.suppress(OSError, AssertionError, IndexError):
            poll = Raw(port, source)
            _, _, body = poll.request("GET", "/?EIO=4&transport=polling")
            page = Raw(port, source)
            page.send(
                HANDSHAKE.replace("transport=websocket", f"transport=websocket&sid={json.loads(body[1:])['sid']}")
                + "\r\n"
            )
            page.answer()
            page.say("2probe")
            pages.append(page)
    while True:
        for page in pages:
            with contextlib.suppress(OSError):
                page.send(b"\x89\x80\x37\xfa\x21\x3d")
        time.sleep(5)


def _hanging(world: World) -> list[Attacker]:
    world.hostile.prints("journalctl", "exec sleep 10000")
    world.hostile.prints("systemctl", "exec sleep 10000")
    return [Attacker(big_subscribes, world.server.port, [world.session() for _ in range(15)], 15, 400)]


ATTACKS = {
    "60 KB of nothing in each of 6,000 subscribes": _hanging,
    "1,000 packets a request, 400 connections": lambda world: [Attacker(posts, world.server.port, 400, 1000)],
    "pipelined /healthz, 450 connections": lambda world: [
        Attacker(pipelined_probes, world.server.port, 450, "/healthz")
    ],
    "pipelined /readyz, 450 connections": lambda world: [Attacker(pipelined_probes, world.server.port, 450, "/readyz")],
    "upgrades that stop half-way": lambda world: [Attacker(half_upgrades, world.server.port, 1000, 20)],
}
