"""How much of a command's output may be under way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.ssh.window import FIRST, MOST, Window


def test_what_was_read_is_granted_again_a_quarter_at_a_time() -> None:
    window = Window()
    assert [window.read(FIRST // 8, now) for now in (0, 100, 200, 300)] == [0, FIRST // 4, 0, FIRST // 4]
    assert window.size == FIRST


def test_a_reader_that_waits_for_the_network_is_granted_more() -> None:
    window, now, granted = Window(), 0.0, 0
    for _ in range(1000):
        now += 0.01
        granted += window.read(16 * 1024, now)
    assert window.size == MOST
    assert granted <= 1000 * 16 * 1024 + MOST - FIRST


def test_one_that_reads_a_little_now_and_then_is_not() -> None:
    window = Window()
    for second in range(2000):
        window.read(1000, float(second))
    assert window.size == FIRST


def test_one_that_the_network_waits_for_gives_back_what_it_had() -> None:
    window, now = Window(), 0.0
    while window.size < MOST:
        now += 0.01
        window.read(16 * 1024, now)
    for _ in range(10):
        now += 0.01
        window.read(window.size, now)
    assert window.size == FIRST


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 3)), max_size=200))
def test_a_node_has_never_sent_more_than_the_window_and_is_never_stuck(steps: list[tuple[float, float]]) -> None:
    window, now = Window(), 0.0
    allowed = held = 0
    allowed = FIRST
    for part, wait in steps:
        held += allowed  # it sends all that it may
        allowed = 0
        assert held <= MOST
        now += wait
        count = max(1, int(held * part))
        held -= count
        allowed += window.read(count, now)
        assert allowed >= 0
        assert FIRST <= window.size <= MOST
    allowed += window.read(held, now)
    assert allowed > 0


def test_a_quarter_at_once_is_a_little_piece() -> None:
    window = Window()
    window.read(FIRST // 4, 0.0)
    window.read(FIRST // 4, 0.1)
    assert window.size == 2 * FIRST
