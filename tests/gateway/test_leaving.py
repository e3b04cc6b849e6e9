"""How a socket ends: by itself, for want of a token, for asking too much, or because its node refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import (
    BadRequest,
    EthPillarError,
    HostKeyChanged,
    LimitReached,
    MemoryShort,
    NotAuthenticated,
    RateLimited,
    SessionRequired,
    SshUnreachable,
    Superseded,
    UnitNotFound,
)
from ethpillar.gateway.browser import REFUSALS, BrowserSocket, Stage
from ethpillar.gateway.options import GatewayOptions
from ethpillar.limits.ledger import GRAIN, Ledger

from ..waiting import until

TOKEN = str(uuid.uuid4())


class Outbox:
    """Remembers what was sent, in order, and whether it was disconnected after that."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.keeps_up = True
        self.asked: list[Callable[[], None]] = []
        self.tenant: Any = None

    def emit(self, name: str, payload: Any = None) -> None:
        self.sent.append((name, payload["code"]) if name == "error" else name)

    def send(self, text: str) -> None:
        self.sent.append(text)

    def disconnect(self) -> None:
        gevent.sleep(0)  # it may wait for others
        self.sent.append("DISCONNECTED")

    def belong(self, tenant: Any) -> None:
        self.tenant = tenant

    def ready(self) -> bool:
        return self.keeps_up

    def when_ready(self, call: Callable[[], None]) -> None:
        self.asked.append(call)


