"""How long the event loop was kept from its turn, and by what.

Belongs here: measuring that, always, and saying so in the log. One greenlet wants its turn every `EVERY` seconds and
sees how late it gets it. A timer of the system goes off when that takes too long, and sees what runs at that moment.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType

import gevent

log = logging.getLogger(__name__)

EVERY = 0.02
"Seconds between two looks."
LATE = 0.1
"Seconds of lag from which on it is worth a line in the log, and what ran meanwhile."
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
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Begin. In another thread than the main one it is not seen what runs."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, self._look)
            signal.siginterrupt(signal.SIGALRM, False)
        self._greenlet = gevent.spawn(self._watch)

    def stop(self) -> None:
        """End."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._greenlet is not None:
            self._greenlet.kill()

    def _look(self, _number: int, frame: FrameType | None) -> None:
        self._ran = _place(frame)

    def _watch(self) -> None:
        while True:
            self._ran = ""
            signal.setitimer(signal.ITIMER_REAL, EVERY + LATE)
            since, worked = time.monotonic(), time.thread_time()
            gevent.sleep(EVERY)
            lag, work = time.monotonic() - since - EVERY, time.thread_time() - worked
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
