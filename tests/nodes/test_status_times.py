"""How old a state may be, and what is asked for again: a feed of states and a clock that the test moves on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from ethpillar.errors import SshTimeout, StatusUnavailable
from ethpillar.nodes.status_feed import OTHERS, SETTLE, UNKNOWN_UNITS, StatusFeed
from ethpillar.nodes.status_state import HANG_KEPT, RECENT
from ethpillar.units import CORE_UNITS

from .by_hand import Clock, settle
from .test_status_feed import FakeSink, encode

UNIT = "execution.service"
OTHER = "other.service"


class Node:
    """Has one of the units that EthPillar knows, and any other."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.hangs = False

    def run(self, words: Sequence[str]) -> tuple[int, bytes]:
        units = words[words.index("--") + 1 :]
        self.asked.append(units)
        if self.hangs:
            raise SshTimeout
        core = {f"{name}.service" for name in CORE_UNITS} - {UNIT}
        here = [each not in core for each in units]
        return 0, b"\n".join([b"LoadState=%s\nActiveState=active\n" % (b"not-found", b"loaded")[each] for each in here])


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def feed(node: Node, clock: Clock) -> Iterator[StatusFeed]:
    made = StatusFeed(node.run, encode, lambda _: [])
    yield made
    made.close()
    assert clock.naps == []


def test_a_snapshot_is_for_those_who_need_none_younger(feed: StatusFeed, clock: Clock) -> None:
    first = feed.get(0.0)
    assert (first.taken, first.at) == (clock.now, clock.now)
    clock.now += 5
    assert feed.get(5.1) is first
    assert feed.get(5.0) is not first


@pytest.mark.parametrize(("age", "polls"), [(0.0, 1), (RECENT, 1), (RECENT + 0.1, 2)])
def test_a_unit_s_state_is_asked_for_again_when_it_is_not_recent(
    feed: StatusFeed, node: Node, clock: Clock, age: float, polls: int
) -> None:
    feed.get(0.0)
    clock.now += age
    assert feed.unit(UNIT).unit == UNIT
    assert len(node.asked) == polls


@pytest.mark.parametrize(("seconds", "answers"), [(0.0, False), (HANG_KEPT - 0.1, False), (HANG_KEPT, True)])
def test_a_systemd_that_hung_is_not_asked_for_a_unit_for_a_while(
    feed: StatusFeed, node: Node, clock: Clock, seconds: float, answers: bool
) -> None:
    node.hangs = True
    with pytest.raises(SshTimeout):
        feed.unit(UNIT)
    node.hangs = False
    clock.now += seconds
    if answers:
        assert feed.unit(UNIT).unit == UNIT
    else:
        with pytest.raises(StatusUnavailable):
            feed.unit(UNIT)
    assert len(node.asked) == 1 + answers


def test_one_that_has_answered_since_is_asked(feed: StatusFeed, node: Node) -> None:
    node.hangs = True
    with pytest.raises(SshTimeout):
        feed.get(0.0)
    node.hangs = False
    feed.get(0.0)
    assert feed.unit(OTHER).unit == OTHER


def test_so_many_other_units_are_remembered(feed: StatusFeed) -> None:
    units = [f"other{number}.service" for number in range(OTHERS + 1)]
    for unit in units[:-1]:
        feed.unit(unit)
    feed.get(0.0)
    assert all(feed.known(unit) for unit in units[:-1])
    feed.unit(units[-1])
    assert [unit for unit in units if feed.known(unit)] == units[-1:]


def test_of_a_node_that_is_away_what_it_had_is_unknown_and_afterwards_all_is_asked_anew(
    feed: StatusFeed, node: Node
) -> None:
    never = feed.unseen()
    assert never.data.split() == list(UNKNOWN_UNITS)
    feed.unit(OTHER)
    shown = feed.get(0.0).data
    assert UNIT in shown.split()
    feed.set_away(True)
    unknown = feed.unknown
    assert unknown is not None
    assert unknown.data == shown  # the same units, none of them known
    assert set(unknown.everything.split()) == {*shown.split(), *(f"{name}.service" for name in CORE_UNITS)}
    assert (unknown.units, unknown.at) == ({}, None)
    feed.set_away(True)
    assert feed.unknown is unknown
    feed.set_away(False)
    assert feed.unknown is None
    assert (feed.known(UNIT), feed.known(OTHER)) == (None, None)
    polls = len(node.asked)
    feed.get(600.0)
    assert len(node.asked) == polls + 1


def test_changes_at_the_same_moment_bring_one_poll_and_one_update(feed: StatusFeed, node: Node, clock: Clock) -> None:
    feed.refresh()
    assert clock.naps == []  # nobody looks
    sink = FakeSink()
    feed.subscribe(sink, 600.0)
    settle()
    assert (len(node.asked), len(sink.updates)) == (1, 1)
    for _ in range(3):
        feed.refresh()
    settle()
    assert clock.naps == [SETTLE]
    clock.forward(SETTLE)
    assert (len(node.asked), len(sink.updates)) == (2, 2)
    clock.forward(60)
    assert (len(node.asked), len(sink.updates)) == (2, 2)
    feed.refresh()
    clock.forward(SETTLE)
    assert (len(node.asked), len(sink.updates)) == (3, 3)


def test_a_feed_that_is_closed_refreshes_no_more(feed: StatusFeed, node: Node, clock: Clock) -> None:
    feed.subscribe(FakeSink(), 600.0)
    settle()
    feed.refresh()
    settle()
    feed.close()
    clock.forward(60)
    assert len(node.asked) == 1
