"""Which connection a channel goes to, and what is counted: no connection and no clock of the machine's."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as B
from hypothesis.stateful import RuleBasedStateMachine, consumes, invariant, precondition, rule

from ethpillar.ssh.channels import CLOSING, PAUSE, REFUSING, RELEARN, RESERVED, ChannelCount, Channels, Step


def count(granted: int, most: int = 10, closed_at: float | None = None) -> ChannelCount:
    """A connection with so many open channels, where one was closed then."""
    made = ChannelCount(most)
    for _ in range(granted + (closed_at is not None)):
        made.take()
        made.granted()
    if closed_at is not None:
        made.closed(closed_at)
    return made


def refuse(channels: ChannelCount, now: float) -> float:
    channels.take()
    return channels.refused(now)


def test_a_refusal_tells_how_many_there_may_be() -> None:
    connection = count(granted=4)
    assert refuse(connection, 100.0) == 0.0
    assert connection.capacity(100.0) == 4
    assert not connection.has_room(0, 100.0)
    assert connection.in_use == 4


def test_it_is_believed_for_a_while() -> None:
    connection = count(granted=4)
    refuse(connection, 100.0)
    assert connection.capacity(100.0 + RELEARN - 0.1) == 4
    assert connection.capacity(100.0 + RELEARN) == 10


def test_a_refusal_never_raises_what_was_learned() -> None:
    connection = count(granted=4)
    refuse(connection, 100.0)
    connection.take()
    connection.granted()  # sshd allowed more all the same
    refuse(connection, 101.0)
    assert connection.capacity(101.0) == 4


def test_a_refusal_where_nothing_is_open_is_tried_again_a_little_later() -> None:
    connection = count(granted=0)
    assert refuse(connection, 100.0) == PAUSE
    assert connection.capacity(100.0) == 1


def test_while_sshd_still_ends_what_was_closed_a_refusal_says_nothing() -> None:
    connection = count(granted=4, closed_at=99.0)
    assert refuse(connection, 100.0) == PAUSE
    assert connection.capacity(100.0) == 10


def test_unless_it_goes_on() -> None:
    connection = count(granted=4, closed_at=99.9)
    assert refuse(connection, 100.0) == PAUSE
    assert refuse(connection, 100.0 + REFUSING) == PAUSE
    assert refuse(connection, 100.1 + REFUSING) == 0.0
    assert connection.capacity(100.1 + REFUSING) == 4


def test_a_channel_that_is_granted_meanwhile_begins_it_anew() -> None:
    connection = count(granted=4, closed_at=99.9)
    refuse(connection, 100.0)
    connection.take()
    connection.granted()
    assert refuse(connection, 100.1 + REFUSING) == PAUSE


def test_a_closed_channel_is_a_moment_old_for_so_long() -> None:
    connection = count(granted=4, closed_at=100.0)
    assert refuse(connection, 100.0 + CLOSING) == PAUSE
    connection = count(granted=4, closed_at=100.0)
    assert refuse(connection, 100.1 + CLOSING) == 0.0


def test_a_further_connection_is_to_sshd_like_the_others() -> None:
    channels = Channels(4)
    first, second, third = (ChannelCount(10) for _ in range(3))
    channels.add(first, 100.0)
    channels.add(second, 100.0)
    assert second.capacity(100.0) == 10
    refuse(first, 100.0)
    channels.add(third, 101.0)
    assert third.capacity(101.0) == 1
    assert third.capacity(100.0 + RELEARN) == 10
    assert second.capacity(101.0) == 10


def fill(channels: Channels, take: Any) -> tuple[list[int], Any]:
    """Takes channels until a step comes: how many on each connection, and the step. Connections are made as needed."""
    while True:
        found = take(0.0)
        if found is Step.CONNECT:
            channels.add(ChannelCount(10), 0.0)
        elif isinstance(found, Step):
            return [each.in_use for each in channels.connections], found


def started(most: int) -> Channels:
    channels = Channels(most)
    channels.add(ChannelCount(10), 0.0)
    return channels


def test_long_commands_leave_room_for_short_ones_on_each_connection() -> None:
    channels = started(3)
    assert fill(channels, lambda now: channels.take_long(0, now)) == ([8, 8, 8], Step.FULL)
    assert fill(channels, channels.take_short) == ([10, 10, 10], Step.OPEN_LANE)


def test_and_for_as_many_further_long_ones_as_they_are_told() -> None:
    channels = started(3)
    assert fill(channels, lambda now: channels.take_long(3, now))[0] == [8, 8, 5]
    assert fill(channels, lambda now: channels.take_long(0, now))[0] == [8, 8, 8]


def test_which_are_fewer_where_there_are_few() -> None:
    channels = started(1)
    assert fill(channels, lambda now: channels.take_long(3, now))[0] == [7]
    channels = Channels(2)
    channels.add(ChannelCount(3), 0.0)  # room for two long ones in all
    taken = [channels.take_long(3, 0.0)]
    channels.add(ChannelCount(3), 0.0)
    taken.append(channels.take_long(3, 0.0))
    assert taken == channels.connections
    assert channels.take_long(3, 0.0) is Step.FULL


def test_the_lane_is_for_short_commands_only() -> None:
    channels = started(1)
    fill(channels, channels.take_short)
    lane = ChannelCount(10)
    channels.add(lane, 0.0, lane=True)
    assert channels.take_short(0.0) is lane
    assert channels.take_long(0, 0.0) is Step.FULL
    assert fill(channels, channels.take_short) == ([10], Step.WAIT)
    assert lane.in_use == 10
    channels.remove(lane)
    assert channels.take_short(0.0) is Step.OPEN_LANE


def test_without_a_connection_there_is_nothing() -> None:
    channels = started(2)
    channels.remove(channels.connections[0])
    assert channels.take_short(0.0) is Step.LOST
    assert channels.take_long(0, 0.0) is Step.LOST


class Node(RuleBasedStateMachine):
    """An sshd with some `MaxSessions`, and commands that come and go in any order."""

    asked = B("asked")
    opened = B("opened")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.sessions = 10
        self.channels = Channels(3)
        self.open: dict[ChannelCount, int] = {}
        self.waiting: dict[ChannelCount, int] = {}

    def connect(self, lane: bool = False) -> None:
        made = ChannelCount(10)
        self.channels.add(made, self.now, lane)
        self.open[made] = self.waiting[made] = 0

    def took(self, found: ChannelCount | Step, lane: bool) -> Any:
        if isinstance(found, ChannelCount):
            self.waiting[found] += 1
            assert lane or found is not self.channels.lane
            return found
        if found in (Step.CONNECT, Step.LOST):
            assert len(self.channels.connections) < 3
            self.connect()
        elif found is Step.OPEN_LANE:
            assert lane
            assert self.channels.lane is None
            self.connect(lane=True)
        return None

    @rule(seconds=st.floats(0, 5) | st.just(RELEARN))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(sessions=st.integers(1, 12))
    def configure(self, sessions: int) -> None:
        self.sessions = sessions

    @rule(target=asked)
    def short(self) -> Any:
        return self.took(self.channels.take_short(self.now), lane=True)

    @rule(target=asked, spare=st.integers(0, 4))
    def long(self, spare: int) -> Any:
        free = any(each.has_room(RESERVED, self.now) for each in self.channels.connections)
        found = self.channels.take_long(spare, self.now)
        assert free or isinstance(found, Step)
        return self.took(found, lane=False)

    @rule(target=opened, count=consumes(asked))
    def answer(self, count: ChannelCount | None) -> Any:
        if count is None:
            return None
        self.waiting[count] -= 1
        if self.open[count] < self.sessions:
            count.granted()
            self.open[count] += 1
            return count
        assert 0 <= count.refused(self.now) <= PAUSE
        return None

    @rule(count=consumes(asked))
    def fail(self, count: ChannelCount | None) -> None:
        if count is not None:
            self.waiting[count] -= 1
            count.failed()

    @rule(count=consumes(opened))
    def close(self, count: ChannelCount | None) -> None:
        if count is not None:
            self.open[count] -= 1
            count.closed(self.now)

    @precondition(lambda self: self.channels.connections)
    @rule(data=st.data())
    def lose(self, data: Any) -> None:
        lane = [self.channels.lane] if self.channels.lane is not None else []
        self.channels.remove(data.draw(st.sampled_from([*self.channels.connections, *lane])))

    @invariant()
    def counts_are_true(self) -> None:
        for each in self.open:
            assert each.in_use == self.open[each] + self.waiting[each]
            assert 1 <= each.capacity(self.now) <= 10

    @invariant()
    def nobody_waits_for_ever(self) -> None:
        """When all is idle and sshd allows a channel, a short command gets one at once."""
        if self.channels.connections and not any(each.in_use for each in self.channels.connections):
            found = self.channels.take_short(self.now)
            assert isinstance(found, ChannelCount)
            found.failed()


TestNode = Node.TestCase
TestNode.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
