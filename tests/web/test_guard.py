"""The guard between Engine.IO and Socket.IO, with an Engine.IO that is only pretended."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from engineio.packet import MESSAGE, PING, Packet
from gevent.event import Event

from ethpillar.errors import EthPillarError
from ethpillar.limits.limits import HANDSHAKE, Limits
from ethpillar.limits.refusals import Refusal
from ethpillar.web import guard as guard_module
from ethpillar.web.dispatch import CLIENT, PACKETS, PEER
from ethpillar.web.guard import BEHIND, CONNECT, UNREAD, Guard
from ethpillar.web.outgoing import OutgoingQueue

from ..waiting import until


class EngineSocket:
    """A session as Engine.IO has it."""

    def __init__(self) -> None:
        self.queue = OutgoingQueue()
        self.received: list[Any] = []
        self.closes: list[str] = []
        self.answered = Event()
        self.answered.set()
        "Cleared: the answer to a CONNECT takes a while."
        self.upgraded = self.closed = False
        self.upgrading = True

    def receive(self, packet: Any) -> None:
        self.received.append(packet)
        if packet.data == CONNECT:
            self.answered.wait()

    def handle_post_request(self, environ: Any) -> None:
        raise AssertionError("Engine.IO's own, with its own bound")

    def _websocket_handler(self, websocket: Any) -> Any:
        raise AssertionError("Engine.IO's own, with a greenlet that waits")

    def close(self, reason: str = "", **_: Any) -> None:
        self.closes.append(reason)


class Engine:
    """Engine.IO's server, as far as the guard goes."""

    reason = SimpleNamespace(SERVER_DISCONNECT="server", TRANSPORT_CLOSE="transport")
    ping_interval, ping_timeout = 10.0, 30.0

    def __init__(self) -> None:
        self.sockets: dict[str, EngineSocket] = {}
        self.events: list[tuple[Any, ...]] = []
        self.handlers: dict[str, Callable[..., Any]] = {
            "connect": lambda *given: self.events.append(("connect", *given)),
            "disconnect": lambda *given: self.events.append(("disconnect", *given)),
        }

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        self.handlers[event] = handler

    def connect(self, sid: str = "sid", client: str | None = "client") -> EngineSocket:
        self.sockets[sid] = EngineSocket()
        self.answer = self.handlers["connect"](sid, {CLIENT: client})
        return self.sockets[sid]


