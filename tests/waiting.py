"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 20.0
"Seconds after which a condition is taken to never come; generous, for slow machines."


def until(condition: Callable[[], T], what: str = "the condition", deadline: float = DEADLINE) -> T:
    """The first true value of `condition`. Fails with `what` when none comes before the deadline."""
    end = time.monotonic() + deadline
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s for {what}")
        time.sleep(0.01)  # between looks, not instead of one
