"""The states of a node's units, polled once for everyone who needs them.

Belongs here: the poll under way, and the subscriptions, which tick at their own intervals and share polls. It must not
know how a command gets to the node. When a snapshot is too old and what a subscriber is owed is decided in
`status_state`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import gevent
from gevent.event import Event

from ..errors import EthPillarError, SshTimeout, StatusUnavailable, whereabouts
from ..timing import stop
from ..units import CORE_UNITS, KNOWN_UNITS, UnitStatus, parse_show, show_command, unit_name
from .failures import Failures
from .shared import Shared
from .states import Machine
from .status_state import HANG_KEPT, RECENT, TRANSITIONS, StatusState, after_poll, max_age, next_tick

log = logging.getLogger(__name__)

UNKNOWN_UNITS = ("execution.service", "consensus.service", "validator.service")
"What is sent as unknown of a node of which nothing is known."
AT_ONCE = 1.0
"Seconds: a new subscriber's first update may be as old as this."
OTHERS = 256
"Units besides the usual ones whose states are remembered."
SETTLE = 0.3
"Seconds to wait after systemd wrote about a unit: it writes several lines at once, and the poll has to follow them."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The result of one poll."""

    taken: float
    "`time.monotonic()` when the poll was sent."
    units: dict[str, UnitStatus]
    data: str
    "The update as the gateway encoded it, once for all subscribers: the units that the node has or had."
    everything: str
    "The same with all core units, installed or not."
    at: float | None = None
    "When the node was asked, in seconds since the epoch; None if it was not."


class StatusSink(Protocol):
    """Where a subscription's updates go.

    Its methods are called from the subscription's greenlet, and must not wait: a receiver that does not keep up says so
    by `ready`, is sent nothing meanwhile, and then the newest update only.
    """

    def ready(self, again: Callable[[], None]) -> bool:
        """Return True if the receiver keeps up. If it does not, call `again` once, as soon as it does."""

    def status(self, snapshot: Snapshot) -> None:
        """Send an update."""

    def status_failed(self, error: EthPillarError) -> None:
        """Report that a poll failed, the first in a row of failures."""


