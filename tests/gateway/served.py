"""A whole gateway without Redis and without a node, and a client of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from ethpillar.server import Server

from ..waiting import until

TOKEN = "11111111-2222-4333-8444-555555555555"


class Client:
    """A polling session of Engine.IO's; what it is sent is read from its queue."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.sid = json.loads(self._ask("GET", "").data[1:])["sid"]
        self.engine = app.extensions["socketio"].server.eio.sockets[self.sid]

    def _ask(self, method: str, query: str, body: str = "") -> Any:
        return self._app.test_client().open("/?EIO=4&transport=polling" + query, method=method, data=body)

    def say(self, packet: str) -> None:
        assert self._ask("POST", "&sid=" + self.sid, packet).status_code == 200
        sessions = self._app.extensions["ethpillar"].gateway.guard._sessions
        until(lambda: sessions[self.sid].connecting is None, "the answer to CONNECT")

    def heard(self) -> list[str]:
        found = []
        while not self.engine.queue.empty():
            packet = self.engine.queue.get()
            self.engine.queue.task_done()
            if packet is not None:
                found.append(str(packet.encode()))
        return found

    def connect(self) -> Client:
        self.say("40")
        assert self.heard()[0].startswith("40")
        return self


class Watched:
    """A session's record and its node at once, which is connected."""

    token, digest = TOKEN, "d"
    connected, away, hint = True, False, None
    about: ClassVar[dict[str, Any]] = {}

    def __init__(self, connect: Callable[..., None] = lambda *_: None) -> None:
        self.record = self
        self.connect = connect


def let_in(server: Server, monkeypatch: pytest.MonkeyPatch, node: Watched) -> None:
    """Has every token lead to this node."""
    monkeypatch.setattr(server.store, "renew", lambda _: node)
    monkeypatch.setattr(server.registry, "acquire", lambda *_: node)
    monkeypatch.setattr(server.registry, "release", lambda *_: None)


def codes(heard: list[str]) -> list[str]:
    """What a client was told, each event by its name, an error by its code."""
    events = [json.loads(each[2:]) for each in heard if each.startswith("42")]
    return [name if name != "error" else rest[0]["code"] for name, *rest in events]
