"""Waiting until a client has paid for what it sent."""

from __future__ import annotations

import gevent

from ..limits.limits import Limits
from ..limits.refusals import Refusal


def wait_until_paid(limits: Limits, client: str | None, cost: float = 1) -> None:
    """Charge a client, see `Limits.charge`, and sleep until its debt is paid off."""
    wait = limits.charge(client, cost)
    if wait:
        limits.refused.note(Refusal.FLOOD)
        gevent.sleep(wait)
