"""One turn of a subscriber that is served from the journal: what it delivers, when it ends, and where it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import gevent
import pytest

from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import Line
from ethpillar.journal.reading import After, Last, Start
from ethpillar.journal.steps import Answer, Gap, Step
from ethpillar.nodes import catch_up
from ethpillar.nodes.catch_up import CatchUp
from ethpillar.nodes.items import Encoder, Item, ItemMaker
from ethpillar.nodes.log import SharedLog
from ethpillar.nodes.reader import JournalReader
from ethpillar.nodes.ring import Ring
from ethpillar.nodes.runs import Run
from ethpillar.nodes.tries import SUBSCRIBER, ReadFailed, Trouble

from .journal_fake import FakeJournal, FakeSink

JUMP = b"Can't iterate through /var/log/journal/1/system.journal, ignoring: Bad message"
PUT_ASIDE = b"Journal file /var/log/journal/1/system@%016x-0000000000000001.journal~ is truncated, ignoring file."


def entry(number: int) -> Entry:
    return Entry(f"i={number:x};t={number + 1:x}", number + 1, b"line %d" % number, 6)


def entries(*numbers: int) -> list[Entry]:
    return [entry(number) for number in numbers]


class Stream:
    def __init__(self, batches: Sequence[Sequence[Entry]], complaint: bytes = b"", status: int = 0) -> None:
        self._batches = [list(each) for each in batches]
        self._complaint, self._status = complaint, status
        self.closed = False
        self.count = 0

    def read(self) -> list[Entry]:
        return self._batches.pop(0) if self._batches else []

    def complaint(self) -> bytes:
        return self._complaint

    def status(self) -> int:
        return self._status

    def close(self) -> None:
        self.closed = True

    @property
    def left(self) -> int:
        return len(self._batches)


class Journal(FakeJournal):
    """Its journalctls print what they are told to; the steps of a detour are answered from its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[Stream] = []
        self.asked: list[Step] = []

    @contextmanager
    def journal(self, unit: str, step: Step) -> Iterator[Stream]:  # type: ignore[override]
        yield self.streams.pop(0)

    def ask(self, unit: str, step: Step) -> Answer:
        assert all(each.closed for each in self.running), "two journalctls at once for one subscriber"
        self.streams.append(Stream([]))
        return super().ask(unit, step)

    running: Sequence[Stream] = ()


class Subscriber(FakeSink):
    """A subscriber in the journal: what it was given, and where it joined the ring."""

    def __init__(self, start: Start, ring: Sequence[int] = (), backlog: int = 3) -> None:
        super().__init__()
        self.journal = Journal()
        maker = ItemMaker("execution", Encoder(self._encode))
        self.log = SharedLog("execution.service", self.journal, maker, Ring(100, 10**6))
        for number in ring:
            self.log.ring.append(Item(entry(number).cursor, number + 1, b"line %d\n" % number))
        self.reader = JournalReader("execution.service", self.journal, start, SUBSCRIBER)
        self.joined: list[int] = []
        self.components: list[str | None] = []
        self.slow_after: int | None = None
        self.catch_up = CatchUp(self.log, self.reader, self, self._deliver, self.joined.append, backlog)

    def _encode(self, service: str, each: Entry, text: str, line: Line, last: bool) -> bytes:
        self.components.append(line.component)
        return text.encode() + b"\n"

    def _deliver(self, run: Run) -> None:
        self.lines(list(run))
        self.reader.start = After(run[-1].cursor)

    def wait_ready(self, timeout: float | None = None) -> bool:
        return self.slow_after is None or len(self.got) < self.slow_after

    def turn(self, *batches: Sequence[Entry], complaint: bytes = b"", status: int = 0) -> bool:
        self.stream = Stream(batches, complaint, status)
        self.journal.streams = [self.stream]
        self.journal.running = [self.stream]
        return self.catch_up.turn()

    @property
    def numbers(self) -> list[int]:
        return [int(line.removeprefix("line ")) for line in self.got]


def after(number: int, **how: bool) -> After:
    return After(entry(number).cursor, **how)


