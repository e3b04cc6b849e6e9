"""Geth, and Erigon with Caplin, whose logger is a copy of it.

Grammar (go-ethereum log/format.go): `LEVEL[MM-DD|hh:mm:ss.mmm] message padded to 40 key=value key="quoted value"`, the
level five wide. Erigon without a terminal (erigon-lib/log/v3/format.go): `[LVL] [MM-DD|hh:mm:ss.mmm] [stage] message`.
A message with `=` in it is quoted as a whole. Geth's fork list has neither pairs nor quotes.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import pairs_start, quoted_pairs

_HEAD = re.compile(
    r"\[?(INFO|WARN|ERROR|DEBUG|TRACE|CRIT|EROR|DBUG|TRCE)\]? {0,2}\[(\d\d-\d\d\|\d\d:\d\d:\d\d(?:\.\d{3})?)\]"
)
_STAGE = re.compile(r"\[([^\[\]]{1,60})\](?: |$)")
_MESSAGE = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?:\s|$)')
_ODD_KEY = re.compile(r'\s*([^="\s][^="]*)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|(\S*+))')


def parse(text: str) -> Line | None:
    """A line of Geth's or Erigon's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    body = text[head.end() :].rstrip()
    if body.startswith(' "') and (quoted := _MESSAGE.match(body, 1)):
        message, rest = quoted[1].replace('\\"', '"'), body[quoted.end() :]
    else:
        start = pairs_start(body)
        message, rest = body[:start].strip(), body[start:]
    fields = quoted_pairs(rest) if rest else {}
    component = None
    if message.startswith("[") and (stage := _STAGE.match(message)):
        component, message = stage[1], message[stage.end() :].lstrip()
    if "  " in message and rest and text[0] == "[":
        message, fields = _odd_keys(message, rest, fields)
    found = eth.from_fields(fields, eth.EXECUTION if fields.get("app") != "caplin" else eth.CONSENSUS)
    return Line(LEVEL_OF[head[1]], component, message, fields, head[2], False, found)


def _odd_keys(message: str, rest: str, fields: dict[str, str]) -> tuple[str, dict[str, str]]:
    # Erigon has keys with blanks in them (`header sending=12`). What stands between the padding and the first `=` is
    # then a key's beginning, not the message's end.
    message, _, beginning = message.partition("  ")
    text = f"{beginning.strip()} {rest}"
    fields, place = {}, 0
    while pair := _ODD_KEY.match(text, place):
        fields[pair[1]] = pair[2] or pair[3] or ""
        place = pair.end()
    return message, fields
