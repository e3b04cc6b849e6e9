"""A deadline that is no error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Leaves the block when it takes longer than this, and goes on after it. None: as long as it takes."""
    timeout = gevent.Timeout.start_new(seconds)
    try:
        yield
    except gevent.Timeout as expired:
        if expired is not timeout:
            raise
    finally:
        timeout.close()
