"""The running server: what starts with it and what it ends.

Belongs here: the order in which things are started and shut down.
"""

from __future__ import annotations

import logging

from .errors import ShuttingDown
from .gateway.events import Gateway
from .limits.limits import Limits
from .nodes.registry import NodeRegistry
from .sessions import SessionStore, SessionWatch
from .timing import within
from .web.options import WebOptions

log = logging.getLogger(__name__)


class Server:
    """One worker's part of the service."""

    def __init__(
        self,
        gateway: Gateway,
        registry: NodeRegistry,
        store: SessionStore,
        watch: SessionWatch,
        limits: Limits,
        web: WebOptions,
        shutdown_timeout: float,
    ) -> None:
        """:param shutdown_timeout: seconds that an orderly shutdown may take"""
        self.limits = limits
        self.web = web
        self.gateway = gateway
        self.registry = registry
        self.store = store
        self.watch = watch
        self._timeout = shutdown_timeout
        self.closing = False
        "It is being stopped: a client that comes back now must wait for the next one."

    def start(self) -> None:
        """Starts what runs in the background. Once per process, after the fork."""
        self.watch.start()
        log.info("Ready")

    def shutdown(self) -> None:
        """Tells clients, closes SSH, within the timeout."""
        self.closing = True
        log.info("Shutting down: %d sockets, %d nodes", len(self.gateway.sockets), len(self.registry))
        with within(self._timeout):
            self.watch.stop()
            self.gateway.say_goodbye(ShuttingDown())
            self.registry.close()
            self.store.close()
