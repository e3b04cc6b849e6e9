"""The packets of `log_batch`, encoded once for all sockets that send the same.

Belongs here: remembering the few runs of items that are being delivered at the moment. Subscribers of a feed that keep
up with each other take the same runs from its ring.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from ..nodes.items import Item
from . import wire

MAX_BATCH = 500
"Lines in one `log_batch`."
_KEPT = 8
"Runs remembered; one is a hundred kilobytes or so."


class Batches:
    """Recent runs of items and their packets."""

    def __init__(self) -> None:
        # By identity: items are never made twice, and comparing them would read their text. The run is kept with its
        # packets, so that an identity can't come to mean another item.
        self._recent: OrderedDict[tuple[str, int, int, int], tuple[Sequence[Item], list[str]]] = OrderedDict()

    def packets(self, service: str, items: Sequence[Item]) -> list[str]:
        """Return the packets for a run of items, of at most `MAX_BATCH` lines each."""
        key = (service, id(items[0]), id(items[-1]), len(items))
        known = self._recent.get(key)
        if known is None:
            lines = [packet for item in items for packet in item.data]
            starts = range(0, len(lines), MAX_BATCH)
            known = (items, [wire.encode_batch(service, lines[at : at + MAX_BATCH]) for at in starts])
            self._recent[key] = known
            if len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        return known[1]
