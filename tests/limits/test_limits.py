"""Token buckets and counts, and that an attacker cannot make them grow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.attempts import Attempts
from ethpillar.limits.buckets import Bucket, Buckets, ByClient
from ethpillar.limits.counts import ClientCounts, Counts
from ethpillar.limits.limits import HANDSHAKE, PROBE_BURST, UNDER_WAY, Limits
from ethpillar.limits.pacing import DELAYS, STEP

PAGE, TABS, TIMES = 5, 10, 2


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_allows_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    bucket = Bucket(2, 10, clock)
    assert sum(bucket.take() for _ in range(50)) == 10
    clock.now += 1
    assert sum(bucket.take() for _ in range(50)) == 2
    clock.now += 3600
    assert sum(bucket.take() for _ in range(50)) == 10


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 20)), max_size=50))
def test_no_order_of_events_gets_more_out_of_a_bucket_than_burst_and_rate_allow(
    steps: list[tuple[float, float]],
) -> None:
    clock = Clock()
    bucket = Bucket(3, 20, clock)
    taken = 0.0
    for pause, cost in steps:
        clock.now += pause
        taken += cost if bucket.take(cost) else 0
    assert taken <= 20 + 3 * (clock.now - 1000) + 1e-6


def test_a_debt_is_paid_off_by_time_and_never_grows_without_end() -> None:
    clock = Clock()
    bucket = Bucket(1, 10, clock)
    for _ in range(100):
        bucket.charge(5)
    assert bucket.level == -10
    clock.now += 11
    assert bucket.take()


def test_an_attacker_with_many_addresses_does_not_grow_the_map() -> None:
    clock = Clock()
    buckets = Buckets(1, 10, clock)
    for number in range(3 * Buckets.MOST):
        buckets.charge(number, 100)
    assert len(buckets) <= Buckets.MOST
    assert not buckets.open(3 * Buckets.MOST - 1)


def test_what_is_idle_is_forgotten() -> None:
    clock = Clock()
    buckets = Buckets(1, 10, clock)
    for number in range(1000):
        buckets.charge(number, 5)
    clock.now += 60
    for number in range(1000, 1400):
        buckets.charge(number, 5)
    assert len(buckets) <= 400
    assert buckets.open("never seen")


def test_what_still_owes_is_not_forgotten_because_others_come() -> None:
    clock = Clock()
    buckets = Buckets(1, 10, clock)
    buckets.charge("flood", 20)
    for number in range(100):
        buckets.charge(number, 1)
    assert buckets.debt("flood") == 10
    clock.now += 10
    assert buckets.debt("flood") == 0
    assert not buckets.open("flood")  # the debt is paid off, and nothing is left yet
    clock.now += 0.1
    assert buckets.open("flood")


def test_a_count_is_let_go_for_each_time_it_was_taken() -> None:
    counts = Counts(3)
    for _ in range(3):
        counts.take("a")
    counts.release("a")
    assert counts.has("a")
    assert [counts.take("a"), counts.take("a")] == [True, False]
    counts.release("never taken")
    assert not counts.has("never taken")


def test_one_that_is_about_to_go_makes_room_for_one_beyond_the_bound() -> None:
    counts = Counts(1)
    counts.take("a")
    counts.add("a")
    counts.release("a")
    assert counts.full("a")
    counts.release("a")
    assert not counts.has("a")
    counts.add(None)
    assert len(counts) == 0


def test_counts() -> None:
    counts = Counts(2)
    assert [counts.take("a") for _ in range(3)] == [True, True, False]
    assert counts.take("b")
    counts.release("a")
    assert not counts.full("a")
    counts.release("a")
    counts.release("b")
    assert len(counts) == 0
    assert all(counts.take(None) for _ in range(10))
    assert len(counts) == 0


def test_a_customer_with_a_whole_56_may_have_as_many_as_four_clients() -> None:
    counts = ClientCounts(2)
    clients = [f"2001:db8:0:{number:x}::/64" for number in range(10)]
    assert [counts.take(client) for client in clients for _ in range(3)].count(True) == 8
    assert counts.full(clients[9])
    assert counts.take("2001:db8:0:100::/64")
    assert counts.take("198.51.100.7")
    for client in clients[:4]:
        for _ in range(2):
            counts.release(client)
    assert sum(counts.take(client) for client in clients) == 8
    assert all(counts.take(None) for _ in range(100))


def test_a_hold_lets_go_whatever_happens_and_only_of_what_it_took() -> None:
    counts = Counts(1)
    with counts.hold("a") as first, counts.hold("a") as second:
        assert (first, second) == (True, False)
    assert len(counts) == 0
    with pytest.raises(KeyError), counts.hold("a"):
        raise KeyError
    assert len(counts) == 0


def test_a_customer_with_a_whole_56_has_as_much_as_four_clients() -> None:
    clock = Clock()
    clients = ByClient(1, 10, clock)
    for number in range(100):
        clients.charge(f"2001:db8:0:{number:x}::/64", 1)
    assert not clients.open("2001:db8:0:ff::/64")
    assert clients.debt("2001:db8:0:ff::/64") == 10  # a site's 40 are used up, and another 40: that is what is kept
    for other in ("2001:db8:0:100::/64", "198.51.100.7"):
        assert clients.open(other)
        assert clients.debt(other) == 0
    clock.now += 11
    assert clients.open("2001:db8:0:ff::/64")


@pytest.fixture
def limits() -> Limits:
    return Limits(500, 200, 3000, 500, 100, 1000, Clock())


def test_a_flood_over_many_connections_comes_no_faster_than_over_one(limits: Limits) -> None:
    charged = [limits.packets.pay(client, 1) for client in (*["flood"] * 10_400, "198.51.100.7")]
    waits = [wait for wait in charged if wait]
    assert len(waits) == 399
    assert waits == [pytest.approx(1 / 500)] * 399
    assert charged[-1] == 0.0


def test_those_that_wait_get_no_more_together_than_one_however_many_are_waked_at_once(limits: Limits) -> None:
    clock: Any = limits.clock
    limits.packets.charge("flood", 10_000)
    paid = 0.0
    for _ in range(1000):  # 10 s, each of 400 connections asking for 1,000 each time
        clock.now += 0.01
        paid += sum(1000 for _ in range(400) if not limits.packets.pay("flood", 1000))
    assert paid <= 10 * 500 + 2 * 1000


def test_a_platform_s_probes_are_free_and_a_flood_of_them_is_not(limits: Limits) -> None:
    asked = [limits.probe("10.0.0.1") for _ in range(1000)]
    assert asked == [True] * PROBE_BURST + [False] * (1000 - PROBE_BURST)
    assert limits.probe("10.0.0.2")


def test_all_sockets_that_an_address_may_have_come_back_at_once_without_waiting(limits: Limits) -> None:
    for _ in range(limits.max_connections_per_address):
        assert limits.packets.pay("office", HANDSHAKE) == 0
        for _event in range(10):
            assert limits.packets.pay("office", 1) == 0


def test_bad_tokens_are_limited_by_address() -> None:
    clock = Clock()
    attempts = Attempts(10, 25, clock)
    for address in ("a", "b"):
        for _ in range(10):
            assert attempts.allowed(address)
            attempts.judge(address, False)
        assert not attempts.allowed(address)
    for _ in range(10):
        attempts.malformed("c")
    assert not attempts.allowed("c")
    for _ in range(50):
        attempts.judge(None, False)
    for address in ("d", None):
        assert attempts.allowed(address)  # whatever others did
    clock.now += 60
    for address in ("a", "b", "c", None):
        assert attempts.allowed(address)


def test_bad_tokens_are_paid_off_within_the_minute_for_which_they_count() -> None:
    clock = Clock()
    attempts = Attempts(10, 25, clock)
    for _ in range(25 + 25):
        attempts.judge("a", False)  # as deep in debt as one can get: another minute's worth
    clock.now += 59.5
    assert not attempts.allowed("a")
    assert attempts.crowded
    clock.now += 1
    assert attempts.allowed("a")
    assert not attempts.crowded


def test_a_house_full_of_pages_that_comes_back_at_once_is_never_limited() -> None:
    clock = Clock()
    attempts = Attempts(200, 3000, clock)
    for _house in range(20):
        for _reconnect in range(3):
            for _ in range(PAGE * TABS * TIMES):
                assert attempts.allowed("house")
                attempts.judge("house", True)
            clock.now += 1


def test_all_addresses_together_are_crowded_once_they_show_too_many_bad_tokens() -> None:
    clock = Clock()
    attempts = Attempts(10, 25, clock)
    for number in range(24):
        attempts.judge(f"address-{number}", False)
    assert not attempts.crowded
    attempts.judge("another", False)
    assert attempts.crowded
    clock.now += 60 / 25
    assert not attempts.crowded


@pytest.mark.parametrize(("count", "allowed"), [(20, True), (21, False)])
def test_what_an_address_showed_to_other_servers_counts_here(count: int, allowed: bool) -> None:
    clock = Clock()
    attempts = Attempts(10, 25, clock)
    for _ in range(3):  # of one minute: it is charged once
        attempts.elsewhere("a", count)
    assert attempts.allowed("a") is allowed
    assert attempts.allowed("b")
    clock.now += 6
    assert attempts.allowed("a")


def test_each_socket_has_events_of_its_own(limits: Limits) -> None:
    one, other = limits.events(), limits.events()
    assert sum(one.take() for _ in range(1000)) == limits.max_events_burst
    assert other.take()


def test_a_key_that_has_any() -> None:
    counts = Counts(1)
    assert not counts.has("a")
    counts.take("a")
    assert counts.has("a")
    assert not counts.has("b")


def test_to_look_whether_anything_is_owed_costs_nothing(limits: Limits) -> None:
    limits.packets.charge("a", 10_001)
    owed = limits.packets.pay("a", 0)
    assert owed > 0
    assert [limits.packets.pay("a", cost) for cost in (0, 1, 100)] == [owed] * 3
    for _ in range(3):
        assert limits.packets.pay("b", 0) == 0
    assert len(limits.packets._clients) == 1


def test_what_is_bounded_by_which_setting() -> None:
    limits = Limits(2, 3, 4, 5, 100, 1000, Clock())
    assert (limits.connections.limit, limits.engines.limit, limits.sockets.limit) == (2, 2, 5)
    assert limits.under_way.limit == UNDER_WAY
    for counts in (limits.connections, limits.engines):
        assert [counts.take("198.51.100.7") for _ in range(3)] == [True, True, False]
    for _ in range(3):
        limits.attempts.judge("a", False)
    assert not limits.attempts.allowed("a")
    assert not limits.attempts.crowded
    limits.attempts.judge("b", False)
    assert limits.attempts.crowded
    assert limits.pacing.refused("token") == 0
    assert len(limits.heads) == 0
    assert limits.packets.rate == 500


def test_all_that_is_limited_over_time_goes_by_the_clock_that_was_handed_in(limits: Limits) -> None:
    clock: Any = limits.clock
    for limited in (limits.packets, limits.suspects, limits.probes):
        limited.charge("a", 10_000)
        assert limited.open("a") is False
    events = limits.events()
    events.charge(1000)
    for _ in range(200):
        limits.attempts.judge("a", False)
    assert limits.pacing.refused("token") == DELAYS[0]
    clock.now += STEP
    assert limits.pacing.refused("token") == DELAYS[1]
    clock.now += 3600
    assert limits.pacing.refused("token") == DELAYS[0]
    assert all(each.open("a") for each in (limits.packets, limits.suspects, limits.probes))
    assert limits.attempts.allowed("a")
    assert events.take(1000)
