"""The log feeds of a node.

Belongs here: which feeds there are, and for how long one outlives its last subscriber. It must not know what a feed
reads, nor from where.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.pool import Group

from ..errors import SshUnreachable
from .log_feed import LogFeed

FEED_LINGER = 5.0
"""Seconds that a feed outlives its last subscriber, if that one may be back. A page that is loaded again, or whose
connection broke, is back by then: nothing has to be started for it on the node, nor searched for in the journal."""
UNSUBSCRIBED = 1.0
"And seconds if that one has said that it wants no more: long enough for a page that shows the same log anew."
LINGERING = 4
"Feeds of a node that may outlive their subscribers, as many logs as a page has: each one keeps a channel from others."

MakeFeed = Callable[[str, Callable[[LogFeed, bool], None]], LogFeed]
"(unit, idle): makes a feed, which calls `idle` each time that its last subscriber has left, see `LogFeed`."


class LogFeeds:
    """One log feed for each unit that somebody follows; owns them."""

    def __init__(self, make: MakeFeed) -> None:
        self._make = make
        self._feeds: dict[str, LogFeed] = {}
        self._lingering: dict[LogFeed, gevent.Greenlet[..., None]] = {}
        self._closing = Group()
        self._closed = False

    def get(self, unit: str) -> LogFeed:
        """Return the feed of a unit, made when there is none. Subscribe to it before anything else gets a turn.

        :raises SshUnreachable: they have been closed, and the node with them
        """
        if self._closed:
            raise SshUnreachable
        feed = self._feeds.get(unit)
        if feed is None or feed.dead:
            feed = self._feeds[unit] = self._make(unit, self._idle)
        return feed

    def all(self) -> list[LogFeed]:
        """Return the feeds there are."""
        return list(self._feeds.values())

    def _idle(self, feed: LogFeed, may_be_back: bool) -> None:
        if self._closed:
            return
        self._hurry(feed)
        idle = [each for each in self._lingering if each.idle]
        for each in idle[: max(0, len(idle) + 1 - LINGERING)]:
            self._hurry(each)
            self._end(each)
        linger = FEED_LINGER if may_be_back else UNSUBSCRIBED
        self._lingering[feed] = gevent.spawn_later(0 if feed.dead else linger, self._end, feed)

    def _hurry(self, feed: LogFeed) -> None:
        timer = self._lingering.pop(feed, None)
        if timer is not None:
            timer.kill(block=False)

    def _end(self, feed: LogFeed) -> None:
        self._lingering.pop(feed, None)
        if feed.idle:
            if self._feeds.get(feed.unit) is feed:
                del self._feeds[feed.unit]
            self._closing.spawn(feed.close)

    def close(self) -> None:
        """Close every feed, and wait for their end."""
        self._closed = True
        lingering, self._lingering = self._lingering, {}
        for greenlet in lingering.values():
            greenlet.kill(block=False)  # it has not begun: one that has is not among these any more
        feeds, self._feeds = self._feeds, {}
        for feed in {*feeds.values(), *lingering}:
            self._closing.spawn(feed.close)
        self._closing.join()
