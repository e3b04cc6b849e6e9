"""Prysm's form for terminals, which its newest releases print into the journal too.

Grammar (runtime/logging/logrus-prefixed-formatter): `[2024-05-16 20:58:45.12]  INFO prefix: message key=value`, the
level right-aligned. Values are not quoted and hold blanks; pairs are sorted by key, which tells a pair from a value's
text. The other form, `time="..." level=info msg="..."`, is `formats.logfmt`'s.
"""

from __future__ import annotations

import re
from itertools import pairwise

from . import eth
from .line import LEVEL_OF, Line
from .pairs import EQUALS, open_pairs

_HEAD = re.compile(
    r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\] {1,2}(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|PANIC) "
    r"(?:([a-z][\w/.-]*): )?"
)


def parse(text: str) -> Line | None:
    """Read a line of Prysm's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    message, fields = open_pairs(text[head.end() :], EQUALS)
    keys = list(fields)
    if any(first > second for first, second in pairwise(keys)):
        fields = _sorted(fields)
    found = of_prysm(message.strip(), eth.from_fields(fields, eth.CONSENSUS), fields)
    return Line(LEVEL_OF[head[2]], head[3], message.strip(), fields, head[1], False, found)


def _sorted(fields: dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    last = ""
    for key, value in fields.items():
        if key >= last:
            kept[key] = value
            last = key
        else:
            kept[last] += f" {key}={value}"
    return kept


def of_prysm(message: str, found: dict[str, str] | None, fields: dict[str, str]) -> dict[str, str] | None:
    """`found` with the peers that Prysm counts as `total`."""
    if message == "Connected peers" and "total" in fields:
        return eth.with_more(found, peers=fields["total"])
    return found
