"""The running server: what starts with it and what it ends.

Belongs here: the order in which things are started and shut down.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from functools import partial

import gevent
from gevent.pool import Group

from .errors import SessionStoreDown, ShuttingDown, whereabouts
from .garbage import Collector
from .gateway.events import Gateway
from .limits.limits import Limits
from .memory import Keeper, resident
from .nodes.registry import NodeRegistry
from .sessions import SessionStore, SessionWatch
from .timing import within
from .watchdog import Watchdog
from .web.metrics import Listener
from .web.options import WebOptions

log = logging.getLogger(__name__)

LISTEN_TRIES, LISTEN_AGAIN = 20, 0.5
"How often an address is tried that is in use, and after how many seconds: at a reload the worker before has it still."


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
        self._greeter: gevent.Greenlet[[Callable[[], None]], None] = gevent.Greenlet(self._greet, lambda: None)
        self.watchdog = Watchdog()
        self.keeper = Keeper(limits.ledger)
        self.collector = Collector(lambda: resident() - limits.ledger.total)
        "Not started by `start`: garbage is the process's, as `gunicorn.conf.py` is."
        self.listeners: dict[str, Listener] = {}
        "By the setting that wants one: where Prometheus and `flask top` ask."
        self._listening = Group()
        self.closing = False
        "It is being stopped: a client that comes back now must wait for the next one."

    def start(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start what runs in the background. Once per process, after the fork.

        :param ready: called once the log has said that the server is ready
        """
        self._greeter = gevent.Greenlet(self._greet, ready)
        self.watchdog.start()
        self.keeper.start()
        self.watch.start()
        self._greeter.start()
        for setting, listener in self.listeners.items():
            self._listening.spawn(self._listen, setting, listener)

    def _listen(self, setting: str, listener: Listener) -> None:
        for left in reversed(range(LISTEN_TRIES)):
            try:
                listener.start()
                return
            except OSError as problem:
                if not left or problem.errno != errno.EADDRINUSE:
                    log.error("%s can't be listened on: %s", setting, problem.strerror)
                    return
            gevent.sleep(LISTEN_AGAIN)

    def _greet(self, ready: Callable[[], None]) -> None:
        try:
            self.store.ping()
        except SessionStoreDown:
            log.warning("Ready: %s; Redis does not answer: check REDIS_URL", self._greeting)
        else:
            log.info("Ready: %s; Redis answers", self._greeting)
        ready()

    def shutdown(self, told: Callable[[], None] = lambda: None) -> None:
        """Tell clients and close SSH. Each step has its share of the timeout, whatever happened to the one before.

        Only the first call does anything.

        :param told: called once clients have been told; a client that comes back from then on is another worker's
        """
        if self.closing:
            return
        self.closing = True
        log.info(
            "Shutting down: %d sockets, %d nodes; %s", len(self.gateway.sockets), len(self.registry), self.watchdog.lag
        )
        self._greeter.kill(block=False)
        self._listening.kill(block=False)
        self.keeper.stop()
        for listener in self.listeners.values():
            listener.stop()
        for share, step in (
            (1 / 16, self.watch.stop),
            (3 / 8, partial(self.gateway.say_goodbye, ShuttingDown())),
            (1 / 16, told),
            (3 / 8, self.registry.close),
            (1 / 16, self.store.close),
            (1 / 16, self.watchdog.stop),
        ):
            try:
                with within(self._timeout * share):
                    step()
            except Exception as problem:  # noqa: BLE001 (the next step is no less important)
                log.error("A part of the shutdown failed (%s)", whereabouts(problem))
