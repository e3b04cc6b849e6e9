"""Attacks on places, memory and patience: what is filled, refused or begun again and again."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import Any

from tests.frames import frame
from tests.system.raw import Raw

from .browser import SOURCE, _hanging, connections
from .held import _frozen, _sessions, bad_tokens, mute_machine
from .machine import come_and_go
from .node import HOSTILE_LOGS, entry, units
from .world import Attacker, Begin, Case, World, arrive, dwell, read_all


def silent(port: int, count: int, source: str) -> None:
    """Connections that say nothing, more than an address may have, anew when they were ended."""
    peers: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            peers.append(connections(port, 1, source)[0])
        if len(peers) > count:
            peers.pop(0).close()
            time.sleep(0.01)


def packets(port: int, tokens: list[str], packet: str, sockets: int) -> None:
    """Sockets that send the same packet without end, many in one write."""
    pages = []
    for number in range(sockets):
        page = Raw(port, SOURCE)
        page.connect(tokens[number % len(tokens)] if tokens else None)
        pages.append(page)
    data = frame(1, packet.encode()) * max(1, 16_384 // len(packet))
    while True:
        for page in pages:
            page.socket.settimeout(0.02)
            with contextlib.suppress(OSError):
                page.send(data)
        read_all(pages)


def long_polls(port: int, count: int) -> None:
    """Polling sessions that have one request under way, and read a letter now and then."""
    peers = []
    for peer in connections(port, count):
        peer.sendall(b"GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = peer.recv(4096)
        if b'"sid":"' in answer:
            sid = answer.partition(b'"sid":"')[2].partition(b'"')[0]
            peer.sendall(b"GET /?EIO=4&transport=polling&sid=" + sid + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            peer.setblocking(False)
            peers.append(peer)
    while True:
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.recv(1)
        time.sleep(0.1)


def upgrade_games(port: int) -> None:
    """Upgrades that are none: of polling requests, with words that only look alike, begun again and again."""
    head = "GET /?EIO=4&transport={} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: {}\r\n"
    rest = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    asked = [head.format(*each) + rest for each in (("polling", "Upgrade"), ("websocket", "notupgradeable"))]
    while True:
        for number in range(100):
            with contextlib.suppress(OSError):
                peer = connections(port, 1)[0]
                peer.sendall(asked[number % 2].encode())
                peer.recv(4096)
                peer.close()


def come_back(port: int, tokens: list[str], stay: float = 0.5) -> None:
    """Pages that come again as soon as they are refused, or after so many seconds."""
    while True:
        pages = arrive(port, tokens)
        end = time.monotonic() + stay
        while time.monotonic() < end:
            read_all(pages)
            time.sleep(0.02)
        for page in pages:
            page.close()


def _packets(packet: str, sockets: int = 100, sessions: int = 3) -> Begin:
    return lambda world: [Attacker(packets, world.server.port, _sessions(world, sessions), packet, sockets)]


def _few_places(world: World) -> list[Attacker]:
    """20 sessions to a machine that is mute, and `MAX_NODES` is 20."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = int(free.getsockname()[1])
    return [Attacker(mute_machine, world.server.port, target, [world.session(port=target) for _ in range(20)])]


def _wrong_passwords(world: World) -> list[Attacker]:
    """Sessions for a host that is somebody else's."""
    tokens = [world.session(port=world.sshd.port, password=f"wrong{number}") for number in range(30)]
    return [Attacker(come_back, world.server.port, tokens)]


def _answers_that_wait(world: World) -> list[Attacker]:
    """420 sockets of sessions that are refused; all but the first five of each wait to hear so."""
    tokens = [world.session(port=world.sshd.port, password=f"wrong{number}") for number in range(30)]
    return [Attacker(come_back, world.server.port, tokens * 14, 25.0)]


def _wrong_pins(world: World) -> list[Attacker]:
    """Sessions of no user of that host, each with a name for it of its own."""
    tokens = [world.session(port=world.sshd.port, username=f"nobody{number}") for number in range(30)]
    return [Attacker(come_back, world.server.port, tokens)]


def _names(world: World) -> list[Attacker]:
    """Hosts with names, many of one domain."""
    tokens = [world.session(host=f"a{number}.example.invalid") for number in range(100)]
    return [Attacker(come_back, world.server.port, tokens)]


def pages_of_the_past(port: int, token: str, sockets: int) -> None:
    """Sockets that ask for a thousand long lines again and again, and read nothing."""
    pages = []
    for _ in range(sockets):
        page = Raw(port, SOURCE)
        page.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        page.connect(token)
        pages.append(page)
    while True:
        for page in pages:
            page.socket.settimeout(0.02)
            with contextlib.suppress(OSError):
                page.say('421["read_logs",{"service":"unit0","limit":1000}]')
        time.sleep(0.2)


