"""A node whose login fails."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ethpillar.errors import CredentialRefused, SshError, SshTimeout
from ethpillar.nodes.node import Node, NodeOptions
from ethpillar.sessions import SessionRecord
from ethpillar.ssh.target import Target

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
