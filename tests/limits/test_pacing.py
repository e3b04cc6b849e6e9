"""Refusals that are held back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.pacing import DELAYS, FORGOTTEN, MOST, STEP, Pacing


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_step_is_later_and_refusals_that_come_together_are_one_step() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    for delay in (*DELAYS, DELAYS[-1], DELAYS[-1]):
        assert [pacing.refused("token") for _ in range(5)] == [delay] * 5  # the sockets of a page
        clock.now += STEP


def test_other_keys_and_those_that_were_let_in_begin_anew() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    pacing.refused("token")
    clock.now += STEP
    assert pacing.refused("token") == DELAYS[1]
    assert pacing.refused("other") == 0
    pacing.forget("token")
    assert pacing.refused("token") == 0
    clock.now += STEP
    assert pacing.refused("token") == DELAYS[1]
    clock.now += FORGOTTEN + 1
    assert pacing.refused("token") == 0


def test_a_step_and_a_quiet_time_end_when_they_are_said_to_end() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    pacing.refused("token")
    clock.now += STEP - 0.1
    assert pacing.refused("token") == 0
    clock.now += 0.1
    assert pacing.refused("token") == DELAYS[1]
    clock.now += FORGOTTEN
    assert pacing.refused("token") == DELAYS[2]  # not more than that long without a refusal
    clock.now += FORGOTTEN + 0.1
    assert pacing.refused("token") == 0
    clock.now += STEP - 0.1
    assert pacing.refused("token") == 0  # of the same step, which has begun anew


def test_what_is_remembered_is_bounded_and_the_latest_is_kept() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    for number in range(MOST + 100):
        pacing.refused(number)
    assert len(pacing._steps) == MOST
    clock.now += STEP
    assert pacing.refused(MOST + 99) == DELAYS[1]
    assert pacing.refused(0) == 0


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_a_client_that_comes_back_at_once_is_answered_ever_more_rarely(pauses: list[float]) -> None:
    """Each number is the time until it asks again, once it has its answer."""
    clock = Clock()
    pacing = Pacing(clock)
    delays = []
    for pause in pauses:
        delays.append(pacing.refused("token"))
        clock.now += delays[-1] + pause
    assert delays == sorted(delays)
    assert delays[0] == 0
