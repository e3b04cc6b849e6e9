"""Grandine.

Grammar (binary_utils/src/lib.rs): `[2026-05-05T11:30:57.105Z]  INFO module::path:225: message peers=[0/200]`; until
about the middle of 2025 `[time] [INFO] [module::path] [peers: 0/100] message`.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import RUST, joined, open_pairs

_HEAD = re.compile(
    r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}(?:Z|[+-]\d\d:\d\d))\] {1,2}(?:([A-Z]{4,5})|\[([A-Z]+)\]) "
)
_NEW = re.compile(r"([a-z_]\w*(?:::\w+)*):(\d+): ?")
_OLD = re.compile(r"\[([\w:]+)\] ?(?:\[peers: (\d+/\d+)\] ?)?")
_BLOCK = re.compile(r"\bblock_number: (\d+), block_hash: (0x[0-9a-f]+)")
_SLOT = re.compile(r"\(slot: (\d+)\b|\b(?:in|at) slot (\d+)\b")


def parse(text: str) -> Line | None:
    """Read a line of Grandine's; None when it is not one."""
    head = _HEAD.match(text)
    level = head and LEVEL_OF.get(head[2] or head[3])
    if head is None or level is None:
        return None
    component = None
    fields: dict[str, str] = {}
    body = text[head.end() :]
    if head[2]:
        if place := _NEW.match(body):
            component, body = place[1], body[place.end() :]
            fields["line"] = place[2]
        body, pairs = open_pairs(body, RUST)
        fields = joined(fields, pairs)
    elif place := _OLD.match(body):
        component, body = place[1], body[place.end() :]
        if place[2]:
            fields["peers"] = place[2]
    slot = _SLOT.search(body) if "slot" in body else None
    found = eth.with_more(eth.from_fields(fields, eth.CONSENSUS), slot=(slot[1] or slot[2]) if slot else None)
    if "block_hash: " in body and (block := _BLOCK.search(body)):
        found = eth.with_more(found, block=block[1], hash=block[2])
    return Line(level, component, body.strip(), fields, head[1], False, found)
