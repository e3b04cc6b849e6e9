"""What the follower has read goes into the ring as fast as there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from ethpillar.journal.entry import Entry
from ethpillar.journal.reading import After, Gap, Last
from ethpillar.nodes import intake as module
from ethpillar.nodes.intake import GRACE, GRACE_EVERY, Grace, Intake, Lend
from ethpillar.nodes.items import CHUNK, Item
from ethpillar.nodes.log import SharedLog
from ethpillar.nodes.ring import Ring

from ..waiting import until
from .by_hand import Watched, settle


def test_grace_is_a_moment_now_and_then() -> None:
    grace = Grace()
    assert grace.left(100.0) == pytest.approx(GRACE)
    assert grace.left(100.0 + GRACE / 2) == pytest.approx(GRACE / 2)
    assert grace.left(100.0 + GRACE) <= 0
    assert grace.left(99.9 + GRACE_EVERY) < 0
    assert grace.left(100.0 + GRACE_EVERY) == pytest.approx(GRACE)


def item(number: int) -> Item:
    return Item(f"c{number}", number, b"x")


def items(first: int, end: int) -> list[Item]:
    return [item(number) for number in range(first, end)]


class Subscriber:
    """One that has had everything before a place in the ring."""

    def __init__(self, reach: int, takes: bool = False, wants_channel: bool = False) -> None:
        self.reach = reach
        self.takes = takes
        self.wants_channel = wants_channel


class World:
    """A ring of ten items, and an intake for it."""

    def __init__(self, *subscribers: Subscriber) -> None:
        self.changed: list[str] = []
        self.lines = SimpleNamespace(client="Geth", unknown=0)
        source: Any = SimpleNamespace(unit_changed=self.changed.append)
        made: Any = SimpleNamespace(lines=lambda: self.lines, make=self._make)
        self.log = SharedLog("execution.service", source, made, Ring(10, 1 << 20))
        self.log.started = True
        self.reader: Any = SimpleNamespace(start=Last(50))
        self.subscribers: list[Any] = list(subscribers)
        self.intake = Intake(self.log, self.reader, self.subscribers)

    def _make(self, entry: Entry, lines: Any) -> Item:
        lines.unknown += 1
        return Item(entry.cursor, entry.realtime_us, entry.message)

    @property
    def held(self) -> list[str]:
        ring = self.log.ring
        return [each.cursor for each in ring.slice(ring.start, 100)]


@pytest.fixture
def putting() -> Iterator[list[gevent.Greenlet[..., Any]]]:
    """Greenlets that end with the test."""
    greenlets: list[gevent.Greenlet[..., Any]] = []
    yield greenlets
    gevent.killall(greenlets)


def cursors(first: int, end: int) -> list[str]:
    return [f"c{number}" for number in range(first, end)]


def test_where_nobody_is_the_ring_takes_everything_and_the_reader_goes_on_behind_it() -> None:
    world = World()
    world.intake.put(items(0, 25))
    assert world.held == cursors(15, 25)
    assert world.reader.start == After("c24")


def test_a_backlog_goes_in_at_once_whoever_is_there() -> None:
    world = World(Subscriber(0))
    world.log.started = False
    world.intake.put(items(0, 25))
    assert world.held == cursors(15, 25)


def test_a_gap_is_no_place_to_go_on_from() -> None:
    world = World()
    gap = Item("c1", 1, b"", 0, Gap(1, 2))
    world.intake.put([*items(0, 2), gap])
    assert world.reader.start == After("c1")
    world.reader.start = After("before")
    world.intake.put([gap])
    assert world.reader.start == After("before")


def test_there_is_no_room_while_the_only_subscriber_still_needs_what_would_be_forgotten(putting: Any) -> None:
    subscriber = Subscriber(3)
    world = World(subscriber)
    world.intake.put(items(0, 10))
    putting.append(gevent.spawn(world.intake.put, items(10, 20)))
    until(lambda: world.log.ring.end > 10, "the first items")
    gevent.sleep(0)
    assert world.held[0] in cursors(1, 4)  # it has had the ones before
    subscriber.reach = 10
    world.log.progress.fire()
    until(lambda: world.log.ring.end == 20, "the rest")
    putting[0].get()
    assert world.reader.start == After("c19")


def test_a_subscriber_that_takes_is_waited_for_though_another_has_everything(putting: Any) -> None:
    fast, slow = Subscriber(10), Subscriber(2, takes=True)
    world = World(fast, slow)
    world.intake.put(items(0, 10))
    putting.append(gevent.spawn(world.intake.put, items(10, 15)))
    gevent.sleep(2 * GRACE)  # which is for those that do not take
    assert world.log.ring.end == 12  # there was room for two
    slow.reach = 5
    world.log.progress.fire()
    until(lambda: world.log.ring.end == 15, "the rest")


def test_a_browser_that_is_slow_gets_a_moment_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []
    world = World(Subscriber(10), Subscriber(0))
    world.intake.put(items(0, 10))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 100.0 + sum(each or 0 for each in waits)))
    monkeypatch.setattr(world.log.progress, "wait", waits.append)
    world.intake.put(items(10, 15))
    assert world.held == cursors(5, 15)
    assert sum(each or 0 for each in waits) == pytest.approx(GRACE)
    world.subscribers[0].reach = 15
    world.intake.put(items(15, 17))
    assert len(waits) == 1  # that moment is over


def test_a_channel_that_a_subscriber_needs_is_lent_and_the_rest_waits_for_room(putting: Any) -> None:
    subscriber = Subscriber(-1, wants_channel=True)
    world = World(subscriber)
    world.intake.put(items(0, 10))
    with pytest.raises(Lend):
        world.intake.put(items(10, 14))
    assert world.held == cursors(0, 10)
    assert world.reader.start == After("c9")
    putting.append(gevent.spawn(world.intake.put_pending))
    gevent.sleep(0)
    assert world.log.ring.end == 10  # the channel is lent already: it waits
    subscriber.reach = 14
    world.log.progress.fire()
    until(lambda: world.log.ring.end == 14, "the rest")
    putting[0].get()
    assert world.reader.start == After("c13")
    world.intake.put_pending()
    assert world.log.ring.end == 14


def test_what_went_in_before_it_was_stopped_is_not_read_again(putting: Any) -> None:
    world = World(Subscriber(3))
    world.intake.put(items(0, 10))
    putting.append(gevent.spawn(world.intake.put, items(10, 20)))
    until(lambda: world.log.ring.end > 10, "the first items")
    putting[0].kill()
    assert 10 < world.log.ring.end < 20
    assert world.reader.start == After(f"c{world.log.ring.end - 1}")


def test_no_more_goes_in_than_the_subscriber_has_had(putting: Any) -> None:
    subscriber = Subscriber(0)
    world = World(subscriber)
    world.intake.put(items(0, 10))
    putting.append(gevent.spawn(world.intake.put, items(10, 13)))
    for reach in (0, 1, 2, 3):
        subscriber.reach = reach
        world.log.progress.fire()
        settle()
        assert world.held == cursors(reach, 10 + reach)
    putting[0].get()


def test_those_who_have_to_take_something_are_woken_while_it_waits_for_them(putting: Any) -> None:
    for subscriber in (Subscriber(0), Subscriber(0, takes=True)):
        world = World(subscriber)
        world.log.news = news = Watched()
        world.intake.put(items(0, 10))
        before = news.fired
        putting.append(gevent.spawn(world.intake.put, items(10, 11)))
        settle()
        assert news.fired == before + 1
        subscriber.reach = 1  # that is enough
        world.log.progress.fire()
        settle()
        assert world.held == cursors(1, 11)


def test_others_have_their_turn_while_many_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> None:
        while True:
            seen.add(world.log.ring.end)
            gevent.sleep(0)

    breaths: list[int] = []
    seen: set[int] = set()
    world = World()
    monkeypatch.setattr(module, "breathe", lambda: breaths.append(world.log.ring.end))
    looking = gevent.spawn(look)
    world.intake.append(entries(*range(2 * CHUNK + 1)))
    looking.kill()
    assert seen >= {CHUNK, 2 * CHUNK}
    assert breaths == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]


def test_who_waits_is_told_and_the_ring_is_weighed() -> None:
    world = World()
    woken = gevent.spawn(world.log.news.wait, 20)
    gevent.sleep(0)
    world.intake.put([Item("c", 0, b"x" * 100_000)])
    assert woken.get() is True
    assert world.log.ring.account.held == world.log.ring.size


def entries(*numbers: int, pid: int = 7, unit: str | None = "execution.service") -> Sequence[Entry]:
    return [Entry(f"c{number}", number, b"four", 6, "geth", pid, unit) for number in numbers]


def test_entries_are_made_into_items_and_counted() -> None:
    world = World()
    world.intake.append(entries(1, 2, 3))
    assert world.held == ["c1", "c2", "c3"]
    assert (world.log.tally.entries, world.log.tally.bytes_read) == (3, 12)
    assert world.log.tally.unknown == {"Geth": 3}
    assert world.changed == []


def test_a_gap_stands_once_before_the_entries_after_it() -> None:
    world = World()
    world.reader.start = After("c0")
    world.intake.append(entries(*range(5, 9)), Gap(1, 5))
    ring = world.log.ring
    assert ring.slice(ring.start, 2) == [Item("c0", 1, b"", 0, Gap(1, 5)), Item("c5", 5, b"four")]
    assert len(ring) == 5
    world.intake.append([], Gap(9, None))
    assert [(each.cursor, each.gap) for each in ring.slice(ring.end - 1, 1)] == [("c8", Gap(9, None))]
    world.intake.append([], None)
    assert len(ring) == 6
    world.intake.append([], Gap(None, 9))  # since when is not known
    assert ring.slice(ring.end - 1, 1) == [Item("c8", 0, b"", 0, Gap(None, 9))]


def test_a_gap_before_the_first_entry_of_all_is_none() -> None:
    world = World()
    world.intake.append(entries(5), Gap(1, 5))
    assert world.held == ["c5"]


def test_a_line_of_systemd_s_is_a_reason_to_ask_for_the_state_of_its_unit() -> None:
    world = World()
    world.intake.append([*entries(1, 2, pid=1), *entries(3, pid=1, unit="other.service"), *entries(4)])
    assert sorted(world.changed) == ["execution.service", "other.service"]
    world.intake.append(entries(5, pid=1, unit=None))
    assert world.changed[2:] == ["execution.service"]
