"""What is on its way to one browser, with a socket of Engine.IO's that is only pretended."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from ethpillar.gateway import outbox as outbox_module
from ethpillar.gateway.outbox import Outbox
from ethpillar.limits.ledger import Ledger
from ethpillar.web.outgoing import HIGH_PACKETS, OutgoingQueue


class EngineSocket:
    """As Engine.IO has it, as far as an outbox goes."""

    def __init__(self) -> None:
        self.queue = OutgoingQueue()
        self.closing = self.closed = False
        self.closes: list[dict[str, Any]] = []

    def close(self, **how: Any) -> None:
        self.closes.append(how)
        self.closed = True
        self.queue.put(None)

    def take(self) -> Any:
        """What its writer does."""
        packet = self.queue.get()
        self.queue.task_done()
        return packet


@pytest.fixture
def engine() -> EngineSocket:
    return EngineSocket()


@pytest.fixture
def outbox(engine: EngineSocket) -> Outbox:
    disconnected: list[str] = []
    server = SimpleNamespace(
        manager=SimpleNamespace(eio_sid_from_sid=lambda sid, namespace: {("sid", "/"): "eio"}[sid, namespace]),
        eio=SimpleNamespace(sockets={"eio": engine}),
        disconnect=disconnected.append,
        disconnected=disconnected,
    )
    return Outbox(server, "sid")


def test_events_are_packets_in_order(outbox: Outbox, engine: EngineSocket) -> None:
    outbox.emit("authenticated")
    outbox.emit("error", {"message": "x"})
    outbox.send("2[1]")
    texts = [engine.take().encode() for _ in range(3)]
    assert texts == ['42["authenticated"]', '42["error",{"message":"x"}]', "42[1]"]
    assert json.loads(texts[1][2:])[1] == {"message": "x"}


def test_a_socket_that_is_closed_swallows_what_is_sent(outbox: Outbox, engine: EngineSocket) -> None:
    engine.closed = True
    outbox.emit("authenticated")
    assert engine.queue.qsize() == 0


def test_a_socket_that_is_gone_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Outbox(
            SimpleNamespace(manager=SimpleNamespace(eio_sid_from_sid=lambda *_: None), eio=SimpleNamespace(sockets={})),
            "x",
        )


def test_it_is_ready_as_its_queue_is(outbox: Outbox, engine: EngineSocket) -> None:
    called: list[int] = []
    for _ in range(HIGH_PACKETS + 1):
        outbox.send("2[]")
    assert not outbox.ready()
    assert not outbox.wait_ready(0.001)
    outbox.when_ready(lambda: called.append(1))
    for _ in range(HIGH_PACKETS):
        engine.take()
    assert outbox.ready()
    assert outbox.wait_ready()
    assert called == [1]


def test_it_disconnects_by_its_own_id(outbox: Outbox) -> None:
    outbox.disconnect()
    assert outbox._server.disconnected == ["sid"]


def test_a_transport_is_closed_once_all_is_taken(outbox: Outbox, engine: EngineSocket) -> None:
    outbox.emit("error", {})
    outbox.emit("error", {})
    closing = gevent.spawn(outbox.close_transport)
    gevent.sleep(0)
    engine.take()
    gevent.sleep(0)
    assert engine.closes == []
    engine.take()
    closing.get()
    assert engine.closes == [{"wait": False, "abort": False}]


def test_a_transport_is_closed_in_time_though_nothing_is_taken(
    outbox: Outbox, engine: EngineSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "GOODBYE", 0.01)
    outbox.emit("error", {})
    outbox.close_transport()
    assert engine.closes == [{"wait": False, "abort": False}]
    assert engine.queue.qsize() == 2


@pytest.mark.parametrize("state", ["closing", "closed"])
def test_a_socket_that_is_being_closed_counts_as_closed(outbox: Outbox, engine: EngineSocket, state: str) -> None:
    assert not outbox.closed
    setattr(engine, state, True)
    assert outbox.closed


def test_what_is_waiting_counts_for_the_session_once_that_is_known(outbox: Outbox, engine: EngineSocket) -> None:
    ledger = Ledger()
    engine.queue.account = ledger.account("queues", ("client",))
    outbox.send("2[]" + " " * 60_000)
    assert outbox.weight > 60_000
    outbox.belong(("client", "token"))
    assert ledger.of(("client", "token")) > 60_000
    assert ledger.of(("client",)) == ledger.of(("client", "token"))


@pytest.mark.parametrize("state", ["closing", "closed"])
def test_one_that_is_closing_is_not_waited_for(outbox: Outbox, engine: EngineSocket, state: str) -> None:
    outbox.emit("error", {})
    setattr(engine, state, True)
    with gevent.Timeout(1, AssertionError("it waited")):
        outbox.close_transport()
    assert engine.closes == [{"wait": False, "abort": False}]


def test_a_client_that_is_to_come_back_is_not_told_that_its_session_is_closed(
    outbox: Outbox, engine: EngineSocket
) -> None:
    outbox.close_transport(come_back=True)
    assert engine.closes == [{"wait": False, "abort": True}]
