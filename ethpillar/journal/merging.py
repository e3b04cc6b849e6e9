"""Several logs as one, by time, as their entries come.

Belongs here: whose entry is next, and whether it may go yet. Each log keeps its own order, whatever its times say. It
must not know what an entry is, and how anybody waits.

Entries of different logs arrive over different channels. So one is kept for a moment, in which an earlier one of
another log may come; and while the past of a log is still on its way, later entries of the others are kept back for it,
though not for long: one log that hangs must not stop the others.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

WINDOW = 0.1
"Seconds for which an entry is kept, because an earlier one of another log may come."
PAST_WITHIN = 3.0
"Seconds for which the others are kept back for a log whose past is on its way, since its last entry."


@dataclass(slots=True)
class _Log(Generic[T]):
    since: float
    queue: deque[tuple[int, float, int, T]] = field(default_factory=deque)  # time, arrival, size, thing
    size: int = 0
    awaited: bool = True


class Merge(Generic[T]):
    """The entries of several logs that have come and not gone on yet.

    `join` a log, `add` its entries as they come, `settle` it once its past is there. `take` returns what may go now, by
    time; `delay` how many seconds to wait. The clock is handed in, in seconds.
    """

    def __init__(self, window: float = WINDOW, past_within: float = PAST_WITHIN) -> None:
        self._window = window
        self._past_within = past_within
        self._logs: dict[str, _Log[T]] = {}

    def __len__(self) -> int:
        return len(self._logs)

    def join(self, name: str, now: float) -> None:
        """Take a log in, whose past is on its way."""
        self._logs[name] = _Log(now)

    def leave(self, name: str) -> None:
        """Forget a log, and what is kept of it."""
        self._logs.pop(name, None)

    def settle(self, name: str) -> None:
        """Take note that a log has come to the present, or can't come to it now: the others don't wait for it."""
        if name in self._logs:
            self._logs[name].awaited = False

    def size(self, name: str) -> int:
        """Return how much is kept of a log; 0 for one that has left."""
        return self._logs[name].size if name in self._logs else 0

    def add(self, name: str, time_us: int | None, size: int, thing: T, now: float) -> None:
        """Keep a thing until its turn comes.

        :param time_us: when it was written; None: it belongs right behind what came before it in this log
        """
        log = self._logs.get(name)
        if log is not None:
            if time_us is None:
                time_us = log.queue[-1][0] if log.queue else 0
            log.queue.append((time_us, now, size, thing))
            log.size += size

    def delay(self, now: float) -> float | None:
        """Return the seconds after which `take` will give something; None: not before more comes."""
        arrivals = [log.queue[0][1] for log in self._logs.values() if log.queue]
        if not arrivals:
            return None
        held_back = [log.since + self._past_within for log in self._logs.values() if log.awaited and not log.queue]
        return max(0.0, min(arrivals) + self._window - now, *(until - now for until in held_back))

    def take(self, now: float, size: int) -> list[T]:
        """Return what may go now, in order, and no more than one thing beyond this size."""
        taken: list[T] = []
        while size > 0 and self.delay(now) == 0:
            log = min((log for log in self._logs.values() if log.queue), key=lambda log: log.queue[0][0])
            _, _, weight, thing = log.queue.popleft()
            log.since = now
            log.size -= weight
            size -= weight
            taken.append(thing)
        return taken
