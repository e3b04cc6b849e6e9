"""Who hears about a node's connection.

Belongs here: telling all listeners, so that the fault of one keeps nothing from the others. It must not know what
happens to the connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from ..errors import EthPillarError, whereabouts


class NodeListener(Protocol):
    """Hears about a node's connection, from the moment it was added.

    Its methods must not wait, and may be called from any greenlet of the node's. What they raise is logged, and keeps
    nothing from other listeners. After `node_lost` nothing more comes.
    """

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        """Take note of `connected`, `reconnecting` (`attempt`, `retry_in` in seconds) or `lost`."""

    def node_away(self) -> None:
        """Take note that the node has been out of reach for so long that people have to be told."""

    def node_back(self) -> None:
        """Take note that the node is within reach again, for however long it was not."""

    def node_lost(self, error: EthPillarError) -> None:
        """Take note that the node is given up, or refuses: nothing more will come from it."""


class Listeners:
    """The listeners of one node.

    Each method tells all of them, those that were there when it was called, in no particular order. None may wait; one
    that fails is logged by its error's name, and the others are told all the same.
    """

    def __init__(self, log: logging.LoggerAdapter[logging.Logger]) -> None:
        """:param log: where it is said that a listener failed"""
        self._log = log
        self._all: set[NodeListener] = set()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, listener: NodeListener) -> None:
        """Tell it from now on."""
        self._all.add(listener)

    def discard(self, listener: NodeListener) -> None:
        """Tell it nothing more."""
        self._all.discard(listener)

    def state(self, state: str, **details: Any) -> None:
        """See `NodeListener.connection_state`."""
        self._tell(lambda listener: listener.connection_state(state, details))

    def away(self) -> None:
        """See `NodeListener.node_away`."""
        self._tell(lambda listener: listener.node_away())

    def back(self) -> None:
        """See `NodeListener.node_back`."""
        self._tell(lambda listener: listener.node_back())

    def lost(self, error: EthPillarError) -> None:
        """See `NodeListener.node_lost`; each gets a copy of the error."""
        self._tell(lambda listener: listener.node_lost(error.copy()))

    def _tell(self, tell: Callable[[NodeListener], None]) -> None:
        for listener in list(self._all):
            try:
                tell(listener)
            except Exception as problem:  # noqa: BLE001
                self._log.error("A listener failed (%s)", whereabouts(problem))
