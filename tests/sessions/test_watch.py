"""The watch for sessions that end. Redis is a stand-in."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest
import redis

from ethpillar.errors import SessionStoreDown
from ethpillar.sessions import SessionStore, SessionWatch, token_hash, watch

from ..waiting import until
from .fake_redis import FakeRedis
from .test_store import TTL, write

TOKENS = [f"token-{number:010}" for number in range(3)]


class Scene:
    """A watch over some tokens."""

    def __init__(self, interval: float = 0.001) -> None:
        self.fake = FakeRedis()
        self.store = SessionStore(self.fake, TTL)  # type: ignore[arg-type]
        self.in_use = list(TOKENS)
        self.ended: list[str] = []
        self.watch = SessionWatch(self.store, lambda: self.in_use, self.end, interval)
        for token in TOKENS:
            write(self.fake, token)

    def end(self, token: str) -> None:
        self.ended.append(token)

    def renewals(self) -> int:
        return self.fake.asked.count("EVAL")


def test_a_session_that_is_gone_is_told_and_others_are_not(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    del scene.fake.values[f"ssh_session:{TOKENS[1]}"]
    with caplog.at_level(logging.INFO):
        scene.watch.look()
    assert scene.ended == [TOKENS[1]]
    assert [record.__dict__["session"] for record in caplog.records] == [token_hash(TOKENS[1])]
    assert TOKENS[1] not in caplog.text


def test_a_session_in_use_is_renewed_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(interval=3600)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    scene.watch.look()
    assert scene.renewals() == 0
    now += watch.RENEW_EVERY - 0.1
    scene.watch.look()
    assert scene.renewals() == 0
    now += 0.1
    scene.watch.look()
    scene.watch.look()
    assert scene.renewals() == len(TOKENS)
    scene.in_use.remove(TOKENS[0])
    now += watch.RENEW_EVERY
    scene.watch.look()
    assert scene.renewals() == 2 * len(TOKENS) - 1
    scene.in_use.append(TOKENS[0])  # it begins anew
    scene.watch.look()
    assert scene.renewals() == 2 * len(TOKENS) - 1
    assert set(scene.watch._renewed) == set(TOKENS)


def test_a_slow_redis_puts_renewals_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-out must not wait for the renewals of all other sessions."""
    monkeypatch.setattr(watch, "AT_ONCE", 1)
    scene = Scene(interval=1)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    scene.watch.look()
    now += watch.RENEW_EVERY

    def slow(name: str) -> None:
        nonlocal now
        now += 1.1 if name == "EVAL" else 0.0

    scene.fake.before = slow
    scene.watch.look()
    assert scene.renewals() == 1
    scene.watch.look()
    scene.watch.look()
    assert scene.renewals() == len(TOKENS)


def test_renewals_of_many_sessions_take_few_round_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(interval=3600)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    scene.in_use = [f"token-{number:010}" for number in range(2 * watch.AT_ONCE + 1)]
    for token in scene.in_use:
        write(scene.fake, token)
    scene.watch.look()
    now += watch.RENEW_EVERY
    before = scene.fake.round_trips
    scene.watch.look()
    assert scene.renewals() == len(scene.in_use)
    assert scene.fake.round_trips - before == 1 + 3 * 3


def test_records_that_nobody_thought_of_keep_no_others_from_being_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(interval=3600)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(watch, "AT_ONCE", 1)
    renew, fails = scene.store.renew_all, [True]

    def renew_all(tokens: list[str]) -> Any:
        if fails and fails.pop():
            raise RecursionError
        return renew(tokens)

    monkeypatch.setattr(scene.store, "renew_all", renew_all)
    scene.watch.look()
    now += watch.RENEW_EVERY
    with pytest.raises(RecursionError):
        scene.watch.look()
    assert scene.renewals() == 0
    scene.watch.look()
    assert scene.renewals() == len(TOKENS) - 1
    now += watch.RENEW_EVERY
    scene.watch.look()
    assert scene.renewals() == 2 * len(TOKENS) - 1


def test_in_an_outage_nothing_ends_and_the_watch_goes_on() -> None:
    scene = Scene()

    def down(_: str) -> None:
        raise redis.ConnectionError

    scene.fake.before = down
    with pytest.raises(SessionStoreDown):
        scene.watch.look()
    scene.watch.start()
    scene.watch.start()
    asked = len(scene.fake.asked)
    until(lambda: len(scene.fake.asked) > asked + 3, "looks")
    scene.fake.values.clear()
    assert scene.ended == []
    scene.fake.before = lambda _: None
    until(lambda: set(scene.ended) == set(TOKENS), "the end of all")
    scene.watch.stop()
    scene.watch.stop()
    asked = len(scene.fake.asked)
    gevent.sleep(0.01)
    assert len(scene.fake.asked) == asked


def test_an_error_that_nobody_thought_of_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    problems: list[Any] = [ValueError("a password may be in here"), KeyError("x")]

    def end(token: str) -> None:
        if problems:
            raise problems.pop()
        scene.ended.append(token)

    scene.watch._ended = end
    scene.fake.values.clear()
    scene.watch.start()
    until(lambda: scene.ended, "the end")
    scene.watch.stop()
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(told) == 2
    assert "ValueError" in told[1]
    assert "password" not in caplog.text


def test_an_end_that_is_seen_and_heard_of_at_once_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(interval=3600)
    del scene.fake.values[f"ssh_session:{TOKENS[1]}"]
    ask = scene.store.gone

    def slowly(tokens: set[str]) -> set[str]:
        gone = ask(tokens)
        gevent.sleep(0.001)  # until the answer has come
        return gone

    def end(token: str) -> None:
        scene.ended.append(token)
        scene.in_use.remove(token)

    monkeypatch.setattr(scene.store, "gone", slowly)
    scene.watch._ended = end
    both = [gevent.spawn(scene.watch.look), gevent.spawn(scene.watch.hear, lambda tokens: set(tokens))]
    gevent.joinall(both, raise_error=True)
    assert scene.ended == [TOKENS[1]]


def test_what_a_session_is_now_is_told_when_it_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(interval=3600)
    told: list[str] = []
    looking = SessionWatch(
        scene.store, lambda: scene.in_use, scene.end, 3600, lambda record: told.append(record.target.host)
    )
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    looking.look()
    write(scene.fake, TOKENS[0], host="203.0.113.9")
    now += watch.RENEW_EVERY
    looking.look()
    assert len(told) == len(TOKENS)
    assert "203.0.113.9" in told
