"""Geth, and Erigon with Caplin, whose logger is a copy of it.

Grammar (go-ethereum log/format.go): `LEVEL[MM-DD|hh:mm:ss.mmm] message padded to 40 key=value key="quoted value"`, the
level five wide; when debugging, the time is followed by `|file:line`. Erigon without a terminal
(erigon-lib/log/v3/format.go): `[LVL] [MM-DD|hh:mm:ss.mmm] [stage] message`. A message with `=` in it is quoted as a
whole. Geth's fork list has neither pairs nor quotes. Keys may have blanks in them: a newer Geth quotes such a key
(`"first block"=12`), Erigon does not.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import pairs_start, quoted_pairs
from .templates import Template, of_pairs

_HEAD = re.compile(
    r"\[?(INFO|WARN|ERROR|DEBUG|TRACE|CRIT|EROR|DBUG|TRCE)\]? {0,2}"
    r"\[(\d\d-\d\d\|\d\d:\d\d:\d\d(?:\.\d{3})?)(?:\|([^\s\]]++))?\]"
)
_STAGE = re.compile(r"\[([^\[\]]{1,60})\](?: |$)")
_MESSAGE = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?:\s|$)')
_QUOTED_KEY = re.compile(r'(?<=\s)"[^"\\]{1,60}+"=')
_PADDED = 42
"How long a message and the blanks around it are, at least, when pairs follow."


def parse(text: str) -> Line | None:
    """Read a line of Geth's or Erigon's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    body = text[head.end() :].rstrip()
    if body.startswith(' "') and (quoted := _MESSAGE.match(body, 1)):
        message, rest = quoted[1].replace('\\"', '"'), body[quoted.end() :]
    else:
        start = pairs_start(body)
        if _PADDED < start < len(body) and body[_PADDED - 2 : _PADDED] == "  " and body[_PADDED] != " ":
            start = _PADDED  # the first key has blanks in it
        elif '"=' in body and (key := _QUOTED_KEY.search(body)):
            start = min(start, key.start())
        message, rest = body[:start].strip(), body[start:]
    others, fields = quoted_pairs(rest, blanks_in_keys=True) if rest else ("", {})
    if others:
        message = f"{message} {others}".strip()
    component = head[3]
    if message.startswith("[") and (stage := _STAGE.match(message)):
        component, message = stage[1], message[stage.end() :].lstrip()
        if head[3]:
            fields["location"] = head[3]
    found = eth.of_execution(component, message, fields) if fields else None
    return Line(LEVEL_OF[head[1]], component, message, fields, head[2], False, found)


_FIXED = frozenset({"app"})
_TIME = r"\d\d-\d\d\|\d\d:\d\d:\d\d(?:\.\d{3})?+\]"


def template(text: str, line: Line) -> Template | None:
    """Make the template of a line that `parse` took apart; None when it has none."""
    head = _HEAD.match(text)
    if head is None or head[3] or eth.says_otherwise(line.message, line.fields):
        return None
    body = text[head.end() :]
    start = pairs_start(body)
    beginning = re.escape(text[: head.start(2)]) + _TIME
    keys = eth.execution_keys(line.component, line.message, line.fields)
    return of_pairs(beginning, body[:start], body[start:], line, keys, fixed=_FIXED)
