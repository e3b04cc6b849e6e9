"""A log on its way to one socket.

Belongs here: what stands against following a log, and how its lines and states become events. It must not know where
lines come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import EthPillarError, SshTimeout, SshUnreachable
from ..nodes.items import Item
from ..nodes.node import Node
from ..nodes.subscription import about
from ..units import service_name
from . import wire
from .batches import Batches
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


class BrowserLog:
    """A `LogSink` on a socket."""

    def __init__(
        self, outbox: Outbox, unit: str, batches: Batches | None, failed: Callable[[str, EthPillarError], None]
    ) -> None:
        """:param batches: None for a subscriber that gets one event for each line"""
        self._outbox = outbox
        self._unit = unit
        self._service = service_name(unit)
        self._batches = batches
        self.window = BATCH_WINDOW if batches else 0.0
        self._failed = failed

    def wait_ready(self, timeout: float | None = None) -> bool:
        return self._outbox.wait_ready(timeout)

    def lines(self, items: Sequence[Item]) -> None:
        if self._batches is None:
            packets = [packet for item in items for packet in item.data]
        else:
            packets = self._batches.packets(self._service, items)
        for packet in packets:
            self._outbox.send(packet)

    def state(self, state: str, details: dict[str, Any]) -> None:
        self._outbox.emit("log_state", wire.log_state(self._service, state, details))

    def failed(self, error: EthPillarError) -> None:
        self._failed(self._unit, error)
