"""How old a state may be, and when the next tick is."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ethpillar.nodes.status_state import RECENT, TRANSITIONS, StatusState, after_poll, max_age, next_tick


@pytest.mark.parametrize(
    ("found", "ready", "state"),
    [
        (True, True, StatusState.CURRENT),
        (True, False, StatusState.OWED),
        (False, True, StatusState.FAILING),
        (False, False, StatusState.FAILING),
    ],
)
def test_what_follows_a_poll_is_allowed_after_whatever_came_before(
    found: bool, ready: bool, state: StatusState
) -> None:
    assert after_poll(found, ready) is state
    for before in set(StatusState) - {StatusState.CLOSED, state}:
        assert state in TRANSITIONS[before]
    assert not TRANSITIONS[StatusState.CLOSED]


@pytest.mark.parametrize(("shortest", "seconds"), [(1, 0.9), (5, 4.5), (300, 5.0), (3600, 5.0)])
def test_a_snapshot_is_shared_for_less_than_an_interval_and_never_for_long(shortest: float, seconds: float) -> None:
    assert max_age(shortest) == pytest.approx(seconds)
    assert max_age(shortest) <= RECENT


@given(st.floats(0, 1e6), st.floats(0.01, 3600), st.floats(0, 1e6))
def test_the_next_tick_keeps_the_rhythm_and_skips_what_was_missed(tick: float, interval: float, now: float) -> None:
    following = next_tick(tick, interval, now)
    assert following >= tick
    if now < tick:
        assert following == tick
        return
    assume(now - tick < 1e5 * interval)
    assert now - 1e-6 <= following <= now + interval + 1e-6
    periods = (following - tick) / interval
    assert periods == pytest.approx(round(periods), abs=1e-3)
    assert round(periods) >= 1