class Socket:
    """What a session has become."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def refuse(self, error: EthPillarError) -> None:
        self.refused.append(error.code)


class Setting:
    """A guard and what is around it."""

    def __init__(self, timeout: float = 60, **changes: int) -> None:
        bounds = {"connections": 3, "bad": 10, "all_bad": 10, "sockets": 10, "rate": 1, "burst": 5, **changes}
        self.limits = Limits(*bounds.values())
        self.engine = Engine()
        self.connected: dict[str, Socket] = {}
        server = SimpleNamespace(eio=self.engine)
        self.left: list[str] = []
        self.guard = Guard(server, self.limits, timeout, self.connected.get, frozenset("01234"), self.left.append)

    def socket(self) -> tuple[EngineSocket, Socket]:
        engine = self.engine.connect()
        self.connected["sid"] = Socket()
        return engine, self.connected["sid"]


def message(text: str | bytes = "2[]") -> Packet:
    return Packet(MESSAGE, data=text)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "PENALTY", 0)


def test_a_session_is_counted_from_its_start_to_its_end() -> None:
    setting = Setting()
    assert setting.guard.unnamed == 0
    for number in range(3):
        setting.engine.connect(f"sid{number}")
        assert setting.engine.answer is None  # what Socket.IO's own handler says
    assert len(setting.guard) == 3
    setting.engine.connect("one more")
    assert setting.engine.answer is False
    assert len(setting.guard) == 3
    setting.engine.connect("somebody else's", "another client")
    assert setting.engine.answer is None
    setting.engine.handlers["disconnect"]("sid0", "why")
    assert setting.engine.events[-1] == ("disconnect", "sid0", "why")
    assert setting.left == ["sid0"]
    assert "sid0" not in setting.engine.sockets
    setting.engine.connect("one more")
    assert setting.engine.answer is None
    for sid in ("sid1", "sid2", "one more", "somebody else's", "one that was refused"):
        setting.engine.handlers["disconnect"](sid, "why")
    assert len(setting.guard) == 0
    assert len(setting.limits.engines) == 0
    assert not setting.limits.ledger.tenants()
    assert setting.guard.unnamed == 0


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is paid: client, cost, connection, session."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(guard_module, "wait_until_paid", lambda _limits, *given: found.append(given))
    return found


def test_a_handshake_is_charged(paid: list[tuple[Any, ...]]) -> None:
    Setting().engine.connect()
    assert paid == [("client", HANDSHAKE, None)]


def test_a_session_that_becomes_no_socket_in_time_is_ended() -> None:
    setting = Setting()
    setting.guard._timeout = 0.01
    late, early, later = (setting.engine.connect(name) for name in ("late", "early", "later"))
    setting.connected["early"] = Socket()
    until(lambda: later.closes, "the end of one that came after both")
    assert late.closes == ["server"]
    assert early.closes == []


def test_one_that_left_has_no_deadline() -> None:
    setting = Setting()
    engine = setting.engine.connect()
    deadline = setting.guard._sessions["sid"].deadline
    setting.engine.handlers["disconnect"]("sid", "why")
    deadline.join(1)
    assert deadline.dead
    assert engine.closes == []


def connecting(setting: Setting) -> EngineSocket:
    """Return a session whose CONNECT is being answered."""
    engine = setting.engine.connect()
    engine.answered.clear()
    engine.receive(message(CONNECT))
    until(lambda: engine.received, "the CONNECT")
    return engine


def test_messages_wait_for_the_answer_to_connect_and_pings_do_not() -> None:
    engine = connecting(Setting())
    waiting = gevent.spawn(engine.receive, message("2[1]"))
    engine.receive(Packet(PING))
    gevent.idle()
    assert [each.data for each in engine.received] == [CONNECT, None]
    engine.answered.set()
    waiting.join(20)
    assert [each.data for each in engine.received] == [CONNECT, None, "2[1]"]


def test_messages_that_waited_for_a_session_that_has_left_are_lost_with_it() -> None:
    setting = Setting()
    engine = connecting(setting)
    waiting = gevent.spawn(engine.receive, message("2[1]"))
    gevent.idle()
    setting.engine.handlers["disconnect"]("sid", "why")
    engine.answered.set()
    waiting.join(20)
    assert waiting.successful()
    assert [each.data for each in engine.received] == [CONNECT]


def test_the_time_that_an_answer_to_connect_takes_is_not_the_client_s() -> None:
    setting = Setting(timeout=0)
    engine = connecting(setting)
    deadline = setting.guard._sessions["sid"].deadline
    gevent.idle()
    assert setting.guard._sessions["sid"].deadline is deadline
    assert not deadline.dead
    assert engine.closes == []
    engine.answered.set()  # with a refusal, as it is no socket
    until(lambda: engine.closes, "the end of its time")
    assert engine.closes == ["server"]


def test_packets_are_handed_on_as_long_as_there_are_not_too_many() -> None:
    setting = Setting(burst=5)
    engine, socket = setting.socket()
    for _ in range(5):
        engine.receive(message())
    assert len(engine.received) == 5
    engine.receive(message())
    assert len(engine.received) == 5
    assert socket.refused == ["rate_limited"]


def test_packets_of_engine_io_s_own_count_as_well() -> None:
    setting = Setting(burst=2)
    engine, socket = setting.socket()
    for _ in range(3):
        engine.receive(Packet(PING))
    assert len(engine.received) == 2
    assert socket.refused == ["rate_limited"]
    assert setting.limits.refusals.counts[Refusal.EVENTS] == 1


def test_one_that_sends_too_much_before_it_is_a_socket_is_ended() -> None:
    setting = Setting(burst=1)
    engine = setting.engine.connect()
    engine.receive(message())
    assert engine.closes == []
    engine.receive(message())
    assert engine.closes == ["server"]


@pytest.mark.parametrize("text", ["5-[]", "6", "", "\uff15", "x"])
def test_kinds_that_are_not_understood_are_refused(text: str) -> None:
    setting = Setting()
    engine, socket = setting.socket()
    engine.receive(message(text))
    assert engine.received == []
    assert socket.refused == ["bad_request"]


@pytest.mark.parametrize("text", ["0", "1", "2[]", "3", "4"])
def test_kinds_that_are_understood(text: str) -> None:
    setting = Setting()
    engine, socket = setting.socket()
    engine.receive(message(text))
    until(lambda: engine.received, "the message")
    assert [each.data for each in engine.received] == [text]
    assert socket.refused == []


def test_binary_is_dropped_without_a_word() -> None:
    setting = Setting()
    engine, socket = setting.socket()
    engine.receive(message(b"x"))
    assert engine.received == []
    assert socket.refused == []


def test_whoever_sends_and_reads_nothing_is_ended_after_so_many_packets() -> None:
    setting = Setting(burst=10 * UNREAD)
    engine, socket = setting.socket()
    for _ in range(BEHIND + 1):
        engine.queue.put(message())
    for _ in range(UNREAD):
        engine.receive(message())
    assert engine.closes == []
    engine.receive(message())
    assert engine.closes == ["server"]
    assert len(engine.received) == UNREAD
    assert socket.refused == []


def test_one_that_reads_again_is_not_counted_any_more() -> None:
    setting = Setting(burst=10 * UNREAD)
    engine, _ = setting.socket()
    for _ in range(3):
        for _ in range(BEHIND + 1):
            engine.queue.put(message())
        for _ in range(UNREAD):
            engine.receive(message())
        while engine.queue.qsize() > BEHIND:
            engine.queue.get()
        engine.receive(message())
    assert engine.closes == []


def test_a_packet_of_a_session_that_is_over_ends_it_again() -> None:
    setting = Setting()
    engine, _ = setting.socket()
    setting.guard._sessions.clear()
    engine.receive(message())
    assert engine.received == []
    assert engine.closes == ["server"]


def post(body: bytes, **more: Any) -> dict[str, Any]:
    return {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), **more}


def test_a_body_is_paid_for_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch, paid: list[tuple[Any, ...]]) -> None:
    setting = Setting()
    engine, _ = setting.socket()
    setting.guard._sessions["sid"].account.move(("client", "session"))

    def pay(_limits: Limits, *given: Any) -> None:
        assert engine.received == []
        paid.append(given)

    monkeypatch.setattr(guard_module, "wait_until_paid", pay)
    del paid[:]
    engine.handle_post_request(post(b"42[]\x1e3", **{PACKETS: 7, PEER: "its connection"}))
    assert paid == [("client", 7, "its connection", ("session",))]
    assert [each.packet_type for each in engine.received] == [MESSAGE, 3]


def test_an_empty_body_has_no_packets_and_a_bad_one_brings_none() -> None:
    setting = Setting()
    engine, _ = setting.socket()
    engine.handle_post_request(post(b""))
    for body in (b"42[]\x1e", b"42[]\x1ex", b"42[]\x1e\xff"):
        with pytest.raises(ValueError):
            engine.handle_post_request(post(body))
    assert engine.received == []


class WebSocket:
    closed = False
    session: Callable[[], Any]

    def close(self) -> None:
        self.closed = True


Serve = Callable[[EngineSocket, Any], None]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[Serve], None]:
    """Takes what serves a WebSocket from then on."""
    return lambda serve: monkeypatch.setattr(guard_module, "serve", serve)


def fails(problem: BaseException) -> Serve:
    def serve(*_: Any) -> None:
        raise problem

    return serve


def test_a_websocket_is_served_and_closed(served: Callable[[Serve], None]) -> None:
    setting = Setting()
    engine, _ = setting.socket()
    websocket = WebSocket()
    got: list[Any] = []
    served(lambda session, given: got.append((session, given)))
    engine.upgraded = True
    assert engine._websocket_handler(websocket) == []
    assert got == [(engine, websocket)]
    assert websocket.closed
    assert engine.closes == ["transport"]


@pytest.mark.parametrize("problem", [ValueError(), OSError()])
def test_a_client_that_sends_no_packet_ends_its_session(problem: Exception, served: Callable[[Serve], None]) -> None:
    setting = Setting()
    engine, _ = setting.socket()
    engine.upgraded = True
    served(fails(problem))
    websocket = WebSocket()
    assert engine._websocket_handler(websocket) == []
    assert websocket.closed
    assert engine.closes == ["transport"]


def test_a_session_has_one_websocket_and_none_once_it_is_over(served: Callable[[Serve], None]) -> None:
    setting = Setting()
    engine, _ = setting.socket()
    websocket, second, late = WebSocket(), WebSocket(), WebSocket()
    got: list[Any] = []

    def serve(_: Any, given: Any) -> None:
        got.append(given)
        assert engine._websocket_handler(second) == []  # while it has that one
        engine.upgraded = True

    served(serve)
    assert engine._websocket_handler(websocket) == []
    assert second.closed
    setting.engine.handlers["disconnect"]("sid", "why")
    assert engine._websocket_handler(late) == []
    assert late.closed
    assert got == [websocket]


def test_an_upgrade_that_failed_leaves_the_session_on_polling_and_is_tried_again(
    served: Callable[[Serve], None],
) -> None:
    setting = Setting()
    engine, _ = setting.socket()
    got: list[Any] = []
    for serve in (fails(OSError()), lambda _, given: got.append(given)):
        served(serve)
        assert engine._websocket_handler(WebSocket()) == []
    assert len(got) == 1
    assert engine.closes == []


@pytest.mark.parametrize(
    ("upgraded", "closed", "ended"), [(False, False, True), (True, False, False), (True, True, True)]
)
def test_a_websocket_that_does_not_become_the_transport_in_time_is_closed(
    upgraded: bool, closed: bool, ended: bool, served: Callable[[Serve], None]
) -> None:
    setting = Setting(timeout=0)
    engine, _ = setting.socket()
    seen: list[bool] = []

    def serve(session: EngineSocket, websocket: Any) -> None:
        session.upgraded, session.closed = upgraded, closed
        passed = Event()
        gevent.spawn_later(0, passed.set)  # runs after what was due before it
        assert passed.wait(20)
        seen.append(websocket.closed)

    served(serve)
    engine._websocket_handler(WebSocket())
    assert seen == [ended]


def test_a_websocket_is_known_by_the_name_of_its_session(served: Callable[[Serve], None]) -> None:
    setting = Setting()
    engine, _ = setting.socket()
    websocket = WebSocket()
    served(lambda *_: None)
    engine._websocket_handler(websocket)
    assert websocket.session() == ()  # until it is known whose it is
