"""What Rust's tracing-subscriber prints: Reth, ethrex, Commit-Boost, and others.

Grammar (tracing-subscriber fmt/format/mod.rs, "full"; Reth's crates/tracing/src/formatter.rs):
`2025-05-07T10:44:37.093123Z  INFO span{key=value}: target: message key=value`, the level five wide and right-aligned.
The target may be absent or empty, spans too. Values are Rust's Display or Debug output, without quotes around them as
a rule, with blanks, commas, braces and even `=` in them.
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
_TARGET = re.compile(r"([a-z_][\w-]*+(?:(?:::|/)[\w<>-]++)*+):(?: |$)")
_ETHREX = re.compile(r"\[METRIC\] BLOCK (?:EXECUTION THROUGHPUT )?\(?(\d+)\)?")


def parse(text: str) -> Line | None:
    """A line of tracing-subscriber's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    place = head.end()
    component = None
    fields: dict[str, str] = {}
    while span := _SPAN.match(text, place):
        component = span[1]
        fields.update(open_pairs(span[2], RUST)[1])
        place = span.end()
        if text[place : place + 1] == " ":
            place += 1
    if target := _TARGET.match(text, place):
        component = target[1] if target[1] else component
        place = target.end()
    elif text.startswith(": ", place):  # an empty target
        place += 2
    message, own = open_pairs(text[place:], RUST)
    fields.update(own)
    message = message.strip()
    found = eth.from_fields(fields, eth.EXECUTION)
    if message.startswith("[METRIC]") and (block := _ETHREX.match(message)):
        found = eth.with_more(found, block=block[1])
    return Line(LEVEL_OF[head[2]], component, message, fields, head[1], False, found)
