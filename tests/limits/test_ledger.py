"""What is held in memory: sums that always agree, who has too much, who gives back first."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ethpillar.limits.ledger import GRAIN, Account, Ledger

BUDGET = 1 << 20
TENANTS = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")) | st.just(())


class Books(RuleBasedStateMachine):
    """Opens, changes, moves and closes accounts at random, beside a bookkeeping that is too simple to be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(BUDGET)
        self.open: list[tuple[Account, list[int]]] = []

    @rule(kind=st.sampled_from("pq"), tenant=TENANTS, base=st.integers(0, 9000), gives=st.booleans())
    def begin(self, kind: str, tenant: tuple[str, ...], base: int, gives: bool) -> None:
        held = [0]

        def give_back() -> int:
            freed, held[0] = held[0], held[0] // 2
            account.hold(held[0])
            return freed - held[0]

        account = self.ledger.account(kind, tenant, base, give_back if gives else None)
        self.open.append((account, held))

    @precondition(lambda self: self.open)
    @rule(which=st.randoms(use_true_random=False), size=st.integers(0, 300_000))
    def hold(self, which, size: int) -> None:
        account, held = which.choice(self.open)
        held[0] = size
        account.hold(size)

    @precondition(lambda self: self.open)
    @rule(which=st.randoms(use_true_random=False), tenant=TENANTS)
    def move(self, which, tenant: tuple[str, ...]) -> None:
        which.choice(self.open)[0].move(tenant)

    @precondition(lambda self: self.open)
    @rule(which=st.randoms(use_true_random=False))
    def close(self, which) -> None:
        chosen = which.choice(self.open)
        self.open.remove(chosen)
        chosen[0].close()

    @rule()
    def relieve(self) -> None:
        before = self.ledger.total
        freed = self.ledger.relieve()
        assert freed >= 0
        assert self.ledger.total <= before

    @rule()
    def relieve_until_nothing_is_left(self) -> None:
        while self.ledger.relieve():
            pass
        for account, _ in self.open:
            if account.give_back is not None and account.held > GRAIN + account.base:
                assert not account.crowded or account.held <= 2 * GRAIN + account.base

    @invariant()
    def sums_agree(self) -> None:
        accounts = [account for account, _ in self.open]
        assert self.ledger.total == sum(each.held for each in accounts)
        kinds = Counter[str]()
        tenants = Counter[tuple[object, ...]]()
        for each in accounts:
            kinds[each.kind] += each.held
            for length in range(1, len(each.tenant) + 1):
                tenants[each.tenant[:length]] += each.held
        assert +self.ledger.kinds == +kinds
        assert self.ledger.tenants() == {tenant: size for tenant, size in tenants.items() if size}

    @invariant()
    def nothing_is_negative_nor_far_from_what_is_held(self) -> None:
        for account, held in self.open:
            assert account.held >= 0
            assert abs(account.held - account.base - held[0]) < GRAIN

    def teardown(self) -> None:
        for account, _ in self.open:
            account.close()
        assert self.ledger.total == 0
        assert not self.ledger.tenants()
        assert not self.ledger._givers


TestBooks = Books.TestCase


def ring(ledger: Ledger, tenant: tuple[str, ...], size: int, given: list[tuple[str, ...]]) -> Account:
    """An account that gives back 10,000 bytes at a time, and says who did."""
    held = [size]

    def give_back() -> int:
        freed = min(held[0], 10_000)
        held[0] -= freed
        account.hold(held[0])
        given.append(account.tenant)
        return freed

    account = ledger.account("rings", tenant, 0, give_back)
    account.hold(size)
    return account


@given(st.integers(1, 50))
def test_one_address_may_have_half_and_several_leave_room_for_the_next(count: int) -> None:
    ledger = Ledger(BUDGET)
    accounts = [ledger.account("queues", (number,)) for number in range(count)]
    sizes = [0] * count
    while not all(each.crowded for each in accounts):
        for number, each in enumerate(accounts):
            if not each.crowded:
                sizes[number] += GRAIN
                each.hold(sizes[number])
    share = BUDGET / (count + 1)
    assert all(share - (count + 1) * GRAIN <= each.held <= share + GRAIN for each in accounts)
    assert not ledger.crowded(("another",))


def test_who_has_too_much_gives_back_and_nobody_else() -> None:
    given: list[tuple[str, ...]] = []
    ledger = Ledger(BUDGET)
    ring(ledger, ("good", "s"), 100_000, given)
    ring(ledger, ("bad", "s"), 600_000, given)
    while ledger.relieve():
        pass
    assert set(given) == {("bad", "s")}
    assert ledger.of(("good",)) == 100_000
    assert ledger.of(("bad",)) <= ledger.budget - ledger.total
    assert ledger.given_back == 600_000 - ledger.of(("bad",))


