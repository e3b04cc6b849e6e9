"""Connections that wait for a request's head, and give way."""

from functools import partial

from ethpillar.limits.heads import Heads


def test_the_connection_that_waited_longest_gives_way() -> None:
    waiting, ended = Heads(), []
    for name in "abc":
        waiting.begin(name, partial(ended.append, name))
    with waiting.wait("a", partial(ended.append, "a")):  # as long as since it began
        waiting.done("b")
        assert waiting.end_oldest()
        assert waiting.end_oldest()
        assert not waiting.end_oldest()
        assert ended == ["a", "c"]
    with waiting.wait("a", partial(ended.append, "a")):
        assert len(waiting) == 1
    assert not waiting.end_oldest()
    assert len(waiting) == 0
    assert ended == ["a", "c"]


def test_a_connection_that_begins_anew_has_waited_for_the_shortest_time() -> None:
    waiting, ended = Heads(), []
    for name in "aba":
        waiting.begin(name, partial(ended.append, name), "address")
    assert len(waiting) == 2
    assert waiting.end_oldest_of("address")
    assert waiting.end_oldest()
    assert ended == ["b", "a"]


def test_of_one_address_only_its_own_give_way() -> None:
    waiting, ended = Heads(), []
    for name, key in ("ax", "by", "cy"):
        waiting.begin(name, partial(ended.append, name), key)
    assert waiting.end_oldest_of("y")
    assert ended == ["b"]
    waiting.done("c")
    assert not waiting.end_oldest_of("y")
    assert not waiting.end_oldest_of("z")
    assert waiting.end_oldest()
    assert not waiting.end_oldest()
    assert ended == ["b", "a"]
    assert not waiting._of  # nothing is remembered of an address
