"""A follower whose journalctls a test has in its hands, and subscribers as far as a follower looks at them."""

from __future__ import annotations

from typing import Any

from ethpillar.errors import EthPillarError
from ethpillar.nodes.follower import Follower
from ethpillar.nodes.items import Encoder, ItemMaker
from ethpillar.nodes.log import SharedLog
from ethpillar.nodes.ring import Ring
from ethpillar.timing import Backoff

from .by_hand import Clock, Journalctl, Node, Watched, settle
from .journal_fake import encode


class Reader:
    """A subscriber, as far as the follower looks at it."""

    def __init__(self, in_journal: bool = False) -> None:
        self.in_journal = in_journal
        self.wants_channel = in_journal
        self.takes = False
        self.reach = -1 if in_journal else 2**62
        self.told: list[str] = []

    def tell_elsewhere(self, where: str) -> None:
        self.told.append(where)


class Following:
    """A follower, the journalctls that it starts, and what it tells."""

    def __init__(self, clock: Clock, ring: int = 1000) -> None:
        self.clock = clock
        self.node = Node()
        maker = ItemMaker("execution", Encoder(encode))
        self.log = SharedLog("execution.service", self.node, maker, Ring(ring, 10**7))
        self.returned = self.log.returned = Watched()
        self.lent = self.log.lent = Watched()
        self.news = self.log.news = Watched()
        self.subscribers: list[Any] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.ended: list[tuple[EthPillarError, bool]] = []
        "Why the log ended, and whether the follower was over when that was told."
        self.follower = Follower(self.log, self.subscribers, self._tell, self._fail)
        self.reader = self.follower._reader
        self.reader._backoff = Backoff(1.0, 30.0, lambda: 0.5)

    def _tell(self, state: str, **details: Any) -> None:
        self.log.told = (state, details)
        self.told.append((state, details))

    def _fail(self, problem: EthPillarError) -> None:
        self.ended.append((problem, self.follower.over))

    @property
    def state(self) -> str:
        settle()
        return self.follower.state

    @property
    def held(self) -> list[int | None]:
        """The entries in the ring by number, and None for each gap."""
        settle()
        ring = self.log.ring
        found = ring.slice(ring.start, 1000)
        return [None if each.gap else int(each.data.removeprefix(b"line ")) for each in found]

    @property
    def states(self) -> list[str]:
        return [state for state, _ in self.told]

    def follows(self, *backlog: int) -> Journalctl:
        """Read a backlog, and return the journalctl that follows after it, which has shown nothing yet."""
        first = self.node.next()
        if backlog:
            first.prints(*backlog)
        first.ends()
        return self.node.next()

    def live(self, last: int = 2) -> Journalctl:
        """Return a journalctl that follows and has shown the last entry that was there before, of number 2."""
        following = self.follows(*range(last + 1)).prints(last)
        assert self.state == "live"
        return following
