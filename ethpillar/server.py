"""The running server: what starts with it and what it ends.

Belongs here: the order in which things are started and shut down.
"""

from __future__ import annotations

import logging

import gevent

from .errors import SessionStoreDown, ShuttingDown
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
        greeting: str,
    ) -> None:
        """
        :param shutdown_timeout: seconds that an orderly shutdown may take
        :param greeting: version, address and origins, for the log
        """
        self.limits = limits
        self.web = web
        self.gateway = gateway
        self.registry = registry
        self.store = store
        self.watch = watch
        self._timeout = shutdown_timeout
        self._greeting = greeting
        self._greeter = gevent.Greenlet(self._greet)
        self.closing = False
        "It is being stopped: a client that comes back now must wait for the next one."

    def start(self) -> None:
        """Start what runs in the background. Once per process, after the fork."""
        self.watch.start()
        self._greeter.start()

    def _greet(self) -> None:
        try:
            self.store.ping()
        except SessionStoreDown:
            log.warning("Ready: %s; Redis does not answer: check REDIS_URL", self._greeting)
        else:
            log.info("Ready: %s; Redis answers", self._greeting)

    def shutdown(self) -> None:
        """Tell clients and close SSH, within the timeout. Only the first call does."""
        if self.closing:
            return
        self.closing = True
        log.info("Shutting down: %d sockets, %d nodes", len(self.gateway.sockets), len(self.registry))
        with within(self._timeout):
            self._greeter.kill()
            self.watch.stop()
            self.gateway.say_goodbye(ShuttingDown())
            self.registry.close()
            self.store.close()
