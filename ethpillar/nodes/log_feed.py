"""One followed journal: a unit's entries, read once for all its subscribers.

Belongs here: who subscribes, and what all of them are told. How the journal is read is the follower's part, where each
subscriber is in it is the subscription's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import EthPillarError
from ..limits.ledger import Ledger
from ..turns import tenant
from .catch_up import LogSink
from .follower import BACKLOG, Follower
from .items import ItemMaker
from .log import SharedLog
from .ring import Ring, may_give_back
from .source import JournalSource
from .subscription import LogSubscription
from .tally import Tally


class LogFeed:
    """The journal of one unit of one node. Lives while it has subscribers.

    When the last one went, `idle` is called with the feed and whether that one may be back soon.
    """

    def __init__(
        self,
        unit: str,
        source: JournalSource,
        items: ItemMaker,
        ring: Ring,
        idle: Callable[[LogFeed, bool], None],
        session: str = "",
        tally: Tally | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.log = SharedLog(unit, source, items, ring, session, tally)
        ring.account = (ledger or Ledger()).account("rings", tenant(), give_back=self._give_back)
        self._idle = idle
        self._subscriptions: set[LogSubscription] = set()
        self._follower = Follower(self.log, self._subscriptions, self._tell, self._fail)

    def subscribe(
        self, sink: LogSink, lines: int = BACKLOG, after: str | None = None, lossless: bool = True
    ) -> LogSubscription:
        """Bring this log to a sink.

        :param lines: entries of backlog
        :param after: a cursor: everything after it, instead of a backlog
        :param lossless: a slow sink gets everything, late; else it is told how much it missed
        """
        subscription = LogSubscription(self.log, sink, lines, after, lossless, self._left)
        self._subscriptions.add(subscription)
        subscription.start()
        return subscription

    def _left(self, subscription: LogSubscription, may_be_back: bool) -> bool:
        """Remove a subscription that has ended. Return False if it was removed before."""
        if subscription not in self._subscriptions:
            return False
        self._subscriptions.discard(subscription)
        self.log.progress.fire()
        if not self._subscriptions:
            self._idle(self, may_be_back)
        return True

    @property
    def unit(self) -> str:
        """The unit, or what stands for the whole journal."""
        return self.log.unit

    @property
    def ring(self) -> Ring:
        """The recent entries of this log."""
        return self.log.ring

    @property
    def state(self) -> str:
        """Where its follower is, in a word for metrics."""
        return self._follower.state

    @property
    def subscribers(self) -> int:
        """How many subscribe."""
        return len(self._subscriptions)

    @property
    def idle(self) -> bool:
        """Return True if the feed has no subscriptions."""
        return not self._subscriptions

    @property
    def dead(self) -> bool:
        """Return True if the feed has given up: another feed is needed for this log then."""
        return self._follower.over

    def _give_back(self) -> int:
        """Forget the oldest of the recent entries: memory is short, and the journal has them."""
        ring = self.ring
        ring.forget_until(may_give_back(ring, [each.reach for each in self._subscriptions]))
        self.log.progress.fire()
        return ring.weigh()

    def close(self) -> None:
        """End the follower and every subscription."""
        self._follower.close()
        self.ring.account.close()
        for subscription in list(self._subscriptions):
            subscription.close()
        self.ring.forget_until(self.ring.end)  # at once: the feed is in a circle, which only the collector frees

    def _tell(self, state: str, **details: Any) -> None:
        self.log.told = (state, details)
        for subscription in list(self._subscriptions):
            subscription.tell(state, details)

    def _fail(self, problem: EthPillarError) -> None:
        for subscription in list(self._subscriptions):
            subscription.fail(problem)
