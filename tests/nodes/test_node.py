"""A node whose login fails."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import CredentialRefused, EthPillarError, SshError, SshTimeout
from ethpillar.nodes.node import Node, NodeOptions
from ethpillar.sessions import SessionRecord
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

    return Node(RECORD, login, NodeOptions(lambda *_: "", lambda *_: "")), logins


@pytest.mark.parametrize("error", [CredentialRefused, SshTimeout])
def test_all_who_ask_share_one_attempt(error: type[SshError]) -> None:
    node, logins = failing(error)
    asking = [gevent.spawn(pytest.raises, error, node.connect) for _ in range(10)]
    gevent.joinall(asking, raise_error=True)
    for _ in range(10):
        with pytest.raises(error):
            node.connect()
    assert len(logins) == 1
    node.close()


@pytest.mark.parametrize("error", [CredentialRefused, SshTimeout])
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

    def node_lost(self, error: EthPillarError) -> None:
        self.lost = error


class Flapping:
    """A connection that ends at once."""

    open_channels = 0
    capacity = 10

    def __init__(self, proved: bool) -> None:
        self.proved = proved
        self.ended = Event()
        gevent.spawn(self.ended.set)

    @property
    def alive(self) -> bool:
        return not self.ended.is_set()

    def close(self) -> None:
        self.ended.set()


@pytest.mark.parametrize("proved", [False, True])
def test_a_node_that_lets_us_in_and_hangs_up_is_given_up(monkeypatch: pytest.MonkeyPatch, proved: bool) -> None:
    monkeypatch.setattr("ethpillar.nodes.link.Backoff", lambda: Backoff(0.001, 0.01))
    options = NodeOptions(lambda *_: "", lambda *_: "", ssh_give_up=0.2)
    node = Node(RECORD, lambda: Flapping(proved), options)  # type: ignore[arg-type, return-value]
    listener = Listener()
    node.listeners.add(listener)
    node.connect()
    if proved:  # what did something in between was a connection like any other
        until(lambda: len(listener.states) > 60, "many connections")
        assert {attempt for state, attempt in listener.states if state == "reconnecting"} == {1}
    else:
        until(lambda: listener.lost, "the end")
        attempts = [attempt for state, attempt in listener.states if state == "reconnecting"]
        assert attempts == list(range(1, len(attempts) + 1))
        assert len(attempts) > 2
    node.close()
