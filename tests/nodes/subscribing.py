"""A subscriber of a log as far as that has been read, whose journalctls a test has in its hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.event import Event

from ethpillar.journal.steps import Gap
from ethpillar.nodes.items import Encoder, Item, ItemMaker
from ethpillar.nodes.log import SharedLog
from ethpillar.nodes.ring import Ring
from ethpillar.nodes.subscription import LogSubscription
from ethpillar.timing import Backoff

from .by_hand import Clock, Node, Watched, entry, settle
from .journal_fake import FakeSink, encode


class Sink(FakeSink):
    """What a browser was given, in order: numbers of lines, and states."""

    def __init__(self, window: float = 0.0) -> None:
        self._ready = Event()
        self._ready.set()
        super().__init__(window)
        self.seen: list[Any] = []
        self.runs: list[int] = []
        self.then: Callable[[], None] = lambda: None
        "Called after each run and each state."

    @property
    def frozen(self) -> bool:
        return not self._ready.is_set()

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        (self._ready.clear if frozen else self._ready.set)()

    def wait_ready(self, timeout: float | None = None) -> bool:
        return self._ready.wait(timeout)

    def lines(self, items: Any) -> None:
        super().lines(items)
        self.runs.append(len(items))
        text = b"".join([each.data for each in items]).decode().splitlines()
        self.seen += [int(each.removeprefix("line ")) for each in text]
        self.then()

    def state(self, state: str, details: dict[str, Any]) -> None:
        super().state(state, details)
        self.seen.append(state)
        self.then()


class Subscribing:
    """A log as far as it has been read, and a subscriber of it."""

    def __init__(self, clock: Clock, size: int = 100, window: float = 0.0) -> None:
        self.clock = clock
        self.node = Node()
        maker = ItemMaker("execution", Encoder(encode))
        self.log = SharedLog("execution.service", self.node, maker, Ring(size, 10**7))
        self.news, self.progress = Watched(), Watched()
        self.lent, self.returned = Watched(), Watched()
        self.log.news, self.log.progress = self.news, self.progress
        self.log.lent, self.log.returned = self.lent, self.returned
        self.log.borrow = lambda: self.borrowed.append(True)
        self.log.started = True
        self.log.ring.complete = True
        self.borrowed: list[bool] = []
        self.left: list[bool] = []
        self.sink = Sink(window)

    def add(self, *numbers: int | None) -> Subscribing:
        """Put entries into the ring; None is a gap before the next one."""
        for number in numbers:
            last = self.log.ring.end and self.log.ring.slice(self.log.ring.end - 1, 1)[0].cursor
            if number is None:
                self.log.ring.append(Item(last or entry(0).cursor, 0, b"", 0, Gap(1, 2)))
            else:
                self.log.ring.append(Item(entry(number).cursor, number + 1, b"line %d\n" % number))
        self.news.fire()
        settle()
        return self

    def subscribe(self, lines: int = 3, after: int | None = None, lossless: bool = True) -> Subscribing:
        cursor = None if after is None else entry(after).cursor
        self.subscription = LogSubscription(self.log, self.sink, lines, cursor, lossless, self._left)
        self.subscription._reader._backoff = Backoff(1.0, 30.0, lambda: 0.5)
        self.subscription.start()
        settle()
        return self

    def _left(self, subscription: LogSubscription, may_be_back: bool) -> bool:
        self.left.append(may_be_back)
        return len(self.left) == 1

    @property
    def seen(self) -> list[Any]:
        """What the browser was given since the last look."""
        settle()
        seen, self.sink.seen = self.sink.seen, []
        return seen

    @property
    def state(self) -> str:
        settle()
        return self.subscription._machine.state.name.lower()

    @property
    def start(self) -> Any:
        """Where it would read on in the journal."""
        return self.subscription._reader.start
