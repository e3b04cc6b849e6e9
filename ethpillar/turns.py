"""Turns at what all tenants share: the event loop itself, and slots of which there are few.

Belongs here: who is next. Each tenant has as much as any other while several want something, however many greenlets
one has. It must not know what a turn is used for.
"""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import gevent
from gevent.event import AsyncResult
from gevent.hub import Waiter

T = TypeVar("T")

HOLD = 0.0015
"Seconds that one piece of work over outside bytes may keep all others from their turn."
SOON = 1e-6
"""Seconds that the loop is given to look at its sockets and timers. `gevent.sleep(0)` gives it none: what sleeps so is
back before it looks, up to fifty times in a row."""

PERIOD = 0.1
"Seconds for which it is remembered how much of its turns a tenant used."

Tenant = tuple[Hashable, ...]
"From the outermost share to the innermost: (client's address, session)."
NOBODY: Tenant = ()


class Fair(Generic[T]):
    """A queue that takes from each tenant in turn; in each tenant from each part of it in turn, and so on."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._parts: OrderedDict[Hashable, Fair[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, tenant: Tenant, item: T) -> None:
        """Add an item of a tenant."""
        self._length += 1
        if not tenant:
            self._items.append(item)
            return
        part = self._parts.get(tenant[0])
        if part is None:
            part = self._parts[tenant[0]] = Fair()
        part.put(tenant[1:], item)

    def take(self) -> T:
        """Take the next item. Raises LookupError if there is none."""
        if not self._length:
            raise LookupError
        self._length -= 1
        if self._items:
            return self._items.popleft()
        key, part = self._parts.popitem(last=False)
        item = part.take()
        if part:
            self._parts[key] = part
        return item

    def discard(self, tenant: Tenant, item: T) -> None:
        """Remove an item if it is still there."""
        if not tenant:
            if item in self._items:
                self._items.remove(item)
                self._length -= 1
            return
        part = self._parts.get(tenant[0])
        if part is not None:
            before = len(part)
            part.discard(tenant[1:], item)
            self._length -= before - len(part)
            if not part:
                del self._parts[tenant[0]]


# -- the event loop


class _Loop:
    """The turns of one event loop."""

    def __init__(self, hub: Any) -> None:
        self.since = time.monotonic()
        "When the loop last looked at its sockets and timers, or gave somebody a turn."
        self._waiting: Fair[tuple[Tenant, Any]] = Fair()
        self._used: defaultdict[Tenant, float] = defaultdict(float)
        "Seconds of the turns that each tenant had in this period."
        self._period = self.since
        self._timer = hub.loop.timer(SOON)
        self._started = False
        self._look = hub.loop.check(ref=False)
        self._look.start(self._looked)

    def _looked(self) -> None:
        self.since = time.monotonic()

    def is_light(self, tenant: Tenant) -> bool:
        """Return True if a tenant needed next to nothing of its turns in this period."""
        return self._used.get(tenant, 0.0) < HOLD

    def wait(self, tenant: Tenant) -> None:
        waiter: Any = Waiter()
        self._waiting.put(tenant, (tenant, waiter))
        self._go_on()
        try:
            waiter.get()
        except BaseException:
            self._waiting.discard(tenant, (tenant, waiter))
            raise

    def _go_on(self) -> None:
        if not self._started:
            self._started = True
            self._timer.start(self._give)

    def _give(self) -> None:
        """Give turns, one after the other, for as long as one may keep all others from theirs."""
        self._timer.stop()
        now = time.monotonic()
        end = now + HOLD
        if now - self._period > PERIOD:
            self._used, self._period = defaultdict(float), now
        try:
            while self._waiting:
                self.since = now
                tenant, waiter = self._waiting.take()
                waiter.switch(None)
                now = time.monotonic()
                self._used[tenant] += now - self.since
                if now >= end:
                    break
        finally:
            self._started = False
            if self._waiting:
                self._go_on()


def _loop() -> _Loop:
    hub: Any = gevent.get_hub()
    found = hub.__dict__.get("ethpillar_turns")
    if found is None:
        found = hub.ethpillar_turns = _Loop(hub)
    return found  # type: ignore[no-any-return]


def belong(*tenant: Hashable) -> None:
    """Let this greenlet, and those that it starts from now on, take a tenant's turns."""
    current: Any = gevent.getcurrent()
    current.spawn_tree_locals = {"tenant": tenant}


def tenant() -> Tenant:
    """Return the tenant whose turns the current greenlet takes."""
    places = getattr(gevent.getcurrent(), "spawn_tree_locals", None) or {}
    return places.get("tenant", NOBODY)  # type: ignore[no-any-return]


def breathe() -> None:
    """Let others have their turn if nobody had one for `HOLD`. Call it again and again in loops over outside bytes.

    The caller is back when each other tenant that waits has had a turn. One that has little to do, and finds that
    another has just had its turn, goes on at once, for as long again: a line of a quiet log passes three greenlets,
    and would wait for one that prints without end before each of them.
    """
    loop = _loop()
    held = time.monotonic() - loop.since
    if held > HOLD and (held > 2 * HOLD or not loop.is_light(tenant())):
        loop.wait(tenant())


# -- slots


class Slots:
    """A number of slots. Greenlets that wait for one are served tenant by tenant, and each tenant's in order."""

    def __init__(self, count: int) -> None:
        self.free = count
        self._waiting: Fair[AsyncResult[None]] = Fair()

    def acquire(self, tenant: Tenant = NOBODY, timeout: float | None = None) -> bool:
        """Take a slot. Return False if there was none within `timeout` seconds; None: wait for as long as it takes."""
        if self.free > 0 and not self._waiting:
            self.free -= 1
            return True
        mine: AsyncResult[None] = AsyncResult()
        self._waiting.put(tenant, mine)
        try:
            mine.wait(timeout)
        except BaseException:
            if mine.ready():
                self.release()  # it was given a slot at the moment at which it was stopped
            raise
        finally:
            if not mine.ready():
                self._waiting.discard(tenant, mine)
        return bool(mine.ready())

    def release(self) -> None:
        """Give a slot back."""
        if self._waiting:
            self._waiting.take().set(None)
        else:
            self.free += 1

    @contextmanager
    def hold(self, tenant: Tenant = NOBODY) -> Iterator[None]:
        """Wait for a slot, and have it for the time of a `with`."""
        self.acquire(tenant)
        try:
            yield
        finally:
            self.release()
