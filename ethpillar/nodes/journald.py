"""What a node's journald is set up to keep.

Belongs here: the command that asks, and which settings drop what services print. It must not know who is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import NOWHERE
from ..units import INFO, LEVELS

_SETTINGS = 'systemd-analyze cat-config systemd/journald.conf 2>/dev/null | grep -E "^ *(Storage|MaxLevelStore) *="'
# It has no quotes or backslashes that elvish or xonsh take in their own way.
THIS_BOOT = ("sh", "-c", f"systemd-id128 boot-id; {_SETTINGS}")
"""Prints the id of the boot that the node is in, and reads no journal; then what is set for journald that makes it drop
lines, the later ones in force."""


def dropped_by(settings: Sequence[bytes]) -> str | None:
    """Return which of these settings of journald drops what services print, as `LogElsewhere` takes it; None if none.

    :param settings: lines such as `Storage=none`, the later ones in force
    """
    found: dict[bytes, bytes] = {}
    for line in settings:
        key, _, value = line.partition(b"=")
        found[key.strip()] = value.strip()
    if found.get(b"Storage") == b"none":
        return NOWHERE
    level = found.get(b"MaxLevelStore", b"").decode("ascii", "replace")
    level = LEVELS[int(level)] if level.isdigit() and int(level) < len(LEVELS) else level
    return f"MaxLevelStore={level}" if level in LEVELS[:INFO] else None
