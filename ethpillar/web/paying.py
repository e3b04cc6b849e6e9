"""Waiting until a client may send more."""

from __future__ import annotations

import random

import gevent

from ..limits.limits import Limits
from ..limits.refusals import Refusal

LEAST = 0.001
"Seconds of the shortest wait."


def wait_until_paid(limits: Limits, client: str | None, cost: float = 1) -> None:
    """Charge a client, see `Limits.charge`, once what others of its address sent is paid off.

    Requests that wait are woken at random moments, those of little cost first: a page that shares an address with a
    flood gets through in between.
    """
    while wait := limits.charge(client, cost):
        limits.refused.note(Refusal.FLOOD)
        gevent.sleep(max(LEAST, wait) + random.random() * (cost - 1) / limits.packets.rate)
