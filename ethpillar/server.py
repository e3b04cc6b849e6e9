"""The running server: what starts with it and what it ends.

Belongs here: the order in which things are started and shut down.
"""

from __future__ import annotations

import logging
from functools import partial

import gevent

from .errors import SessionStoreDown, ShuttingDown, whereabouts
from .gateway.events import Gateway
from .limits.limits import Limits
from .nodes.registry import NodeRegistry
from .sessions import SessionStore, SessionWatch
from .timing import within
from .watchdog import Watchdog
from .web.metrics import Listener
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
        :param greeting: version, address, origins and limits in force, for the log
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
        self.watchdog = Watchdog()
        self.listeners: dict[str, Listener] = {}
        "By the setting that wants one: where Prometheus and `flask top` ask."
        self.closing = False
        "It is being stopped: a client that comes back now must wait for the next one."

    def start(self) -> None:
        """Start what runs in the background. Once per process, after the fork."""
        self.watchdog.start()
        self.watch.start()
        self._greeter.start()
        for setting, listener in self.listeners.items():
            try:
                listener.start()
            except OSError as problem:
                log.error("%s can't be listened on: %s", setting, problem.strerror)

    def _greet(self) -> None:
        try:
            self.store.ping()
        except SessionStoreDown:
            log.warning("Ready: %s; Redis does not answer: check REDIS_URL", self._greeting)
        else:
            log.info("Ready: %s; Redis answers", self._greeting)

    def shutdown(self) -> None:
        """Tell clients and close SSH. Each step has its share of the timeout, whatever happened to the one before.

        Only the first call does anything.
        """
        if self.closing:
            return
        self.closing = True
        log.info(
            "Shutting down: %d sockets, %d nodes; %s", len(self.gateway.sockets), len(self.registry), self.watchdog.lag
        )
        self._greeter.kill(block=False)
        for listener in self.listeners.values():
            listener.stop()
        for share, step in (
            (1 / 16, self.watch.stop),
            (3 / 8, partial(self.gateway.say_goodbye, ShuttingDown())),
            (3 / 8, self.registry.close),
            (1 / 8, self.store.close),
            (1 / 16, self.watchdog.stop),
        ):
            try:
                with within(self._timeout * share):
                    step()
            except Exception as problem:  # noqa: BLE001 (the next step is no less important)
                log.error("A part of the shutdown failed (%s)", whereabouts(problem))
