"""The follower of a log by itself: what it reads next, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ethpillar.journal.detour import FIRST_LEAP
from ethpillar.journal.reading import After
from ethpillar.journal.steps import Gap, Step
from ethpillar.nodes.follower import BACKLOG, BEGINS, ON_ITS_WAY, SILENT
from ethpillar.nodes.tries import Trouble

from .by_hand import Clock, entries, entry, settle
from .following import Following, Reader

JUMP = b"Can't iterate through /var/log/journal/1/system.journal, ignoring: Bad message"


@pytest.fixture
def rig(following: Following) -> Following:
    return following


# -- what is read


def test_a_log_is_read_to_its_end_and_then_followed_from_its_last_entry(rig: Following) -> None:
    first = rig.node.next()
    assert first.step == Step(count=BACKLOG)
    assert rig.state == "starting"
    first.prints(0).prints(1, 2)
    assert rig.held == []  # the ring must not begin in the middle of it
    assert not rig.log.started
    first.ends()
    second = rig.node.next()
    assert second.step == Step(entry(2).cursor, follow=True)
    assert rig.held == [0, 1, 2]
    assert rig.log.started
    assert rig.state == "catching_up"
    second.prints(2)
    assert rig.state == "live"
    second.prints(3, 4)
    assert rig.held == [0, 1, 2, 3, 4]
    assert rig.told == [("live", {})]
    assert rig.log.description == "Geth Execution Layer Client service for HOODI"
    assert rig.follower._intake._lines.client == "Geth"


@pytest.mark.parametrize(("printed", "complete"), [(0, True), (BACKLOG - 1, True), (BACKLOG, False)])
def test_a_backlog_that_is_shorter_than_was_asked_for_is_all_there_is(
    rig: Following, printed: int, complete: bool
) -> None:
    rig.follows(*range(printed))
    assert len(rig.log.ring) == printed
    assert rig.log.ring.complete is complete


def test_those_who_wait_for_the_log_to_begin_hear_of_its_backlog_and_of_its_being_live(rig: Following) -> None:
    first = rig.node.next()
    settle()
    assert rig.news.fired == 0
    first.prints(0).ends()
    following = rig.node.next()
    began = rig.news.fired
    assert began > 0
    following.prints(0)
    assert rig.state == "live"
    assert rig.news.fired > began


def test_an_empty_journal_is_followed_from_its_beginning_and_live_at_once(rig: Following) -> None:
    following = rig.follows()
    assert following.step == Step(follow=True)
    assert rig.state == "live"
    assert rig.told == [("live", {})]
    following.prints(0, 1)
    assert rig.held == [0, 1]


def test_one_that_shows_nothing_counts_as_live_after_a_while(rig: Following) -> None:
    rig.follows(0, 1)
    rig.clock.forward(BEGINS - 0.1)
    assert rig.state == "catching_up"
    rig.clock.forward(0.1)
    assert rig.state == "live"
    assert rig.told == [("live", {})]


def test_after_a_break_it_reads_what_came_since_as_it_comes_and_follows_on(rig: Following) -> None:
    following = rig.live()
    following.ends(-1)
    assert rig.state == "reconnecting"
    rig.clock.forward(1)
    again = rig.node.next()
    assert again.step == Step(entry(2).cursor)
    assert rig.state == "catching_up"
    again.prints(2, 3)
    assert rig.held == [0, 1, 2, 3]
    again.prints(4).ends()
    following = rig.node.next()
    assert following.step == Step(entry(4).cursor, follow=True)
    following.prints(4)
    assert rig.state == "live"
    assert rig.told == [("live", {}), ("reconnecting", {"attempt": 1, "retry_in": 1.0}), ("live", {})]


def test_a_journal_that_has_lost_all_after_the_last_entry_is_a_gap_once_the_right_was_checked(rig: Following) -> None:
    rig.live().ends(-1)
    for seconds in (1, 2):
        rig.clock.forward(seconds)
        rig.node.next().ends()  # nothing, not even that entry
    following = rig.node.next()
    assert rig.node.doubted == 1
    assert rig.held == [0, 1, 2, None]
    gap = rig.log.ring.slice(3, 1)[0]
    assert (gap.cursor, gap.realtime_us, gap.lines, gap.data) == (entry(2).cursor, 3, 0, b"")
    assert gap.gap == Gap(3, None)
    assert following.step == Step(entry(2).cursor, follow=True)
    following.prints(7)
    assert rig.held == [0, 1, 2, None, 7]


# -- one that does not begin where it should


def test_one_that_begins_elsewhere_is_helped_by_reading_what_lies_between(rig: Following) -> None:
    rig.follows(0, 1, 2).prints(5)
    between = rig.node.next()
    assert between.step == Step(entry(2).cursor)
    assert rig.state == "catching_up"
    between.prints(2, 3, 4, 5).ends()
    following = rig.node.next()
    assert following.step == Step(entry(5).cursor, follow=True, boot="b1")  # as it may show another boot else
    following.prints(5, 6)
    assert rig.held == [0, 1, 2, 3, 4, 5, 6]
    assert rig.told == [("live", {})]


def test_a_log_that_was_live_and_has_to_read_between_is_told_once_that_it_is_live(rig: Following) -> None:
    rig.live().prints(5, boot="b2", sequence="c")
    rig.node.next().prints(2, 3).ends()
    rig.clock.forward(BEGINS)  # which the journalctl that began elsewhere had to show something
    assert rig.node.next().prints(3).closed == 0
    assert rig.state == "live"
    assert rig.states == ["live"]


def test_one_that_begins_elsewhere_again_is_tried_after_a_pause(rig: Following) -> None:
    rig.follows(0, 1, 2).prints(5)
    rig.node.next().prints(2, 3).ends()
    rig.node.next().prints(6)
    assert rig.state == "reconnecting"
    assert rig.reader.tries.last is Trouble.PLACE
    assert rig.told == [("reconnecting", {"attempt": 1, "retry_in": 1.0})]


def test_what_a_journalctl_that_has_ended_was_waited_for_changes_nothing_any_more(rig: Following) -> None:
    rig.follows(0, 1, 2).prints(5)
    rig.node.next()
    rig.clock.forward(BEGINS)
    assert rig.state == "catching_up"
    assert rig.told == []


# -- damage


@pytest.mark.parametrize("complaint", [b"", JUMP])
def test_a_gap_or_a_complaint_is_found_out_about_before_more_is_read(
    rig: Following, complaint: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.live().ends(-1)
    monkeypatch.setattr(rig.reader, "go_round", lambda: iter([(entries(7, 8), Gap(3, 8)), (entries(9), None)]))
    rig.clock.forward(1)
    again = rig.node.next()
    again.prints(*((2, 3) if complaint else (7, 8)), complaint=complaint)
    again.prints(9).ends()
    following = rig.node.next()
    assert again.unread == 2
    assert rig.held == [0, 1, 2, None, 7, 8, 9]
    assert following.step == Step(entry(9).cursor, follow=True)


def test_a_backlog_with_damage_in_it_goes_in_as_a_whole(rig: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[list[int | None]] = []

    def go_round() -> Iterator[Any]:
        rig.reader.in_doubt = True
        yield entries(1, 2), None
        held.append(rig.held)
        yield entries(5), Gap(3, 6)

    monkeypatch.setattr(rig.reader, "go_round", go_round)
    rig.node.next().prints(1, complaint=JUMP)
    following = rig.node.next()
    assert held == [[]]
    assert rig.held == [1, 2, None, 5]
    assert following.step == Step(entry(5).cursor, follow=True)
    assert not rig.log.ring.complete
    assert rig.log.started
    assert rig.log.in_doubt


def test_where_nothing_can_be_read_beyond_damage_it_follows_from_a_time_after_it_later_with_each_try(
    rig: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_round() -> Iterator[Any]:
        rig.reader.dead_end = entry(2).cursor
        yield [], None

    following = rig.live()
    monkeypatch.setattr(rig.reader, "go_round", go_round)
    for count in [*range(13), 12]:  # at last it is twelve steps that are made
        following.ends(-1)
        rig.clock.forward(30)
        rig.node.next().prints(9, complaint=JUMP)
        following = rig.node.next()
        time = 3 + FIRST_LEAP * 8 ** min(count, 12)
        assert following.step == Step(f"t={time:x}", follow=True)
        assert rig.reader.start == After(f"t={time:x}", gone=True)


# -- one that is silent


def test_one_that_is_silent_is_closed_if_the_journal_has_more(rig: Following) -> None:
    following = rig.live()
    rig.node.written = entries(2, 3)
    rig.clock.forward(SILENT)
    assert rig.node.asked == []  # it was not silent in these
    rig.clock.forward(SILENT)
    assert [step.cursor for step in rig.node.asked] == [entry(2).cursor]
    assert following.closed == 0
    rig.clock.forward(ON_ITS_WAY)
    assert following.closed == 1
    assert rig.states == ["live", "reconnecting"]
    rig.clock.forward(100)
    assert following.closed == 1


def test_an_entry_that_was_on_its_way_is_waited_for(rig: Following) -> None:
    following = rig.live()
    rig.node.written = entries(2, 3)
    rig.clock.forward(2 * SILENT)
    assert rig.node.asked
    following.prints(3)
    rig.clock.forward(ON_ITS_WAY)
    assert following.closed == 0
    assert rig.states == ["live"]


def test_one_that_is_not_silent_is_not_looked_after(rig: Following) -> None:
    following = rig.live()
    for number in range(3, 8):
        rig.clock.forward(SILENT - 0.1)
        following.prints(number)
    settle()
    assert rig.node.asked == []


def test_one_whose_subscribers_keep_it_waiting_is_not_silent(clock: Clock) -> None:
    rig = Following(clock, ring=4)
    slow = Reader()
    rig.subscribers.append(slow)
    following = rig.live()
    slow.reach = 0
    following.prints(3, 4)
    rig.node.written = entries(2, 3, 4, 5)
    clock.forward(2 * SILENT)
    assert rig.node.asked == []
    assert following.closed == 0
    slow.reach = 2**62
    rig.log.progress.fire()
    assert rig.held == [1, 2, 3, 4]
    rig.follower.close()


def test_those_who_wait_for_a_line_hear_where_the_unit_prints_by_now(rig: Following) -> None:
    rig.live()
    rig.subscribers += [Reader(), Reader()]
    rig.clock.forward(2 * SILENT)
    assert [each.told for each in rig.subscribers] == [[], []]
    rig.node.where = "file"
    rig.clock.forward(2 * SILENT)  # it looks less and less often
    assert [each.told for each in rig.subscribers] == [["file"], ["file"]]
    assert rig.node.printed_us == 3
