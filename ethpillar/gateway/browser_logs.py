"""The logs of one socket.

Belongs here: which logs it follows, and what is checked before it does, in which order. It must not know how lines
become events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gevent

from ..errors import BadRequest, EthPillarError, InternalError, TooManyLogs
from ..nodes.node import Node
from ..nodes.subscription import LogSubscription
from ..units import service_name
from . import wire
from .browser_log import BrowserLog, Silence, output_elsewhere, what_prevents
from .merged_log import MergedLog, MergedSink
from .outbox import Outbox
from .turn import Turns


@dataclass(frozen=True, slots=True)
class LogRequest:
    """One `subscribe_logs`."""

    units: Sequence[str]
    merged: bool
    "True if it named `services`: they are one subscription, merged by time."
    lines: int
    after: Mapping[str, str] = field(default_factory=dict)
    "For each unit the cursor to resume after, if there is one."
    batch: bool = False
    lossless: bool = True
    plain: bool = False
    "True if it has none of our options."


def log_request(payload: dict[str, Any]) -> LogRequest:
    """Return what a payload asks for. Raises `BadRequest`."""
    merged = payload.get("services") is not None
    units = wire.get_units(payload)
    return LogRequest(
        units,
        merged,
        wire.get_lines(payload),
        _after(payload, units, merged),
        wire.get_flag(payload, "batch", False),
        wire.get_flag(payload, "lossless", True),
        wire.LOG_OPTIONS.isdisjoint(payload),
    )


def _after(payload: dict[str, Any], units: Sequence[str], merged: bool) -> dict[str, str]:
    if not merged:
        cursor = wire.get_after(payload)
        return {} if cursor is None else {units[0]: cursor}
    given = payload.get("after")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadRequest("`after` must be an object with a cursor for each service.")
    named = {wire.get_unit({"service": service}): wire.get_cursor(given, service) for service in given}
    if not named.keys() <= set(units):
        raise BadRequest("`after` must only name services that are in `services`.")
    return {unit: cursor for unit, cursor in named.items() if cursor is not None}


@dataclass(frozen=True, slots=True)
class _Followed:
    subscription: LogSubscription
    merged: MergedSink | None
    plain: bool

    def close(self, may_be_back: bool) -> None:
        if self.merged is not None:
            self.merged.left()
        self.subscription.close(may_be_back)


class BrowserLogs:
    """Follows logs for a socket, each service once.

    `subscribe` waits for the node and for memory, and raises what prevents a log; an event that comes meanwhile may end
    it. After `unsubscribe` or `close` have returned, nothing of a log is sent any more.
    """

    def __init__(
        self,
        outbox: Outbox,
        turns: Turns,
        most: int,
        refuse: Callable[[EthPillarError], None],
    ) -> None:
        """
        :param turns: the socket's; see `subscribe`
        :param refuse: tells the client what stands against one log of several
        """
        self._outbox = outbox
        self._turns = turns
        self._most = most
        self._refuse = refuse
        self.ending = False
        "True once the socket is about to end, and tells why itself."
        self._followed: dict[str, _Followed] = {}
        self._checking: dict[str, object] = {}  # the logs whose units are being checked, each with its subscribe's mark

    def __iter__(self) -> Any:
        return iter([*self._followed, *self._checking])

    def subscribe(
        self, request: LogRequest, node_of: Callable[[], Node], wait_for_room: Callable[[], None] = lambda: None
    ) -> None:
        """Follow logs. One that is followed already stays as it is.

        Unlike all other events it takes its turns itself: asking the node takes as long as that takes to answer, as
        does waiting for memory, and meanwhile other events have theirs. An unsubscribe that comes meanwhile ends it.
        What stands against one of several is told, and the others are followed.

        :param wait_for_room: waits until there is memory for them; raises an `EthPillarError` if that takes too long
        :raises EthPillarError: what stands against all of them
        """
        mark = object()
        problems: list[EthPillarError] = []
        with self._turns.take():
            node = node_of()
            wanted = self._reserve(request.units, mark, problems)
        try:
            wait_for_room()
            for unit, problem in _check(node, wanted):
                if problem is not None and self._release(unit, mark):
                    problems.append(problem)
            with self._turns.take():
                units = [
                    unit for unit in wanted if self._checking.get(unit) is mark
                ]  # the others nobody wants any more
                self._follow(request, node, units)
        finally:
            for unit in wanted:
                self._release(unit, mark)
        if problems:
            self._tell(problems, alone=not units)

    def _reserve(self, units: Sequence[str], mark: object, problems: list[EthPillarError]) -> list[str]:
        wanted = []
        for unit in units:
            if unit in self._followed or unit in self._checking:
                continue
            if len(self._followed) + len(self._checking) >= self._most:
                problems.append(TooManyLogs(service_name(unit)))
                continue
            self._checking[unit] = mark
            wanted.append(unit)
        return wanted

    def _release(self, unit: str, mark: object) -> bool:
        if self._checking.get(unit) is not mark:
            return False
        del self._checking[unit]
        return True

    def _follow(self, request: LogRequest, node: Node, units: Sequence[str]) -> None:
        if not units:
            return
        services = [service_name(unit) for unit in units]
        merged = MergedLog(self._outbox, services, request.batch, self._failed) if request.merged else None
        for unit in units:
            after = request.after.get(unit)
            silence = Silence(service_name(unit), request.plain, partial(output_elsewhere, node, unit, after))
            sink = None if merged is None else merged.sink(unit, silence)
            own = sink or BrowserLog(self._outbox, unit, request.batch, self._failed, silence)
            feed = node.log_feed(unit)
            subscription = feed.subscribe(own, request.lines, after, request.lossless)
            self._followed[unit] = _Followed(subscription, sink, request.plain)

    def _tell(self, problems: Sequence[EthPillarError], alone: bool) -> None:
        last = problems[-1] if alone else None
        for problem in problems:
            if problem is not last:
                self._refuse(problem)
        if last is not None:
            raise last

    def _failed(self, unit: str, error: EthPillarError) -> None:
        followed = self._followed.pop(unit, None)
        if followed is not None and followed.merged is not None:
            followed.merged.left()
        self.tell_end(unit, error.code)
        if not self.ending:
            self._outbox.emit("error", error.payload())

    def tell_end(self, unit: str, reason: str) -> None:
        """Tell the client that a log has ended."""
        self._outbox.emit("log_state", wire.log_state(service_name(unit), "ended", {"reason": reason}))

    @property
    def plain(self) -> list[str]:
        """The logs whose subscriber used none of our options, and does not learn that they have ended."""
        return [unit for unit, followed in self._followed.items() if followed.plain]

    def begin_again(self, units: Sequence[str], node_of: Callable[[], Node]) -> None:
        """Follow `plain` logs again, of another node than before."""
        try:
            self.subscribe(LogRequest(units, False, wire.DEFAULT_BACKLOG, plain=True), node_of)
        except EthPillarError as problem:
            self._refuse(problem)

    def unsubscribe(self, units: Sequence[str]) -> None:
        """Stop logs. Nothing of them is sent after this returns."""
        self._stop(units, may_be_back=False)

    def close(self) -> None:
        """Stop all logs, as the socket is gone. Its page may be back with another one."""
        self._stop([*self], may_be_back=True)

    def _stop(self, units: Sequence[str], may_be_back: bool) -> None:
        for unit in units:
            self._checking.pop(unit, None)
            followed = self._followed.pop(unit, None)
            if followed is not None:
                followed.close(may_be_back)


def _check(node: Node, units: Sequence[str]) -> list[tuple[str, EthPillarError | None]]:
    """Return what stands against following each of these logs, asking for all of them at once."""
    if len(units) == 1:
        return [(units[0], what_prevents(node, units[0]))]
    asked = [gevent.spawn(_what_prevents, node, unit) for unit in units]
    try:
        gevent.joinall(asked)
        return list(zip(units, (each.value for each in asked), strict=True))
    finally:
        gevent.killall(asked)


def _what_prevents(node: Node, unit: str) -> EthPillarError | None:
    try:
        return what_prevents(node, unit)
    except Exception:  # noqa: BLE001 (gevent would print it)
        return InternalError()