def test_of_an_address_the_session_that_has_most_gives_back_and_of_that_its_largest() -> None:
    given: list[tuple[str, ...]] = []
    ledger = Ledger(BUDGET)
    ring(ledger, ("a", "small"), 150_000, given)
    small, large = (ring(ledger, ("a", "large"), size, given) for size in (90_000, 350_000))
    ledger.relieve()
    assert given == [("a", "large")]
    assert (small.held, large.held) == (90_000, 340_000)


def test_over_the_budget_others_give_back_too_when_who_has_most_has_nothing_to_give() -> None:
    given: list[tuple[str, ...]] = []
    ledger = Ledger(BUDGET)
    ring(ledger, ("good", "s"), 100_000, given)
    queue = ledger.account("queues", ("bad",))
    queue.hold(BUDGET - 50_000)
    while ledger.relieve():
        pass
    assert ledger.total <= BUDGET
    assert given


def test_it_is_told_when_somebody_has_too_much() -> None:
    told = []
    ledger = Ledger(BUDGET)
    ledger.tight = lambda: told.append(ledger.total)
    account = ledger.account("rings", ("a",))
    account.hold(BUDGET // 2)
    assert not told
    account.hold(BUDGET // 2 + GRAIN)
    assert told == [BUDGET // 2 + GRAIN]
    account.hold(BUDGET // 2)
    assert len(told) == 1


def test_the_next_gives_back_when_one_has_nothing_to_give() -> None:
    ledger = Ledger(BUDGET)
    given: list[tuple[str, ...]] = []
    empty = ledger.account("rings", ("bad", "large"), 0, lambda: 0)
    empty.hold(400_000)
    ring(ledger, ("bad", "small"), 300_000, given)
    assert ledger.relieve()
    assert given == [("bad", "small")]


def test_what_has_to_be_asked_is_known_until_it_ends() -> None:
    ledger = Ledger()
    account = ledger.account("commands", ("a",), measure=lambda: 5)
    assert list(ledger.measured) == [account]
    account.hold(GRAIN)
    account.close()
    account.close()
    assert not ledger.measured
    assert ledger.total == ledger.kinds["commands"] == 0


def test_a_change_counts_from_one_grain_on() -> None:
    ledger = Ledger()
    account = ledger.account("queues", ("a",))
    account.hold(GRAIN - 1)
    assert ledger.total == 0
    account.hold(GRAIN)
    assert ledger.total == GRAIN
    account.hold(1)
    assert ledger.total == GRAIN
    account.hold(0)
    assert ledger.total == 0


def test_what_is_closed_holds_nothing_whatever_is_said_of_it() -> None:
    ledger = Ledger()
    account = ledger.account("rings", ("a",), 100, lambda: 0, lambda: 0)
    account.hold(3 * GRAIN)
    account.close()
    account.hold(9 * GRAIN)
    account.move(("b",))
    assert (ledger.total, ledger.tenants(), +ledger.kinds) == (0, {}, {})
    assert account.held == 0
    assert account.give_back is None  # and with it what it would have given back
    assert account.measure is None
    account.close()
    assert ledger.total == ledger.of(("nobody",)) == 0


def test_the_address_that_has_most_gives_back_before_the_session_that_has_most() -> None:
    given: list[tuple[str, ...]] = []
    ledger = Ledger(BUDGET)
    ring(ledger, ("one session", "s"), 400_000, given)
    for session in "xy":
        ring(ledger, ("two sessions", session), 300_000, given)
    ledger.relieve()
    assert [address for address, _ in given] == ["two sessions"]


def test_what_is_hardly_more_than_nothing_is_not_asked_to_give_back() -> None:
    asked = []
    ledger = Ledger(GRAIN)
    ledger.account("rings", ("a",), GRAIN, lambda: asked.append("small") or 1)
    assert ledger.crowded(("a",))
    assert ledger.relieve() == 0
    assert not asked


def test_what_moved_gives_back_for_its_new_tenant() -> None:
    given: list[tuple[str, ...]] = []
    ledger = Ledger(BUDGET)
    moved = ring(ledger, (), 600_000, given)
    moved.move(("a", "s"))
    assert ledger.relieve()
    assert given == [("a", "s")]
    assert (ledger.of(("a",)), ledger.of(("a", "s"))) == (590_000, 590_000)


def test_what_has_nothing_to_give_back_is_not_asked_when_it_has_moved() -> None:
    given: list[tuple[str, ...]] = []
    ledger = Ledger(BUDGET)
    queue = ledger.account("queues")
    queue.hold(600_000)
    queue.move(("a", "s"))
    ring(ledger, ("a", "s"), 100_000, given)
    assert ledger.relieve()
    assert given == [("a", "s")]
