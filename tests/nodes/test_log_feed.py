"""One feed, many subscribers: whatever happens, each sees a contiguous run."""

from __future__ import annotations

from collections.abc import Sequence

import gevent
import pytest

from ethpillar.errors import UnitNotFound
from ethpillar.journal.entry import Entry
from ethpillar.journal.text import MOST_LINES
from ethpillar.nodes.items import Item
from ethpillar.nodes.log_feed import LogFeed

from ..waiting import until
from .by_hand import Watched
from .journal_fake import FakeJournal, FakeSink, FakeStream, expect, numbers


def test_backlog_then_live(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(200)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(150, 200))
    journal.write(30)
    expect(sink, range(150, 230))
    assert sink.states == [("live", {})]


@pytest.mark.parametrize("lines", [0, 1, 10, 50, 51, 120, 5000])
def test_any_backlog_joins_live_without_gap_or_repeat(journal: FakeJournal, feed: LogFeed, lines: int) -> None:
    journal.write(120)
    first = FakeSink()
    feed.subscribe(first)
    expect(first, range(70, 120))
    sink = FakeSink()
    feed.subscribe(sink, lines=lines)
    until(lambda: sink.states, "live")
    journal.write(5)
    expect(sink, range(120 - min(lines, 120), 125))


def test_a_feed_that_is_closed_keeps_no_lines(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(20)
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: len(feed.ring) == 20, "a full ring")
    feed.close()
    assert len(feed.ring) == 1
    assert feed.ring.account.held == 0
    assert feed.idle


def test_those_who_subscribe_to_a_feed_that_is_closed_have_left_it(journal: FakeJournal, feed: LogFeed) -> None:
    left: list[bool] = []
    feed._idle = lambda _, may_be_back: left.append(may_be_back)
    subscriptions = [feed.subscribe(FakeSink()) for _ in range(2)]
    until(lambda: all(each.takes for each in subscriptions), "both to wait for lines")
    feed.close()
    assert feed.subscribers == 0
    assert left == [False]
    assert all(each._greenlet is not None and each._greenlet.dead for each in subscriptions)


def test_an_empty_journal(journal: FakeJournal, feed: LogFeed) -> None:
    sinks = [FakeSink(), FakeSink()]
    feed.subscribe(sinks[0])
    feed.subscribe(sinks[1], lines=500)
    until(lambda: sinks[0].states and sinks[1].states, "live")
    journal.write(3)
    for sink in sinks:
        expect(sink, range(3))


def test_resume_after_a_cursor(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(300)
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[99].cursor)
    expect(sink, range(100, 300))
    journal.write(1)
    expect(sink, range(100, 301))
    assert sink.states == [("live", {})]


def test_resume_after_the_very_last_entry(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(60)
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[-1].cursor)
    until(lambda: sink.states, "live")
    journal.write(2)
    expect(sink, range(60, 62))


def test_a_cursor_that_was_vacuumed_away_is_a_gap(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(300)
    journal.vacuum(keep=100)
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[50].cursor)
    expect(sink, range(200, 300))
    assert sink.states[0] == ("gap", {"reason": "vacuumed", "from_us": 51, "to_us": 201})


