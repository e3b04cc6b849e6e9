"""Who is connected now, for `flask top`: by a local socket that only this machine's operator can open.

Belongs here: gathering it from the rooms. Sessions are named by their short hashes, and
neither tokens nor hosts nor users are in it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from .nodes.node import Node
from .server import Server
from .sessions import token_hash

CONTENT_TYPE = "application/json"


def top(server: Server, version: str) -> bytes:
    """Return it as JSON."""
    gateway, lag = server.gateway, server.watchdog.lag
    sockets = list(gateway.sockets.values())
    counts = Counter(token_hash(each.token) for each in sockets if each.token is not None)
    ledger = server.limits.ledger
    held: Counter[str] = Counter()
    for tenant, size in ledger.tenants().items():
        if len(tenant) > 1 and isinstance(tenant[1], str):
            held[token_hash(tenant[1])] += size
    nodes = {node.record.name: node for node in server.registry.nodes()}
    names = sorted({*counts, *nodes})
    answer = {
        "version": version,
        "at": time.monotonic(),
        "sockets": len(sockets),
        "nodes": len(nodes),
        "unnamed": gateway.guard.unnamed,
        "longest_lag_seconds": lag.longest,
        "memory": {"held": +ledger.kinds, "budget": ledger.budget, "given_back": ledger.given_back},
        "refused": {refusal.value: count for refusal, count in server.limits.refusals.counts.items() if count},
        "sessions": [_session(name, counts[name], held[name], nodes.get(name)) for name in names],
    }
    return json.dumps(answer).encode()


def _session(name: str, sockets: int, held: int, node: Node | None) -> dict[str, Any]:
    feeds = [] if node is None else node.feeds
    return {
        "session": name,
        "node": "none" if node is None else node.state,
        "sockets": sockets,
        "logs": len(feeds),
        "channels": 0 if node is None else node.channels,
        "lines": sum(feed.ring.end for feed in feeds),
        "memory_bytes": held,
    }
