"""A log on its way to one socket.

Belongs here: what stands against following a log, and how its lines and states become events. It must not know where
lines come from.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from ..errors import NOWHERE, EthPillarError, LogElsewhere, SshTimeout, SshUnreachable
from ..nodes.node import Node
from ..nodes.runs import Run
from ..nodes.subscription import about
from ..units import service_name
from ..web.ready import Ready
from . import log_lines, wire
from .outbox import Outbox

BATCH_WINDOW = 0.05
"Seconds that lines are gathered for a `log_batch`."


def what_prevents(node: Node, unit: str) -> EthPillarError | None:
    """Return what stands against following a unit's log now."""
    if not node.connected:
        return None
    try:
        node.check_unit(unit)
    except EthPillarError as problem:
        # A node that went away comes back, and the feed asks it then. One that is there and doesn't answer is reported:
        # somebody has to look at it.
        if not isinstance(problem, SshUnreachable) or isinstance(problem, SshTimeout):
            return about(service_name(unit), problem)
    return None


def output_elsewhere(node: Node, unit: str, after: str | None) -> str | None:
    """Return where a unit's output goes, if not to the journal, to a subscriber that does not resume `after` a line."""
    if after is not None:
        return None
    known = node.status.known(unit)
    return node.journal_drops or (None if known is None else known.output)


class Heard(Enum):
    """Whose lines have come."""

    NOTHING = "none"
    SYSTEMD = "only systemd's about the unit"
    UNIT = "the unit's own"


class Silence:
    """What is told when a backlog has come and has no line of the unit's program, or none that is new."""

    def __init__(self, service: str, plain: bool, elsewhere: Callable[[], str | None]) -> None:
        """
        :param plain: whether the subscriber used none of our options, and so knows no `log_state`
        :param elsewhere: tells where the unit's output goes, if not to the journal
        """
        self._service = service
        self._plain = plain
        self._elsewhere = elsewhere
        self._heard = Heard.NOTHING
        self._begun = False
        self._told: str | None = None  # where the unit's output goes

    def hear(self, run: Run) -> None:
        """Take note of lines."""
        if self._heard is Heard.UNIT:
            return
        self._heard = Heard.SYSTEMD if all(item.manager for item in run) else Heard.UNIT
        if self._heard is Heard.UNIT:
            self._told = None  # it may go elsewhere again

    def explain(self) -> tuple[str, dict[str, Any]] | None:
        """Return the event for a log that is live now and has been silent, once; else None."""
        begun, self._begun = self._begun, True
        where = None if begun else self._elsewhere()
        if begun or (self._heard is Heard.UNIT and where != NOWHERE):
            return None
        if where is not None:
            return self.explain_later(where)
        if self._plain and self._heard is Heard.NOTHING:
            # The dashboard shows a log as loading until a line comes, and an empty one as no log.
            return "log_data", {"service": self._service, "line": ""}
        return None

    def explain_later(self, where: str) -> tuple[str, dict[str, Any]] | None:
        """Return the event for a log whose unit prints elsewhere by now; None if that was told before."""
        told, self._told, self._heard = self._told, where, Heard.NOTHING
        return None if told == where else ("error", LogElsewhere(self._service, where).payload())


class BrowserLog:
    """A `LogSink` on a socket."""

    def __init__(
        self,
        outbox: Outbox,
        unit: str,
        batch: bool,
        failed: Callable[[str, EthPillarError], None],
        silence: Silence,
    ) -> None:
        """:param batch: whether it gets many lines in one event"""
        self._outbox = outbox
        self._unit = unit
        self._service = service_name(unit)
        self._batch = batch
        self.window = BATCH_WINDOW if batch else 0.0
        self._boots = log_lines.Boots()
        self._failed = failed
        self._silence = silence

    def wait_ready(self, timeout: float | None = None) -> bool:
        return self._outbox.wait_ready(timeout)

    def ready(self) -> bool:
        return self._outbox.ready()

    def lines(self, run: Run) -> None:
        self._silence.hear(run)
        if self._batch:
            self._outbox.put(run.once("batches", self._batches))
        else:
            new = self._boots.new(run.once("boots", log_lines.boots_in))
            self._outbox.put(run.once(f"events {new}", lambda run: log_lines.ready_lines(run, new)))

    def _batches(self, run: Run) -> Ready:
        return log_lines.ready_batches({"service": self._service}, run)

    def state(self, state: str, details: dict[str, Any]) -> None:
        self._outbox.emit("log_state", wire.log_state(self._service, state, details))
        if state == "live" and (told := self._silence.explain()) is not None:
            self._outbox.emit(*told)

    def elsewhere(self, where: str) -> None:
        if (told := self._silence.explain_later(where)) is not None:
            self._outbox.emit(*told)

    def failed(self, error: EthPillarError) -> None:
        self._failed(self._unit, error)