def test_a_turn_ends_at_the_first_entry_that_is_in_the_ring() -> None:
    subscriber = Subscriber(after(0), ring=range(5, 9))
    assert subscriber.turn(entries(0, 1, 2), entries(3, 4, 5, 6), entries(7, 8)) is False
    assert subscriber.numbers == [1, 2, 3, 4]
    assert subscriber.joined == [subscriber.log.ring.start]
    assert subscriber.stream.left == 1  # the rest is not read


def test_a_subscriber_is_ahead_once_a_whole_turn_brought_nothing_new() -> None:
    subscriber = Subscriber(after(0))
    assert subscriber.turn(entries(0, 1, 2)) is False
    assert subscriber.turn(entries(2)) is True
    assert subscriber.numbers == [1, 2]
    assert not subscriber.joined


@pytest.mark.parametrize("inclusive", [False, True])
def test_the_place_in_the_ring_is_behind_an_entry_or_at_it_if_that_is_owed(inclusive: bool) -> None:
    subscriber = Subscriber(after(6, inclusive=inclusive), ring=range(5, 9))
    assert subscriber.catch_up.place() == subscriber.log.ring.start + 2 - inclusive


def test_an_entry_that_is_owed_is_delivered_though_it_is_not_new() -> None:
    subscriber = Subscriber(after(1, inclusive=True), ring=range(5, 9))
    subscriber.turn(entries(1, 2))
    assert subscriber.numbers == [1, 2]


def test_a_slow_subscriber_gives_its_journalctl_back_and_goes_on_where_it_was() -> None:
    subscriber = Subscriber(after(0))
    subscriber.slow_after = 2
    assert subscriber.turn(entries(0, 1, 2), entries(3, 4)) is False
    assert subscriber.numbers == [1, 2]
    assert subscriber.stream.left == 1
    assert subscriber.reader.start == after(2)


@pytest.mark.parametrize("over", [True, False])
@pytest.mark.parametrize("waits", [True, False])
def test_a_turn_is_over_after_its_time_if_the_follower_waits(
    monkeypatch: pytest.MonkeyPatch, over: bool, waits: bool
) -> None:
    monkeypatch.setattr(catch_up, "SLICE", -60.0 if over else 60.0)
    subscriber = Subscriber(after(0))
    subscriber.log.follower_waits = waits
    assert subscriber.turn(entries(0, 1, 2), entries(3, 4)) is False
    assert subscriber.numbers == ([1, 2] if over and waits else [1, 2, 3, 4])


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_turn_is_over_after_its_time_if_another_subscriber_waits(
    monkeypatch: pytest.MonkeyPatch, everywhere: bool
) -> None:
    monkeypatch.setattr(catch_up, "SLICE", -60.0)
    subscriber = Subscriber(after(0))
    slots = subscriber.journal.catching_up if everywhere else subscriber.log.catching_up
    while not slots.locked():
        slots.acquire()
    slots.release()  # one is left for us
    others = gevent.spawn(lambda: (gevent.sleep(0), slots.acquire()))
    read = subscriber.journal.journal

    @contextmanager
    def once_others_wait(unit: str, step: Step) -> Iterator[Any]:
        for _ in range(3):
            gevent.sleep(0)
        with read(unit, step) as stream:
            yield stream

    subscriber.journal.journal = once_others_wait  # type: ignore[method-assign]
    subscriber.turn(entries(0, 1, 2), entries(3, 4))
    assert subscriber.numbers == [1, 2]
    others.get(timeout=5)


@pytest.mark.parametrize("breaks", [False, True])
def test_the_follower_hears_of_each_turn_s_end_however_it_ended(breaks: bool) -> None:
    subscriber = Subscriber(after(0))
    waiting = gevent.spawn(subscriber.log.returned.wait, 5)
    gevent.sleep(0)
    with pytest.raises(ReadFailed) if breaks else nullcontext():
        subscriber.turn(entries(0), entries(1), status=-1 if breaks else 0)
    gevent.sleep(0)
    assert waiting.value is True


def test_a_journal_without_the_entry_is_gone_round_and_the_gap_is_told() -> None:
    subscriber = Subscriber(after(2), ring=range(20, 22))
    subscriber.journal.write(22)
    subscriber.journal.vacuum(keep=12)
    assert subscriber.turn(entries(10, 11)) is False
    assert subscriber.states == [("gap", {"reason": "vacuumed", "from_us": 3, "to_us": 11})]
    assert subscriber.numbers == list(range(10, 20))
    assert subscriber.joined == [subscriber.log.ring.start]
    assert subscriber.stream.closed


