"""How much memory there is, and keeping what is held within the budget.

Belongs here: what the machine or container has, the greenlet that has rings given back, and giving freed memory back to
the system. What is held is counted in `limits.ledger`.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
from contextlib import suppress
from pathlib import Path

import gevent
from gevent.event import Event

from .limits.ledger import Ledger
from .turns import breathe

log = logging.getLogger(__name__)

PART = 3
"The budget is so great a part of what there is: Python holds more than it is asked to, and others live here as well."
LIMITS = (("memory.max", ""), ("memory.limit_in_bytes", "memory"))
"The files that have a cgroup's limit: of version 2, and of version 1 in the folder of its controller."
EVERY = 0.5
"Seconds between two looks at what has to be asked how much it holds, and at what the process has."
FREED = 32 << 20
"Bytes more than before, and than what is held, with which the process is asked to give back what it does not use."
SAID_AGAIN = 60.0


def memory_there(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may use: of its cgroup, of those above it, of the machine."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    groups = {""}
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            path = line.split(":", 2)[-1].strip("/")
            groups.update("/".join(path.split("/")[:length]) for length in range(1, path.count("/") + 2))
    for name, controller in LIMITS:
        for group in groups:
            with suppress(OSError, ValueError):
                limit = int((root / "sys/fs/cgroup" / controller / group / name).read_text())  # or "max"
                found.append(limit)
    return min(found)


def budget(setting: int) -> int:
    """Return the bytes that may be held for browsers and nodes. 0 stands for a part of what there is."""
    return setting or memory_there() // PART


def ledger_of(setting: int) -> Ledger:
    """Return a ledger with that budget; see `budget`."""
    return Ledger(budget(setting))


def resident() -> int:
    """Return the bytes of memory that the process has; 0 where that can't be told."""
    with suppress(OSError):
        return int(re.split(r"\s+", Path("/proc/self/statm").read_text())[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


class Keeper:
    """Keeps the ledger within its budget: has what can be had again given back, step by step."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._tight = Event()
        self._greenlets: list[gevent.Greenlet[[], None]] = []
        self._trim = _trim()
        self._floor = 0
        "What the process had, beyond what was held, when it last gave back what it did not use."
        ledger.tight = self._tight.set

    def start(self) -> None:
        """Begin."""
        self._floor = resident()
        self._greenlets = [gevent.spawn(self._relieve), gevent.spawn(self._look)]

    def stop(self) -> None:
        """End."""
        gevent.killall(self._greenlets)

    def _relieve(self) -> None:
        while True:
            self._tight.wait()
            self._tight.clear()
            before = self.ledger.given_back
            while self.ledger.relieve():
                breathe()
            freed = self.ledger.given_back - before
            if freed:
                log.debug("Memory is short: %d KiB of recent lines were forgotten", freed >> 10)
            gevent.sleep(0.05)  # where nobody can give back, more is asked for again and again

    def _look(self) -> None:
        while True:
            gevent.sleep(EVERY)
            self._measure()
            self._give_back()

    def _measure(self) -> None:
        """Ask each account that has to be asked. A function of its own: the loop above would keep the last one."""
        for account in list(self.ledger.measured):
            if account.measure is not None:
                account.hold(account.measure())
            breathe()

    def _give_back(self) -> None:
        """Give freed memory back to the system: the allocator keeps it, and others could use it."""
        beyond = resident() - self.ledger.total
        if self._trim is not None and beyond > self._floor + FREED:
            self._trim(0)
            self._floor = resident() - self.ledger.total
        self._floor = min(self._floor, max(beyond, 0))


def _trim() -> ctypes._NamedFuncPointer | None:
    """Return glibc's `malloc_trim`; None where there is another C library."""
    with suppress(OSError, AttributeError):
        found: ctypes._NamedFuncPointer = ctypes.CDLL(None).malloc_trim
        return found
    return None
