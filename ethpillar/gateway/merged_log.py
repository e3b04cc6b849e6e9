"""Several logs on their way to one socket, merged by time.

Belongs here: the sinks of the subscriptions that are merged, and the greenlet that sends what they bring. In which
order is decided in `journal.merging`. The sinks are not ready while enough of their log is kept already, so that what
is not sent yet stays in the rings and in the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent

from ..errors import EthPillarError
from ..journal.merging import Merge
from ..nodes.items import Item
from ..nodes.log import Signal
from ..nodes.runs import Run
from ..units import service_name
from . import log_lines, wire
from .browser_log import Silence
from .outbox import Outbox

KEPT = 64 * 1024
"Bytes kept of a log; a sink that has more is not ready."
SENT = 128 * 1024
"Bytes sent before it is asked again whether the socket keeps up."

Thing = Item | Callable[[], None]
"What a log brings: an entry, or something that is told in its place among the entries."


class MergedLog:
    """The logs of one subscription to several services, merged by time and sent by one greenlet.

    Each log gets a `sink`, and is `settle`d once it has come to the present; `leave` forgets it. A log whose part is
    full waits in `wait_room`, while the others go on.
    """

    def __init__(
        self, outbox: Outbox, services: Sequence[str], batch: bool, failed: Callable[[str, EthPillarError], None]
    ) -> None:
        """
        :param services: all of the subscription, as its `log_batch` names it
        :param batch: whether lines go as `log_batch`
        :param failed: called with the unit of a log that has ended, once its last line is sent
        """
        self._outbox = outbox
        self._services = list(services)
        self._batch = batch
        self._failed = failed
        self._boots = log_lines.Boots()
        self._merge: Merge[Thing] = Merge()
        self._news = Signal()
        self._room = Signal()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def sink(self, unit: str, silence: Silence) -> MergedSink:
        """Take a log in; what its sink gets is merged with that of the others."""
        self._merge.join(unit, time.monotonic())
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
        return MergedSink(self, unit, silence)

    def leave(self, unit: str) -> None:
        """Let go of a log: nothing of it is sent after this returns."""
        self._merge.leave(unit)
        self._news.fire()  # the others need not wait for it
        self._room.fire()

    def add(self, unit: str, time_us: int | None, size: int, thing: Thing) -> None:
        """Send this when its turn comes."""
        self._merge.add(unit, time_us, size, thing, time.monotonic())
        self._news.fire()

    def settle(self, unit: str) -> None:
        """See `Merge.settle`."""
        self._merge.settle(unit)

    def has_room(self, unit: str) -> bool:
        """Return True if more of a log is wanted."""
        return self._merge.size(unit) < KEPT

    def wait_room(self, unit: str, timeout: float | None) -> bool:
        """Wait until more of a log is wanted; return False if that took longer than `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.has_room(unit):
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._room.wait(left)
        return True

    def _run(self) -> None:
        """Send what may go, until all logs have left."""
        while len(self._merge):
            delay = self._merge.delay(time.monotonic())
            if delay is None or delay > 0:
                self._news.wait(delay)
                continue
            self._outbox.wait_ready()
            self._send(self._merge.take(time.monotonic(), SENT))
            self._room.fire()
            gevent.sleep(0)
        self._greenlet = None

    def _send(self, things: Sequence[Thing]) -> None:
        """Send these. Nothing else gets a turn meanwhile, so that a log that leaves is not sent any more."""
        items: list[Item] = []
        for thing in things:
            if isinstance(thing, Item):
                items.append(thing)
            else:
                self._send_lines(items)
                items = []
                thing()
        self._send_lines(items)

    def _send_lines(self, items: Sequence[Item]) -> None:
        if items and self._batch:
            self._outbox.put(log_lines.ready_batches({"services": self._services}, items))
        elif items:
            self._outbox.put(log_lines.ready_lines(items, self._boots.new(log_lines.boots_in(items))))

    def tell(self, unit: str, event: str, payload: dict[str, Any]) -> None:
        """Send an event about a log in its place among its lines."""
        self.add(unit, None, 0, lambda: self._outbox.emit(event, payload))

    def end(self, unit: str, error: EthPillarError) -> None:
        """Report the end of a log behind its last line."""
        self.settle(unit)
        self.add(unit, None, 0, lambda: self._failed(unit, error))


class MergedSink:
    """A `LogSink` for one of the logs."""

    window = 0.0

    def __init__(self, merged: MergedLog, unit: str, silence: Silence) -> None:
        self._merged = merged
        self._unit = unit
        self._silence = silence

    def wait_ready(self, timeout: float | None = None) -> bool:
        return self._merged.wait_room(self._unit, timeout)

    def ready(self) -> bool:
        return self._merged.has_room(self._unit)

    def lines(self, run: Run) -> None:
        self._silence.hear(run)
        for item in run:
            self._merged.add(self._unit, item.realtime_us, item.size, item)

    def state(self, state: str, details: dict[str, Any]) -> None:
        if state in ("live", "reconnecting"):
            self._merged.settle(self._unit)
        self._merged.tell(self._unit, "log_state", wire.log_state(service_name(self._unit), state, details))
        if state == "live" and (told := self._silence.explain()) is not None:
            self._merged.tell(self._unit, *told)

    def elsewhere(self, where: str) -> None:
        if (told := self._silence.explain_later(where)) is not None:
            self._merged.tell(self._unit, *told)

    def failed(self, error: EthPillarError) -> None:
        self._merged.end(self._unit, error)

    def left(self) -> None:
        """Take note that its subscription was closed, or has ended and was reported."""
        self._merged.leave(self._unit)
