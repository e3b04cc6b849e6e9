"""Refusals that are held back."""

from __future__ import annotations

import heapq

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.pacing import DELAYS, FORGOTTEN, MOST, SOCKETS, STEP, WITHIN, Pacing


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
    clock.now += DELAYS[1] + FORGOTTEN - 0.1
    assert pacing.refused("token") == DELAYS[2]  # less than that long since it was told
    clock.now += DELAYS[2] + FORGOTTEN
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


PAGE = range(SOCKETS)
"The sockets of the dashboard's page."


def opened_by(pacing: Pacing, clock: Clock, sockets: int, pauses: list[list[float]]) -> list[float]:
    """Have sockets come back, each its own pauses after it was told of a refusal; return when one was opened."""
    coming = [(clock.now, number, 0) for number in range(sockets)]
    opened = []
    while coming:
        clock.now, number, times = heapq.heappop(coming)
        opened.append(clock.now)
        told = clock.now + pacing.refused("token", clock.now)
        if times < len(pauses[number]):
            heapq.heappush(coming, (told + pauses[number][times], number, times + 1))
    return opened


def most_in(seconds: float, times: list[float]) -> int:
    """Return how many there are at most in so many seconds."""
    return max(sum(start <= each < start + seconds for each in times) for start in times)


@given(st.integers(1, 12), st.data())
def test_sockets_that_come_back_are_few_more_than_there_are(sockets: int, data: st.DataObject) -> None:
    """With five, as the page has, they are ten in twenty seconds, whenever each comes back."""
    pauses = data.draw(
        st.lists(st.lists(st.floats(0, 30), max_size=8), min_size=sockets, max_size=sockets), label="pauses"
    )
    assert most_in(WITHIN, opened_by(Pacing(clock := Clock()), clock, sockets, pauses)) <= sockets + SOCKETS


def test_the_page_opens_ten_sockets_in_twenty_seconds_and_has_its_reason_at_once() -> None:
    pacing = Pacing(clock := Clock())
    assert [pacing.refused("token", clock.now) for _ in PAGE] == [0.0] * SOCKETS
    clock.now += 1
    assert {pacing.refused("token", clock.now) for _ in PAGE} == {WITHIN - 1}
    clock = Clock()
    opened = opened_by(Pacing(clock), clock, SOCKETS, [[1, 2, 4, 5, 5]] * SOCKETS)  # its five attempts
    assert most_in(WITHIN, opened) == 10
    assert len(opened) == 30


def test_a_socket_alone_waits_as_long_as_each_step_does() -> None:
    pacing = Pacing(clock := Clock())
    delays = []
    for _ in range(7):
        delays.append(pacing.refused("token", clock.now))
        clock.now += delays[-1] + STEP
    assert delays == [*DELAYS, DELAYS[-1], DELAYS[-1]]


def test_a_socket_that_is_refused_again_and_again_counts_once() -> None:
    pacing = Pacing(clock := Clock())
    pacing.refused("token", clock.now)
    assert [pacing.refused("token") for _ in range(20)] == [0.0] * 20


def test_a_page_that_was_reloaded_while_it_waited_has_its_reason_at_once() -> None:
    pacing = Pacing(clock := Clock())
    for _ in range(2):
        waits = [pacing.refused("token", clock.now) for _ in PAGE]
        clock.now += 1
    assert min(waits) > 10
    for _ in PAGE:
        pacing.unheard("token")
    assert [pacing.refused("token", clock.now) for _ in PAGE] == [0.0] * SOCKETS
    clock.now += 1
    assert min(pacing.refused("token", clock.now) for _ in PAGE) > 10
    pacing.unheard("another")
    assert pacing.refused("another", clock.now) == 0


def test_a_page_that_is_reloaded_after_it_gave_up_has_its_reason_soon() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    opened = opened_by(pacing, clock, SOCKETS, [[1, 2, 4, 5, 5]] * SOCKETS)
    clock.now = opened[-1] + WITHIN
    assert {pacing.refused("token", clock.now) for _ in PAGE} == {0.0}


def test_sockets_that_were_let_in_a_while_ago_and_have_to_go_do_not_count() -> None:
    pacing = Pacing(clock := Clock())
    for came in (clock.now, clock.now - WITHIN):
        pacing.forget("token")
        for _ in PAGE:
            pacing.opened("token", came)
        expected = WITHIN - 1 if came == clock.now else 0.0
        clock.now += 1
        assert pacing.refused("token", clock.now) == expected
        clock.now -= 1
