"""logrus's form for terminals: mev-boost, contributoor and others, started by hand or in a container with a terminal.

Grammar (logrus text_formatter.go, printColored): `INFO[0036] message padded to 44 key=value`, with the seconds since
the start or a full time in the brackets.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import pairs_start, quoted_pairs

_HEAD = re.compile(
    r"(TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[(\d{4}(?:-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))?|\d{5,})\] ?"
)


def parse(text: str) -> Line | None:
    """Read a line of logrus's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    body = text[head.end() :].strip()
    start = pairs_start(body)
    rest, fields = quoted_pairs(body[start:])
    component = fields.get("prefix") or fields.get("module") or fields.get("service")
    found = eth.from_fields(fields, eth.CONSENSUS)
    return Line(LEVEL_OF[head[1]], component, f"{body[:start]} {rest}".rstrip(), fields, head[2], False, found)
