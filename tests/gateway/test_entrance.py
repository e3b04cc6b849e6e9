"""Showing tokens: how many are looked up at once, and how many sockets one may have."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import gevent
import pytest

from ethpillar.errors import SessionExpired
from ethpillar.gateway.entrance import LOOKUPS, Entrance
from ethpillar.limits.limits import Limits


@pytest.fixture
def limits() -> Limits:
    return Limits(500, 200, 3000, 500, 100, 1000)


class Store:
    """Looks tokens up, slowly; knows how many it was asked for at once."""

    def __init__(self) -> None:
        self.now = self.most = self.asked = 0

    def renew(self, token: str) -> SimpleNamespace | None:
        self.now, self.asked = self.now + 1, self.asked + 1
        self.most = max(self.most, self.now)
        gevent.sleep(0)
        self.now -= 1
        return SimpleNamespace(token=token) if token == GOOD else None


GOOD = str(uuid.uuid4())


def test_bad_tokens_of_all_addresses_together_shut_nobody_out_and_are_looked_up_few_at_once(limits: Limits) -> None:
    store = Store()
    entrance = Entrance(store, limits)  # type: ignore[arg-type]

    def guess(client: str, token: str) -> None:
        with pytest.raises(SessionExpired):
            entrance.look_up(token, client)

    def guesses(count: int, token: str) -> None:
        spawned = [gevent.spawn(guess, f"{token[:1]}{number}", token) for number in range(count)]
        gevent.joinall(spawned, raise_error=True)

    guesses(4000, "no token at all")
    assert store.asked == 0
    guesses(100, str(uuid.uuid4()))
    assert store.most == 100  # what was no token is nobody else's affair
    guesses(4000, str(uuid.uuid4()))
    store.most = 0
    guesses(100, str(uuid.uuid4()))
    assert store.most == LOOKUPS
    assert entrance.look_up(GOOD, "198.51.100.7").token == GOOD
