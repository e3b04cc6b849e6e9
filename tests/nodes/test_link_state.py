"""When a connection is tried again, and when it is given up: tables, and whatever hypothesis thinks of."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.nodes.link_state import (
    AWAY_AFTER,
    AWAY_TRIES,
    HURRY_EVERY,
    NEVER_REACHED,
    PART,
    PATIENT,
    REFUSED_TRIES,
    REFUSED_UNSURE,
    REFUSED_WAIT,
    REFUSED_WITHIN,
    RESTLESS,
    SHORT,
    SOON,
    TRANSITIONS,
    Absence,
    LinkState,
    Retries,
    after_failure,
)
from ethpillar.timing import Backoff


@pytest.mark.parametrize(
    ("terminal", "exhausted", "following"),
    [
        (False, False, LinkState.RECONNECTING),
        (False, True, LinkState.GIVEN_UP),
        (True, False, LinkState.LOST),
        (True, True, LinkState.LOST),
    ],
)
def test_what_follows_a_try_that_failed(terminal: bool, exhausted: bool, following: LinkState) -> None:
    assert after_failure(terminal, exhausted) is following
    for state in (LinkState.CONNECTING, LinkState.RECONNECTING):
        assert following is state or following in TRANSITIONS[state]


def test_what_refuses_never_comes_back_and_everything_can_be_closed() -> None:
    assert TRANSITIONS[LinkState.LOST] == {LinkState.CLOSED}
    assert not TRANSITIONS[LinkState.CLOSED]
    assert all(LinkState.CLOSED in after for state, after in TRANSITIONS.items() if state is not LinkState.CLOSED)


def test_an_absence_is_told_once_after_some_tries_or_some_time() -> None:
    absence = Absence()
    assert not absence.begins(1000.0)
    absence.missing(1000.0)
    absence.missing(1005.0)  # only the first time counts
    assert absence.due == 1000.0 + AWAY_AFTER
    assert not absence.begins(1000.0 + AWAY_AFTER - 0.1)
    assert absence.begins(1000.0 + AWAY_AFTER)
    assert not absence.begins(1000.0 + AWAY_AFTER)
    absence.ends()
    assert (absence.away, absence.due) == (False, None)
    for tries in range(1, AWAY_TRIES + 2):
        absence.failed()
        assert absence.begins(2000.0) is (tries == AWAY_TRIES)


@pytest.mark.parametrize(("give_up", "limit"), [(3600.0, NEVER_REACHED), (60.0, 60.0)])
def test_a_node_that_was_never_reached_is_given_up_sooner(give_up: float, limit: float) -> None:
    retries = Retries(give_up, Backoff())
    retries.begin(100.0)
    assert not retries.exhausted(100.0 + limit)
    assert retries.exhausted(100.1 + limit)
    retries.connected(200.0)
    assert not retries.exhausted(200.0 + give_up)


def begun(give_up: float = 60.0, now: float = 0.0) -> Retries:
    """Retries of a link that has just been connected for the first time."""
    made = Retries(give_up, Backoff())
    made.connected(now)
    return made


def test_a_connection_begins_the_count_anew() -> None:
    retries = begun()
    retries.delay(0.0)
    retries.delay(0.0)
    retries.connected(now=100.0)
    retries.delay(0.0)
    assert retries.attempt == 1
    assert not retries.exhausted(101.0)


def test_it_is_given_up_after_that_time_and_not_before() -> None:
    retries = begun(give_up=60.0, now=1000.0)
    assert not retries.exhausted(1060.0)
    assert retries.exhausted(1060.1)


@pytest.mark.parametrize(
    ("tried", "due", "now", "when"),
    [
        (None, 30.0, 5.0, 5.0),  # nothing was tried yet: at once
        (4.0, 30.0, 5.0, 4.0 + HURRY_EVERY),  # a moment ago
        (1.0, 30.0, 5.0, 5.0),
        (4.0, 5.5, 5.0, 5.5),  # it is due anyway
    ],
)
def test_a_try_that_is_brought_forward(tried: float | None, due: float, now: float, when: float) -> None:
    retries = begun()
    if tried is not None:
        retries.tried(tried)
    assert retries.hurried(due, now) == when


@given(st.lists(st.floats(0, 3), min_size=1, max_size=50), st.floats(0, 1))
def test_however_often_people_ask_there_is_a_try_at_most_every_two_seconds(asks: list[float], took: float) -> None:
    """Each number is the time from one request to the next; nothing would be due for a long time."""
    retries, now, tries = begun(), 0.0, []
    for wait in asks:
        now += wait
        when = retries.hurried(1e9, now)
        assert now <= when <= now + HURRY_EVERY
        retries.tried(when)
        tries.append(when)
        now = when + took
    assert all(later - earlier >= HURRY_EVERY - 1e-9 for earlier, later in pairwise(tries))


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=30))
def test_it_is_exhausted_exactly_when_the_last_connection_is_too_long_ago(tries: list[tuple[float, bool]]) -> None:
    retries, now, good = begun(give_up=50.0), 0.0, 0.0
    for lasted, connected in tries:
        now += lasted
        if connected:
            retries.connected(now)
            good = now
        assert retries.exhausted(now) == (now - good > 50.0)
        now += retries.delay(now)


def test_a_node_that_ends_each_connection_at_once_is_let_go() -> None:
    retries = begun()
    now = 0.0
    for number in range(RESTLESS):
        assert not retries.restless
        retries.delay(0.0)
        retries.tried(now)
        now += SHORT / 2
        retries.lost(now)
        assert number + 1 < PATIENT or retries.attempt == number + 2 - PATIENT
    assert retries.restless


def test_one_connection_that_stands_makes_up_for_all_short_ones() -> None:
    retries = begun()
    now = 0.0
    for _ in range(RESTLESS - 1):
        retries.tried(now)
        retries.lost(now + 1)
    retries.tried(now)
    retries.lost(now + SHORT + 1)
    assert not retries.restless
    retries.tried(now)
    retries.lost(now + 1)
    assert not retries.restless


@pytest.mark.parametrize("away", [1.0, 15.0, 60.0, 115.0])
def test_a_node_that_comes_back_is_tried_soon(away: float) -> None:
    retries, now = Retries(1e9, Backoff(draw=lambda: 1.0)), 100.0
    retries.connected(0.0)
    retries.lost(now)
    while now < 100.0 + away:
        retries.tried(now)
        now += retries.delay(now)
    assert now - 100.0 - away <= max(1.5 * SOON, 1.5 * PART * away)
    assert retries.attempt <= 20


def test_a_connection_that_is_lost_again_and_again_is_tried_less_and_less_often() -> None:
    retries, now = begun(), 0.0
    for _ in range(RESTLESS - 1):
        retries.tried(now)
        retries.lost(now + 1)
        now += 1 + retries.delay(now + 1)
    assert retries.delay(now) > SOON * 1.5


def tries_in(seconds: float, counted: bool, ask_every: float | None) -> list[float]:
    """When a node that always fails, at once, is tried at most: with the shortest waits, and pages that ask for it."""
    retries, now = Retries(1e9, Backoff(draw=lambda: 0.0)), 0.0
    found: list[float] = []
    while now < seconds:
        retries.tried(now)
        found.append(now)
        if counted:
            retries.refused(now)
        due = now + retries.delay(now)
        if ask_every is not None:
            asked = now
            while asked < due:
                due = retries.hurried(due, asked)
                asked += ask_every
        now = due
    return found


@pytest.mark.parametrize("ask_every", [None, 0.5, 7.0, 299.0])
def test_a_node_that_counts_failed_logins_is_tried_too_rarely_to_ban_anybody(ask_every: float | None) -> None:
    found = tries_in(4 * 3600, True, ask_every)
    assert found[1] - found[0] >= (HURRY_EVERY if ask_every else REFUSED_WAIT)
    assert all(later - earlier >= REFUSED_WITHIN for earlier, later in zip(found, found[REFUSED_TRIES:], strict=False))
    assert len(found) == 4 * 6 * REFUSED_TRIES


def test_a_login_that_is_cut_off_is_a_refusal_unless_the_node_has_let_us_in_before() -> None:
    stranger, friend = Retries(1e9, Backoff()), begun()
    stranger.refused(0.0, sure=False)
    assert stranger.delay(0.0) == REFUSED_WAIT
    for _ in range(REFUSED_UNSURE):
        friend.refused(0.0, sure=False)
        assert friend.delay(0.0) < REFUSED_WAIT
    friend.refused(0.0, sure=False)
    assert friend.delay(0.0) == REFUSED_WAIT
    assert friend.allowed(0.0)  # if somebody asks
    friend.refused(0.0, sure=False)
    assert not friend.allowed(REFUSED_WITHIN - 1)
    assert friend.delay(0.0) == REFUSED_WITHIN
    assert friend.allowed(REFUSED_WITHIN)


def test_logins_that_were_cut_off_by_chance_are_forgotten_and_refused_ones_are_not() -> None:
    friend = begun()
    for _ in range(5):
        friend.refused(0.0, sure=False)
        friend.connected(1.0)
    assert friend.allowed(1.0)
    for _ in range(REFUSED_TRIES):
        friend.refused(2.0)
        friend.refused(3.0, sure=False)
        friend.connected(4.0)
    assert not friend.allowed(REFUSED_WITHIN)
    assert friend.allowed(REFUSED_WITHIN + 2.0)


def test_a_node_that_reboots_is_followed_on_within_half_a_minute() -> None:
    """It stops, and lets nobody in; is away; starts, and lets nobody in; and then it does."""
    retries = begun()
    retries.tried(0.0)
    retries.refused(0.0)
    assert retries.delay(0.0) == REFUSED_WAIT
    retries.tried(30.0)  # nothing answers
    assert retries.delay(30.0) < 3.0
    for now in (33.0, 63.0):
        assert retries.allowed(now)
        retries.tried(now)
        retries.refused(now)
        assert retries.delay(now) == REFUSED_WAIT
        assert retries.hurried(now + REFUSED_WAIT, now + 1) == now + HURRY_EVERY
    retries.connected(93.0)
    assert retries.allowed(93.0)


def test_a_connection_that_is_lost_was_there() -> None:
    retries = Retries(3600.0, Backoff())
    retries.begin(100.0)
    retries.lost(200.0)
    assert not retries.exhausted(200.0 + 3600.0)
    assert retries.exhausted(200.1 + 3600.0)


@pytest.mark.parametrize(("short", "rarer"), [(PATIENT - 1, False), (PATIENT, True)])
def test_after_so_many_short_connections_tries_become_rarer(short: int, rarer: bool) -> None:
    retries, now = Retries(1e9, Backoff(draw=lambda: 1.0)), 0.0
    retries.connected(now)
    for _ in range(short):
        retries.tried(now)
        now += 1
        retries.lost(now)
    assert (max(retries.delay(now) for _ in range(8)) > 2 * SOON) is rarer