def test_a_cursor_of_another_machine_is_a_gap(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(80)
    sink = FakeSink()
    feed.subscribe(sink, after="i=fffff;t=fffff")
    expect(sink, range(30, 80))
    assert sink.states[0][0] == "gap"
    journal.write(1)
    expect(sink, range(30, 81))


def test_a_broken_connection_loses_and_repeats_nothing(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(10)
    sinks = [FakeSink() for _ in range(3)]
    for sink in sinks:
        feed.subscribe(sink)
    for sink in sinks:
        expect(sink, range(10))
    for _ in range(10):
        journal.cut()
        journal.write(13)
        until(lambda: sinks[0].states[-1][0] == "reconnecting", "reconnecting")
        journal.mend()
        until(lambda: sinks[0].states[-1][0] == "live", "live again")
    for sink in sinks:
        expect(sink, range(140))
        assert not [state for state, _ in sink.states if state == "gap"]


def test_a_journalctl_that_ends_by_itself_is_started_again(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    journal.write(5)
    expect(sink, range(5))
    journal.end_streams()
    journal.write(5)
    expect(sink, range(10))


def test_entries_vacuumed_while_the_connection_was_gone_are_a_gap(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(10)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(10))
    journal.cut()
    journal.write(100)
    journal.vacuum(keep=20)
    journal.mend()
    until(lambda: len(sink.got) == 30, "the rest")
    assert numbers(sink) == [*range(10), *range(90, 110)]
    assert [details for state, details in sink.states if state == "gap"] == [
        {"reason": "vacuumed", "from_us": 10, "to_us": 91}
    ]


def test_one_that_is_closed_while_its_feed_gives_up_hears_nothing_more(journal: FakeJournal, feed: LogFeed) -> None:
    sinks = [FakeSink() for _ in range(3)]
    subscriptions = [feed.subscribe(sink) for sink in sinks]
    gevent.sleep(0)
    failing = gevent.spawn(subscriptions[0].fail, UnitNotFound("nope"))
    gevent.sleep(0)
    subscriptions[0].close()
    failing.join()
    assert sinks[0].error is None
    subscriptions[1].fail(UnitNotFound("nope"))
    subscriptions[1].fail(UnitNotFound("again"))
    assert "nope" in str(sinks[1].error)


def test_the_last_one_who_leaves_is_told_of_once_and_whether_it_may_be_back(
    journal: FakeJournal, feed: LogFeed
) -> None:
    left: list[bool] = []
    feed._idle = lambda _, may_be_back: left.append(may_be_back)
    subscriptions = [feed.subscribe(FakeSink()) for _ in range(3)]
    feed.log.progress = progress = Watched()
    subscriptions[0].close(may_be_back=True)
    subscriptions[1].fail(UnitNotFound("nope"))
    assert (left, progress.fired, feed.subscribers) == ([], 2, 1)  # who waits for one of them need not any more
    for _ in range(2):
        subscriptions[2].close(may_be_back=True)
    assert (left, feed.idle) == ([True], True)
    feed.subscribe(FakeSink()).close()
    assert left == [True, False]


def test_one_that_memory_is_needed_of_says_how_much_it_gave_and_that_there_is_room(
    journal: FakeJournal, feed: LogFeed
) -> None:
    journal.write(50)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(50))
    feed.log.progress = progress = Watched()
    feed.ring.weigh()
    size = feed.ring.size
    assert feed._give_back() == size - feed.ring.size > 0
    assert len(feed.ring) == 1
    assert progress.fired == 1


def test_an_unsubscribe_is_final(journal: FakeJournal, feed: LogFeed) -> None:
    sink, other = FakeSink(), FakeSink()
    subscription = feed.subscribe(sink)
    feed.subscribe(other)
    journal.write(5)
    expect(sink, range(5))
    subscription.close()
    journal.write(5)
    expect(other, range(10))
    assert len(sink.got) == 5


def test_systemd_s_own_lines_are_told(journal: FakeJournal, feed: LogFeed) -> None:
    feed.subscribe(FakeSink())
    journal.entries.append(Entry("i=0;t=1", 1, b"Started execution.service.", 6, "systemd", 1))
    journal.write(1)
    until(lambda: journal.changed, "the news")


def test_a_message_with_line_breaks_is_several_lines(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    journal.entries.append(Entry("i=0;t=1", 1, b"first\n  second\n", 6))
    journal._wake()
    until(lambda: len(sink.got) == 2, "two lines")
    assert sink.got == ["first", "  second"]


def test_one_that_is_closed_from_within_stops(journal: FakeJournal, feed: LogFeed) -> None:
    class Leaving(FakeSink):
        def lines(self, items: Sequence[Item]) -> None:
            super().lines(items)
            subscription.close()

    sinks = [Leaving(), FakeSink()]
    subscription = feed.subscribe(sinks[0])
    feed.subscribe(sinks[1])
    journal.write(1)
    expect(sinks[1], range(1))
    journal.write(5)
    expect(sinks[1], range(6))
    assert len(sinks[0].got) == 1
    assert subscription._greenlet is not None
    assert subscription._greenlet.dead


def test_an_entry_with_very_many_lines_is_bounded_work(journal: FakeJournal, feed: LogFeed) -> None:
    sink = FakeSink()
    feed.subscribe(sink)
    until(lambda: sink.states, "live")
    journal.entries.append(Entry("i=0;t=1", 1, b"a\n" * 100_000, 6))
    journal._wake()
    until(lambda: sink.got, "it")
    assert len(sink.got) == MOST_LINES
    assert "".join(sink.got).count("a") == 100_000  # nothing of it is lost


def test_a_backlog_of_cut_lines_is_not_taken_for_all_there_is(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(300)
    read = FakeStream.read

    def joined(stream: FakeStream) -> list[Entry]:
        found = read(stream)
        return found[1:] if len(found) > 1 else found  # as if two were one line

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeStream, "read", joined)
        first = FakeSink()
        feed.subscribe(first)
        until(lambda: first.states, "live")
    assert len(feed.ring) < 50
    assert not feed.ring.complete


def test_what_each_subscriber_was_given_is_counted(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(10)
    sinks = [FakeSink(), FakeSink()]
    for sink in sinks:
        feed.subscribe(sink)
    for sink in sinks:
        expect(sink, range(10))
    tally = feed.log.tally
    until(lambda: tally.lines_sent == 20, "the count")
    assert tally.bytes_sent == 20 * len("line 1\n")
    assert not tally.gaps
    journal.cut()
    journal.write(100)
    journal.vacuum(keep=20)
    journal.mend()
    until(lambda: [len(sink.got) for sink in sinks] == [30, 30], "the rest")
    assert tally.gaps == {"vacuumed": 2}  # each was told of it


def test_one_that_resumes_within_the_ring_needs_no_journalctl_of_its_own(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(30)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    opened = journal.opened
    sink = FakeSink()
    feed.subscribe(sink, after=journal.entries[9].cursor)
    expect(sink, range(10, 30))
    assert journal.opened == opened


def test_one_that_comes_while_a_log_is_not_live_is_told_so(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(5)
    first = FakeSink()
    feed.subscribe(first)
    until(lambda: first.states, "live")
    journal.cut()
    until(lambda: first.states[-1][0] == "reconnecting", "the loss")
    late = FakeSink()
    feed.subscribe(late)
    expect(late, range(5))
    until(lambda: late.states, "the log's state")
    journal.mend()
    until(lambda: late.states[-1][0] == "live", "live again")
    assert [state for state, _ in late.states] == ["reconnecting", "live"]


def test_one_that_heard_of_a_state_while_it_was_slow_is_not_told_again(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(5)
    slow, other = FakeSink(), FakeSink()
    slow.frozen = True
    for sink in (slow, other):
        feed.subscribe(sink)
    until(lambda: other.states, "live")
    journal.cut()
    until(lambda: slow.states, "the loss")
    slow.frozen = False
    expect(slow, range(5))
    gevent.sleep(0)
    journal.mend()
    until(lambda: slow.states[-1][0] == "live", "live again")
    assert [state for state, _ in slow.states] == ["reconnecting", "live"]


def test_a_unit_s_description_tells_how_its_lines_are_parsed(journal: FakeJournal, feed: LogFeed) -> None:
    journal.write(1)
    sink = FakeSink()
    feed.subscribe(sink)
    expect(sink, range(1))
    assert feed._follower._intake._lines.client == "Geth"
