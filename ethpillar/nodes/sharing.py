"""Which node gives way when there are as many as there may be.

Belongs here: the decision, without I/O. It must not know how a node is let go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

SILENT_FOR = 5.0
"Seconds after which a node that has let nobody in yet gives its slot to any other."


class Slot(NamedTuple):
    """A node, as far as it matters here."""

    client: Hashable
    "The address of the client that it was made for."
    host: Hashable
    met: bool
    "True if it has ever let us in."
    age: float
    "Seconds."


def gives_way(slots: Sequence[Slot], client: Hashable, host: Hashable) -> int | None:
    """Return which node gives its slot to one of a client at a host; None if none has to.

    Slots are shared out by client, then by host, and cost nothing until somebody was let in: of the client that has
    most, a node that has let nobody in goes first. One that is watched goes only if its client has more than the other
    will have.
    """
    clients, hosts = Counter(each.client for each in slots), Counter(each.host for each in slots)

    def may(slot: Slot) -> bool:
        if clients[slot.client] > clients[client] + 1:
            return True
        return not slot.met and (slot.age > SILENT_FOR or hosts[slot.host] > hosts[host] + 1)

    def rank(number: int) -> tuple[bool, int, int, float]:
        slot = slots[number]
        # Of nodes that have let nobody in, the oldest goes first: it has had its time. Of the others, the newest.
        age = -slot.age if slot.met else slot.age
        return not slot.met, clients[slot.client], hosts[slot.host], age

    able = [number for number, slot in enumerate(slots) if may(slot)]
    return max(able, key=rank) if able else None
