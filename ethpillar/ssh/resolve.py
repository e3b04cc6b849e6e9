"""Host names to addresses.

Belongs here: looking names up, so that a name that hangs holds up only the caller who asked for it. The system's own
lookup (hosts file, mDNS, DNS) blocks, so it needs threads, and threads of its own, because Redis connections use
gevent's few. The owner of a domain can create any number of names in it that never get an answer, so each domain may
use only a few of the threads.
"""

from __future__ import annotations

import socket as plain_socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent import monkey
from gevent.lock import BoundedSemaphore
from gevent.threadpool import ThreadPool

from ..errors import SshTimeout

THREADS = 128
"How many names are looked up at once. The system gives up on one after 10 to 30 s."
PER_DOMAIN = 8
"How many of these may belong to one domain: to names with the same last two labels."
QUEUE = 10.0
"Seconds that a lookup waits for a thread."

_getaddrinfo = monkey.get_original("socket", "getaddrinfo")


class Resolver:
    """Looks up host names in threads of its own; an application has one.

    >>> Resolver().lookup("127.0.0.1", 22)[0][4]
    ('127.0.0.1', 22)
    """

    def __init__(self) -> None:
        self._threads: ThreadPool | None = None
        self._under_way: dict[str, gevent.Greenlet[[str], list[Any] | Exception]] = {}
        self._all = BoundedSemaphore(THREADS)
        self._domains: dict[str, BoundedSemaphore] = {}
        self._asking: dict[str, int] = {}
        "How many lookups of a domain have a thread or wait for one."

    def lookup(self, host: str, port: int) -> list[Any]:
        """Return what `getaddrinfo` has for TCP.

        A numeric address needs no thread. Callers who ask for the same name at the same time share one lookup.

        :raises OSError, UnicodeError: no such name
        :raises SshTimeout: too many names are being looked up
        """
        try:
            return list(_getaddrinfo(host, port, type=plain_socket.SOCK_STREAM, flags=plain_socket.AI_NUMERICHOST))
        except plain_socket.gaierror:
            pass
        name = host.lower()
        # In a greenlet that nobody kills: a thread cannot be called back, and its answer may still serve another.
        asking = self._under_way.get(name)
        if asking is None:
            asking = self._under_way[name] = gevent.spawn(self._ask, name)
        found = asking.get()
        if isinstance(found, Exception):
            raise found.with_traceback(None)  # each raise would add its frames to the error that the callers share
        return [(family, kind, protocol, known, (at[0], port, *at[2:])) for family, kind, protocol, known, at in found]

    def _ask(self, name: str) -> list[Any] | Exception:
        try:
            with self._turn(name):
                if self._threads is None:
                    self._threads = ThreadPool(THREADS)
                return self._threads.apply(_look, (name,))
        except SshTimeout as problem:
            return problem
        finally:
            del self._under_way[name]

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """Take one of the domain's turns, and only then one of all: a lookup that waits for its domain takes none."""
        domain = domain_of(name)
        few = self._domains.setdefault(domain, BoundedSemaphore(PER_DOMAIN))
        self._asking[domain] = self._asking.get(domain, 0) + 1
        end = time.monotonic() + QUEUE
        try:
            with _taken(few, end), _taken(self._all, end):
                yield
        finally:
            self._asking[domain] -= 1
            if not self._asking[domain]:
                del self._asking[domain], self._domains[domain]


def domain_of(name: str) -> str:
    """Return the part of a name that one owner has, roughly: below `co.uk` and the like one label more."""
    labels = name.rstrip(".").split(".")
    suffix = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-suffix:])


def _look(name: str) -> list[Any] | Exception:
    # Returns the error instead of raising it: gevent prints what is raised in its threads.
    try:
        return list(_getaddrinfo(name, None, type=plain_socket.SOCK_STREAM))
    except (OSError, UnicodeError) as problem:
        return problem


@contextmanager
def _taken(turns: BoundedSemaphore, end: float) -> Iterator[None]:
    if not turns.acquire(timeout=max(0.0, end - time.monotonic())):
        raise SshTimeout("Too many host names are being looked up at the moment.", hint="Try again in a moment.")
    try:
        yield
    finally:
        turns.release()
