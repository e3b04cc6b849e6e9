"""What breaks while `bench/soak.py` runs: each is broken in a `with`, and mended at its end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from tests.system.parts import Sshd
from tests.system.proxy import Proxy


@contextlib.contextmanager
def _cut(proxy: Proxy) -> Iterator[None]:
    proxy.cut()
    yield


@contextlib.contextmanager
def _refuse(proxy: Proxy) -> Iterator[None]:
    proxy.refuse(True)
    proxy.cut()
    try:
        yield
    finally:
        proxy.refuse(False)


@contextlib.contextmanager
def _freeze(proxy: Proxy) -> Iterator[None]:
    proxy.freeze(True)
    try:
        yield
    finally:
        proxy.freeze(False)


@contextlib.contextmanager
def _restart(part: Any, then: Callable[[], None] = lambda: None) -> Iterator[None]:
    part.stop()
    try:
        yield
    finally:
        part.start()
        then()


@contextlib.contextmanager
def _kill_children(sshd: Sshd) -> Iterator[None]:
    for pid in sshd.descendants():
        if random.random() < 0.5:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    yield


@contextlib.contextmanager
def _freeze_pages(clients: Any) -> Iterator[None]:
    clients.freeze(True)
    try:
        gevent.sleep(random.choice((0, 5, 45)))
        yield
    finally:
        clients.freeze(False)


BREAKAGE: dict[str, Callable[[Any], contextlib.AbstractContextManager[None]]] = {
    "SSH cut": lambda storm: _cut(storm.to_sshd),
    "SSH refused": lambda storm: _refuse(storm.to_sshd),
    "SSH frozen": lambda storm: _freeze(storm.to_sshd),
    "sshd restarted": lambda storm: _restart(storm.sshd),
    "sshd's children killed": lambda storm: _kill_children(storm.sshd),
    "Redis cut": lambda storm: _cut(storm.to_redis),
    "Redis refused": lambda storm: _refuse(storm.to_redis),
    "Redis frozen": lambda storm: _freeze(storm.to_redis),
    "Redis restarted": lambda storm: _restart(storm.redis, storm.write_sessions),
    "pages frozen": lambda storm: _freeze_pages(storm.freezing),
}
