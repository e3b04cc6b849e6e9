"""The follower of a log by itself: what it does when a journalctl ends, and when others need its channel."""

from __future__ import annotations

import gevent
import pytest

from ethpillar.errors import (
    EthPillarError,
    LimitReached,
    PermissionDenied,
    SshUnreachable,
    UnitNotFound,
)
from ethpillar.journal.steps import Step
from ethpillar.nodes import follower as module
from ethpillar.nodes.follower import STEADY
from ethpillar.nodes.subscription import TURN
from ethpillar.nodes.tries import Trouble

from ..waiting import until
from .by_hand import Clock, entry, settle
from .following import Following, Reader


@pytest.fixture
def rig(following: Following) -> Following:
    return following


# -- what fails


@pytest.mark.parametrize(
    ("status", "trouble"), [(-1, Trouble.LINK), (0, Trouble.JOURNAL), (1, Trouble.JOURNAL)], ids=str
)
def test_the_end_of_one_that_follows_is_a_failure(rig: Following, status: int, trouble: Trouble) -> None:
    rig.live().ends(status)
    assert rig.state == "reconnecting"
    assert rig.reader.tries.last is trouble
    assert rig.clock.naps == [1.0]
    assert not rig.log.follower_waits


@pytest.mark.parametrize(("seconds", "attempt"), [(0, 2), (STEADY, 2), (STEADY + 0.1, 1)])
def test_pauses_grow_unless_a_journal_was_followed_for_a_while(rig: Following, seconds: float, attempt: int) -> None:
    rig.live().ends(-1)
    rig.clock.forward(1)
    following = rig.follows(2).prints(2)
    rig.clock.forward(seconds)
    following.ends(-1)
    settle()
    assert rig.told[-1] == ("reconnecting", {"attempt": attempt, "retry_in": float(attempt)})


@pytest.mark.parametrize(("printed", "attempt"), [((2,), 2), ((2, 3), 1)])
def test_a_new_entry_is_progress_and_one_that_was_known_is_none(
    rig: Following, printed: tuple[int, ...], attempt: int
) -> None:
    rig.live().ends(-1)
    rig.clock.forward(1)
    rig.follows(2).prints(*printed).ends(-1)
    settle()
    assert rig.told[-1] == ("reconnecting", {"attempt": attempt, "retry_in": float(attempt)})


@pytest.mark.parametrize(
    ("stage", "problem", "ends"),
    [
        ("new", UnitNotFound("execution"), True),
        ("new", PermissionDenied("execution"), True),
        ("new", SshUnreachable(), False),
        ("begun", UnitNotFound("execution"), False),
        ("begun", PermissionDenied("execution"), True),
        ("live", UnitNotFound("execution"), False),
        ("live", PermissionDenied("execution"), False),
    ],
    ids=str,
)
def test_what_ends_a_log_depends_on_how_far_it_has_got(
    rig: Following, stage: str, problem: EthPillarError, ends: bool
) -> None:
    rig.node.refusals = [] if stage != "new" else [problem]
    if stage == "begun":
        rig.follows(0, 1, 2)
    elif stage == "live":
        rig.live()
    if stage != "new":
        rig.node.refusals = [problem]
        rig.node.started[-1].ends(-1)
        rig.clock.forward(1)
    assert rig.state == ("over" if ends else "reconnecting")
    assert [over for _, over in rig.ended] == [True] * ends
    assert rig.follower.over is ends


def test_a_unit_that_is_away_while_its_log_begins_ends_it_and_later_is_no_matter(rig: Following) -> None:
    rig.live().ends(-1)
    rig.node.refusal = UnitNotFound("execution")
    rig.clock.forward(1)
    assert rig.node.next().step == Step(entry(2).cursor)
    assert rig.log.description is not None
    other = Following(rig.clock)
    other.node.refusal = UnitNotFound("execution")
    assert other.state == "over"
    assert [problem.code for problem, _ in other.ended] == ["unit_not_found"]
    assert other.node.started == []


def test_a_mistake_is_no_reason_to_end_a_log(rig: Following, caplog: pytest.LogCaptureFixture) -> None:
    following = rig.live()
    rig.node.refusals = [ValueError("a secret")]
    following.ends(-1)
    rig.clock.forward(1)
    assert rig.told[-1] == ("reconnecting", {"attempt": 2, "retry_in": 2.0})
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
    assert caplog.text.count("Following a log failed") == 1  # the connection that broke is none
    rig.clock.forward(2)
    rig.node.next()
    assert not rig.ended