def test_one_that_is_slow_at_a_gap_is_told_of_it_once() -> None:
    """The entry behind the gap is where it goes on, and is still owed."""
    subscriber = Subscriber(after(2))
    subscriber.journal.write(20)
    subscriber.journal.vacuum(keep=10)
    delivered = []

    def first_try(run: Run) -> None:
        delivered.append(run)
        raise gevent.GreenletExit

    subscriber.catch_up._deliver = first_try
    with pytest.raises(gevent.GreenletExit):
        subscriber.turn(entries(10, 11))
    assert subscriber.reader.start == after(10, inclusive=True)


@pytest.mark.parametrize(("begins", "matters"), [(100, True), (1, False)])
def test_a_file_that_was_put_aside_matters_if_it_may_have_entries_that_are_wanted(begins: int, matters: bool) -> None:
    """Where the reader has no cursor, the first entry says since when entries are wanted."""
    for start in (after(9), Last(2)):
        subscriber = Subscriber(start)
        subscriber.journal.write(12)
        batch = entries(9, 10, 11) if isinstance(start, After) else entries(10, 11)
        subscriber.turn(batch, complaint=PUT_ASIDE % begins)
        assert subscriber.stream.closed is matters
        assert subscriber.numbers == [10, 11]


def test_one_that_wants_the_last_lines_of_a_journal_whose_order_is_doubtful_reads_boot_by_boot() -> None:
    subscriber = Subscriber(Last(4))
    subscriber.journal.write(12)
    subscriber.log.in_doubt = True
    subscriber.turn(entries(1, 2))  # journalctl's own order
    assert subscriber.numbers == [8, 9, 10, 11]
    assert subscriber.stream.closed


def test_a_backlog_that_the_journal_does_not_have_any_more_is_what_the_ring_has() -> None:
    subscriber = Subscriber(Last(10), ring=range(5))
    with pytest.raises(ReadFailed):  # first the right to read it is doubted
        subscriber.turn()
    assert not subscriber.joined
    subscriber.reader.failed(ReadFailed(Trouble.NOTHING))
    assert subscriber.turn() is False
    assert subscriber.joined == [subscriber.log.ring.start]
    assert not subscriber.states


def test_a_backlog_of_an_empty_journal_is_nothing() -> None:
    subscriber = Subscriber(Last(10))
    assert subscriber.turn() is False
    assert subscriber.joined == [0]
    assert not subscriber.states


@pytest.mark.parametrize(("ours", "first"), [(True, 0), (False, 4)])
def test_a_cursor_that_is_gone_is_a_gap_before_what_the_ring_has(ours: bool, first: int) -> None:
    """To one that was here before all of it is news; a cursor that a client supplied may be of another machine."""
    subscriber = Subscriber(after(1, ours=ours), ring=range(50, 57))
    subscriber.reader.failed(ReadFailed(Trouble.NOTHING))  # the right was checked
    assert subscriber.turn() is False
    assert subscriber.joined == [first]
    assert subscriber.states == [("gap", Gap(2, 51 + first).details())]


def test_an_entry_that_the_ring_has_by_now_is_no_gap() -> None:
    subscriber = Subscriber(after(5), ring=range(5, 9))
    subscriber.reader.failed(ReadFailed(Trouble.NOTHING))
    assert subscriber.turn() is False
    assert subscriber.joined == [1]
    assert not subscriber.states


def test_what_is_read_is_parsed_as_the_unit_s_lines() -> None:
    """The description tells the client; without it the first lines would not be known for Teku's."""
    subscriber = Subscriber(after(0))
    subscriber.log.description = "Teku Consensus Client"
    line = b"2026-09-12 08:15:01.004 INFO  - Slot Event  *** Slot: 1"
    subscriber.turn([entry(0), Entry("i=1;t=2", 2, line, 6)])
    assert subscriber.catch_up._lines.client == "Teku"
    subscriber.catch_up.begin()  # after a while in the ring
    assert subscriber.catch_up._lines.client is None


def test_entries_that_are_only_copies_move_the_start_on() -> None:
    subscriber = Subscriber(After("i=0;t=1", ours=False))
    subscriber.turn(entries(0))
    assert subscriber.reader.start == After("i=0;t=1", ours=True)
