"""A node as a whole: logins that fail, connections that break, and everything that runs when it is closed."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import CredentialRefused, EthPillarError, HostKeyChanged, SshError, SshTimeout, SshUnreachable
from ethpillar.nodes.about import About
from ethpillar.nodes.items import Encoder
from ethpillar.nodes.link_state import PATIENT, RESTLESS
from ethpillar.nodes.node import Node, NodeOptions
from ethpillar.sessions import SessionRecord
from ethpillar.ssh.channels import ChannelCount
from ethpillar.ssh.command import Result
from ethpillar.ssh.target import Target
from ethpillar.timing import Backoff

from ..waiting import until

RECORD = SessionRecord("token-0123456789", Target("node.example", 22, "staker", "secret"))


def failing(error: type[SshError]) -> tuple[Node, list[int]]:
    logins: list[int] = []

    def login() -> Any:
        logins.append(1)
        gevent.sleep(0.01)
        raise error

    return Node(RECORD, login, NodeOptions(Encoder(lambda *_: b""), lambda *_: "")), logins


@pytest.mark.parametrize("error", [CredentialRefused, HostKeyChanged])
def test_all_who_ask_share_one_attempt(error: type[SshError]) -> None:
    node, logins = failing(error)
    asking = [gevent.spawn(pytest.raises, error, node.connect) for _ in range(10)]
    gevent.joinall(asking, raise_error=True)
    for _ in range(10):
        with pytest.raises(error):
            node.connect()
    assert len(logins) == 1
    node.close()


@pytest.mark.parametrize("error", [CredentialRefused, HostKeyChanged])
def test_an_error_that_is_kept_keeps_no_frames(error: type[SshError]) -> None:
    node, _ = failing(error)
    depths = []
    for _ in range(5):
        with pytest.raises(error) as caught:
            node.connect()
        depths.append(len(caught.traceback))
    assert depths[1:] == [depths[1]] * 4
    node.close()


class Listener:
    def __init__(self) -> None:
        self.states: list[tuple[str, int | None]] = []
        self.lost: EthPillarError | None = None

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        self.states.append((state, details.get("attempt")))

    def node_away(self) -> None: ...

    def node_back(self) -> None: ...

    def node_lost(self, error: EthPillarError) -> None:
        self.lost = error


class Flapping:
    """A connection that ends a moment later."""

    def __init__(self, proved: bool) -> None:
        self.channels = ChannelCount(10)
        self.answered = Event()
        if proved:
            self.answered.set()
        self.ended = Event()
        gevent.spawn_later(0.001, self.ended.set)

    @property
    def alive(self) -> bool:
        return not self.ended.is_set()

    def start(self, *_: Any) -> Any:
        self.ended.wait()
        raise SshUnreachable

    def close(self) -> None:
        self.ended.set()


@pytest.mark.parametrize("proved", [False, True])
def test_a_node_that_lets_us_in_and_hangs_up_is_given_up(monkeypatch: pytest.MonkeyPatch, proved: bool) -> None:
    monkeypatch.setattr("ethpillar.nodes.link.Backoff", lambda: Backoff(0.001, 0.01))
    options = NodeOptions(Encoder(lambda *_: b""), lambda *_: "", ssh_give_up=0.2)
    node = Node(RECORD, lambda: Flapping(proved), options)  # type: ignore[arg-type, return-value]
    listener = Listener()
    node.listeners.add(listener)
    node.connect()
    until(lambda: listener.lost, "the end")
    attempts = [attempt for state, attempt in listener.states if state == "reconnecting"]
    if proved:  # what did something in between was a connection like any other, but not again and again
        assert attempts == [*[1] * (PATIENT - 1), *range(2, RESTLESS - PATIENT + 2)]
        assert listener.lost is not None
        assert listener.lost.code == "ssh_restless"
    else:
        assert attempts == list(range(1, len(attempts) + 1))
        assert len(attempts) > 2
    node.close()


class Command:
    """A journalctl that prints one entry and, if it follows, goes on without a word."""

    stderr = b""

    def __init__(self, follows: bool) -> None:
        self._output = [b"__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1\n_PID=7\nMESSAGE=hello\n\n"]
        self._follows = follows

    def read(self) -> bytes:
        if self._output:
            return self._output.pop()
        if self._follows:
            gevent.sleep(600)
        return b""

    def status(self) -> int:
        return 0


class Pool:
    """A pool whose node has every unit, and one entry in each journal."""

    made: Pool

    def weight(self) -> int:
        return 0

    def __init__(self, *_: Any) -> None:
        Pool.made = self
        self.connection = Flapping(proved=True)
        self.connection.ended = Event()
        self.running = 0
        self.closed = False
        self.heard = 0.0
        self.problem: EthPillarError | None = None
        "What polls run into."
        self.waited: list[float] = []
        "For how long each command may take."

    @property
    def alive(self) -> list[Flapping]:
        return [self.connection] if self.connection.alive else []

    def connect(self) -> Flapping:
        return self.connection

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 0, limit: int = 0) -> Result:
        gevent.sleep(0)
        self.waited.append(timeout)
        if "systemctl" in words and self.problem is not None:
            raise self.problem
        if "systemctl" in words:
            units = words[words.index("--") + 1 :]
            return Result(0, b"\n".join([b"ActiveState=active\n"] * len(units)), b"")
        return Result(0, b"__CURSOR=s=1\n\n", b"")

    @contextmanager
    def stream(self, words: Sequence[str], stdin: bytes = b"", **_: Any) -> Iterator[Command]:
        self.running += 1
        try:
            yield Command("-f" in words)
        finally:
            self.running -= 1

    def close(self) -> None:
        self.closed = True


class Sink:
    window = 0.0

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.states: list[str] = []

    def wait_ready(self, timeout: float | None = None) -> bool:
        return True

    def ready(self) -> bool:
        return True

    def lines(self, items: Sequence[Any]) -> None:
        self.got += items

    def state(self, state: str, details: dict[str, Any]) -> None:
        self.states.append(state)

    def elsewhere(self, where: str) -> None: ...

    def failed(self, error: EthPillarError) -> None: ...


def test_a_node_that_is_closed_in_the_middle_of_everything_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.node.ConnectionPool", Pool)
    node = Node(RECORD, lambda: None, NodeOptions(Encoder(lambda *_: b"packet"), lambda *_: "update"))  # type: ignore[arg-type, return-value]
    assert not node.connected
    node.connect()
    assert node.connected
    assert node.status.get(0.0).data == "update"
    assert node.check_unit("execution.service") is None
    sinks = [Sink(), Sink()]
    for unit, sink in zip(("execution.service", "validator.service"), sinks, strict=True):
        node.log_feed(unit).subscribe(sink)
    until(lambda: all(sink.got and "live" in sink.states for sink in sinks), "both logs")
    assert Pool.made.running == 2
    node.close()
    assert node.over
    assert Pool.made.closed
    assert not Pool.made.running
    gc.collect()
    watched = ("Link", "StatusFeed", "LogFeed", "LogSubscription", "Shared")
    left = [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet) and not each.dead]
    assert not [each for each in left if any(name in str(each) for name in watched)]
    node.close()


@pytest.fixture
def options() -> NodeOptions:
    return NodeOptions(Encoder(lambda *_: b"packet"), lambda *_: "update")


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, options: NodeOptions) -> Iterator[Node]:
    monkeypatch.setattr("ethpillar.nodes.node.ConnectionPool", Pool)
    made = Node(RECORD, lambda: None, options)  # type: ignore[arg-type, return-value]
    yield made
    made.close()


def test_a_node_that_has_let_us_in_is_met(node: Node) -> None:
    assert not node.met
    node.connect()
    assert node.met
    assert not node.given_up


def test_what_a_node_says_of_itself_is_told_while_it_is_connected(node: Node) -> None:
    told: list[dict[str, Any]] = []
    listener: Any = Mock(connection_state=lambda state, details: told.append(details))
    assert node.about == {}
    node.connect()
    node.listeners.add(listener)
    node._about.about = About("staking", "Europe/Berlin", 12)
    node._tell_about()
    assert node.about == {"node": {"name": "staking", "zone": "Europe/Berlin", "clock_offset_ms": 12}}
    assert told == [node.about]
    node._link.close()
    node._tell_about()
    assert told == [node.about]


def test_a_question_about_the_past_waits_for_a_node_that_is_away_and_not_for_ever(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("ethpillar.nodes.node.AWAY", 0.01)
    monkeypatch.setattr(node._history, "read", lambda *what: asked.append(what))
    query: Any = object()
    with pytest.raises(SshUnreachable):
        node.past(query)
    assert asked == []
    node.connect()
    node.past(query, 7)
    assert asked == [(query, 7)]


def test_a_new_connection_forgets_which_boot_the_node_is_in(node: Node) -> None:
    node.connect()
    node._journal._boot = "of the old connection"
    node._connected()
    assert node._journal._boot is None


def test_those_who_come_after_the_first_wait_for_a_login_only_shortly(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[bool] = []
    monkeypatch.setattr(node._link, "connect", lambda known_before, gone: known.append(known_before))
    node.connect()
    node.connect()
    assert known == [False, True]


@pytest.mark.parametrize(("heard", "silent"), [(99.9, True), (100.0, False), (float("inf"), False)])
@pytest.mark.parametrize("problem", [SshTimeout(), SshUnreachable()])
def test_a_poll_without_an_answer_tells_of_a_silent_node_unless_it_said_something_else(
    node: Node,
    options: NodeOptions,
    monkeypatch: pytest.MonkeyPatch,
    heard: float,
    silent: bool,
    problem: EthPillarError,
) -> None:
    node.connect()
    monkeypatch.setattr("ethpillar.nodes.node.time", SimpleNamespace(monotonic=lambda: 100.0))
    node.status.get(0.0)
    assert (sum(options.tally.polls.values()), options.tally.polls_failed) == (1, 0)
    assert 0 <= options.tally.poll_seconds < 60
    Pool.made.problem, Pool.made.heard = problem, heard
    with pytest.raises(type(problem)):
        node.status.get(0.0)
    assert (sum(options.tally.polls.values()), options.tally.polls_failed) == (1, 1)
    assert node._missing() is (silent and isinstance(problem, SshTimeout))


@pytest.mark.parametrize("timeout", [None, 2.0])
def test_a_short_command_has_its_own_deadline_or_that_of_all(
    node: Node, options: NodeOptions, timeout: float | None
) -> None:
    node.run(("true",), timeout=timeout)
    assert Pool.made.waited == [timeout or options.ssh_command_timeout]


def test_a_node_weighs_something_until_it_is_closed(node: Node, options: NodeOptions) -> None:
    assert options.ledger.total > 0
    node.close()
    assert options.ledger.total == 0


def test_nothing_of_a_closed_node_runs_a_command(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ethpillar.nodes.about.AFTER", 0.0)
    node.connect()
    node.close()
    ran = len(Pool.made.waited)
    for ask in (lambda: node.status.get(0.0), lambda: node._rights.search()):
        with pytest.raises(EthPillarError):
            ask()
    gevent.sleep(0.01)
    assert len(Pool.made.waited) == ran
