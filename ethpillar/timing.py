"""Deadlines, backoff, and what must not be interrupted, for every room."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import gevent

T = TypeVar("T")


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Leave the block after this many seconds, and go on after it; None: let it take as long as it takes."""
    timeout = gevent.Timeout.start_new(seconds)
    try:
        yield
    except gevent.Timeout as expired:
        if expired is not timeout:
            raise
    finally:
        timeout.close()


FIRST = 0.5
"Seconds; the first try comes within 1 s."
CAP = 30.0
"Seconds; no wait is longer."


class Backoff:
    """Exponential backoff with jitter: 0.25 to 0.75 s, then doubling, each half fixed and half drawn, 30 s at most.

    The jitter keeps a thousand nodes that went away together from coming back together.
    """

    def __init__(self, first: float = FIRST, cap: float = CAP, draw: Callable[[], float] = random.random) -> None:
        """:param draw: returns the jitter, from 0 to 1"""
        self._draw = draw
        self._first = first
        self._cap = cap
        self.attempt = 0
        "The number of waits handed out since the last reset."

    def next(self, most: float = CAP) -> float:
        """Seconds to wait before the next try.

        :param most: how long the wait is at most, but for its jitter
        """
        step: float = min(self._cap, most, self._first * 2 ** min(self.attempt, 16))
        self.attempt += 1
        return min(self._cap, step * (0.5 + self._draw()))

    def reset(self) -> None:
        """After a success."""
        self.attempt = 0


def shielded(act: Callable[[], T]) -> T:
    """Run `act` to its end in a greenlet that nobody kills, and wait for it.

    If the caller is stopped while it waits, `act` goes on: half a packet breaks a connection, and what is half closed
    stays open. Returns what `act` returns, and raises what it raises.
    """

    def run() -> tuple[T, None] | tuple[None, Exception]:
        try:
            return act(), None
        except Exception as problem:  # noqa: BLE001 (raised below; gevent would print it here)
            return None, problem

    result, problem = gevent.spawn(run).get()
    if problem is not None:
        raise problem
    return result  # type: ignore[return-value]


def stop(greenlet: gevent.Greenlet[..., Any]) -> None:
    """Kill a greenlet, wait for its end, and let go of what it held.

    The exception that ended it knows where it was, and so all that it worked on: an object that keeps its own greenlet
    would keep itself, until the collector of garbage comes by.
    """
    greenlet.kill()
    if isinstance(greenlet.value, BaseException):
        greenlet.value.__traceback__ = None
