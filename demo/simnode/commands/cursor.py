"""Cursors: `s=<32 hex>;i=<seqnum>;b=<boot id>;m=<monotonic>;t=<realtime>;x=<hash>`, all hexadecimal."""

from __future__ import annotations

from . import store
from .reader import Index


def parse(text: str) -> dict[str, int | str] | None:
    """The parts of a cursor; None when it is malformed, or says too little to seek with."""
    parts: dict[str, int | str] = {}
    for item in text.split(";"):
        key, equals, value = item.partition("=")
        if not equals or len(key) != 1:
            return None
        try:
            number = int(value, 16)
        except ValueError:
            return None
        if key in "sb":
            if len(value) != 32:
                return None
            parts[key] = value
        elif key in "imtx":
            parts[key] = number
    whole = ("s" in parts and "i" in parts) or ("b" in parts and "m" in parts) or "t" in parts
    return parts if whole else None


def seek_back(parts: dict[str, int | str], index: Index, seqnum_id: str) -> int:
    """The sequence number to begin at when going backwards: that of the last entry that is not after the cursor."""
    if parts.get("s") == seqnum_id and "i" in parts:
        return int(parts["i"])
    at = index.first(store.REALTIME, int(parts.get("t", 0)) + 1)
    found = index.read(at - 1, at) if at else []
    return found[0][store.SEQNUM] if found else 0


def seek(parts: dict[str, int | str], index: Index, seqnum_id: str) -> int:
    """The sequence number to begin at. A cursor of another machine is no error: its time decides."""
    if parts.get("s") == seqnum_id and "i" in parts:
        return int(parts["i"])
    at = index.first(store.REALTIME, int(parts.get("t", 0)))
    found = index.read(at, at + 1)
    return found[0][store.SEQNUM] if found else index.last_seqnum() + 1
