"""A socket that is refused, and hears so later; what is mended meanwhile, and who leaves."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any, ClassVar

import gevent
import pytest

from ethpillar.errors import (
    BadRequest,
    CredentialRefused,
    EthPillarError,
    HostKeyChanged,
    RateLimited,
    SessionExpired,
    SessionStoreDown,
    SshUnreachable,
    TooManyNodes,
    TooManySockets,
)
from ethpillar.gateway import browser
from ethpillar.gateway.browser import BrowserSocket
from ethpillar.gateway.entrance import Entrance
from ethpillar.gateway.options import GatewayOptions
from ethpillar.limits.limits import Limits
from ethpillar.limits.pacing import SOCKETS

from ..waiting import until

TOKEN = str(uuid.uuid4())
FOR_EVER = 3600.0


class Outbox:
    """Takes everything."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def emit(self, name: str, payload: Any = None) -> None:
        self.sent.append((name, payload))

    def send(self, *_: Any) -> None: ...

    def disconnect(self) -> None: ...

    def belong(self, *_: Any) -> None: ...


class Door:
    """An entrance that knows one session, or none."""

    def __init__(self, known: bool = True) -> None:
        self.known = known
        self.looks = self.left = 0
        self.held: list[float | None] = []
        self.let_go_of: list[float | None] = []
        self.seconds = FOR_EVER

    def look_up(self, token: object, _: object) -> Any:
        self.looks += 1
        if not self.known:
            raise SessionExpired
        return SimpleNamespace(token=token)

    def held_back(self, _token: object, _client: object, _problem: object, came: float | None) -> float:
        self.held.append(came)
        return self.seconds

    def let_go(self, _token: object, _client: object, came: float | None) -> None:
        self.let_go_of.append(came)

    def refused(self, _: object) -> None: ...

    def unheard(self, *_: Any) -> None:
        self.left += 1

    def take(self, *_: Any) -> None: ...

    def release(self, *_: Any) -> None: ...

    def let_in(self, *_: Any) -> None: ...


class Nodes:
    """The registry and its only node, which refuses while there is a problem."""

    connected, away, hint = True, False, None
    about: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.problem: EthPillarError | None = None

    def acquire(self, *_: Any) -> Nodes:
        return self

    def release(self, *_: Any) -> None: ...

    def connect(self, _: Any) -> None:
        if self.problem is not None:
            raise self.problem


class Arrival:
    """A socket that shows its token."""

    def __init__(self, known: bool = True, problem: EthPillarError | None = None) -> None:
        self.door, self.nodes = Door(known), Nodes()
        self.nodes.problem = problem
        made: Any = BrowserSocket(Outbox(), self.door, self.nodes, GatewayOptions(60, 64))  # type: ignore[arg-type]
        self.socket: BrowserSocket = made

    def begin(self) -> gevent.Greenlet[..., None]:
        return gevent.spawn(self.socket.arrive, TOKEN)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "LOOK_EVERY", 0.001)


def test_a_session_that_is_mended_while_its_refusal_is_held_back_is_let_in() -> None:
    here = Arrival(problem=SshUnreachable())
    waiting = here.begin()
    until(lambda: here.door.looks > 3, "some looks")
    assert not waiting.dead
    here.nodes.problem = None
    waiting.get(timeout=5)
    assert len(here.door.held) == 1  # it is one refusal, however often one looks


def test_a_refusal_is_told_when_it_is_due_and_as_it_is_then() -> None:
    here = Arrival(known=False)
    here.door.seconds = 0.05
    waiting = here.begin()
    until(lambda: here.door.looks == 1, "the first look")
    here.door.known, here.nodes.problem = True, HostKeyChanged()
    with pytest.raises(HostKeyChanged):
        waiting.get(timeout=5)


def test_a_token_that_no_session_has_is_looked_up_once_more_only() -> None:
    here = Arrival(known=False)
    here.door.seconds = 0.05
    with pytest.raises(SessionExpired):
        here.begin().get(timeout=5)
    assert here.door.looks == 2


def test_a_node_is_asked_for_no_more_logins_than_its_refusal_is_worth() -> None:
    here = Arrival(problem=HostKeyChanged())
    here.door.seconds = 0.05
    with pytest.raises(HostKeyChanged):
        here.begin().get(timeout=5)
    assert here.door.looks == 2
    here = Arrival(problem=CredentialRefused())  # which is remembered
    waiting = here.begin()
    until(lambda: here.door.looks > 3, "some looks")
    here.socket.close()
    waiting.get(timeout=5)


def test_the_first_refusal_is_told_at_once() -> None:
    here = Arrival(problem=SshUnreachable())
    here.door.seconds = 0
    with pytest.raises(SshUnreachable):
        here.socket.arrive(TOKEN)
    assert here.door.looks == 1


def test_a_socket_that_leaves_while_it_waits_is_known_to_have_heard_nothing() -> None:
    here = Arrival(problem=SshUnreachable())
    waiting = here.begin()
    until(lambda: here.door.looks > 1, "a look")
    here.socket.close()
    waiting.get(timeout=5)
    assert here.door.left == 1


def test_a_socket_counts_once() -> None:
    here = Arrival(problem=SshUnreachable())
    here.door.seconds = 0
    for _ in range(3):
        with pytest.raises(SshUnreachable):
            here.socket.authenticate(TOKEN)
    assert [came is None for came in here.door.held] == [False, True, True]


def test_a_socket_that_was_let_in_and_has_to_go_counts_and_hears_of_one_error_only() -> None:
    here = Arrival()
    here.socket.authenticate(TOKEN)
    here.socket.node_lost(HostKeyChanged())
    here.socket.refuse(SshUnreachable())  # what waited for that node, and fails with it
    until(lambda: here.socket.closed, "its end")
    outbox: Any = here.socket.outbox
    assert [payload["code"] for name, payload in outbox.sent if name == "error"] == ["host_key_changed"]
    assert [came is None for came in here.door.let_go_of] == [False]


@pytest.fixture
def entrance() -> Entrance:
    return Entrance(None, Limits(500, 200, 3000, 500, 100, 1000))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [SessionExpired, HostKeyChanged, SshUnreachable, TooManyNodes, TooManySockets])
def test_what_has_a_page_come_back_is_held_back(entrance: Entrance, kind: type[EthPillarError]) -> None:
    waits = [entrance.held_back(TOKEN, "here", kind(), 100.0) for _ in range(SOCKETS + 1)]
    assert waits[:-1] == [0.0] * SOCKETS
    assert entrance.held_back(str(uuid.uuid4()), "here", kind(), 100.0) == 0
    assert entrance.held_back(TOKEN, "there", kind(), 100.0) == 0


@pytest.mark.parametrize("kind", [BadRequest, RateLimited, SessionStoreDown])
def test_what_may_be_over_in_a_moment_or_is_paid_for_is_told_at_once(
    entrance: Entrance, kind: type[EthPillarError]
) -> None:
    assert [entrance.held_back(TOKEN, "here", kind(), 100.0) for _ in range(20)] == [0.0] * 20


@pytest.mark.parametrize("token", [None, 7, ["x"], {"a": 1}, "x" * 1000])
def test_what_is_no_text_or_no_token_s_length_is_counted_by_address_in_steps_only(
    entrance: Entrance, token: object
) -> None:
    assert [entrance.held_back(token, "here", SessionExpired(), 100.0) for _ in range(20)] == [0.0] * 20
