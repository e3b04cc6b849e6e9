"""Attacks by a machine of the attacker's own: what its commands print, and when they end."""

from __future__ import annotations

import json

from tests.system.raw import Raw

from .world import Attacker, World, dwell

SOURCE = "127.0.1.1"
HOSTILE_LOGS = "--unit="


def follow(port: int, tokens: list[str], logs: int, sockets: int = 1) -> None:
    """Pages of each session that follow logs, and read what comes."""
    pages = []
    for token in tokens:
        for _ in range(sockets):
            page = Raw(port, SOURCE)
            page.connect(token)
            for number in range(logs):
                page.say(f'42{number}["subscribe_logs",{json.dumps({"service": f"unit{number}", "batch": True})}]')
            pages.append(page)
    dwell(pages)


def states(port: int, tokens: list[str]) -> None:
    """A page of each session that wants the states."""
    pages = []
    for token in tokens:
        page = Raw(port, SOURCE)
        page.connect(token)
        page.say('420["subscribe_status",{"interval":1000,"all":true}]')
        pages.append(page)
    dwell(pages)


def units(world: World, count: int) -> None:
    """Give the attacker's machine so many services."""
    from demo.simnode import SimNode

    node = SimNode(world.folder / "hostile" / "node")
    for number in range(count):
        node.set_unit(f"unit{number}.service", LoadState="loaded", ActiveState="active", SubState="running")


def entry(message: str) -> bytes:
    """Return an entry of the journal."""
    return (
        b"__CURSOR=s=1;i=1;b=1;m=1;t=1;x=1\n__REALTIME_TIMESTAMP=1700000000000000\nPRIORITY=6\n"
        b"_SYSTEMD_UNIT=unit0.service\nSYSLOG_IDENTIFIER=x\n_PID=7\nMESSAGE=" + message.encode() + b"\n\n"
    )


def _logs(payload: bytes, logs: int, sessions: int = 1) -> object:
    def begin(world: World) -> list[Attacker]:
        units(world, logs)
        world.hostile.prints_for_ever("journalctl", payload, HOSTILE_LOGS)
        return [Attacker(follow, world.server.port, [world.session() for _ in range(sessions)], logs)]

    return begin


def _status(payload: bytes) -> object:
    def begin(world: World) -> list[Attacker]:
        world.hostile.prints("systemctl", f"cat {_file(world, payload)}", "show")
        return [Attacker(states, world.server.port, [world.session() for _ in range(2)])]

    return begin


def _file(world: World, payload: bytes) -> str:
    path = world.folder / "hostile" / "payload"
    path.write_bytes(payload)
    return str(path)


ATTACKS = {
    "fields without a name, then an empty line": _logs(b"=\n" * 32_766 + b"\n", 1),
    "a backlog without an end": _logs(entry("INFO x" * 40), 1),
    "an emoji in each line, 30 logs": _logs(entry("\N{ROCKET}" + "x" * 4000), 30),
    "output that is no entry": _logs(b"a=b\n\n", 1),
    "output that is no entry, 30 logs": _logs(b"a=b\n\n", 30),
    "empty lines alone, 30 logs": _logs(b"\n", 30),
    "names of fields without values, 10 logs": _logs(b"A\n", 10),
    "binary fields that never end, 10 logs": _logs(b"MESSAGE\n" + (700 << 20).to_bytes(8, "little") + b"x" * 4096, 10),
    "entries of a thousand lines, 10 logs": _logs(
        entry("x")
        + entry("x").replace(b"MESSAGE=x\n", b"MESSAGE\n" + (40_000).to_bytes(8, "little") + b"a\n" * 20_000 + b"\n"),
        10,
    ),
    "30 flooding logs": _logs(entry("INFO [01-01|00:00:00.000] Imported n=1"), 30),
    "states of 4 MB": _status(b"Id=execution.service\nDescription=" + b"x" * (4 << 20) + b"\n\n"),
    "states of half a million lines": _status(b"A=b\n" * 500_000),
    "states of half a million units": _status(b"Id=a.service\n\n" * 300_000),
}
