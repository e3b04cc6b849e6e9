"""Showing tokens: how many are looked up at once, and how many sockets one may have."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import gevent
import pytest
import redis

from ethpillar.errors import (
    EthPillarError,
    LimitReached,
    RateLimited,
    SessionExpired,
    SshUnreachable,
    TooManySockets,
)
from ethpillar.gateway.entrance import LOOKUPS, Entrance
from ethpillar.limits.limits import Limits
from ethpillar.limits.pacing import SOCKETS, WITHIN, Pacing
from ethpillar.limits.refusals import Refusal
from ethpillar.sessions import SessionRecord, SessionStore

from ..sessions.fake_redis import FakeRedis
from ..sessions.test_store import write


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

    def count_bad_token(self, client: str) -> int:
        return 1


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


class Socket:
    def end(self, error: EthPillarError) -> None: ...

    def is_elsewhere(self, record: SessionRecord) -> bool:
        return False

    def follow(self, record: SessionRecord) -> None: ...


def test_the_sockets_of_a_token_are_known(limits: Limits) -> None:
    entrance = Entrance(Store(), limits)  # type: ignore[arg-type]
    sockets = [Socket() for _ in range(3)]
    for token, socket in zip("aab", sockets, strict=True):
        entrance.take(token, socket)
    assert set(entrance.holders("a")) == set(sockets[:2])
    assert entrance.tokens() == {"a", "b"}
    for token, socket in zip("aab", sockets, strict=True):
        entrance.release(token, socket)
    assert entrance.holders("a") == []
    assert entrance.tokens() == set()
    assert len(limits.sockets) == 0


def test_no_more_sockets_than_a_session_may_have() -> None:
    entrance = Entrance(Store(), Limits(500, 200, 3000, 1, 100, 1000))  # type: ignore[arg-type]
    first, second = Socket(), Socket()
    entrance.take("a", first)
    with pytest.raises(LimitReached):
        entrance.take("a", second)
    assert entrance.holders("a") == [first]
    entrance.release("a", first)
    entrance.take("a", second)
    assert entrance.holders("a") == [second]


def test_a_good_token_never_pays_for_others_bad_ones(limits: Limits) -> None:
    """All clients of a proxy that is not known are one address."""
    store = Store()
    entrance = Entrance(store, limits)  # type: ignore[arg-type]
    refused = []
    for _ in range(300):
        with pytest.raises((SessionExpired, RateLimited)) as caught:
            entrance.look_up(str(uuid.uuid4()), "proxy")
        refused.append(caught.type)
    assert refused[0] is SessionExpired
    assert refused[-1] is RateLimited
    with pytest.raises(RateLimited):
        entrance.look_up("no token at all", "proxy")
    assert entrance.look_up(GOOD, "proxy").token == GOOD
    store.most = 0
    guesses = [gevent.spawn(entrance.look_up, GOOD, "proxy") for _ in range(100)]
    gevent.joinall(guesses, raise_error=True)
    assert store.most == LOOKUPS


def test_bad_tokens_are_counted_by_all_servers_on_one_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_764_000_000.0)
    fake = FakeRedis()
    own = [Limits(500, 10, 3000, 500, 100, 1000, clock=lambda: 0.0) for _ in range(2)]
    first, second = (Entrance(SessionStore(fake, 60), each) for each in own)  # type: ignore[arg-type]
    write(fake, GOOD)

    def show(entrance: Entrance, client: str) -> type[Exception]:
        with pytest.raises(EthPillarError) as caught:
            entrance.look_up(str(uuid.uuid4()), client)
        return caught.type

    # One that stays with one server meets the limit of that one only.
    assert {show(first, "192.0.2.1") for _ in range(10)} == {SessionExpired}
    assert show(first, "192.0.2.1") is RateLimited
    assert show(second, "192.0.2.1") is SessionExpired
    for _ in range(20):
        show(first, "192.0.2.1")
    # Beyond what one lets through in a minute, another one refuses at once; but nobody else, and no good token.
    assert show(second, "192.0.2.1") is SessionExpired  # which is how it hears of it
    assert show(second, "192.0.2.1") is RateLimited
    assert show(second, "192.0.2.2") is SessionExpired
    assert second.look_up(GOOD, "192.0.2.1").token == GOOD
    assert all(end <= fake.now + 120 for key, end in fake.ends.items() if "badtokens" in key)


def test_a_redis_that_fails_meanwhile_changes_no_answer(limits: Limits) -> None:
    fake = FakeRedis()
    entrance = Entrance(SessionStore(fake, 60), limits)  # type: ignore[arg-type]

    def fail(command: str) -> None:
        if command == "EVAL":
            raise redis.ConnectionError

    fake.before = fail
    with pytest.raises(SessionExpired):
        entrance.look_up(str(uuid.uuid4()), "192.0.2.1")


def test_bad_tokens_of_a_suspect_cost_it_more_than_a_packet(limits: Limits) -> None:
    entrance = Entrance(Store(), limits)  # type: ignore[arg-type]
    asked = 0
    while not limits.suspects.debt("a"):
        with pytest.raises((SessionExpired, RateLimited)):
            entrance.look_up(str(uuid.uuid4()), "a")
        asked += 1
    assert asked < 1000  # though 10,000 packets may come at once
    assert entrance.look_up(GOOD, "a").token == GOOD
    assert not limits.suspects.debt("b")
    assert not limits.packets.debt("a")  # those that have shown a good one do not pay for it


@pytest.fixture
def paced(limits: Limits) -> Entrance:
    """One in which no time passes."""
    limits.pacing = Pacing(lambda: 100.0)
    return Entrance(Store(), limits)  # type: ignore[arg-type]


def waits(entrance: Entrance, sockets: int) -> list[float]:
    """How long the refusals of so many sockets of one page are held back, which come at once."""
    return [entrance.held_back(GOOD, "here", SshUnreachable(), 100.0) for _ in range(sockets)]


def test_a_session_that_is_let_in_is_refused_anew(paced: Entrance) -> None:
    assert waits(paced, SOCKETS + 1) == [0.0] * SOCKETS + [WITHIN]
    paced.let_in(GOOD, "elsewhere")
    assert waits(paced, 1) == [WITHIN]
    paced.let_in(GOOD, "here")
    assert waits(paced, SOCKETS + 1) == [0.0] * SOCKETS + [WITHIN]


def test_after_one_that_left_unheard_the_next_one_is_told_at_once(paced: Entrance) -> None:
    waits(paced, SOCKETS)
    paced.unheard(GOOD, "here")
    paced.unheard(GOOD, "elsewhere")
    assert waits(paced, 2) == [0.0, WITHIN]


def test_one_that_was_let_in_and_has_to_go_has_heard_why(paced: Entrance) -> None:
    waits(paced, SOCKETS - 1)
    paced.let_go(GOOD, "here", 100.0)
    assert waits(paced, 1) == [WITHIN]


def test_one_that_has_heard_a_refusal_already_counts_once(paced: Entrance) -> None:
    waits(paced, SOCKETS - 1)
    paced.let_go(GOOD, "here", None)
    paced.let_go(None, "here", 100.0)
    assert waits(paced, 1) == [0.0]


def test_what_a_setting_refuses_is_counted_by_that_setting(limits: Limits) -> None:
    entrance = Entrance(Store(), limits)  # type: ignore[arg-type]
    entrance.refused(TooManySockets())
    entrance.refused(SshUnreachable())
    assert {refusal: count for refusal, count in limits.refusals.counts.items() if count} == {Refusal.SOCKETS: 1}


def test_tokens_that_are_refused_are_counted_by_the_reason() -> None:
    limits = Limits(500, 20, 3000, 500, 100, 1000, clock=lambda: 0.0)
    entrance = Entrance(Store(), limits)  # type: ignore[arg-type]
    with pytest.raises(SessionExpired):
        entrance.look_up(str(uuid.uuid4()), "a")
    assert limits.refusals.counts[Refusal.UNKNOWN] == 1
    for _ in range(limits.max_bad_tokens_per_address + 5):
        with pytest.raises((SessionExpired, RateLimited)):
            entrance.look_up(str(uuid.uuid4()), "a")
    assert limits.refusals.counts[Refusal.TOKENS] == 6
    assert limits.refusals.counts[Refusal.CROWD] == 0
