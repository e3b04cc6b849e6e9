"""Word of sessions that end. Redis is a stand-in; the system tests have real ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
import redis
from gevent.queue import Queue

from ethpillar.sessions import endings
from ethpillar.sessions.endings import Endings, choice, digest, say
from ethpillar.sessions.keys import ENDED, KEYSPACE

from ..interruption import Operation, sweep
from ..waiting import until

TOKENS = ["token-one", "token-two"]


class Listening:
    """A connection to Redis that listens."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.channels: list[str] = []

    def _command(self) -> None:
        gevent.sleep(0)
        if self._link.problems:
            raise self._link.problems.pop(0)

    def subscribe(self, channel: str) -> None:
        self._command()
        self.channels.append(channel)

    psubscribe = subscribe

    def get_message(self, timeout: float) -> Any:
        self._command()
        return self._link.messages.get(timeout=10)

    def close(self) -> None:
        self._link.open.remove(self)


class Link:
    """Gives out connections that listen, and keeps what is published."""

    def __init__(self) -> None:
        self.messages: Queue[Any] = Queue()
        self.problems: list[Exception] = []
        self.open: list[Listening] = []
        self.opened = 0
        self.published: list[tuple[str, bytes]] = []

    def pubsub(self) -> Listening:
        self.opened += 1
        self.open.append(made := Listening(self))
        return made

    def publish(self, channel: str, message: bytes) -> None:
        if self.problems:
            raise self.problems.pop(0)
        self.published.append((channel, message))


def keyspace(token: str, what: bytes) -> dict[str, Any]:
    return {"type": "pmessage", "channel": f"__keyspace@0__:ssh_session:{token}".encode(), "data": what}


def published(token: str) -> dict[str, Any]:
    return {"type": "message", "channel": ENDED.encode(), "data": digest(token)}


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Link:
    monkeypatch.setattr(endings, "AGAIN", 0.001)
    return Link()


@contextmanager
def listening(link: Link, heard: Any) -> Iterator[None]:
    greenlet = gevent.spawn(Endings(link, heard).run)  # type: ignore[arg-type]
    yield
    greenlet.kill()
    assert not link.open


@pytest.mark.parametrize(
    "message",
    [
        published("token-two"),
        *(keyspace("token-two", each) for each in (b"del", b"expired", b"evicted", b"rename_from")),
    ],
)
def test_a_message_is_about_one_token(message: dict[str, Any]) -> None:
    chosen = choice(message)
    assert chosen is not None
    assert chosen(TOKENS) == {"token-two"}
    assert chosen(["another"]) == set()


@pytest.mark.parametrize("what", [b"set", b"expire", b"rename_to", b""])
def test_what_else_happens_to_a_session_is_no_end(what: bytes) -> None:
    assert choice(keyspace("token-two", what)) is None


def test_a_channel_of_any_bytes_is_about_nobody() -> None:
    chosen = choice({"type": "pmessage", "channel": b"\xff", "data": b"del"})
    assert chosen is not None
    assert chosen(TOKENS) == set()


def test_what_is_said_tells_nobody_a_token(link: Any) -> None:
    say(link, TOKENS)
    assert link.published == [(ENDED, digest(token)) for token in TOKENS]
    assert not any(token.encode() in message for token in TOKENS for _, message in link.published)


def test_a_redis_that_takes_no_messages_is_no_error(link: Any) -> None:
    link.problems.append(redis.exceptions.NoPermissionError())
    say(link, TOKENS)
    assert link.published == []


def test_each_message_is_passed_on(link: Link) -> None:
    chosen: list[set[str]] = []
    with listening(link, lambda choose: chosen.append(choose(TOKENS))):
        link.messages.put(None)  # nothing has come for a while
        for each in (keyspace("token-one", b"expire"), published("token-one"), keyspace("token-two", b"del")):
            link.messages.put(each)
        until(lambda: len(chosen) == 2, "both ends")
        assert link.open[0].channels == [ENDED, KEYSPACE]
    assert chosen == [{"token-one"}, {"token-two"}]


@pytest.mark.parametrize("problem", [redis.ConnectionError(), OSError(), redis.TimeoutError()])
def test_a_connection_that_breaks_is_made_anew(link: Link, problem: Exception) -> None:
    chosen: list[set[str]] = []
    link.problems.append(problem)
    with listening(link, lambda choose: chosen.append(choose(TOKENS))):
        link.messages.put(published("token-one"))
        until(lambda: chosen, "an end")
        link.problems.append(problem)
        link.messages.put(None)
        link.messages.put(published("token-two"))
        until(lambda: len(chosen) == 2, "another end")
        assert len(link.open) == 1
    assert link.opened == 3


def test_one_of_the_two_subscriptions_may_be_refused(link: Link) -> None:
    """redis-py tells of a refusal when the answer is read."""
    chosen: list[set[str]] = []
    with listening(link, lambda choose: chosen.append(choose(TOKENS))):
        until(lambda: len(link.open) == 1 and len(link.open[0].channels) == 2, "both subscriptions")
        link.problems.append(redis.exceptions.NoPermissionError())
        link.messages.put(None)
        link.messages.put(published("token-one"))
        until(lambda: chosen, "an end")
    assert link.opened == 1


def test_an_error_that_nobody_thought_of_does_not_end_the_listening(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    problems, chosen = [ValueError("a password may be in here")], []

    def heard(choose: Any) -> None:
        if problems:
            raise problems.pop()
        chosen.append(choose(TOKENS))

    with listening(link, heard):
        link.messages.put(published("token-one"))
        link.messages.put(published("token-two"))
        until(lambda: chosen, "the next end")
    assert chosen == [{"token-two"}]
    assert [each.levelno for each in caplog.records] == [logging.ERROR]
    assert "password" not in caplog.text


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that are waited between tries, and take no time here."""
    waited: list[float] = []
    sleep = gevent.sleep

    def note(seconds: float) -> None:
        if seconds:
            waited.append(seconds)
        sleep(0)

    monkeypatch.setattr(endings.gevent, "sleep", note)
    return waited


def test_tries_come_less_and_less_often(link: Link, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "AGAIN_MOST", 0.005)
    link.problems += [redis.ConnectionError() for _ in range(5)]
    with listening(link, lambda _: None):
        until(lambda: not link.problems and link.open, "a connection")
    assert waits == [0.001, 0.002, 0.004, 0.005, 0.005]


def test_after_a_connection_that_was_good_the_next_try_comes_soon(link: Link, waits: list[float]) -> None:
    link.problems += [redis.ConnectionError(), redis.ConnectionError()]
    heard: list[Any] = []
    with listening(link, heard.append):
        until(lambda: bool(link.open) and len(link.open[0].channels) == 2, "a connection")
        link.messages.put(published("token-one"))
        until(lambda: heard, "a message")
        link.problems.append(redis.ConnectionError())
        link.messages.put(published("token-one"))
        until(lambda: not link.problems and link.open, "another connection")
    assert waits == [0.001, 0.002, 0.001]


def test_listening_that_is_stopped_anywhere_leaves_no_connection(link: Link) -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        link = Link()
        enough: list[Any] = []

        def heard(choose: Any) -> None:
            gevent.sleep(0)
            enough.append(choose)
            raise gevent.GreenletExit

        link.messages.put(published("token-one"))
        yield Endings(link, heard).run  # type: ignore[arg-type]
        assert not link.open

    assert sweep(scenario) >= 4
