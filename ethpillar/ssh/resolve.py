"""Host names to addresses.

Belongs here: lookups, and that those which hang hold up nobody but who asked. They are the system's own (hosts file,
mDNS, DNS), which block, so they need threads: threads of their own, because gevent's few are Redis's as well. Whoever
has a domain can have names in it that hang without end, so a domain gets a few of the threads only.
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
"Names that are looked up at once. The system gives up on one after 10 to 30 s."
PER_DOMAIN = 8
"Of these, names of one domain: of what has the same last two labels."
QUEUE = 10.0
"Seconds that a turn is waited for."

_getaddrinfo = monkey.get_original("socket", "getaddrinfo")
_threads: list[ThreadPool] = []
_under_way: dict[str, gevent.Greenlet[[str], list[Any] | Exception]] = {}
_turns = BoundedSemaphore(THREADS)
_domains: dict[str, BoundedSemaphore] = {}
_asking: dict[str, int] = {}
"How many have a turn of a domain, or wait for one."


def lookup(host: str, port: int) -> list[Any]:
    """What `getaddrinfo` has for TCP. A numeric address needs no lookup; the same name is looked up once at a time.

    :raises OSError, UnicodeError: no such name
    :raises SshTimeout: too many names are being looked up
    """
    try:
        return list(_getaddrinfo(host, port, type=plain_socket.SOCK_STREAM, flags=plain_socket.AI_NUMERICHOST))
    except plain_socket.gaierror:
        pass
    name = host.lower()
    # In a greenlet that nobody kills: a thread cannot be called back, and its answer may still serve another.
    asking = _under_way.get(name)
    if asking is None:
        asking = _under_way[name] = gevent.spawn(_ask, name)
    found = asking.get()
    if isinstance(found, Exception):
        raise found
    return [(family, kind, protocol, known, (at[0], port, *at[2:])) for family, kind, protocol, known, at in found]


def _ask(name: str) -> list[Any] | Exception:
    try:
        with _turn(name):
            if not _threads:
                _threads.append(ThreadPool(THREADS))
            return _threads[0].apply(_look, (name,))
    except SshTimeout as problem:
        return problem
    finally:
        del _under_way[name]


def _look(name: str) -> list[Any] | Exception:
    # Returns what it should raise: what is raised in gevent's threads is printed.
    try:
        return list(_getaddrinfo(name, None, type=plain_socket.SOCK_STREAM))
    except (OSError, UnicodeError) as problem:
        return problem


@contextmanager
def _turn(name: str) -> Iterator[None]:
    """One of the domain's few, and only then one of all: who waits for the first takes none of the second."""
    domain = ".".join(name.rstrip(".").split(".")[-2:])
    few = _domains.setdefault(domain, BoundedSemaphore(PER_DOMAIN))
    _asking[domain] = _asking.get(domain, 0) + 1
    end = time.monotonic() + QUEUE
    try:
        with _taken(few, end), _taken(_turns, end):
            yield
    finally:
        _asking[domain] -= 1
        if not _asking[domain]:
            del _asking[domain], _domains[domain]


@contextmanager
def _taken(turns: BoundedSemaphore, end: float) -> Iterator[None]:
    if not turns.acquire(timeout=max(0.0, end - time.monotonic())):
        raise SshTimeout("Too many host names are being looked up at the moment.", hint="Try again in a moment.")
    try:
        yield
    finally:
        turns.release()