def _past(world: World) -> list[Attacker]:
    units(world, 1)
    world.hostile.prints_for_ever("journalctl", entry("INFO x" * 4000), HOSTILE_LOGS)
    return [Attacker(pages_of_the_past, world.server.port, world.session(), 100)]


def slow_logs(port: int, tokens: list[str], sockets: int) -> None:
    """Sockets with 30 logs each of which hardly anything is written, which read nothing either."""
    pages = []
    for number in range(sockets):
        page = Raw(port, SOURCE)
        page.connect(tokens[number % len(tokens)])
        for unit in range(30):
            page.say(f'42{unit}["subscribe_logs",{{"service":"unit{unit}"}}]')
        pages.append(page)
    dwell(pages)


def _slow_logs(world: World) -> list[Attacker]:
    units(world, 30)
    world.hostile.prints("journalctl", "exec sleep 1000", HOSTILE_LOGS)
    return [Attacker(slow_logs, world.server.port, _sessions(world, 2), 40)]


def _and_gone(world: World) -> list[Attacker]:
    """Logs that fill what there is of memory, of pages that leave at once and come back."""
    units(world, 30)
    world.hostile.prints_for_ever("journalctl", entry("INFO " + "x" * 2000), HOSTILE_LOGS)
    return [Attacker(fill_and_leave, world.server.port, _sessions(world, 4))]


def fill_and_leave(port: int, tokens: list[str]) -> None:
    """Pages with 30 logs each, for three seconds, again and again."""
    while True:
        pages = []
        for token in tokens:
            page = Raw(port, SOURCE)
            page.connect(token)
            for unit in range(30):
                page.say(f'42{unit}["subscribe_logs",{{"service":"unit{unit}","batch":true}}]')
            pages.append(page)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            read_all(pages)
            time.sleep(0.02)
        for page in pages:
            page.close()


HERE = "127.0.1.1"
"The address of attackers, where the victim is at the same."
SMALL = 64 << 20
"A small `MEMORY_BUDGET`."
ROOM = 200 << 20
"Bytes that the worker may take with it."
DEEP = '42["subscribe_logs",' + '{"a":' * 500 + "1" + "}" * 500 + "]"
KEYS = "42" + json.dumps(["subscribe_logs", {f"{number}{'k' * 100}": 1 for number in range(500)}])

ATTACKS: dict[str, Any] = {
    "silent connections at the victim's address": Case(
        lambda world: [Attacker(silent, world.server.port, 505, HERE)], victim=HERE
    ),
    "bad tokens at the victim's address": Case(
        lambda world: [Attacker(bad_tokens, world.server.port, 100)], victim=HERE
    ),
    "a mute machine for each of MAX_NODES": Case(_few_places, {"MAX_NODES": "20"}),
    "wrong passwords for somebody else's machine": _wrong_passwords,
    "420 sockets that wait for their refusal": _answers_that_wait,
    "users that somebody else's machine lacks": _wrong_pins,
    "100 names of one domain": _names,
    "40 sockets with 30 slow logs each": _slow_logs,
    "120 flooding logs, begun and left": _and_gone,
    "120 flooding logs and 64 MB of memory": Case(_and_gone, {"MEMORY_BUDGET": "64M"}, most=ROOM),
    "6,000 large subscribes and 64 MB of memory": Case(_hanging, {"MEMORY_BUDGET": "64M"}, most=ROOM),
    "400 frozen readers and 64 MB of memory": Case(_frozen, {"MEMORY_BUDGET": "64M"}, most=ROOM),
    "pages of a thousand long lines, unread": _past,
    "upgrades that are none": lambda world: [Attacker(upgrade_games, world.server.port)],
    "polls that are hardly read": lambda world: [Attacker(long_polls, world.server.port, 450)],
    "acks that nobody asked for": _packets("431[1]"),
    "packets for a thousand namespaces": _packets("40/" + "n" * 200 + ",{}"),
    "attachments that are announced": _packets('451-["subscribe_logs",{"_placeholder":true,"num":0}]'),
    "objects 500 deep": _packets(DEEP),
    "payloads of 500 long keys": _packets(KEYS, 20),
    "events that there are not": _packets('42["nothing"]'),
    "pages that come and go": lambda world: [Attacker(come_and_go, world.server.port, _sessions(world, 5))],
}
