"""docs/events.json has an example of every event, taken from a running server; here it is held to one.

Clients in other languages read it: the types of the hooks in `frontend/` are checked against it. After a change of an
event, `UPDATE_EVENTS=1 pytest tests/system/test_event_examples.py` takes it anew, and the types may have to follow.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from tools import events

from ..waiting import until
from .clients import JsSocket
from .conftest import EXECUTION, World
from .parts import ROOT

EXAMPLES = ROOT / "docs" / "events.json"
HOW = "if this is meant: UPDATE_EVENTS=1 python -m pytest tests/system/test_event_examples.py"
FREE = {"fields", "eth"}
"What a line gives: its keys are not the server's."

NOBODY = "6c0f6a3e-6f0c-4b7e-9a55-0d5d6c1f3a10"
"A token of no session."
IMPORTED = (
    "INFO [11-26|06:55:11.123] Imported new potential chain segment number=1,234,567 hash=5c1f0a..9d2e41 blocks=1"
)
HEAD = "Nov 26 06:55:12.003 INFO Synced slot: 9876543, block: 0x4f2a...91bc, epoch: 308641, peers: 78"
PANIC = "panic: runtime error: index out of range"
TRACE = "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d"


class Recorder:
    """What was sent and heard, as the examples have it."""

    def __init__(self) -> None:
        self.sockets: list[JsSocket] = []
        self.client: dict[str, list[dict[str, Any]]] = {}

    def watch(self, socket: JsSocket) -> JsSocket:
        """Record what this socket hears from now on, and what it heard."""
        self.sockets.append(socket)
        return socket

    def call(self, socket: JsSocket, event: str, *arguments: Any, example: list[Any] | None = None) -> Any:
        """Send an event; record it with its ack, with other arguments where these are secret."""
        ack = socket.call(event, *arguments)
        self.client.setdefault(event, []).append({"arguments": example or list(arguments), "ack": ack})
        return ack

    def document(self) -> dict[str, Any]:
        """Return all of it: for each event of the server one example of each shape."""
        server: dict[str, list[Any]] = {}
        for socket in self.sockets:
            for event, arguments in socket.received:
                if event in ("connect", "disconnect", "upgrade"):
                    continue
                examples = server.setdefault(event, [])
                payload = arguments[0] if arguments else None
                if not any(kind(payload) == kind(each) for each in examples):
                    examples.append(payload)
        refused = {"connect_error": server.pop("connect_error")}  # Socket.IO's own: no type of ours has it
        return {"server": dict(sorted(server.items())), "client": dict(sorted(self.client.items())), "connect": refused}


def kind(payload: Any) -> Any:
    """Return what makes a payload an example of its own: its keys, and its state or code."""
    if isinstance(payload, list):
        return sorted({json.dumps(kind(each)) for each in payload})
    if not isinstance(payload, dict):
        return type(payload).__name__
    words = {key: payload[key] for key in ("state", "code", "reason", "data") if key in payload}
    words["unknown"] = payload.get("status") == "unknown"
    inner = kind(payload["entries"]) if "entries" in payload else None
    return {"keys": sorted(payload), "eth": sorted(payload.get("eth") or {}), "inner": inner, **words}


def types(value: Any, path: str = "") -> set[str]:
    """Return every key in it with the type of its value, e.g. `entries.line text`; numbers are all one type."""
    if isinstance(value, dict):
        if path.rpartition(".")[2] in FREE:
            return {f"{path} keys"}
        return {each for key, inner in value.items() for each in types(inner, f"{path}.{key}" if path else key)} or {
            f"{path} keys"
        }
    if isinstance(value, list):
        return {each for inner in value for each in types(inner, path)} or {f"{path} list"}
    name = "flag" if isinstance(value, bool) else "number" if isinstance(value, int | float) else type(value).__name__
    return {f"{path} {name}"}


def _play(world: World) -> Recorder:
    """Let everything happen that has an event."""
    seen = Recorder()
    token = world.session()
    world.node.set_unit("mevboost.service", LoadState="loaded", ActiveState="active", SubState="running")
    world.node.set_unit(
        "aux.service", LoadState="loaded", ActiveState="active", SubState="running", StandardOutput="null"
    )
    world.node.append(EXECUTION, IMPORTED)
    world.node.append(EXECUTION, HEAD)
    world.node.append(EXECUTION, PANIC)
    for line in TRACE.split("\n"):
        world.node.append(EXECUTION, line)
    world.node.append(EXECUTION, "one entry\nof two lines", native=True)
    plain, batched = (seen.watch(world.enter(token)) for _ in range(2))
    plain.wait("connection_state", lambda told: "node" in told)
    assert seen.call(plain, "authenticate", token, example=[NOBODY]) is True
    _logs(seen, world, plain, batched)
    _states(seen, world, plain)
    _problems(seen, world, plain)
    _refused(seen, world)
    _away(seen, world, token, plain)
    _ends(seen, world, token, plain, batched)
    return seen


def _logs(seen: Recorder, world: World, plain: JsSocket, batched: JsSocket) -> None:
    assert seen.call(plain, "subscribe_logs", {"service": "execution"}) == {"ok": True}
    until(lambda: len(plain.events("log_data")) >= 8, "the lines")
    first = plain.events("log_data")[0]["cursor"]
    seen.call(batched, "subscribe_logs", {"service": "execution", "lines": 100, "batch": True, "lossless": False})
    batched.wait("log_batch")
    batched.wait("log_state")
    seen.call(batched, "unsubscribe_logs", {"service": "execution"})
    world.node.append(EXECUTION, "one more")
    until(lambda: plain.events("log_data")[-1]["line"] == "one more", "the last line")
    world.node.vacuum(keep_last=2)
    seen.call(batched, "subscribe_logs", {"service": "execution", "after": first, "batch": True})
    world.node.vacuum(keep_last=1)
    lines = [{"service": "validator", "after": first}]
    seen.call(batched, "subscribe_logs", *lines)
    batched.wait("log_state", lambda told: told["state"] == "gap")
    _several(seen, world, batched, first)


def _several(seen: Recorder, world: World, batched: JsSocket, first: str) -> None:
    both = ["execution", "validator"]
    seen.call(batched, "unsubscribe_logs", {"services": both})
    seen.call(batched, "subscribe_logs", {"services": both, "lines": 10, "after": {"validator": first}, "batch": True})
    world.node.append("validator.service", HEAD)
    batched.wait("log_batch", lambda batch: "services" in batch and batch["entries"][-1]["line"] == HEAD)
    now = int(time.time() * 1000)
    hours = {"since": now - 7_200_000, "until": now + 3_600_000}
    seen.call(batched, "read_logs", {"services": both, "limit": 1, "id": "page"})
    latest = batched.events("log_batch")[-1]["entries"][-1]["cursor"]
    for options in (
        {"before": latest, "limit": 1},
        {"around": latest, "limit": 2},
        {"level": "info", "match": "SYNCED slot"},
    ):
        assert seen.call(batched, "read_logs", {"services": both, **options})["entries"]
    for options in ({"match": "/slot: [0-9]+/"}, {"eth": {"epoch": 308641}}):
        assert seen.call(batched, "read_logs", {"service": "validator", **options})["entries"]
    seen.call(batched, "read_logs", {"service": "execution", "after": first, "mask": True})
    seen.call(batched, "read_logs", {"service": "execution", **hours, "counts": 2})
    seen.call(batched, "read_logs", {"service": "execution", "level": "loud"})
    assert batched.call("unsubscribe_logs", {"services": both}) == {"ok": True}  # what comes later comes in any groups


def _states(seen: Recorder, world: World, plain: JsSocket) -> None:
    world.node.append("validator.service", "Fatal: disk is full")
    world.node.append(
        "validator.service", "validator.service: Main process exited, code=exited, status=1/FAILURE", 5, manager=True
    )
    world.node.set_unit(
        "validator.service",
        ActiveState="failed",
        SubState="failed",
        Result="exit-code",
        ExecMainStatus="1",
        MainPID="0",
    )
    seen.call(plain, "subscribe_status", {"interval": 1000, "all": True})
    plain.wait("status_update", lambda update: any(each.get("last_lines") for each in update))


def _problems(seen: Recorder, world: World, plain: JsSocket) -> None:
    assert seen.call(plain, "subscribe_logs", {"service": "nothing-here"})["ok"] is False
    assert seen.call(plain, "subscribe_logs", {"service": 7})["ok"] is False
    assert seen.call(plain, "subscribe_logs", {"service": "mevboost"})["ok"] is True
    plain.wait("log_data", lambda told: told == {"service": "mevboost", "line": ""})
    assert seen.call(plain, "subscribe_logs", {"service": "aux"})["ok"] is True
    plain.wait("error", lambda told: told["code"] == "log_elsewhere")


def _refused(seen: Recorder, world: World) -> None:
    bare = seen.watch(world.open())
    bare.wait("connect")
    assert seen.call(bare, "authenticate", NOBODY) is False
    assert bare.call("subscribe_status", {})["ok"] is False
    for token in (NOBODY, world.session(password="wrong")):
        seen.watch(world.open(token, reconnection=False)).wait("connect_error")


def _away(seen: Recorder, world: World, token: str, plain: JsSocket) -> None:
    world.sshd.stop()
    plain.wait("connection_state", lambda told: told["state"] == "reconnecting")
    plain.wait("log_state", lambda told: told["state"] == "reconnecting")
    plain.wait("error", lambda told: told["code"] == "ssh_unreachable")
    plain.wait("status_update", lambda update: {each["status"] for each in update} == {"unknown"})
    seen.watch(world.enter(token)).wait("error", lambda told: told["code"] == "ssh_unreachable")
    before = len(plain.events("connection_state"))
    world.sshd.start()
    until(lambda: {"state": "connected"}.items() <= plain.events("connection_state")[-1].items(), "the node")
    assert len(plain.events("connection_state")) > before
    until(lambda: plain.events("log_state")[-1]["state"] == "live", "the log")


def _ends(seen: Recorder, world: World, token: str, plain: JsSocket, batched: JsSocket) -> None:
    assert seen.call(plain, "unsubscribe_status") == {"ok": True}
    world.write_session(token, privateKey=world.sshd.private_key)
    assert plain.call("authenticate", token) is True
    plain.wait("log_state", lambda told: told["state"] == "ended")
    world.store.delete(f"ssh_session:{token}")
    for socket in (plain, batched):
        socket.wait("error", lambda told: told["code"] == "session_expired")
    last = seen.watch(world.enter(reconnection=False))
    world.sshd.stop()
    world.sshd.new_host_key()
    world.sshd.start()
    last.wait("connection_state", lambda told: told["state"] == "lost")
    last.wait("error", lambda told: told["code"] == "host_key_changed")


def test_the_examples_are_what_a_server_says(world: World) -> None:
    found = _play(world).document()
    if os.environ.get("UPDATE_EVENTS"):
        EXAMPLES.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        events.main()  # docs/events.md shows them
    written = json.loads(EXAMPLES.read_text())
    for side in ("server", "client", "connect"):
        assert written[side].keys() == found[side].keys(), HOW
        for event, examples in found[side].items():
            assert types(examples) == types(written[side][event]), f"{event}: {HOW}"
