"""The connection to a node: made once however many ask, watched, and made again when it is lost.

Belongs here: waiting for what `link_state` decides, and telling everyone concerned. It must not know how an SSH login
works, nor what runs on the connection.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event

from ..errors import EthPillarError, HungUp, InternalError, SshError, SshRestless, SshUnreachable, whereabouts
from ..ssh.connection import Connection
from ..ssh.pool import ConnectionPool
from ..timing import Backoff
from .away import AwayWatch
from .link_state import HURRY_EVERY, TRANSITIONS, LinkState, Retries, after_failure
from .listeners import Listeners
from .shared import Shared
from .states import Machine
from .tally import Tally

log = logging.getLogger(__name__)

WAITED_FOR = 8.0
"Seconds after the start of a login for which people wait for it."
WAITED_FOR_KNOWN = 1.0
"The same where somebody of this session was in before: python-socketio's client waits for a second."
_GONE = frozenset({LinkState.LOST, LinkState.GIVEN_UP, LinkState.CLOSED})
_SETTLED = _GONE | {LinkState.CONNECTED}


@dataclass(frozen=True, slots=True)
class _Failure:
    problem: EthPillarError
    at: float


class Link:
    """Keeps a pool connected from the first `connect` until it is given up or closed.

    Everyone who asks while the first login is under way shares it. After that a greenlet watches the connection and
    makes it anew with growing waits, and also goes on after a first login that did not reach the node. A `connect`
    during such a wait returns at once and brings the next try forward; `wait_connected` returns when the connection is
    there. A node that was given up is tried when somebody asks, and not otherwise.
    """

    def __init__(
        self,
        name: str,
        pool: ConnectionPool,
        give_up: float,
        away_changed: Callable[[bool], None] = lambda _: None,
        tally: Tally | None = None,
        connected: Callable[[], None] = lambda: None,
        prove: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        """
        :param name: the session's name in the log
        :param give_up: seconds after which a lost connection isn't tried any more
        :param away_changed: called before the listeners are when the node counts as away, or is back; must not wait
        :param tally: where logins are counted
        :param connected: called before the listeners are when there is a connection; must not wait
        :param prove: returns when a new connection has run something; raises an `EthPillarError` if it runs nothing
        """
        self._tally = tally or Tally()
        self._log = logging.LoggerAdapter(log, {"session": name})
        self.listeners = Listeners(self._log)
        self._pool = pool
        self._away_changed = away_changed
        self._when_connected = connected
        self._prove = prove
        self._retries = Retries(give_up, Backoff())
        self._away = AwayWatch(self._heard, self._gone, self._back)
        self._machine = Machine(LinkState.IDLE, TRANSITIONS)
        self._login = Shared(self._log_in, "A login", SshUnreachable, name)
        self._began = float("-inf")  # when the last login that people wait for began
        self._failure: _Failure | None = None
        self._problem: EthPillarError = SshUnreachable()  # what the last login ran into
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

    @property
    def away(self) -> bool:
        """Return True if the node counts as away."""
        return self._away.away

    @property
    def missing(self) -> bool:
        """Return True if the node is out of reach, or does not answer, for however short a time."""
        return self.state is not LinkState.CONNECTED or self._away.missing_now

    @property
    def hint(self) -> str | None:
        """Return what may be done about the last problem."""
        return self._problem.hint

    def connect(self, known: bool = False, gone: Event | None = None) -> None:
        """Return when the node is connected, or when that may take longer, and people need not wait for it.

        A call brings the next try forward.

        :param known: somebody of this session was in before, and the caller should not wait for long
        :param gone: set when the caller needs no answer any more
        :raises EthPillarError: the node refuses, or is given up and still can't be reached
        """
        if self.state is LinkState.CONNECTED:
            return
        if self.state is LinkState.RECONNECTING:
            self._hurry.set()
            return
        failure = self._failure
        now = time.monotonic()
        soon = failure is not None and (now - failure.at < HURRY_EVERY or not self._retries.allowed(now))
        if failure is not None and (self.over or soon):
            raise failure.problem.copy()
        if not self._login.running:
            self._began = time.monotonic()
        run = self._login.start()
        left = self._began + (WAITED_FOR_KNOWN if known else WAITED_FOR) - time.monotonic()
        ends: list[Any] = [run] if gone is None else [run, gone]
        gevent.wait(ends, timeout=max(left, 0.0), count=1)
        if run.dead:
            self._login.result(run)
        if self.state is LinkState.CLOSED or (gone is not None and gone.is_set()):  # meanwhile
            raise SshUnreachable
        if failure is not None and not run.dead:  # it was given up, and nobody is let in before it is back
            raise SshUnreachable

    def reach(self) -> None:
        """Return when the first try has connected the node.

        :raises EthPillarError: it has not
        """
        self._login.get()
        if self.state is not LinkState.CONNECTED:
            raise self._problem.copy()

    def wait_connected(self) -> None:
        """Return when there is a connection.

        :raises EthPillarError: there will never be one, or it was given up
        """
        self._settled.wait()
        if self.state in _GONE and self._failure is not None:
            raise self._failure.problem.copy()

    # -- a login that people wait for

    def _log_in(self) -> None:
        now = time.monotonic()
        if self.state is LinkState.IDLE:
            self._retries.begin(now)
            self._away.missing(now)
        self._retries.tried(now)
        self._become(LinkState.CONNECTING)
        try:
            problem = self._try()
            if problem is None:
                self._log.info("Connected")
                self._retries.connected(time.monotonic())
                self._connected()
            else:
                self._log.info("Login failed (%s)", problem.code)
                self._problem = problem.copy()
                self._away.failed()
                after = self._state_after(problem)
                if after is not LinkState.RECONNECTING:
                    raise self._give_up(problem, after)
                self._become(after)
            self._stand_by()
        finally:
            if self.state is LinkState.CONNECTING:  # it was stopped
                self._become(LinkState.IDLE)

    def _try(self) -> EthPillarError | None:
        """Try to connect once. Return what prevents it."""
        try:
            self._prove(self._pool.connect())
        except EthPillarError as problem:
            self._pool.drop()
            self._tally.logins[problem.code] += 1
            if isinstance(problem, SshError) and problem.counted:
                self._retries.refused(time.monotonic(), sure=not isinstance(problem, HungUp))
            return problem.copy()
        except Exception as problem:  # noqa: BLE001 (its text may be the peer's, and the node is tried again)
            self._log.error("Connecting failed (%s)", whereabouts(problem))
            self._tally.logins[InternalError.code] += 1
            return SshUnreachable()
        self._tally.logins["ok"] += 1
        return None

    # -- staying connected

    def _stand_by(self) -> None:
        """Have it made anew once no connection stands any more. Nobody waits for that: a node stays for days."""
        alive = self._pool.alive if self.state is LinkState.CONNECTED else []
        if alive:
            alive[0].ended.rawlink(self._ended)
        else:
            self._supervisor = gevent.spawn(self._supervise)

    def _ended(self, ended: Event) -> None:
        """Take note of a connection's end, in the loop itself."""
        ended.unlink(self._ended)
        if self.state is LinkState.CONNECTED:
            self._stand_by()

    def _supervise(self) -> None:
        problem: EthPillarError | None = SshUnreachable()
        try:
            problem = self._connect_again()
        except Exception as unexpected:  # noqa: BLE001
            self._log.error("Watching the connection failed (%s)", whereabouts(unexpected))
        finally:
            if problem is not None and self.state not in _GONE:  # whatever ended it, nobody may wait for ever
                after = LinkState.LOST if _is_terminal(problem) else LinkState.GIVEN_UP
                self._give_up(problem, after)

    def _connect_again(self) -> EthPillarError | None:
        """Make the connection anew, until it stands. Return why that is of no use any more."""
        if self.state is LinkState.CONNECTED:
            self._retries.lost(time.monotonic())
            self._become(LinkState.RECONNECTING)
            self._away.missing(time.monotonic())
            self._log.info("Connection lost")
        problem = self._reconnect()
        if problem is None:
            self._tally.reconnects += 1
            self._log.info("Connected again")
            self._connected()
            self._stand_by()
        return problem

    def _connected(self) -> None:
        self._become(LinkState.CONNECTED)
        self._failure = None
        self._when_connected()
        self.listeners.state("connected")
        self._away.returned()

    def _reconnect(self) -> EthPillarError | None:
        """Try to connect until it works, or until it is given up: then return why."""
        problem: EthPillarError = SshUnreachable()
        if self._retries.restless:
            return SshRestless()
        while self._state_after(problem) is LinkState.RECONNECTING:
            delay = self._retries.delay(time.monotonic())
            self.listeners.state("reconnecting", attempt=self._retries.attempt, retry_in=round(delay, 3))
            self._wait(time.monotonic() + delay)
            self._retries.tried(time.monotonic())
            found = self._try()
            if found is None:
                return None
            self._away.failed()
            self._problem = problem = found
        return problem

    def _state_after(self, problem: EthPillarError) -> LinkState:
        return after_failure(_is_terminal(problem), self._retries.exhausted(time.monotonic()))

    def _wait(self, due: float) -> None:
        """Wait until a try is due. A `connect` meanwhile brings it forward."""
        while (left := due - time.monotonic()) > 0:
            if self._hurry.wait(left):
                self._hurry.clear()
                due = self._retries.hurried(due, time.monotonic())

    def _give_up(self, problem: EthPillarError, state: LinkState) -> EthPillarError:
        """Become `LOST` or `GIVEN_UP`, tell everyone, and return why."""
        if state is LinkState.GIVEN_UP:  # whatever the last try ran into
            problem = SshUnreachable(hint=problem.hint)
        self._log.info("Given up (%s)", problem.code)
        self._away.close()
        self._failure = _Failure(problem.copy(), time.monotonic())
        self._become(state)
        self.listeners.state("lost")
        self.listeners.lost(problem)
        return problem

    # -- away

    def unanswered(self, since: float) -> None:
        """Take note that the node has said nothing since then, although it was asked something."""
        if self.state is LinkState.CONNECTED:
            self._away.missing(since, silent=True)

    def _heard(self) -> float:
        """Return when the node last said anything; at no time, once its silent connection is gone."""
        return self._pool.heard if self.state is LinkState.CONNECTED else float("-inf")

    def _gone(self) -> None:
        self._log.info("The node is away")
        self._away_changed(True)
        self.listeners.away()

    def _back(self) -> None:
        self._away_changed(False)
        self.listeners.back()

    def _become(self, state: LinkState) -> None:
        if self.state is LinkState.CLOSED:
            raise gevent.GreenletExit  # closed while this greenlet waited: it is about to be killed
        self._machine.to(state)
        if state in _SETTLED:
            self._settled.set()  # also when it is over: then `wait_connected` raises
        else:
            self._settled.clear()

    def tell_about(self, node: dict[str, Any]) -> None:
        """Tell everyone what the node says of itself, while there is a connection."""
        if self.state is LinkState.CONNECTED:
            self.listeners.state("connected", node=node)

    def close(self) -> None:
        """End everything but the connections themselves, and wait for its end."""
        if self.state is not LinkState.CLOSED:
            self._failure = self._failure or _Failure(SshUnreachable(), 0.0)
            self._become(LinkState.CLOSED)
        self._login.close()
        self._away.close()
        if self._supervisor is not None and self._supervisor is not gevent.getcurrent():
            self._supervisor.kill()


def _is_terminal(problem: EthPillarError) -> bool:
    return isinstance(problem, SshError) and problem.terminal
