"""Connections to one node: none outlives the pool."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ethpillar.errors import SshUnreachable
from ethpillar.ssh.pool import ConnectionPool


class FakeConnection:
    capacity = 10
    open_channels = 0
    alive = True

    def close(self) -> None:
        self.alive = False


def test_a_connection_that_comes_after_the_end_is_closed() -> None:
    made: list[FakeConnection] = []

    def login() -> Any:
        made.append(FakeConnection())
        gevent.sleep(0.01)
        return made[-1]

    pool = ConnectionPool(login, 4)
    waiting = [gevent.spawn(pytest.raises, SshUnreachable, pool.connect) for _ in range(3)]
    gevent.sleep(0)
    pool.close()
    gevent.joinall(waiting, raise_error=True)
    assert [each.alive for each in made] == [False]
