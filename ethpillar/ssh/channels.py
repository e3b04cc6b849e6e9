"""How many channels there are on the connections to a node, and where the next one goes.

Belongs here: counting, what refusals teach, which commands leave room for others, and when to connect again.
Everything is pure: no I/O, no waiting, and the clock (seconds of `time.monotonic()`) is handed in, so that
`ssh.pool` only carries out what is decided here.

sshd allows so many channels on a connection (`MaxSessions`, 10 by default, as few as 1) and tells nobody how many. It
is learned from refusals, and forgotten after a while, because it may have been changed.
"""

from __future__ import annotations

from enum import Enum

RESERVED = 2
"Channels of a connection that are kept for short commands, so that a page of logs never holds up the states."
PAUSE = 0.2
"Seconds before the next try on a connection that may have room in a moment."
RELEARN = 60.0
"Seconds for which what was learned from a refusal counts."
CLOSING, REFUSING = 3.0, 1.0
"""sshd keeps a channel's place until its process has ended. So a refusal says nothing about how many it allows when a
channel was closed during the last `CLOSING` seconds, unless it has refused all of them for `REFUSING` seconds."""


class ChannelCount:
    """The channels of one connection: how many are in use, and how many sshd allows as far as is known.

    A channel is taken by `Channels`, then granted, refused or failed, and a granted one is closed in the end.
    """

    def __init__(self, most: int) -> None:
        """:param most: how many to assume until sshd refuses one"""
        self._most = most
        self.in_use = 0
        "Channels that are open or have been asked for."
        self._granted = 0
        self._ever_granted = False
        self._learned, self._learned_until = most, float("-inf")
        self._closed_at = float("-inf")
        self._refused_since = float("inf")

    @property
    def unused(self) -> bool:
        """Return True if sshd has granted no channel yet, and the first one is being asked for."""
        return not self._ever_granted and self.in_use == 1

    def capacity(self, now: float) -> int:
        """Return how many channels sshd allows, as far as is known."""
        return self._learned if now < self._learned_until else self._most

    def has_room(self, reserve: int, now: float) -> bool:
        """Return True if there is room for a channel that leaves `reserve` channels free.

        Where sshd allows very few channels, the reserve shrinks before the connection is of no use.
        """
        return self.in_use < max(1, self.capacity(now) - reserve)

    def take(self) -> None:
        """Count a channel that is going to be asked for."""
        self.in_use += 1

    def granted(self) -> None:
        """sshd has opened a channel that was taken."""
        self._granted += 1
        self._ever_granted = True
        self._refused_since = float("inf")

    def refused(self, now: float) -> float:
        """sshd has refused a channel that was taken. Return how many seconds to wait before the next try."""
        self.in_use -= 1
        self._refused_since = min(self._refused_since, now)
        if now - self._closed_at <= CLOSING and now - self._refused_since <= REFUSING:
            return PAUSE  # channels that were closed a moment ago still have their places
        self._learned = max(1, min(self.capacity(now), self._granted))
        self._learned_until = now + RELEARN
        return 0.0 if self.in_use else PAUSE

    def failed(self) -> None:
        """Take note that a channel that was taken will never open: the connection is gone, or does not answer."""
        self.in_use -= 1

    def closed(self, now: float) -> None:
        """Take note that a channel that was granted is closed."""
        self.in_use -= 1
        self._granted -= 1
        self._closed_at = now

    def learn_from(self, other: ChannelCount, now: float) -> None:
        """Take over what was learned on another connection to the same sshd."""
        if other.capacity(now) < self.capacity(now):
            self._learned, self._learned_until = other._learned, other._learned_until


class Step(Enum):
    """The steps that may stand between a command and its channel."""

    CONNECT = "open a further connection and ask again"
    OPEN_LANE = "open the connection for short commands only and ask again"
    WAIT = "ask again when a channel was closed"
    FULL = "there is no room, and there will be none"
    LOST = "there is no connection"


class Channels:
    """The channels of all connections to one node.

    `take_short` and `take_long` return the connection's count, on which the channel is counted already, or the `Step`
    that is needed first.
    """

    def __init__(self, most_connections: int) -> None:
        """:param most_connections: how many connections there may be, besides the lane"""
        self.most = most_connections
        self.connections: list[ChannelCount] = []
        self.lane: ChannelCount | None = None
        "One connection more, for short commands only, where sshd allows so few channels that logs have all of them."

    def add(self, count: ChannelCount, now: float, lane: bool = False) -> None:
        """Take note of a new connection, which is to sshd like the others."""
        for other in self.connections:
            count.learn_from(other, now)
        if lane:
            self.lane = count
        else:
            self.connections.append(count)

    def remove(self, count: ChannelCount) -> None:
        """Take note that a connection is gone, and its channels with it."""
        if count is self.lane:
            self.lane = None
        else:
            self.connections.remove(count)

    def take_short(self, now: float) -> ChannelCount | Step:
        """Take a channel for a command that ends by itself within seconds. It may use what is reserved, and waits."""
        found = self._take(0, now)
        if found is not Step.FULL:
            return found
        if self.lane is None:
            return Step.OPEN_LANE
        if not self.lane.has_room(0, now):
            return Step.WAIT
        self.lane.take()
        return self.lane

    def take_long(self, spare: int, now: float) -> ChannelCount | Step:
        """Take a channel for a command that has no end, such as a followed log. It leaves `RESERVED` channels free.

        :param spare: how many more long ones there must be room for; fewer where sshd allows few channels
        """
        if self.connections and not self._room_for_long(spare, now):
            return Step.FULL
        return self._take(RESERVED, now)

    def _take(self, reserve: int, now: float) -> ChannelCount | Step:
        if not self.connections:
            return Step.LOST
        for count in self.connections:
            if count.has_room(reserve, now):
                count.take()
                return count
        return Step.CONNECT if len(self.connections) < self.most else Step.FULL

    def _room_for_long(self, spare: int, now: float) -> bool:
        capacities = [count.capacity(now) for count in self.connections]
        capacities += [min(capacities)] * (self.most - len(capacities))  # a further connection promises no more
        room = sum(max(1, capacity - RESERVED) for capacity in capacities)
        used = sum(count.in_use for count in self.connections)
        return room - used > (min(spare, max(1, room // 8)) if room > 2 else 0)
