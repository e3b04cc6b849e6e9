"""Lighthouse.

Grammar: up to 6.x (slog-term) `Mon dd hh:mm:ss.mmm LEVL message padded to 40 key: value, key: value, service: name`;
from 7.x (common/logging/src/tracing_logging_layer.rs) `Mon dd hh:mm:ss.mmm LEVEL message padded to 44 key: value`, with
text values quoted and the level five wide. A message longer than its padding is followed by `, key:` in the old, by two
blanks in the new form. Values hold `, ` and `: ` inside of brackets and quotes. With `--log-extra-info` the place in
the source comes before the message. With `--disable-log-timestamp` the line begins with the blank after the time,
which a paste may have lost.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import COLON, numbered, open_pairs

_HEAD = re.compile(
    r"(?:([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{3}) | (?=[A-Z]{4,5} {1,2}\S)"
    r"|(?=[A-Z]{4,5} {1,2}[^\s\[][^=:\[]{0,80}? {4,40}[a-z_]\w{1,40}: ))"
    r"(TRCE|DEBG|INFO|WARN|ERRO|CRIT|TRACE|DEBUG|ERROR) {1,2}(?! {3})"
)
_EMPTY = re.compile(r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{3}|) ([A-Z]{4,5}) {5,}")
_TARGET = re.compile(r"[a-z_]\w*+(?:::\w++)++: ")  # of another program that prints no time
_FIRST = re.compile(r", ([\w.-]+): ")
_PLACE = re.compile(r"([a-z_]\w*+(?:::[\w./-]++)++:\d++) +")
_SPAN = re.compile(r" (\w+: \"[^\"]*+\")\Z")
# 7.0 has no comma between two spans' values (`service: "network"service: "sync"`).
_SIMPLE = re.compile(
    r"([\w.-]++): (?:\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\"(?:, |\s*+\Z|(?=\w))|([^,\[({\"]*+)(?:, |\s*+\Z))|.+", re.DOTALL
)
_CODE = re.compile(r"[\[({\"]")
_PAD = 40


def parse(text: str) -> Line | None:
    """Read a line of Lighthouse's; None when it is not one."""
    head = _HEAD.match(text) or _EMPTY.match(text)
    if head is None or head[2] not in LEVEL_OF:
        return None
    if not head[1] and _TARGET.match(text, head.end()):
        return None
    component = None
    body = text[head.end() :].rstrip()
    if body.endswith(",") and ": " in body:  # 7.0, of a span that has no values
        body = body[:-1]
    if "::" in body and (place := _PLACE.match(body)):
        component, body = place[1], body[place.end() :]
    message, rest = _message_and_pairs(body)
    pairs = _SIMPLE.findall(rest)
    fields = {key: quoted or bare.strip() for key, quoted, bare in pairs}
    if "" not in fields:
        if len(fields) != len(pairs):
            fields = numbered([(key, quoted or bare.strip()) for key, quoted, bare in pairs])
    elif _CODE.search(rest):
        before, fields = open_pairs(rest, COLON)
        if before.strip():
            message = f"{message} {before.strip()}"
    else:
        before, fields = _plain_pairs(rest)
        message = f"{message} {before}" if before else message
    if "service" in fields:
        if component:
            fields["location"] = component
        component = fields["service"]
    found = eth.of_lighthouse(message, fields) if "block_hash" in fields else eth.from_fields(fields, eth.CONSENSUS)
    return Line(LEVEL_OF[head[2]], component, message, fields, head[1] or None, False, found)


def _message_and_pairs(body: str) -> tuple[str, str]:
    """Divide what comes after the level, by the blanks or the comma between the message and the pairs."""
    gap = body.find("  ")
    if 0 <= gap <= _PAD:
        return body[:gap], body[gap:].lstrip()
    comma = _FIRST.search(body)
    if comma and (gap < 0 or comma.start() < gap) and not body[gap:].lstrip().startswith(comma[1]):
        return body[: comma.start()], body[comma.start() + 2 :]
    if gap > 0:
        return body[:gap], body[gap:].lstrip()
    if len(body) > _PAD and body[_PAD] == " ":  # exactly as long as the padding
        rest = body[_PAD + 1 :]
        return (body[:_PAD], rest) if ": " in rest else (body, "")
    if body.endswith('"') and (span := _SPAN.search(body)):
        return body[: span.start()], span[1]
    return body, ""


def _plain_pairs(rest: str) -> tuple[str, dict[str, str]]:
    before, last = "", ""
    fields: dict[str, str] = {}
    for part in rest.split(", "):
        key, colon, value = part.partition(": ")
        if colon and (not last or " " not in key):
            last = key if key not in fields else f"{key}#{len(fields)}"
            fields[last] = value.strip()
        elif last:  # a value with a comma in it
            fields[last] += ", " + part
        elif part.endswith(":"):
            fields[part[:-1]] = ""
        else:
            before = f"{before}, {part}" if before else part
    return before, fields
