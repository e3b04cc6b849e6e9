"""How long the event loop was kept from its turn, and by what.

Belongs here: measuring that, always, and saying so in the log. libev says when it has woken and when it is about to
wait again: in between, every greenlet that is ready has its turn. A timer of the system goes off when that takes too
long, and sees what runs at that moment. Neither wakes a loop in which nothing happens.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

import gevent

log = logging.getLogger(__name__)

SELDOM = 0.005
"Seconds: what costs a system call is asked no more often than this, however often the loop turns."
LATE = 0.1
"Seconds of lag from which on it is worth a line in the log, and what ran meanwhile."
LAST = -2
"libev's lowest priority."
SAID_AGAIN = 10.0
"Seconds between such lines."


class Lag:
    """The figures."""

    def __init__(self) -> None:
        self.longest = 0.0
        "The longest lag, in seconds, whatever the reason: a machine that is busy with something else is one."
        self.worked = 0.0
        "The same, but only as much of it as this process used its processor: one piece of work that kept all others."
        self.late = 0
        "How many lags were of `LATE` seconds or more."

    def add(self, lag: float, work: float) -> bool:
        """Count a lag during which this process worked so many seconds. Return True if it was too long."""
        self.longest = max(self.longest, lag)
        self.worked = max(self.worked, min(lag, work))
        self.late += lag >= LATE
        return lag >= LATE

    def __str__(self) -> str:
        return (
            f"longest lag of the loop {self.longest * 1000:.0f} ms, of which at most {self.worked * 1000:.0f} ms were "
            f"work of its own; {self.late} of {LATE * 1000:.0f} ms or more"
        )


class Watchdog:
    """Watches the loop of the main thread for as long as it runs."""

    def __init__(self) -> None:
        self.lag = Lag()
        self._ran = ""
        self._said = float("-inf")
        self._woke = 0.0
        "When the turn began that lasts; or, while the loop waits, when the wait began."
        self._waited = 0.0
        "Seconds that the loop waited before this turn."
        self._armed, self._worked = float("-inf"), 0.0
        "When the timer was set, and how long this thread had worked by then."
        self._watchers: list[Any] = []

    def start(self) -> None:
        """Begin with the next turn. In another thread than the main one it is not seen what runs."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, self._look)
            signal.siginterrupt(signal.SIGALRM, False)
        loop = gevent.get_hub().loop
        # gevent gives greenlets their turns in a `prepare` of its own, which has to have ended.
        self._watchers = [loop.check(ref=False), loop.prepare(ref=False, priority=LAST)]
        for watcher, seen in zip(self._watchers, (self._begin, self._end), strict=True):
            watcher.start(seen)
        self._woke = time.monotonic()
        self._begin()

    def stop(self) -> None:
        """End."""
        for watcher in self._watchers:
            watcher.stop()
            watcher.close()
        self._watchers = []
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        self._ran = _place(frame)

    def _begin(self) -> None:
        """Take note that the loop has woken."""
        now = time.monotonic()
        self._waited, self._woke = now - self._woke, now
        if now - self._armed > SELDOM:
            signal.setitimer(signal.ITIMER_REAL, LATE + SELDOM)  # a turn that it ends in has lasted for LATE
            self._armed, self._worked = now, time.thread_time()

    def _end(self) -> None:
        """Count the turn, now that the loop waits again."""
        now = time.monotonic()
        lag, self._woke = now - self._woke, now
        if self._waited > SELDOM:  # Nothing hurries: a timer that goes off in a wait would wake the loop for nothing.
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._armed = float("-inf")
        if lag > self.lag.worked or lag >= LATE:
            self._count(lag, time.thread_time() - self._worked)
        self._ran = ""

    def _count(self, lag: float, work: float) -> None:
        if self.lag.add(lag, work) and time.monotonic() - self._said > SAID_AGAIN:
            self._said = time.monotonic()
            log.warning(
                "The loop was late by %d ms, of which %d ms were work of its own%s",
                *(
                    lag * 1000,
                    min(lag, work) * 1000,
                    f"; at {LATE * 1000:.0f} ms it was {self._ran}" * bool(self._ran),
                ),
            )


def _place(frame: FrameType | None) -> str:
    """Return where something runs, and for what part of ours. Nothing of its values: a password may be among them."""
    places = []
    while frame is not None:
        places.append((str(frame.f_globals.get("__name__", "")), f"{frame.f_code.co_name}:{frame.f_lineno}"))
        frame = frame.f_back
    ours = [place for place in places if place[0].startswith("ethpillar.")][:1]
    return " for ".join(f"{module}.{where}" for module, where in dict.fromkeys([*places[:1], *ours]))
