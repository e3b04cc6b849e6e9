"""One subscriber by itself: where it begins, what it is given and told, and where it goes on when it was slow."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ethpillar.journal.steps import Gap, Step
from ethpillar.nodes.items import Item
from ethpillar.nodes.runs import BATCH, BATCH_BYTES
from ethpillar.nodes.subscription import NOWHERE

from .by_hand import Clock, entry
from .subscribing import Subscribing


@pytest.fixture
def rig(subscribing: Subscribing) -> Subscribing:
    return subscribing


# -- where it begins


@pytest.mark.parametrize(
    ("ring", "lines", "seen"),
    [
        (range(10), 3, [7, 8, 9]),
        (range(10), 10, [*range(10)]),
        (range(10), 0, []),
        ([], 0, []),
        ([*range(5), None, 5, 6], 3, [4, "gap", 5, 6]),  # a gap is no line
        ([*range(5), None, 5, 6], 2, [5, 6]),
        ([None, 1, 2], 3, ["gap", 1, 2]),
    ],
)
def test_a_backlog_that_is_in_the_ring_comes_from_there(
    rig: Subscribing, ring: list[int | None], lines: int, seen: list[Any]
) -> None:
    rig.log.ring.complete = False
    rig.add(*ring).subscribe(lines)
    assert rig.seen == seen
    assert rig.state == "live"
    assert rig.add(100).seen == [100]
    assert rig.node.more == 0


@pytest.mark.parametrize(("lines", "complete", "asks"), [(4, False, True), (4, True, False), (3, False, False)])
def test_one_that_is_longer_comes_from_the_journal_unless_that_has_no_more(
    rig: Subscribing, lines: int, complete: bool, asks: bool
) -> None:
    rig.add(5, 6, 7)
    rig.log.ring.complete = complete
    rig.subscribe(lines)
    if asks:
        journalctl = rig.node.next()
        assert journalctl.step == Step(count=4)
        assert rig.state == "journal"
        journalctl.prints(4, 5)
    assert rig.seen == [4, 5, 6, 7][not asks :]
    assert rig.state == "live"
    assert rig.node.more == 0


def test_one_that_resumes_begins_after_its_cursor(rig: Subscribing) -> None:
    rig.add(5, 6, 7).subscribe(after=5)
    assert rig.seen == [6, 7]
    assert rig.node.more == 0


def test_one_that_resumes_before_the_ring_reads_up_to_it(rig: Subscribing) -> None:
    rig.add(5, 6, 7).subscribe(after=2)
    journalctl = rig.node.next()
    assert journalctl.step == Step(entry(2).cursor)
    journalctl.prints(2, 3).prints(4, 5)
    assert rig.seen == [3, 4, 5, 6, 7]
    assert rig.state == "live"
    assert rig.subscription.position == 3


def test_nothing_is_done_before_the_log_has_begun(rig: Subscribing) -> None:
    rig.log.started = False
    rig.add(1, 2).subscribe()
    rig.news.fire()
    assert (rig.seen, rig.state) == ([], "starting")
    rig.log.started = True
    rig.news.fire()
    assert rig.seen == [1, 2]


def test_one_that_joins_says_so_as_others_may_wait_for_it(rig: Subscribing) -> None:
    rig.add(1, 2).subscribe(0)
    assert rig.progress.fired == 1
    rig.add(3)
    assert rig.progress.fired == 2


# -- where it goes on when it fell out of the ring before it had anything


@pytest.mark.parametrize(
    ("ring", "lines", "step", "printed", "seen"),
    [
        ([1, 2, 3], 2, Step(entry(2).cursor), (2, 3, 4), [2, 3, 4]),  # the next one is still owed
        ([1, 2, 3], 0, Step(entry(3).cursor), (3, 4), [4]),
        ([], 0, Step(), (0, 1), [0, 1]),
        ([1, 2, None, 4], 2, Step(entry(2).cursor), (2, 3, 4), [2, 3, 4]),
        ([1, None, 4], 1, Step(entry(4).cursor), (4, 5), [4, 5]),
    ],
)
def test_one_that_is_slow_from_the_start_reads_from_where_it_was_to_begin(
    rig: Subscribing, ring: list[int | None], lines: int, step: Step, printed: tuple[int, ...], seen: list[int]
) -> None:
    rig.sink.frozen = True
    rig.add(*ring).subscribe(lines)
    rig.add(7, 8, 9)
    rig.log.ring.forget_until(rig.log.ring.end - 1)
    rig.sink.frozen = False
    journalctl = rig.node.next()
    assert journalctl.step == step
    journalctl.prints(*printed)
    assert rig.seen == seen


# -- what it is given in the ring


def test_a_gap_is_told_in_its_place_and_counted(rig: Subscribing) -> None:
    rig.add(1, None, 4).subscribe(2)
    assert rig.seen == [1, "gap", 4]
    assert rig.sink.states == [("gap", Gap(1, 2).details())]
    assert dict(rig.log.tally.gaps) == {Gap(1, 2).reason: 1}
    assert (rig.log.tally.lines_sent, rig.log.tally.bytes_sent) == (2, 14)


@pytest.mark.parametrize(("forgotten", "again"), [(3, 4), (4, 1)])
def test_a_gap_that_was_told_is_not_told_again_by_the_journal(rig: Subscribing, forgotten: int, again: int) -> None:
    """Where the ring has forgotten even what comes after it by then, the journal has to tell what is missing."""

    def forget() -> None:
        if rig.sink.seen[-1:] == ["gap"]:
            rig.log.ring.forget_until(forgotten)
            rig.sink.frozen = True

    rig.sink.then = forget
    rig.add(0, 1, None, 4, 5, 6).subscribe(4)
    assert rig.seen == [1, "gap"]
    assert (rig.start.cursor, rig.start.inclusive) == (entry(again).cursor, again == 4)
    rig.sink.frozen = False
    if again == 4:
        assert rig.seen == [4, 5, 6]
    else:
        assert rig.node.next().step == Step(entry(1).cursor)


def test_others_get_their_turn_after_each_run(clock: Clock) -> None:
    turns: list[int] = []
    rig = Subscribing(clock, size=10_000)
    for number in range(3 * BATCH):
        rig.log.ring.append(Item(entry(number).cursor, 1, b"line 1\n"))

    def work() -> None:
        while True:
            turns.append(len(rig.sink.runs))
            gevent.sleep(0)

    worker = gevent.spawn(work)
    rig.subscribe(3 * BATCH)
    worker.kill()
    assert rig.sink.runs == [BATCH] * 3
    assert {1, 2, 3} <= set(turns)
    assert clock.breaths == 3
    rig.subscription.close()


def test_runs_are_forgotten_once_the_end_is_reached(rig: Subscribing) -> None:
    rig.add(1, 2).subscribe()
    assert rig.seen == [1, 2]
    assert rig.log.ring._runs._runs == {}


def test_lines_of_one_that_is_live_are_gathered_until_all_get_theirs(clock: Clock) -> None:
    rig = Subscribing(clock, size=10 * BATCH, window=0.3).add(1).subscribe()
    assert rig.seen == [1]  # a backlog is not
    rig.add(2)
    assert rig.news.waits[-1] == pytest.approx(0.2)  # it is 1000.0, 0.1 after a moment at which all are served
    clock.forward(0.15)
    assert rig.add(3).seen == []
    assert rig.news.waits[-1] == pytest.approx(0.05)
    clock.forward(0.06)
    rig.news.fire()
    assert rig.seen == [2, 3]
    rig.subscription.close()


@pytest.mark.parametrize(
    ("short", "last"),
    [
        ([b"line 4\n"] * (BATCH - 4), b"line 4\n"),
        ([b"line 4\n"] * 2, b"line 4\n" * (BATCH_BYTES // 7)),
    ],
    ids=["many", "long"],
)
def test_lines_are_gathered_until_a_run_is_whole(clock: Clock, short: list[bytes], last: bytes) -> None:
    rig = Subscribing(clock, size=10 * BATCH, window=0.3).add(1, 2, 3).subscribe()
    assert rig.seen == [1, 2, 3]
    rig.log.ring.extend([Item(f"c{number}", 1, data) for number, data in enumerate(short)])
    rig.news.fire()
    assert rig.seen == []
    rig.log.ring.extend([Item("d", 1, last), Item("e", 1, b"line 5\n")])
    rig.news.fire()
    assert {*rig.seen} == {4}
    clock.forward(0.3)
    rig.news.fire()
    assert rig.seen == [5]
    rig.subscription.close()


def test_one_that_falls_out_while_it_gathers_gets_all_the_same(clock: Clock) -> None:
    rig = Subscribing(clock, window=0.3).add(1).subscribe()
    rig.add(2)
    rig.add(3, 4)
    rig.log.ring.forget_until(3)
    rig.news.fire()
    assert rig.seen == [1]
    journalctl = rig.node.next()
    assert journalctl.step == Step(entry(1).cursor)
    journalctl.prints(1, 2, 3, 4)
    assert rig.seen == [2, 3, 4]
    rig.subscription.close()


# -- one that is slow


def test_one_that_fell_out_of_the_ring_gets_the_rest_from_the_journal_and_joins_again(rig: Subscribing) -> None:
    rig.add(1, 2).subscribe()
    assert rig.seen == [1, 2]
    lines = rig.subscription._catch_up._lines
    rig.sink.frozen = True
    rig.add(3, 4, 5, 6)
    assert rig.subscription.reach == 2
    rig.log.ring.forget_until(3)
    rig.news.fire()
    rig.sink.frozen = False
    journalctl = rig.node.next()
    assert rig.subscription.reach == NOWHERE
    assert rig.state == "journal"
    assert rig.subscription._catch_up._lines is not lines  # what comes next does not follow what it had read there
    journalctl.prints(2, 3, 4)
    assert rig.seen == [3, 4, 5, 6]
    assert rig.state == "live"
    assert "gap" not in dict(rig.sink.states)


def test_one_that_wants_only_what_is_new_hears_each_time_how_many_lines_it_missed(rig: Subscribing) -> None:
    ring = rig.log.ring
    rig.add(1, 2, 3).subscribe(2, lossless=False)
    assert rig.seen == [2, 3]
    for number in (1, 2):
        rig.sink.frozen = True
        rig.add(4)
        ring.append(Item(entry(5).cursor, 6, b"line 5\nline 5\nline 5\n", 3))
        rig.add(6, 7)
        ring.forget_until(ring.end - 1)
        rig.sink.frozen = False
        assert rig.seen == ["gap", 7]
        assert rig.sink.states[-1] == ("gap", {"reason": "slow", "skipped": 5})
        assert rig.log.tally.gaps["slow"] == number
    assert rig.state == "live"
    assert rig.node.more == 0


def test_it_takes_what_comes_while_it_is_in_the_ring_and_its_browser_keeps_up(rig: Subscribing) -> None:
    rig.add(1, 2).subscribe()
    assert rig.subscription.takes
    rig.sink.frozen = True
    assert not rig.subscription.takes
    rig.add(3, 4, 5)
    rig.log.ring.forget_until(2)  # what it has had
    rig.sink.frozen = False
    assert rig.subscription.takes
    rig.sink.frozen = True
    rig.log.ring.forget_until(4)
    rig.sink.frozen = False
    assert not rig.subscription.takes
    rig.node.next()
    assert rig.subscription.position == NOWHERE
    assert not rig.subscription.takes


# -- what it is told


def test_it_hears_that_the_log_is_live_when_it_has_what_there_was(rig: Subscribing) -> None:
    rig.sink.frozen = True
    rig.add(1).subscribe()
    rig.log.told = ("live", {})
    rig.subscription.tell("live", {})
    assert rig.seen == []
    rig.sink.frozen = False
    assert rig.seen == [1, "live"]
    rig.subscription.tell("live", {})
    assert rig.seen == ["live"]


@pytest.mark.parametrize("heard", [True, False])
def test_it_hears_of_another_state_at_once_and_once(rig: Subscribing, heard: bool) -> None:
    rig.sink.frozen = True
    rig.add(1).subscribe()
    rig.log.told = ("reconnecting", {"attempt": 1})
    if heard:
        rig.subscription.tell("reconnecting", {"attempt": 1})
        assert rig.seen == ["reconnecting"]
    rig.sink.frozen = False
    assert rig.seen == ([1] if heard else [1, "reconnecting"])


def test_while_a_log_is_starting_there_is_nothing_to_tell(rig: Subscribing) -> None:
    rig.add(1).subscribe()
    assert rig.seen == [1]
    assert rig.state == "live"


def test_only_one_that_waits_for_the_next_line_hears_that_none_will_come(rig: Subscribing) -> None:
    rig.sink.frozen = True
    rig.add(1).subscribe()
    rig.subscription.tell_elsewhere("file")
    assert rig.sink.told_where == []
    rig.sink.frozen = False
    assert rig.seen == [1]
    rig.subscription.tell_elsewhere("file")
    assert rig.sink.told_where == ["file"]
