"""One subscriber by itself: in the journal, when that can't be read, and its end."""

from __future__ import annotations

import sys

import pytest

from ethpillar.errors import (
    CredentialRefused,
    EthPillarError,
    LimitReached,
    SshUnreachable,
)
from ethpillar.journal.steps import Step
from ethpillar.nodes import subscription as module
from ethpillar.nodes.subscription import LogSubscription
from ethpillar.nodes.tries import SUBSCRIBER, Trouble

from .by_hand import Clock, entry, settle
from .subscribing import Subscribing


@pytest.fixture
def rig(subscribing: Subscribing) -> Subscribing:
    return subscribing


# -- its end


@pytest.mark.parametrize("may_be_back", [True, False])
def test_after_it_was_closed_nothing_comes(rig: Subscribing, may_be_back: bool) -> None:
    rig.add(1).subscribe()
    rig.subscription.close(may_be_back)
    assert rig.left == [may_be_back]
    assert rig.add(2).seen == [1]
    assert rig.state == "over"


def test_one_that_was_closed_before_it_began() -> None:
    rig = Subscribing(Clock())
    LogSubscription(rig.log, rig.sink, 1, None, True, rig._left).close()
    assert rig.left == [False]


def test_the_one_who_had_it_hears_once_why_the_log_has_ended(rig: Subscribing) -> None:
    rig.add(1).subscribe()
    rig.subscription.fail(SshUnreachable())
    rig.subscription.fail(SshUnreachable())
    assert rig.left == [False, False]
    assert rig.sink.errors == 1
    assert rig.sink.error is not None
    assert (rig.sink.error.code, rig.sink.error.service) == ("log_unavailable", "execution")
    assert rig.add(2).seen == [1]


def test_one_that_is_closed_by_what_it_is_given_gets_nothing_more_of_it(rig: Subscribing) -> None:
    rig.sink.then = lambda: rig.subscription.close()
    rig.add(1, None, 2).subscribe(2)
    assert rig.seen == [1]
    assert rig.state == "over"


