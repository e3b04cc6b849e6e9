"""Nimbus.

Grammar (nim-chronicles textlines.nim): `LVL YYYY-MM-DD hh:mm:ss.mmm+00:00 message padded to 42 topics="beacnde"
key=value key="quoted value"`. The levels are TRC DBG INF NTC (older: NOT) WRN ERR FAT; a time can be missing. The
validator client has `service=` in place of topics.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import pairs_start, quoted_pairs
from .templates import Template, of_pairs

_PAD = 42

_HEAD = re.compile(
    r"(TRC|DBG|INF|NTC|NOT|WRN|ERR|FAT) (?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d|Z)?)(?: |$)"
    r"|(?<!NOT )(?<!FAT )|(?=[^\"]*+(?<= topics=)\"))"  # without a time these are words: `NOT found`, `FAT filesystem`
)


def parse(text: str) -> Line | None:
    """Read a line of Nimbus's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    body = text[head.end() :].strip()
    start = pairs_start(body)
    if start < _PAD and body[_PAD - 1 : _PAD + 1] == "  ":  # still in the message, which has a `=` in it
        start = _PAD + pairs_start(body[_PAD:])
    rest, fields = quoted_pairs(body[start:])
    component = fields.get("topics") or fields.get("service")
    found = eth.from_fields(fields, eth.CONSENSUS)
    return Line(
        LEVEL_OF[head[1]],
        component,
        f"{body[:start]} {rest}".rstrip() if rest else body[:start].rstrip(),
        fields,
        head[2],
        False,
        found,
    )


_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d++)?+(?:[+-]\d\d:\d\d|Z)?+"
_FIXED = frozenset({"topics", "service"})


def template(text: str, line: Line) -> Template | None:
    """Make the template of a line that `parse` took apart; None when it has none."""
    head = _HEAD.match(text)
    if head is None or head[2] is None:
        return None
    body = text[head.end(2) :]
    start = pairs_start(body)
    if start <= _PAD + 1:
        return None  # what of it is the message depends on the values, perhaps
    beginning = re.escape(text[: head.start(2)]) + _TIME
    return of_pairs(beginning, body[:start], body[start:], line, eth.CONSENSUS, _FIXED)
