"""One call for everyone who needs its result at the moment.

Belongs here: sharing a call that waits for the node, such as a login, a poll or a search for rights. It must not know
what the call does, nor for how long its result is good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import gevent

from ..errors import EthPillarError, whereabouts

log = logging.getLogger(__name__)

T = TypeVar("T")
Run: TypeAlias = "gevent.Greenlet[[], T | EthPillarError]"


class Shared(Generic[T]):
    """Runs a function at most once at a time; everyone who asks meanwhile gets that run's result or error.

    The run has a greenlet of its own, so a caller that is stopped while it waits stops nobody else's run. Each caller
    gets a copy of an error. An exception that is not an `EthPillarError` is logged, and raised as `last_resort`.
    """

    def __init__(self, act: Callable[[], T], name: str, last_resort: type[EthPillarError], session: str = "") -> None:
        """
        :param act: the function; raises an `EthPillarError`
        :param name: what it does, for the log: `A status poll`
        :param last_resort: the error that stands for an unexpected one, and for a run that was stopped by `close`
        :param session: the session's name in the log
        """
        self._act = act
        self._name = name
        self._last_resort = last_resort
        self._log = logging.LoggerAdapter(log, {"session": session})
        self._run: Run[T] | None = None
        self._closed = False

    @property
    def running(self) -> bool:
        """Return True while the function runs."""
        return self._run is not None and not self._run.dead

    def get(self) -> T:
        """Return the result of the run under way, or of a new one.

        :raises EthPillarError: what the function raised, or `last_resort`
        """
        return self.result(self.start())

    def start(self) -> Run[T]:
        """Return the run under way, or a new one. Its result may be had from `result`.

        :raises EthPillarError: it was closed
        """
        if self._closed:
            raise self._last_resort()
        if self._run is None or self._run.dead:
            self._run = gevent.spawn(self._caught)
        return self._run

    def result(self, run: Run[T]) -> T:
        """Wait for a run, and return its result; see `get`."""
        outcome = run.get()
        if isinstance(outcome, EthPillarError):
            raise outcome.copy()
        if isinstance(outcome, gevent.GreenletExit):
            raise self._last_resort()
        return outcome

    def join(self) -> None:
        """Wait until no run is under way."""
        if self._run is not None:
            self._run.join()

    def _caught(self) -> T | EthPillarError:
        # It returns errors: gevent would print the stack trace of a greenlet that raises.
        try:
            return self._act()
        except EthPillarError as problem:
            return problem.copy()
        except Exception as problem:  # noqa: BLE001
            self._log.error("%s failed (%s)", self._name, whereabouts(problem))
            return self._last_resort()
        finally:
            self._run = None

    def close(self) -> None:
        """Stop the run under way, and wait for its end. There will be no other."""
        self._closed = True
        if self._run is not None and self._run is not gevent.getcurrent():
            self._run.kill()