@pytest.mark.parametrize(("problem", "noted"), [(SshUnreachable(), False), (KeyError("secret"), True)])
def test_a_mistake_ends_it_and_the_one_who_had_it_hears_of_that(
    rig: Subscribing, problem: Exception, noted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise problem

    rig.sink.then = fail
    rig.add(1).subscribe()
    assert rig.state == "over"
    assert rig.sink.error is not None
    assert (rig.sink.error.code, rig.sink.error.service) == ("log_unavailable", "execution")
    assert ("KeyError" in caplog.text) is noted
    assert "secret" not in caplog.text


# -- in the journal


def test_at_the_journal_s_end_it_waits_for_the_follower(rig: Subscribing) -> None:
    rig.add(8).subscribe(after=1)
    rig.node.next().prints(1, 2, 3).ends()
    progress = rig.progress.fired
    rig.node.next().prints(3).ends()
    assert rig.seen == [2, 3]
    assert rig.state == "ahead"
    assert rig.subscription.reach == sys.maxsize
    assert not rig.subscription.in_journal
    assert not rig.subscription.takes
    assert rig.progress.fired > progress
    rig.news.fire()
    assert rig.state == "ahead"
    rig.add(3, 4)
    assert rig.seen == [4]
    assert rig.state == "live"
    assert rig.node.more == 0


def test_a_follower_that_does_not_come_is_not_waited_for_for_ever(
    rig: Subscribing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CATCH", 0.01)
    rig.add(8).subscribe(after=1)
    rig.node.next().prints(1).ends()
    assert rig.node.next().step == Step(entry(1).cursor)
    assert rig.state == "journal"


def test_one_whose_browser_is_slow_has_no_journalctl_until_it_keeps_up(rig: Subscribing) -> None:
    rig.sink.frozen = True
    rig.add(8).subscribe(after=1)
    assert rig.state == "journal"
    assert rig.subscription.in_journal
    assert rig.node.more == 0
    rig.add(1, 2)
    rig.sink.frozen = False
    assert rig.seen == [2]  # meanwhile the ring has it
    assert rig.node.more == 0


def test_a_follower_that_needs_the_channel_goes_first(rig: Subscribing) -> None:
    rig.log.follower_waits = True
    rig.add(8).subscribe(after=1)
    assert rig.returned.fired == 1
    rig.news.fire()
    settle()
    assert rig.node.more == 0
    rig.log.follower_waits = False
    rig.news.fire()
    assert rig.node.next().step == Step(entry(1).cursor)


def test_a_follower_that_does_not_get_the_channel_either_is_not_waited_for_for_long(
    rig: Subscribing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN", 0.01)
    rig.log.follower_waits = True
    rig.add(8).subscribe(after=1)
    assert rig.node.next().step == Step(entry(1).cursor)


# -- when the journal can't be read


def refused(rig: Subscribing, *problems: EthPillarError) -> Subscribing:
    rig.node.refusals = list(problems)
    return rig.add(8).subscribe(after=1)


def test_a_first_failure_is_over_in_a_moment_and_not_told(rig: Subscribing) -> None:
    refused(rig, SshUnreachable())
    assert (rig.seen, rig.state) == ([], "waiting")
    assert not rig.subscription.in_journal  # it is not a channel that is missing
    assert not rig.subscription.wants_channel
    assert rig.clock.naps == [1.0]
    assert rig.progress.fired == 1
    rig.clock.forward(1.0)
    rig.node.next().prints(1, 2).prints(8)
    assert rig.seen == [2, 8]


def test_further_failures_are_told_and_come_less_and_less_often(rig: Subscribing) -> None:
    refused(rig, *[SshUnreachable()] * 3)
    for seconds in (1, 2):
        rig.clock.forward(seconds)
    assert rig.sink.states == [
        ("reconnecting", {"attempt": 2, "retry_in": 2.0}),
        ("reconnecting", {"attempt": 3, "retry_in": 4.0}),
    ]
    assert rig.borrowed == []
    assert rig.clock.naps == [4.0]


def test_a_node_that_is_away_is_waited_for_before_the_next_try(rig: Subscribing) -> None:
    rig.node.refusals = [SshUnreachable()]
    rig.node.cut()
    rig.add(8).subscribe(after=1)
    rig.clock.forward(100)
    assert rig.clock.naps == []
    assert rig.node.more == 0
    rig.node.mend()
    rig.clock.forward(1)
    assert rig.node.next().step == Step(entry(1).cursor)


def test_where_no_channel_is_free_the_follower_s_is_asked_for_from_the_second_try_on(rig: Subscribing) -> None:
    refused(rig, LimitReached(), LimitReached())
    assert rig.sink.states == [("reconnecting", {"attempt": 1, "retry_in": 1.0})]
    assert rig.borrowed == []
    assert rig.lent.waits == [1.0]
    assert rig.subscription.wants_channel
    assert rig.subscription.in_journal
    rig.lent.fire()
    assert rig.state == "waiting"
    assert rig.sink.states[1:] == [("reconnecting", {"attempt": 2, "retry_in": 2.0})]
    assert rig.borrowed == [True]
    assert rig.lent.waits == [1.0, 2.0]
    assert rig.clock.naps == []
    rig.lent.fire()
    rig.node.next()
    assert not rig.subscription.wants_channel
    assert rig.subscription.in_journal


def test_one_that_gets_no_channel_is_given_up_at_last(rig: Subscribing) -> None:
    most = SUBSCRIBER[Trouble.ROOM]
    refused(rig, *[LimitReached()] * (most + 1))
    for _ in range(most):
        assert rig.sink.error is None
        rig.lent.fire()
        settle()
    assert rig.sink.error is not None
    assert (rig.sink.error.code, rig.sink.error.service) == ("limit_reached", "execution")


def test_one_whose_node_refuses_the_login_is_given_up_at_once(rig: Subscribing) -> None:
    refused(rig, CredentialRefused())
    assert rig.sink.error is not None
    assert rig.sink.error.service == "execution"
    assert rig.sink.states == []
