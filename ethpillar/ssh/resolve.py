"""Host names to addresses.

Belongs here: lookups, and that one which hangs holds up nobody but who asked. They are the system's own (hosts file,
mDNS, DNS), which block, so they need threads: threads of their own, because gevent's few are Redis's as well.
"""

from __future__ import annotations

import socket as plain_socket
from typing import Any

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

THREADS = 64
"Names that are looked up at once. The system gives up on one after 10 to 30 s."

_getaddrinfo = monkey.get_original("socket", "getaddrinfo")
_threads: list[ThreadPool] = []
_under_way: dict[str, gevent.Greenlet[[str], list[Any] | Exception]] = {}


def lookup(host: str, port: int) -> list[Any]:
    """What `getaddrinfo` has for TCP. A numeric address needs no lookup; the same name is looked up once at a time.

    :raises OSError, UnicodeError: no such name
    """
    try:
        return list(_getaddrinfo(host, port, type=plain_socket.SOCK_STREAM, flags=plain_socket.AI_NUMERICHOST))
    except plain_socket.gaierror:
        pass
    # In a greenlet that nobody kills: a thread cannot be called back, and its answer may still serve another.
    asking = _under_way.get(host)
    if asking is None:
        asking = _under_way[host] = gevent.spawn(_ask, host)
    found = asking.get()
    if isinstance(found, Exception):
        raise found
    return [(family, kind, protocol, name, (at[0], port, *at[2:])) for family, kind, protocol, name, at in found]


def _ask(host: str) -> list[Any] | Exception:
    try:
        if not _threads:
            _threads.append(ThreadPool(THREADS))
        return list(_threads[0].apply(_getaddrinfo, (host, None, 0, plain_socket.SOCK_STREAM)))
    except (OSError, UnicodeError) as problem:
        return problem
    finally:
        del _under_way[host]
