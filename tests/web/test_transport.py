"""A WebSocket as an Engine.IO session's transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.socket
import pytest
from engineio.exceptions import SocketIsClosedError, UnknownPacketError
from engineio.packet import MESSAGE, Packet

from ethpillar.web.frames import TEXT, server_frame
from ethpillar.web.options import WebOptions
from ethpillar.web.origins import Origins
from ethpillar.web.outgoing import OutgoingQueue
from ethpillar.web.transport import Writer, serve
from ethpillar.web.websocket import WebSocket

from ..frames import frame
from ..waiting import until

OPTIONS = WebOptions(Origins(()), 1000, 20, (), "too large")


class Session:
    """An Engine.IO session; by default a new one, which has not polled."""

    def __init__(self, connected: bool = False) -> None:
        self.server = SimpleNamespace(ping_interval=10, ping_timeout=30)
        self.queue = OutgoingQueue()
        self.connected = connected
        self.upgraded = self.upgrading = False
        self.received: list[Any] = []
        self.problem: Exception | None = None

    def receive(self, packet: Packet) -> None:
        self.received.append(packet.data)
        if self.problem is not None:
            raise self.problem


class Client:
    """A client, and the greenlet that serves it."""

    def __init__(self, session: Session) -> None:
        self.end, ours = gevent.socket.socketpair()
        self.end.settimeout(10)
        self.websocket = WebSocket(ours, ours.makefile("rb").read, OPTIONS)
        self.serving = gevent.spawn(serve, session, self.websocket)

    def say(self, *messages: str) -> None:
        self.end.sendall(b"".join(frame(TEXT, message.encode()) for message in messages))

    def hear(self, count: int) -> bytes:
        heard = b""
        while len(heard) < count and (data := self.end.recv(1 << 16)):
            heard += data
        return heard


Meet = Callable[[Session], Client]


@pytest.fixture
def meet() -> Iterator[Meet]:
    clients: list[Client] = []

    def make(session: Session) -> Client:
        clients.append(Client(session))
        return clients[-1]

    yield make
    for client in clients:
        client.end.close()
        client.serving.get(timeout=10)


def text(message: str) -> bytes:
    return server_frame(TEXT, message.encode())


def test_what_was_queued_before_comes_first_and_then_all_in_order(meet: Meet) -> None:
    session = Session()
    session.queue.put(Packet(MESSAGE, data="first"))
    client = meet(session)
    client.say("4hello", "4again")
    assert client.hear(8) == text("4first")
    until(lambda: session.received == ["hello", "again"], "both messages")
    assert session.upgraded
    session.queue.put(Packet(MESSAGE, data="second"))
    assert client.hear(9) == text("4second")
    assert not session.queue.writer.running


def test_an_upgrade_ends_the_poll_and_is_the_transport_once_the_client_says_so(meet: Meet) -> None:
    session = Session(connected=True)
    client = meet(session)
    client.say("2probe")
    assert client.hear(8) == text("3probe")
    assert session.upgrading
    assert not session.upgraded
    session.queue.put(Packet(MESSAGE, data="meanwhile"))
    assert session.queue.get(block=False).encode() == "6"
    client.say("5")
    assert client.hear(12) == text("4meanwhile")
    assert session.upgraded
    assert not session.upgrading


@pytest.mark.parametrize("said", [["2"], ["4hello"], ["2probe", "4hello"], ["2probe", "2probe"]])
def test_an_upgrade_that_is_none_leaves_the_session_as_it_was(meet: Meet, said: list[str]) -> None:
    session = Session(connected=True)
    client = meet(session)
    client.say(*said)
    client.serving.get(timeout=10)
    assert (session.upgraded, session.upgrading, session.received) == (False, False, [])
    assert session.queue.writer is None


def test_a_client_that_leaves_in_the_middle_of_an_upgrade_is_gone(meet: Meet) -> None:
    for said in ([], ["2probe"]):
        session = Session(connected=True)
        client = meet(session)
        client.say(*said)
        client.end.close()
        client.serving.get(timeout=10)
        assert not session.upgraded


def test_what_is_no_packet_is_an_error(meet: Meet) -> None:
    client = Client(Session())
    client.say("x")
    with pytest.raises(ValueError):
        client.serving.get(timeout=10)
    client.end.close()


@pytest.mark.parametrize(
    ("problem", "goes_on"), [(UnknownPacketError(), True), (SocketIsClosedError(), False), (RuntimeError("42"), False)]
)
def test_what_a_packet_leads_to(
    meet: Meet, problem: Exception, goes_on: bool, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session()
    session.problem = problem
    client = meet(session)
    client.say("4one", "4two")
    until(lambda: session.received == (["one", "two"] if goes_on else ["one"]), "what is taken")
    if not goes_on:
        client.serving.get(timeout=10)
    assert ("A packet failed" in caplog.text) is isinstance(problem, RuntimeError)
    assert "42" not in caplog.text


def test_the_end_comes_after_all_that_was_said(meet: Meet) -> None:
    session = Session()
    client = meet(session)
    until(lambda: session.upgraded, "the transport")
    for number in range(3):
        session.queue.put(Packet(MESSAGE, data=str(number)))
    session.queue.put(None)
    assert client.hear(16) == text("40") + text("41") + text("42") + b"\x88\x02\x03\xe8"


def test_a_session_whose_client_is_gone_takes_what_it_is_given_and_ends(meet: Meet) -> None:
    session = Session()
    client = meet(session)
    client.end.close()
    for number in range(100):
        session.queue.put(Packet(MESSAGE, data=str(number)))
    client.serving.get(timeout=10)
    session.queue.put(Packet(MESSAGE, data="late"))
    until(lambda: not session.queue.writer.running, "the writer's end")


def test_what_a_packet_can_not_be_written_for_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Packet):  # type: ignore[misc]
        def encode(self, b64: bool = False) -> Any:
            raise RuntimeError("a password")

    session = Session()
    session.queue.put(Broken(MESSAGE))
    client = Client(session)
    assert client.hear(4) == b"\x88\x02\x03\xe8"
    client.end.close()
    client.serving.get(timeout=10)
    assert "Writing to a WebSocket failed" in caplog.text
    assert "a password" not in caplog.text
    assert not Writer(session.queue, client.websocket).running
