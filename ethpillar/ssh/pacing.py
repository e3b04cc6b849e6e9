"""How many logins are under way at once.

Belongs here: places, and how long one is kept. It must not know what a login is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent.lock import Semaphore

PATIENCE = 2.0
"Seconds a login keeps its place. One that takes longer waits for its node, which costs us nothing."


@contextmanager
def place(places: Semaphore, patience: float = PATIENCE) -> Iterator[None]:
    """Waits for a place and keeps it to the end of the block, or for as long as patience lasts.

    Places bound the work that logins do at once. Nodes that hang do none: kept to the end, a few of them would hold
    up the logins of all others.

    :param patience: seconds
    """
    places.acquire()
    kept = True

    def give_back() -> None:
        nonlocal kept
        if kept:
            kept = False
            places.release()

    impatience = gevent.spawn_later(patience, give_back)
    try:
        yield
    finally:
        impatience.kill(block=False)
        give_back()
