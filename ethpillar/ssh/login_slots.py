"""How many logins are under way at once.

Belongs here: how long a login holds one of the slots that bound them. It must not know what a login is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent

from ..turns import NOBODY, Slots, Tenant

HELD_FOR = 2.0
"Seconds that a login holds its slot. A login that takes longer waits for its node, which costs this server nothing."


@contextmanager
def login_slot(slots: Slots, tenant: Tenant = NOBODY, held_for: float = HELD_FOR) -> Iterator[None]:
    """Wait for a slot and hold it to the end of the block, but no longer than `held_for` seconds.

    Slots bound the work that logins do at once. A node that hangs causes none: if its login held a slot to the end, a
    few such nodes would hold up the logins of all others.

    :param tenant: the address that is logged in to, and whose login it is: each address gets as many as any other
    """
    slots.acquire(tenant)
    held = True

    def give_back() -> None:
        nonlocal held
        if held:
            held = False
            slots.release()

    timer = gevent.spawn_later(held_for, give_back)
    try:
        yield
    finally:
        timer.kill(block=False)
        give_back()