class Door:
    """An entrance that knows every token; it remembers what was refused, and who has which token."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.node = Node()
        self.holders: list[tuple[str, Any]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.heard: list[Any] = []
        self.let_in_of: list[tuple[str, str]] = []

    def look_up(self, token: object, client: object) -> Any:
        self.meanwhile()
        return SimpleNamespace(token=token, node=self.node)

    def refused(self, problem: EthPillarError) -> None:
        self.noted.append(problem.code)

    def held_back(self, *_: Any) -> float:
        return 0.0

    def let_go(self, *came: Any) -> None:
        self.heard.append(came)

    def take(self, token: str, holder: Any) -> None:
        self.holders.append((token, holder))

    def release(self, token: str, holder: Any) -> None:
        self.holders.remove((token, holder))

    def let_in(self, token: str, client: str) -> None:
        self.let_in_of.append((token, client))


class Node:
    """A node whose states can be watched."""

    connected, away, hint, past = True, False, None, None
    about: ClassVar[dict[str, Any]] = {}

    def __init__(self, problem: EthPillarError | None = None) -> None:
        self.problem = problem
        self.status = self
        self.watching: list[SimpleNamespace] = []
        self.record = SimpleNamespace(digest=id(self), target=SimpleNamespace(host="node.example", username="staker"))

    def connect(self, _: Any) -> None:
        if self.problem is not None:
            raise self.problem

    def subscribe(self, _: Any, interval: float, everything: bool) -> SimpleNamespace:
        made = SimpleNamespace(interval=interval, everything=everything)
        made.close = lambda: self.watching.remove(made)
        self.watching.append(made)
        return made

    def unseen(self) -> SimpleNamespace:
        return SimpleNamespace(data="NOTHING IS KNOWN", everything="NOTHING IS KNOWN, OF ALL")


class Registry:
    """The node of a record is the one that it names."""

    def __init__(self) -> None:
        self.held: list[Any] = []

    def acquire(self, record: Any, holder: Any) -> Any:
        if record.node not in self.held:
            self.held.append(record.node)
        return record.node

    def release(self, node: Any, holder: Any) -> None:
        self.held.remove(node)


class Page:
    """A socket and all that it stands on."""

    def __init__(self, auth_timeout: float = 60.0) -> None:
        self.outbox, self.door, self.registry, self.ledger = Outbox(), Door(), Registry(), Ledger()
        parts: Any = (self.outbox, self.door, self.registry)
        self.socket = BrowserSocket(*parts, GatewayOptions(auth_timeout, 64), client="client", ledger=self.ledger)

    def sign_in(self) -> Page:
        """Has its CONNECT answered, and shows a token."""
        self.socket.accepted()
        self.socket.authenticate(TOKEN)
        self.outbox.sent.clear()
        return self


@pytest.fixture
def page() -> Page:
    return Page()


# -- for want of a token


def test_one_that_shows_no_token_in_time_is_told_and_disconnected() -> None:
    page = Page(auth_timeout=0.0)
    page.socket.accepted()
    until(lambda: "DISCONNECTED" in page.outbox.sent, "its end")
    assert page.outbox.sent == [("error", SessionRequired.code), "DISCONNECTED"]
    assert page.door.noted == [SessionRequired.code]


def test_one_that_has_shown_its_token_has_no_deadline_any_more(page: Page) -> None:
    page.socket.accepted()
    deadline: Any = page.socket._deadline
    page.socket.authenticate(TOKEN)
    until(lambda: deadline.dead, "the end of the deadline")
    assert not page.socket.closed
    assert page.door.noted == []


def test_one_that_shows_its_token_with_its_connect_never_has_a_deadline(page: Page) -> None:
    page.socket.arrive(TOKEN)
    page.socket.accepted()
    assert page.socket._deadline is None


def test_one_that_leaves_takes_its_deadline_along(page: Page) -> None:
    page.socket.accepted()
    deadline: Any = page.socket._deadline
    page.socket.close()
    until(lambda: deadline.dead, "the end of the deadline")
    assert page.outbox.sent == []


# -- whose it is


def test_a_socket_keeps_the_session_that_it_has(page: Page) -> None:
    page.sign_in()
    for other in (str(uuid.uuid4()), TOKEN[:-1]):
        with pytest.raises(BadRequest):
            page.socket.authenticate(other)
    page.socket.authenticate(TOKEN)
    assert page.socket.token == TOKEN
    assert len(page.door.holders) == 1


@pytest.mark.parametrize("token", [None, 7, ["x"]])
def test_a_token_is_text(page: Page, token: object) -> None:
    page.socket.accepted()
    with pytest.raises(BadRequest, match="token"):
        page.socket.authenticate(token)
    assert page.socket.token is None


def test_what_it_has_waiting_counts_for_its_session_once_that_is_known(page: Page) -> None:
    page.sign_in()
    assert page.outbox.tenant == page.socket.tenant == ("client", TOKEN)
    with page.socket.room.take([{"x": "x" * 60_000}]):
        assert page.ledger.of(("client", TOKEN)) > 60_000
    page.socket.close()
    assert page.ledger.of(("client", TOKEN)) < GRAIN


def test_one_that_leaves_while_its_token_is_looked_up_takes_nothing(page: Page) -> None:
    page.door.meanwhile = page.socket.close
    page.socket.authenticate(TOKEN)
    assert page.socket.token is None
    assert page.door.holders == page.registry.held == page.outbox.sent == []


def test_subscriptions_are_weighed_while_they_are_there(page: Page) -> None:
    page.sign_in()
    page.socket.subscribe_status({})
    assert page.socket._subscriptions() == 1
    page.socket.unsubscribe_status()
    assert page.socket._subscriptions() == 0


def test_one_that_is_in_is_not_refused_any_more(page: Page) -> None:
    page.sign_in()
    assert page.door.let_in_of == [(TOKEN, "client")]


@pytest.mark.parametrize(
    ("event", "payload"),
    [("subscribe_logs", {"service": "execution"}), ("subscribe_status", {}), ("read_logs", {"service": "execution"})],
)
def test_one_that_has_shown_no_token_has_no_node(page: Page, event: str, payload: dict[str, Any]) -> None:
    page.socket.accepted()
    with pytest.raises(NotAuthenticated):
        getattr(page.socket, event)(payload)


@pytest.mark.parametrize("event", ["subscribe_logs", "subscribe_status", "read_logs"])
def test_what_needs_memory_is_refused_while_there_is_none(
    page: Page, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(_: Any) -> None:
        raise MemoryShort

    page.sign_in()
    monkeypatch.setattr(page.socket.room, "wait", wait)
    with pytest.raises(MemoryShort):
        getattr(page.socket, event)({"service": "execution"})
    assert page.registry.held[0].watching == []


def test_an_unsubscribe_ends_a_subscribe_that_still_waits_for_memory(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.sign_in()
    waits, goes_on = gevent.event.Event(), gevent.event.Event()

    def wait(_: Any) -> None:
        waits.set()
        goes_on.wait()

    followed: list[str] = []
    node = page.registry.held[0]
    monkeypatch.setattr(node, "check_unit", lambda _: None, raising=False)
    monkeypatch.setattr(node, "log_feed", followed.append, raising=False)
    monkeypatch.setattr(page.socket.room, "wait", wait)
    subscribe = gevent.spawn(page.socket.subscribe_logs, {"service": "execution"})
    waits.wait()
    page.socket.unsubscribe_logs({"service": "execution"})
    goes_on.set()
    subscribe.get(timeout=10)
    assert followed == []
    assert [*page.socket._logs] == []


def test_a_newer_question_ends_one_that_still_waits_for_memory(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.sign_in()
    waiting: list[Event] = []

    def wait(_: Any) -> None:
        waiting.append(Event())
        waiting[-1].wait()

    monkeypatch.setattr(page.socket.room, "wait", wait)
    question = {"service": "execution", "id": "search"}
    first = gevent.spawn(pytest.raises, Superseded, page.socket.read_logs, question)
    until(lambda: len(waiting) == 1, "the first")
    second = gevent.spawn(page.socket.read_logs, question)
    until(lambda: len(waiting) == 2, "the second")
    first.get(timeout=10)
    second.kill()


def test_one_that_shows_its_token_again_hears_again_that_its_node_is_away(page: Page) -> None:
    page.sign_in()
    page.registry.held[0].away = True
    page.socket.node_away()
    page.socket.authenticate(TOKEN)
    until(lambda: page.outbox.sent.count(("error", SshUnreachable.code)) == 2, "the error")
    assert page.outbox.sent[:2] == [("error", SshUnreachable.code), "authenticated"]


# -- for asking too much


def test_a_client_that_keeps_asking_for_too_much_is_disconnected(page: Page) -> None:
    page.sign_in()
    for _ in range(REFUSALS):
        page.socket.refuse(LimitReached())
    assert page.outbox.sent == [("error", LimitReached.code)] * REFUSALS
    assert not page.socket.closed
    page.socket.refuse(RateLimited())
    until(lambda: "DISCONNECTED" in page.outbox.sent, "its end")
    assert page.outbox.sent[REFUSALS:] == [("error", RateLimited.code), "DISCONNECTED"]


def test_other_errors_may_be_as_many_as_they_are(page: Page) -> None:
    page.sign_in()
    for _ in range(REFUSALS + 10):
        page.socket.refuse(UnitNotFound("validator"))
    page.socket.refuse(LimitReached())
    assert len(page.outbox.sent) == REFUSALS + 11
    assert page.socket.ended is None


# -- as its node refuses


def test_one_whose_connect_is_not_answered_yet_is_refused_by_that_answer(page: Page) -> None:
    page.socket.end(SshUnreachable())
    assert page.outbox.sent == []
    assert page.socket.closed
    assert isinstance(page.socket.ended, SshUnreachable)


@pytest.mark.parametrize(("payload", "last"), [({}, "NOTHING IS KNOWN"), ({"all": True}, "NOTHING IS KNOWN, OF ALL")])
def test_one_that_watches_states_hears_last_that_nothing_is_known(
    page: Page, payload: dict[str, Any], last: str
) -> None:
    page.sign_in()
    page.socket.subscribe_status(payload)
    page.socket.end(HostKeyChanged())
    assert page.outbox.sent == [("error", HostKeyChanged.code), last, "DISCONNECTED"]
    page.socket.end(SshUnreachable())
    assert len(page.outbox.sent) == 3
    assert isinstance(page.socket.ended, HostKeyChanged)


def test_one_that_watches_no_states_hears_the_error_only(page: Page) -> None:
    page.sign_in()
    page.socket.end(HostKeyChanged())
    assert page.outbox.sent == [("error", HostKeyChanged.code), "DISCONNECTED"]


def test_one_whose_session_moves_to_a_node_that_refuses_hears_so_last(page: Page) -> None:
    page.sign_in()
    page.socket.subscribe_status({})
    other = Node(HostKeyChanged())
    page.socket.follow(SimpleNamespace(node=other, digest=other.record.digest))  # type: ignore[arg-type]
    assert page.outbox.sent == [("error", HostKeyChanged.code), "NOTHING IS KNOWN", "DISCONNECTED"]
    assert page.door.noted == [HostKeyChanged.code]
    assert page.registry.held == []


def test_a_node_that_refuses_is_let_go_of(page: Page) -> None:
    page.socket.accepted()
    with pytest.raises(SshUnreachable):
        page.socket.enter(SimpleNamespace(node=Node(SshUnreachable())))  # type: ignore[arg-type]
    assert page.registry.held == []
    page.socket.welcome()  # there is no node to tell of
    assert page.outbox.sent == []


# -- by itself


def test_one_that_leaves_lets_go_of_everything_once(page: Page) -> None:
    page.sign_in()
    node = page.registry.held[0]
    page.socket.subscribe_status({})
    page.socket.close()
    page.socket.close()
    assert page.door.holders == page.registry.held == node.watching == []
    assert page.socket._gone.is_set()
    assert page.socket._stage is Stage.OVER
    with page.socket.room.take([{"x": "x" * 60_000}]):
        assert not page.ledger.tenants()  # an event that is under way still weighs nothing any more
    page.socket.welcome()
    assert page.outbox.sent == []


def test_one_that_leaves_waits_for_no_page_of_the_past(page: Page) -> None:
    page.sign_in()
    asked = Event()

    def past(*_: Any) -> Any:
        asked.set()
        Event().wait()

    page.registry.held[0].past = past
    reading = gevent.spawn(page.socket.read_logs, {"service": "execution"})
    assert asked.wait(5)
    page.socket.close()
    until(lambda: reading.dead, "the end of the call")
    assert isinstance(reading.exception, Superseded)


def test_a_node_that_is_lost_ends_its_sockets_and_is_not_told_twice(page: Page) -> None:
    page.sign_in()
    page.socket.node_lost(HostKeyChanged())
    page.socket.refuse(UnitNotFound("validator"))
    until(lambda: "DISCONNECTED" in page.outbox.sent, "its end")
    assert page.outbox.sent == [("error", HostKeyChanged.code), "DISCONNECTED"]
    assert page.door.noted == [HostKeyChanged.code]
    assert [(token, client) for token, client, _ in page.door.heard] == [(TOKEN, "client")]


# -- states while it is there


def test_a_browser_that_does_not_keep_up_is_asked_again_when_it_does(page: Page) -> None:
    calls: list[str] = []
    assert page.socket.ready(lambda: calls.append("again"))
    assert page.outbox.asked == []
    page.outbox.keeps_up = False
    assert not page.socket.ready(lambda: calls.append("again"))
    [again] = page.outbox.asked
    again()
    assert calls == ["again"]


@pytest.mark.parametrize(("everything", "sent"), [(False, "five"), (True, "all of them")])
def test_a_page_gets_the_states_that_it_asked_for(page: Page, everything: bool, sent: str) -> None:
    page.sign_in()
    page.socket.subscribe_status({"all": everything})
    page.socket.status(SimpleNamespace(data="five", everything="all of them"))  # type: ignore[arg-type]
    assert page.outbox.sent == [sent]
    [watched] = page.registry.held[0].watching
    assert watched.everything is everything
