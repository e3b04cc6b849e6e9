"""What Redis refuses, in words for an operator."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import redis

from ethpillar.errors import SessionStoreDown
from ethpillar.sessions.redis_link import RedisLink, RedisRefuses, believe_absence
from ethpillar.sessions.rights import NEEDED, OPTIONAL, refusals

DENIED = "this user has no permissions to run the '{}' command"


class Pool:
    """Counts how often connections are made anew."""

    def __init__(self) -> None:
        self.dropped = 0

    def disconnect(self, inuse_connections: bool = True) -> None:
        assert not inuse_connections
        self.dropped += 1


class Asked:
    """A Redis that raises this for some commands, and answers all others."""

    def __init__(self, problem: Exception | None = None, *commands: str) -> None:
        self.problem = problem
        self.commands = commands
        self.connection_pool = Pool()
        self.words: list[tuple[str, ...]] = []
        self.answer: Any = [b"master"]

    def execute_command(self, *words: str) -> Any:
        self.words.append(words)
        if self.problem is not None and (not self.commands or words[0] in self.commands):
            raise self.problem
        return self.answer

    def ping(self) -> None:
        self.execute_command("PING")


def link(asked: Asked) -> RedisLink:
    return RedisLink(asked)  # type: ignore[arg-type]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    caplog.set_level(logging.INFO)
    return caplog


def test_a_redis_that_allows_everything_refuses_nothing() -> None:
    asked = Asked()
    assert refusals(link(asked)) == {}
    assert {words[0] for words in asked.words} == set(NEEDED) | set(OPTIONAL)
    keys = {word for words in asked.words for word in words if word.startswith(("ssh_session:", "ethpillar:"))}
    assert all(key.endswith(("probe", "ended")) for key in keys)  # no session's


@pytest.mark.parametrize("command", [*NEEDED, *OPTIONAL])
def test_a_command_that_is_refused_is_told_with_what_does_not_work(command: str) -> None:
    asked = Asked(redis.exceptions.NoPermissionError(DENIED.format(command.lower())), command)
    assert refusals(link(asked)) == {command: (NEEDED | OPTIONAL)[command]}


def test_a_redis_that_lets_nobody_in_or_does_not_answer_is_no_list_of_commands() -> None:
    for problem in (redis.AuthenticationError("WRONGPASS"), redis.ConnectionError("CANARY")):
        with pytest.raises(SessionStoreDown):
            refusals(link(Asked(problem)))


@pytest.mark.parametrize(
    ("problem", "refusal"),
    [
        (redis.AuthenticationError("WRONGPASS CANARY"), "the user name or password of REDIS_URL"),
        (
            redis.exceptions.NoPermissionError(DENIED.format("get")),
            "GET, or the keys that it is for, to this user",
        ),
        (redis.ResponseError("ACL failure in script: CANARY"), "a command, or the keys that it is for, to this user"),
        (redis.ResponseError("unknown command 'EVAL'"), "a command, which it does not know"),
        (redis.ResponseError("unsupported CANARY"), "a command, which it does not know"),
        (redis.ResponseError("CANARY"), "a command, for another reason"),
        (redis.ResponseError("OOM CANARY"), "a command, as its memory is full"),
        (redis.ConnectionError("permission CANARY"), None),
        (OSError("CANARY"), None),
        (UnicodeError("CANARY"), None),
    ],
)
def test_an_error_is_told_once_without_its_text(
    problem: Exception, refusal: str | None, log: pytest.LogCaptureFixture
) -> None:
    asked = Asked(problem)
    store = link(asked)
    for _ in range(2):
        with pytest.raises(SessionStoreDown) as caught:
            store.ping()
        assert getattr(caught.value, "refusal", None) == refusal
        assert isinstance(caught.value, RedisRefuses) is (refusal is not None)
    assert store.errors == asked.connection_pool.dropped == 2
    (told,) = log.records
    assert "CANARY" not in log.text
    assert told.levelname == ("WARNING" if refusal is None else "ERROR")
    assert (refusal or type(problem).__name__) in log.text
    asked.problem = None
    store.ping()
    store.ping()
    assert [record.message for record in log.records][1:] == ["Redis answers again"]
    asked.problem = problem
    with pytest.raises(SessionStoreDown):
        store.ping()
    assert len(log.records) == 3  # a second outage is told


def test_an_error_of_ours_is_not_redis_s() -> None:
    store = link(Asked())
    with pytest.raises(KeyError), store.asking():
        raise KeyError
    assert store.errors == 0


@pytest.mark.parametrize(("answer", "believed"), [([b"master"], True), ([b"slave"], False), ([b"sentinel"], None)])
def test_whose_word_counts_that_there_is_no_session(answer: object, believed: bool | None) -> None:
    asked: Any = Asked()
    asked.answer = answer
    try:
        believe_absence(asked)
    except SessionStoreDown:
        assert not believed
    else:
        assert believed is not False