class StatusFeed:
    """Polls the states of a node's units on demand, never twice at once.

    `get` returns a snapshot as young as the caller needs, `unit` the state of a single unit, and `subscribe` sends
    updates at an interval. All of them share polls.
    """

    def __init__(
        self,
        run: Callable[[Sequence[str]], tuple[int, bytes]],
        encode: Callable[[Sequence[UnitStatus], float | None], str],
        last_lines: Callable[[str], Sequence[str]],
        session: str = "",
        missing: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        :param run: runs words on the node; returns exit status and output, may raise an `EthPillarError`
        :param encode: makes of statuses, and the time at which the node was asked (if it was), in seconds since the
            epoch, the update as it will be sent
        :param last_lines: returns what a unit printed before its last failure; raises nothing
        :param missing: tells whether the node is out of reach at the moment, which `set_away` says if it lasts
        """
        self._run = run
        self.missing = missing
        self._failures = Failures(last_lines)
        self._encode = encode
        self._units = [name for name in map(unit_name, KNOWN_UNITS) if name]
        self._core = frozenset(name for name in map(unit_name, CORE_UNITS) if name)
        self._had: set[str] = set()
        "Units that were installed at any poll: a page that shows one never removes it, and has to hear of its end."
        self._wanted: set[str] = set()  # other units that the next poll asks for as well, once
        self._others: dict[str, UnitStatus] = {}
        "Such units as they were when they were asked for: the polls that follow are not about them."
        self._latest: Snapshot | None = None
        self.unknown: Snapshot | None = None
        "What is sent while the node is away; None while it is not."
        self._poll = Shared(self._ask, "A status poll", StatusUnavailable, session)
        self.log = logging.LoggerAdapter(log, {"session": session})
        self._hung = float("-inf")  # when a poll was last left without an answer
        self._refresher: gevent.Greenlet[[], None] | None = None
        self._changed = False
        self.subscriptions: set[StatusSubscription] = set()

    @property
    def shortest(self) -> float:
        """The shortest interval of all subscriptions, in seconds."""
        return min((subscription.interval for subscription in self.subscriptions), default=AT_ONCE)

    def get(self, max_age: float) -> Snapshot:
        """Return a snapshot no older than `max_age` seconds. Calls during a poll share its result.

        :raises SshError, StatusUnavailable: the poll failed
        """
        latest = self._latest
        if not self._poll.running and latest is not None and time.monotonic() - latest.taken < max_age:
            return latest
        return self._poll.get()

    def known(self, unit: str) -> UnitStatus | None:
        """Return a unit's status as the last poll that was about it has it; None if there is none. Asks nobody."""
        known = None if self._latest is None else self._latest.units.get(unit)
        return known or self._others.get(unit)

    def description(self, unit: str) -> str | None:
        """Return a unit's description as the last poll has it; None if it has none. Asks nobody."""
        known = self.known(unit)
        return None if known is None else known.description

    def unit(self, unit: str) -> UnitStatus:
        """Return the status of any unit, known to EthPillar or not, at most a few seconds old.

        :raises SshError, StatusUnavailable: the poll failed, or systemd did not answer a poll a moment ago
        """
        for _ in range(2):  # a poll that is under way may not ask for it, but the next one does
            if time.monotonic() - self._hung < HANG_KEPT:
                raise StatusUnavailable
            latest = self._latest
            if latest is None or unit not in latest.units or time.monotonic() - latest.taken > RECENT:
                self._wanted.add(unit)
                latest = self.get(0.0)
            if unit in latest.units:
                return latest.units[unit]
        raise StatusUnavailable

    def _ask(self) -> Snapshot:
        others, self._wanted = self._wanted.difference(self._units), set()
        units = [*self._units, *others]
        taken, at = time.monotonic(), time.time()
        try:
            status, output = self._run(show_command(units))
        except SshTimeout:
            self._hung = time.monotonic()
            raise
        self._hung = float("-inf")
        if status != 0:
            raise StatusUnavailable
        try:
            found = parse_show(units, output)
        except ValueError:
            raise StatusUnavailable from None
        known = self._failures.with_last_lines(found[: len(self._units)])
        asked = {each.unit: each for each in found[len(known) :]}
        if len(self._others) + len(asked) > OTHERS:
            self._others.clear()
        self._others |= asked
        by_unit = {**{each.unit: each for each in known}, **asked}
        self._had.update(each.unit for each in known if each.installed)
        self._latest = self._snapshot(taken, at, by_unit, known)
        return self._latest

    def _snapshot(
        self, taken: float, at: float, by_unit: dict[str, UnitStatus], known: Sequence[UnitStatus]
    ) -> Snapshot:
        shown = [each for each in known if each.unit in self._had]
        everything = [each for each in known if each.unit in self._had or each.unit in self._core]
        data = self._encode(shown, at)
        whole = data if len(shown) == len(everything) else self._encode(everything, at)
        return Snapshot(taken, by_unit, data, whole, at)

    def set_away(self, away: bool) -> None:
        """Take note that the node is away, or back, and send every subscriber an update about that."""
        if away == (self.unknown is not None):
            return
        if away:
            self.unknown = self.unseen()
        else:
            self.unknown = self._latest = None  # a snapshot from before must not be taken for the present
            self._others.clear()
        for subscription in list(self.subscriptions):
            subscription.wake()

    def unseen(self) -> Snapshot:
        """Return an update that says of every unit that its state is unknown: nobody looks at it any more."""
        units = [unit for unit in self._units if unit in self._had] or [*UNKNOWN_UNITS]
        data = self._encode([UnitStatus(unit, "unknown") for unit in units], None)
        core = [unit for unit in self._units if unit in units or unit in self._core]
        return Snapshot(time.monotonic(), {}, data, self._encode([UnitStatus(unit, "unknown") for unit in core], None))

    def polls(self, unit: str) -> bool:
        """Return True if a unit is in the updates, when the node has it."""
        return unit in self._units

    def refresh(self) -> None:
        """Poll soon, besides the ticks, and send every subscriber an update. Calls at the same moment are one."""
        self._changed = True
        if self.subscriptions and (self._refresher is None or self._refresher.dead):
            self._refresher = gevent.spawn(self._refresh)

    def _refresh(self) -> None:
        while self._changed:
            gevent.sleep(SETTLE)
            self._changed = False
            self._poll.join()  # its answer may be older than the change
            with suppress(EthPillarError):
                self.get(0.0)
                for subscription in list(self.subscriptions):
                    subscription.wake()

    def subscribe(self, sink: StatusSink, interval: float, everything: bool = False) -> StatusSubscription:
        """Send updates to a sink: one at once, then one per `interval`, in seconds.

        :param everything: with all core units, installed or not
        """
        subscription = StatusSubscription(self, sink, interval, everything)
        self.subscriptions.add(subscription)
        return subscription

    def close(self) -> None:
        """Stop everything, and wait until it has stopped."""
        for subscription in list(self.subscriptions):
            subscription.close()
        if self._refresher is not None:
            self._refresher.kill()
        self._poll.close()


class StatusSubscription:
    """Sends a sink an update at each tick, from a greenlet of its own."""

    def __init__(self, feed: StatusFeed, sink: StatusSink, interval: float, everything: bool) -> None:
        self._feed = feed
        self._sink = sink
        self.interval = interval
        "Seconds."
        self.everything = everything
        "True if the receiver wants all core units, installed or not."
        self._sent: Snapshot | None = None
        self._machine = Machine(StatusState.CURRENT, TRANSITIONS)
        self._woken = Event()
        self._greenlet = gevent.spawn(self._run)

    @property
    def state(self) -> StatusState:
        """Return the outcome of the last poll."""
        return self._machine.state

    def wake(self) -> None:
        """Send an update now: a unit changed, or the sink keeps up again. The ticks stay where they are."""
        self._woken.set()

    def _run(self) -> None:
        tick = time.monotonic()
        age = AT_ONCE
        while self.state is not StatusState.CLOSED:
            self._woken.clear()
            self._update(age)
            tick = next_tick(tick, self.interval, time.monotonic())
            age = RECENT if self._wait_until(tick) else max_age(self._feed.shortest)

    def _wait_until(self, tick: float) -> bool:
        """Wait for the tick. Return True if it was woken before."""
        left = tick - time.monotonic()
        return left > 0 and self.state is not StatusState.CLOSED and self._woken.wait(left)

    def _update(self, age: float) -> None:
        try:
            self._send_or_owe(age)
        except Exception as problem:  # noqa: BLE001 (without it, one fault would end the updates without a word)
            self._feed.log.error("A status update failed (%s); the next tick tries again", whereabouts(problem))

    def _send_or_owe(self, age: float) -> None:
        snapshot = self._feed.unknown
        if snapshot is None or snapshot is self._sent:  # once it was sent, a poll finds out whether the node is back
            with suppress(EthPillarError):  # whatever it is (the node, no channel, Redis for a login) may be over soon
                snapshot = self._feed.get(age)
            snapshot = snapshot or self._feed.unknown
        if snapshot is None and self._feed.missing():
            return  # it is the node, and not its systemd: an update says so soon, whichever way it goes
        before = self.state
        if before is StatusState.CLOSED:
            return  # at the moment at which the poll ended: it is about to be killed
        self._machine.to(after_poll(snapshot is not None, self._sink.ready(self.wake)))
        if snapshot is not None and self.state is StatusState.CURRENT:
            self._sent = snapshot
            self._sink.status(snapshot)
        elif self.state is StatusState.FAILING and before is not StatusState.FAILING:
            self._sink.status_failed(StatusUnavailable())

    def close(self) -> None:
        """Stop the ticks, and wait until they have stopped."""
        self._feed.subscriptions.discard(self)
        self._machine.to(StatusState.CLOSED)
        if self._greenlet is not gevent.getcurrent():  # else it sees the state when the sink returns
            stop(self._greenlet)
