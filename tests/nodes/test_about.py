"""What a node says of itself, and what is made of nonsense."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import SshUnreachable
from ethpillar.nodes import about
from ethpillar.nodes.about import About, AboutWatch, read_about

from ..waiting import until

NOW = 1_795_441_675.0


def at(seconds: float) -> bytes:
    return str(round(seconds * 1000)).encode() + b"000000"


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (at(NOW) + b"\nnode-1\n/usr/share/zoneinfo/Europe/Berlin\n", About("node-1", "Europe/Berlin", 0)),
        (at(NOW + 2.5) + b"\nnode-1\nEtc/UTC\n", About("node-1", "Etc/UTC", 2500)),
        (at(NOW - 2.5) + b"\nnode.example\nUTC", About("node.example", "UTC", -2500)),
        (b"1795441675%N\nnode-1\n", About("node-1", None, None)),  # a date that knows no %N
        (b"1795441675\n\n\n", About(None, None, None)),
        (b"", About(None, None, None)),
        (b"\n\n" + b"x" * 64, About(None, "x" * 64, None)),
        (b"\n\n" + b"x" * 65, About(None, None, None)),
        (at(NOW) + b"\n<b>x</b>\n../../etc/passwd\n", About(None, None, 0)),
        (b"\xff\xfe\n" + b"x" * 5000, About(None, None, None)),
    ],
)
def test_what_it_says_is_read_where_it_has_the_right_shape(output: bytes, told: About) -> None:
    assert read_about(output, NOW - 0.1, NOW + 0.1) == told


def test_the_clock_of_a_node_that_answers_late_is_not_known() -> None:
    assert read_about(at(NOW) + b"\nn\nUTC\n", NOW - 3, NOW).clock_offset_ms is None
    assert read_about(at(NOW) + b"\nn\nUTC\n", NOW, NOW - 1).clock_offset_ms is None  # our own clock was set


@given(st.binary(max_size=200))
def test_nothing_that_it_says_raises(output: bytes) -> None:
    read_about(output, NOW, NOW)


def test_it_is_asked_anew_with_each_connection_and_a_failure_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "AFTER", 0)
    asked: list[Sequence[str]] = []
    told: list[About | None] = []

    def run(words: Sequence[str]) -> bytes:
        asked.append(words)
        if len(asked) == 2:
            raise SshUnreachable
        return b"\nnode-%d\nUTC\n" % len(asked)

    watch = AboutWatch(run, lambda: told.append(watch.about))
    for number in (1, 2, 3):
        watch.connected()
        until(lambda number=number: len(asked) == number, "the question")
    until(lambda: len(told) == 2, "the answers")
    assert told == [About("node-1", "UTC", None), About("node-3", "UTC", None)]
    watch.close()
