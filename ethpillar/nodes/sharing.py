"""Which node gives way when there are as many as there may be.

Belongs here: the decision, without I/O. It must not know how a node is let go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

SILENT_FOR = 5.0
"Seconds after which a node that has let nobody in yet gives its place to any other."


class Place(NamedTuple):
    """A node, as far as it matters here."""

    client: Hashable
    "The address of the client that it was made for."
    host: Hashable
    met: bool
    "True if it has ever let us in."
    age: float
    "Seconds."


def gives_way(places: Sequence[Place], client: Hashable, host: Hashable) -> int | None:
    """Return which node gives its place to one of a client at a host; None if none has to.

    Places are shared out by client, then by host, and cost nothing until somebody was let in: of the client that has
    most, a node that has let nobody in goes first. One that is watched goes only if its client has more than the other
    will have.
    """
    clients, hosts = Counter(each.client for each in places), Counter(each.host for each in places)

    def may(place: Place) -> bool:
        if clients[place.client] > clients[client] + 1:
            return True
        return not place.met and (place.age > SILENT_FOR or hosts[place.host] > hosts[host] + 1)

    def rank(number: int) -> tuple[bool, int, int, float]:
        place = places[number]
        # Of nodes that have let nobody in, the oldest goes first: it has had its time. Of the others, the newest.
        age = -place.age if place.met else place.age
        return not place.met, clients[place.client], hosts[place.host], age

    able = [number for number, place in enumerate(places) if may(place)]
    return max(able, key=rank) if able else None