def test_where_no_channel_is_free_it_goes_on_when_somebody_returns_one(rig: Following) -> None:
    rig.live().ends(-1)
    rig.node.refusals = [LimitReached()]
    rig.clock.forward(1)
    assert rig.state == "reconnecting"
    assert rig.log.follower_waits
    assert rig.returned.waits == [2.0]
    assert rig.clock.naps == []
    rig.returned.fire()
    following = rig.follows(2)
    assert rig.log.follower_waits
    following.prints(2)
    assert rig.state == "live"
    assert not rig.log.follower_waits
    following.ends(-1)
    settle()
    assert not rig.log.follower_waits  # it is another trouble


def test_a_question_for_the_boot_that_is_not_answered_is_given_up_when_the_backlog_has_come(rig: Following) -> None:
    given_up: list[bool] = []

    def boot(fresh: bool = False) -> str:
        if not asked.is_set():
            asked.set()
            try:
                gevent.event.Event().wait()
            finally:
                given_up.append(True)
        return "b1"

    asked = gevent.event.Event()
    rig.node.boot = boot  # type: ignore[method-assign]
    rig.node.next().prints(0).ends()
    assert rig.node.next().step.follow
    assert given_up


# -- its channel


def test_the_channel_of_one_that_is_live_is_lent_once_and_taken_back(rig: Following) -> None:
    following = rig.live()
    rig.log.borrow()
    rig.log.borrow()
    assert following.closed == 1
    assert rig.lent.fired == 0  # not before it is closed
    following = rig.node.next()  # nobody needs it any more
    assert rig.lent.fired == 1
    assert rig.returned.waits == []
    assert not rig.log.follower_waits
    assert following.step == Step(entry(2).cursor)
    assert rig.told == [("live", {})]
    following.prints(2, 3).ends()
    following = rig.node.next().prints(3)
    assert rig.state == "live"
    rig.log.borrow()
    assert following.closed == 1
    rig.node.next().prints(3).ends()
    rig.node.next().prints(3).ends(-1)
    assert rig.state == "reconnecting"  # that one was not lent
    assert rig.lent.fired == 2


def test_one_that_is_not_live_has_no_channel_to_lend(rig: Following) -> None:
    first = rig.node.next()
    rig.log.borrow()
    first.prints(0, 1).ends()
    following = rig.node.next()
    settle()
    rig.log.borrow()
    assert (first.closed, following.closed) == (0, 0)
    following.prints(1)
    assert rig.state == "live"
    following.ends(-1)
    settle()
    rig.log.borrow()
    assert following.closed == 0
    assert rig.state == "reconnecting"


def test_a_channel_is_lent_until_those_that_needed_it_have_had_it(rig: Following) -> None:
    following = rig.live()
    needy = Reader(in_journal=True)
    rig.subscribers.append(needy)
    rig.log.borrow()
    assert rig.state == "lent"
    assert following.closed == 1
    rig.log.progress.fire()
    assert rig.state == "lent"
    assert rig.node.more == 0
    needy.in_journal = False
    rig.log.progress.fire()
    assert rig.node.next().step == Step(entry(2).cursor)
    assert rig.returned.waits == []
    assert not rig.log.follower_waits


def test_a_channel_that_others_keep_is_asked_back(rig: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN", 0.01)
    rig.live()
    rig.subscribers.append(Reader(in_journal=True))
    rig.log.borrow()
    until(lambda: rig.returned.waits, "the follower to ask")
    assert rig.returned.waits == [0.01]
    assert rig.log.follower_waits
    assert rig.node.more == 0
    rig.returned.fire()
    assert rig.node.next().step == Step(entry(2).cursor)
    assert TURN > 1


def test_what_there_was_no_room_for_goes_in_while_the_channel_is_lent(clock: Clock) -> None:
    rig = Following(clock, ring=4)
    following = rig.live()
    needy = Reader(in_journal=True)
    rig.subscribers.append(needy)
    following.prints(3, 4, 5)
    assert rig.state == "lent"
    assert rig.held == [0, 1, 2, 3]
    assert rig.lent.fired == 1
    needy.reach, needy.in_journal = 6, False
    rig.log.progress.fire()
    assert rig.held == [2, 3, 4, 5]
    assert rig.node.next().step == Step(entry(5).cursor)
    rig.follower.close()
