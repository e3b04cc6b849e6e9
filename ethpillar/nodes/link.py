"""The connection to a node: made once however many ask, watched, and made again when it is lost.

Belongs here: waiting for what `link_state` decides, and telling everyone concerned. It must not know how an SSH login
works, nor what runs on the connection.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
from gevent.event import Event

from ..errors import EthPillarError, SshError, SshUnreachable, whereabouts
from ..ssh.pool import ConnectionPool
from ..timing import Backoff
from .link_state import TRANSITIONS, LinkState, Retries, after_failure
from .shared import Shared
from .states import Machine

log = logging.getLogger(__name__)

FAILURE_SHARED = 2.0
"Seconds for which a failed first login is the answer to everyone who asks."
_SETTLED = frozenset({LinkState.CONNECTED, LinkState.LOST, LinkState.CLOSED})


class NodeListener(Protocol):
    """Hears about a node's connection. Its methods must not wait."""

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        """Take note of `connected`, `reconnecting` (`attempt`, `retry_in` in seconds) or `lost`."""

    def node_lost(self, error: EthPillarError) -> None:
        """Take note that the node won't come back for this session."""


@dataclass(frozen=True, slots=True)
class _Failure:
    problem: EthPillarError
    at: float


class Link:
    """Keeps a pool connected from the first `connect` until it is given up or closed.

    Everyone who asks while the first login is under way shares it. After that a greenlet watches the connection and
    makes it anew with growing waits. A `connect` during such a wait returns at once and brings the next try forward;
    `wait_connected` returns when the connection is back.
    """

    def __init__(self, name: str, pool: ConnectionPool, give_up: float) -> None:
        """
        :param name: the session's name in the log
        :param give_up: seconds after which a lost connection isn't tried any more
        """
        self.listeners: set[NodeListener] = set()
        self._name = name
        self._pool = pool
        self._retries = Retries(give_up, Backoff())
        self._machine = Machine(LinkState.IDLE, TRANSITIONS)
        self._login = Shared(self._log_in, "A first login", SshUnreachable)
        self._failure: _Failure | None = None
        self._settled = Event()
        self._hurry = Event()
        self._supervisor: gevent.Greenlet[[], None] | None = None

    @property
    def state(self) -> LinkState:
        """Where the connection is."""
        return self._machine.state

    @property
    def over(self) -> bool:
        """Return True if there will never be a connection again."""
        return self.state in (LinkState.LOST, LinkState.CLOSED)

    def connect(self) -> None:
        """Return when the node is connected, or is about to be again, which a call brings forward.

        :raises SshError: the first login failed, a moment ago or now; or the link is over
        :raises SessionStoreDown: host keys can't be checked
        """
        if self.state is LinkState.CONNECTED:
            return
        if self.state is LinkState.RECONNECTING:
            self._hurry.set()
            return
        failure = self._failure
        if failure is not None and (self.over or time.monotonic() - failure.at < FAILURE_SHARED):
            raise failure.problem.copy()
        self._login.get()
        if self.state is LinkState.CLOSED:  # meanwhile
            raise SshUnreachable

    def wait_connected(self) -> None:
        """Return when there is a connection.

        :raises EthPillarError: there will never be one
        """
        self._settled.wait()
        if self.over and self._failure is not None:
            raise self._failure.problem.copy()

    # -- the first login

    def _log_in(self) -> None:
        self._become(LinkState.CONNECTING)
        try:
            problem = self._try()
            if problem is not None:
                log.info("Session %s: login failed (%s)", self._name, problem.code)
                self._failed(after_failure(self.state, _is_terminal(problem), exhausted=False), problem)
                raise problem
            log.info("Session %s: connected", self._name)
            self._retries.connected(time.monotonic())
            self._become(LinkState.CONNECTED)
            self._supervisor = gevent.spawn(self._supervise)
        finally:
            if self.state is LinkState.CONNECTING:  # it was stopped
                self._become(LinkState.IDLE)

    def _try(self) -> EthPillarError | None:
        """Try to connect once. Return what prevents it."""
        try:
            self._pool.connect()
        except EthPillarError as problem:
            return problem.copy()
        except Exception as problem:  # noqa: BLE001 (its text may be the peer's, and the node is tried again)
            log.error("Session %s: connecting failed (%s)", self._name, whereabouts(problem))
            return SshUnreachable()
        return None

    # -- staying connected

    def _supervise(self) -> None:
        problem: EthPillarError = SshUnreachable()
        try:
            problem = self._stay_connected()
        except Exception as unexpected:  # noqa: BLE001
            log.error("Session %s: watching the connection failed (%s)", self._name, whereabouts(unexpected))
        finally:
            if not self.over:  # whatever ended this greenlet, nobody may wait for ever
                self._give_up(problem)

    def _stay_connected(self) -> EthPillarError:
        """Watch the connection, and make it anew each time it is lost. Return why that is of no use any more."""
        while True:
            self._watch()
            self._become(LinkState.RECONNECTING)
            log.info("Session %s: connection lost", self._name)
            problem = self._reconnect()
            if problem is not None:
                return problem
            self._become(LinkState.CONNECTED)
            log.info("Session %s: connected again", self._name)
            self._tell("connected")

    def _watch(self) -> None:
        """Return when no connection stands any more."""
        since, proved = time.monotonic(), False
        while alive := self._pool.alive:
            alive[0].ended.wait()
            proved = proved or alive[0].proved
        now = time.monotonic()
        self._retries.lost(now - since, proved, now)

    def _reconnect(self) -> EthPillarError | None:
        """Try to connect until it works, or until it is given up: then return why."""
        problem: EthPillarError = SshUnreachable()
        while self._state_after(problem) is not LinkState.LOST:
            delay = self._retries.delay()
            self._tell("reconnecting", attempt=self._retries.attempt, retry_in=round(delay, 3))
            self._wait(time.monotonic() + delay)
            self._retries.tried(time.monotonic())
            found = self._try()
            if found is None:
                return None
            problem = found
        return problem

    def _state_after(self, problem: EthPillarError) -> LinkState:
        return after_failure(self.state, _is_terminal(problem), self._retries.exhausted(time.monotonic()))

    def _wait(self, due: float) -> None:
        """Wait until a try is due. A `connect` meanwhile brings it forward."""
        while (left := due - time.monotonic()) > 0:
            if self._hurry.wait(left):
                self._hurry.clear()
                due = self._retries.hurried(due, time.monotonic())

    def _give_up(self, problem: EthPillarError) -> None:
        log.info("Session %s: given up (%s)", self._name, problem.code)
        self._failed(LinkState.LOST, problem)
        self._tell("lost")
        self._tell_each(lambda listener: listener.node_lost(problem.copy()))

    def _failed(self, state: LinkState, problem: EthPillarError) -> None:
        self._failure = _Failure(problem.copy(), time.monotonic())
        self._become(state)

    def _become(self, state: LinkState) -> None:
        if self.state is LinkState.CLOSED:
            raise gevent.GreenletExit  # closed while this greenlet waited: it is about to be killed
        self._machine.to(state)
        if state in _SETTLED:
            self._settled.set()  # also when it is over: then `wait_connected` raises
        else:
            self._settled.clear()

    def _tell(self, state: str, **details: Any) -> None:
        self._tell_each(lambda listener: listener.connection_state(state, details))

    def _tell_each(self, tell: Callable[[NodeListener], None]) -> None:
        for listener in list(self.listeners):
            try:
                tell(listener)
            except Exception as problem:  # noqa: BLE001 (one listener's fault is not the others')
                log.error("Session %s: a listener failed (%s)", self._name, whereabouts(problem))

    def close(self) -> None:
        """End everything but the connections themselves, and wait for its end."""
        if self.state is not LinkState.CLOSED:
            self._failure = self._failure if self.state is LinkState.LOST else _Failure(SshUnreachable(), 0.0)
            self._become(LinkState.CLOSED)
        self._login.close()
        if self._supervisor is not None and self._supervisor is not gevent.getcurrent():
            self._supervisor.kill()


def _is_terminal(problem: EthPillarError) -> bool:
    return isinstance(problem, SshError) and problem.terminal
