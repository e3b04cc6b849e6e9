"""Connections that wait for a request's head, and give way."""

from functools import partial

from ethpillar.limits.heads import Heads


def test_the_connection_that_waited_longest_gives_way() -> None:
    waiting, ended = Heads(), []
    ends = {name: partial(ended.append, name) for name in "abc"}
    with waiting.wait(ends["a"]), waiting.wait(ends["b"]), waiting.wait(ends["c"]):
        waiting.done(ends["a"])
        for _ in range(3):
            waiting.end_oldest()
        assert ended == ["b", "c"]
    with waiting.wait(ends["a"]):
        assert len(waiting) == 1
    waiting.end_oldest()
    assert len(waiting) == 0
    assert ended == ["b", "c"]
