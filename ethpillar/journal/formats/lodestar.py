"""Lodestar.

Grammar (packages/logger/src/utils/format.ts): `MMM-DD hh:mm:ss.SSS[module] level: message key=value, key=value - error
text`, module and level right-aligned together. Times can also be `YYYY-MM-DD hh:mm:ss`, with or without `.SSS`, and,
with `--logFormatGenesisTime`, `Eph epoch/slot seconds`, or be switched off. The notifier's line is
`Synced - slot: 1 - head: .. - exec-block: valid(1 0x..) - finalized: .. - peers: 50`.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import COMMA_EQUALS, DASH_COLON, open_pairs

_HEAD = re.compile(
    r"(?:((?:[A-Z][a-z]{2}-\d\d|\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d(?:\.\d{3})?|Eph -?\d+/\d+ -?\d+\.\d+) {0,2})?"
    r"\[([^\]]*+)\] +"
    r"(error|warn|info|verbose|debug|trace): ?"
)
_TEXTS = ("message", "error", "reason", "errorMessage")  # keys of errors' texts, which hold dashes themselves
_EXEC_BLOCK = re.compile(r"[\w/]+\((\d+) (0x[0-9a-f]+…?)")


def parse(text: str) -> Line | None:
    """Read a line of Lodestar's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    body = text[head.end() :].strip()
    message, fields = open_pairs(body, COMMA_EQUALS)
    if fields:
        told = len(message)
        dash = body.find(" - ", told)
        if dash >= 0:  # the error's text: no pairs in it
            first = open_pairs(body[:dash], COMMA_EQUALS)[1]
            if next(reversed(first), "") not in _TEXTS:
                fields = first
                fields.setdefault("error", body[dash + 3 :].strip())
    elif " - " in message:
        message, fields = open_pairs(body, DASH_COLON)
    found = eth.from_fields(fields, eth.CONSENSUS)
    if "exec-block" in fields and (block := _EXEC_BLOCK.match(fields["exec-block"])):
        found = eth.with_more(found, block=block[1], hash=block[2])
    return Line(LEVEL_OF[head[3]], head[2].strip() or None, message.strip(), fields, head[1], False, found)
