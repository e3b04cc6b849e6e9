"""Many questions as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import SessionStoreDown
from ethpillar.sessions.gathering import AT_ONCE, MOST, Gathering

from ..interruption import Operation, sweep
from ..waiting import until


class Asked:
    """Answers when it is let, and knows what it was asked for."""

    def __init__(self) -> None:
        self.questions: list[list[str]] = []
        self.open = Event()
        self.down = False

    def __call__(self, keys: list[str]) -> dict[str, str]:
        self.questions.append(sorted(keys))
        self.open.wait()
        if self.down:
            raise SessionStoreDown
        return {key: key.upper() for key in keys if key.isalpha()}


@pytest.fixture
def asked() -> Asked:
    return Asked()


def busy(asked: Asked, gathering: Gathering[str]) -> list[gevent.Greenlet[..., str | None]]:
    """Has as many questions under way as there may be."""
    first = []
    for number in range(AT_ONCE):
        first.append(gevent.spawn(gathering.get, "xyz"[number]))
        until(lambda wanted=number + 1: len(asked.questions) == wanted, "it was asked")  # type: ignore[misc]
    return first


def test_who_asks_alone_is_answered_at_once(asked: Asked) -> None:
    asked.open.set()
    gathering = Gathering(asked)
    assert [gathering.get("a"), gathering.get("1"), gathering.get("a")] == ["A", None, "A"]
    assert asked.questions == [["a"], ["1"], ["a"]]


def test_who_comes_meanwhile_goes_together_and_is_asked_for_afterwards(asked: Asked) -> None:
    gathering = Gathering(asked)
    first = busy(asked, gathering)
    later = [gevent.spawn(gathering.get, key) for key in ["a", "b", "a", "1", "x"]]
    gevent.sleep(0)
    assert len(asked.questions) == AT_ONCE
    asked.open.set()
    assert [each.get(timeout=5) for each in later] == ["A", "B", "A", None, "X"]
    assert [each.get(timeout=5) for each in first] == ["X", "Y"]
    assert asked.questions[AT_ONCE:] == [["1", "a", "b", "x"]]  # `x` anew: an answer is not older than its question


def test_a_question_is_for_so_many_at_most(asked: Asked) -> None:
    gathering = Gathering(asked)
    busy(asked, gathering)
    keys = [f"{number}" for number in range(2 * MOST + 1)]
    later = [gevent.spawn(gathering.get, key) for key in keys]
    gevent.sleep(0)
    asked.open.set()
    assert [each.get(timeout=5) for each in later] == [None] * len(keys)
    assert [len(each) for each in asked.questions[AT_ONCE:]] == [MOST, MOST, 1]


def test_all_hear_that_there_is_no_answer_and_the_next_asks_anew(asked: Asked) -> None:
    gathering = Gathering(asked)
    first = busy(asked, gathering)
    later = [gevent.spawn(gathering.get, key) for key in "ab"]
    gevent.sleep(0)
    asked.down = True
    asked.open.set()
    gevent.joinall([*first, *later], timeout=5)
    assert [type(each.exception) for each in [*first, *later]] == [SessionStoreDown] * 4
    assert len({id(each.exception) for each in [*first, *later]}) == 4  # each keeps no more alive than its own stack
    assert len(asked.questions) == AT_ONCE + 1
    asked.down = False
    assert gathering.get("a") == "A"


@pytest.mark.parametrize("when", ["it waits", "it asks"])
def test_one_that_is_stopped_while_it_asks_for_others_does_not_hurt_them(asked: Asked, when: str) -> None:
    gathering = Gathering(asked)
    first = busy(asked, gathering)
    leader, *others = [gevent.spawn(gathering.get, key) for key in "abc"]
    gevent.sleep(0)
    if when == "it asks":
        first[0].kill()
        until(lambda: ["a", "b", "c"] in asked.questions, "it asks for them")
    leader.kill()
    asked.open.set()
    assert [each.get(timeout=5) for each in others] == ["B", "C"]
    assert gathering.get("a") == "A"


def test_a_failure_that_is_not_the_stores_is_only_who_asked_for_its(asked: Asked) -> None:
    gathering = Gathering(asked)
    busy(asked, gathering)

    def hurried() -> str | None:
        with gevent.Timeout(0.001, ValueError("too late")):
            return gathering.get("a")

    leader = gevent.spawn(hurried)
    gevent.sleep(0)
    other = gevent.spawn(gathering.get, "b")
    leader.join(timeout=5)
    assert isinstance(leader.exception, ValueError)
    asked.open.set()
    assert other.get(timeout=5) == "B"


@pytest.mark.parametrize("role", ["asks", "waits to ask", "goes with another"])
def test_nothing_is_left_of_one_that_is_stopped_anywhere(role: str) -> None:
    def slow(keys: list[str]) -> dict[str, str]:
        for _ in range(5):
            gevent.sleep(0)
        return {key: key for key in keys}

    @contextmanager
    def scenario() -> Iterator[Operation]:
        gathering = Gathering(slow)
        others = []
        for key in {"asks": "", "waits to ask": "xy", "goes with another": "xyz"}[role]:
            others.append(gevent.spawn(gathering.get, key))
            gevent.sleep(0)

        def operation() -> None:
            others.append(gevent.spawn(gathering.get, "b"))
            gathering.get("a")

        yield operation
        assert [each.get(timeout=5) for each in others] == [*"xyz"[: len(others) - 1], "b"]
        assert gathering.get("c") == "c"
        assert gathering._next is None
        assert gathering._under_way.counter == AT_ONCE

    assert sweep(scenario) >= (1 if role == "goes with another" else 5)
