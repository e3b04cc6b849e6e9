"""What Rust's tracing-subscriber prints: Reth, ethrex, Commit-Boost, and others.

Grammar (tracing-subscriber fmt/format/mod.rs, "full"; Reth's crates/tracing/src/formatter.rs):
`2025-05-07T10:44:37.093123Z  INFO span{key=value}: target: message key=value`, the level five wide and right-aligned.
The target may be absent or empty, spans too, and a span may have no fields (`name: target: message`). Values are Rust's
Display or Debug output, without quotes around them as a rule, with blanks, commas, braces and even `=` in them.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import RUST, open_pairs

_HEAD = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) {1,2}(TRACE|DEBUG|INFO|WARN|ERROR) +"
)
_SPAN = re.compile(r"([A-Za-z_][\w:.-]*+)\{([^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+)\}:")
_MOST_SPANS = 50
_PLAIN_SPAN = re.compile(r"[A-Za-z_][\w.-]*+(?:::[\w<>.-]++)*+: (?=[a-z_]\w*+(?:::\w++)++: )")
_TARGET = re.compile(r"([a-z_][\w-]*+(?:(?:::|/)[\w<>-]++)*+|[A-Z]\w*+(?:::[\w<>-]++)++):(?: |$)")
_ETHREX = re.compile(r"\[METRIC\] BLOCK (?:EXECUTION THROUGHPUT )?\(?(\d+)\)?(?: (0x[0-9a-f]+))?")


def parse(text: str) -> Line | None:
    """A line of tracing-subscriber's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    place = head.end()
    component = None
    fields: dict[str, str] = {}
    for _ in range(_MOST_SPANS):
        span = _SPAN.match(text, place)
        if span is None:
            break
        component = span[1]
        fields.update(open_pairs(span[2], RUST)[1])
        place = span.end()
        if text[place : place + 1] == " ":
            place += 1
    if plain := _PLAIN_SPAN.match(text, place):
        place = plain.end()
    if target := _TARGET.match(text, place):
        component = target[1]
        place = target.end()
    elif text.startswith(": ", place):  # an empty target
        place += 2
    message, own = open_pairs(text[place:], RUST)
    fields.update(own)
    message = message.strip()
    found = eth.from_fields(fields, eth.EXECUTION)
    if message.startswith("[METRIC]") and (block := _ETHREX.match(message)):
        found = eth.with_more(found, block=block[1], hash=block[2])
    return Line(LEVEL_OF[head[2]], component, message, fields, head[1], False, found)
