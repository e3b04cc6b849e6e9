"""The format of Rust's tracing-subscriber: Reth, ethrex, Commit-Boost, and others.

Grammar (tracing-subscriber fmt/format/mod.rs, "full"; Reth's crates/tracing/src/formatter.rs):
`2025-05-07T10:44:37.093123Z  INFO span{key=value}: target: message key=value`, the level five wide and right-aligned.
The target may be absent or empty, spans too, and a span may have no fields (`name: target: message`; in the compact
form `outer:inner: message`). Values are Rust's
Display or Debug output, without quotes around them as a rule, with blanks, commas, braces and even `=` in them.
"""

from __future__ import annotations

import re
from itertools import islice

from . import eth
from .line import LEVEL_OF, Line
from .pairs import RUST, joined, open_pairs

_HEAD = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) {1,2}(TRACE|DEBUG|INFO|WARN|ERROR) +"
)
_SPAN = re.compile(r"([A-Za-z_][\w:.-]*+)\{")
_BRACE = re.compile(r"\{|\}|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+(?:\"|\\?\Z)", re.DOTALL)
_MOST_SPANS = 50
_NAME_LENGTH = 200
_MOST_BRACES = 500
_NAMES = re.compile(r"[A-Za-z_][\w.-]*+(?::[a-z_]\w*+)++(?=: )")
_SPRING = re.compile(r"\d+ --- \[")
_PLAIN_SPAN = re.compile(r"[A-Za-z_][\w.-]*+(?:::[\w<>.-]++)*+: (?=[a-z_]\w*+(?:::\w++)++: )")
_TARGET = re.compile(r"([a-z_][\w-]*+(?:(?:::|/)[\w<>-]++)*+|[A-Z]\w*+(?:::[\w<>-]++)++):(?: |$)")
_ETHREX = re.compile(r"\[METRIC\] BLOCK (?:EXECUTION THROUGHPUT )?\(?(\d+)\)?(?: (0x[0-9a-f]+))?")


def parse(text: str) -> Line | None:
    """Read a line of tracing-subscriber's; None when it is not one."""
    head = _HEAD.match(text)
    if head is None:
        return None
    place = head.end()
    if text[place : place + 1].isdigit() and _SPRING.match(text, place):
        return None  # Spring's, which is logback's
    names, fields, place = _spans(text, place) if text.find("{", place, place + _NAME_LENGTH) > 0 else ([], {}, place)
    if plain := _PLAIN_SPAN.match(text, place):
        names = [*names, plain[0][:-2]]
        place = plain.end()
    component = names[-1] if names else None
    if target := _TARGET.match(text, place):
        component = target[1]
        place = target.end()
    elif compact := _NAMES.match(text, place):  # the compact form: spans' names, their fields come last
        names = [*names, *compact[0].split(":")]
        component = names[-1]
        place = compact.end() + 2
    elif text.startswith(": ", place):  # an empty target
        place += 2
    message, own = open_pairs(text[place:], RUST)
    fields = joined(fields, own) if fields else own
    message = message.strip()
    found = eth.of_execution(component, message, fields) if fields else None
    if "NumHash {" in text and (named := eth.in_values(fields)):
        found = eth.with_more(found, **named)
    if message.startswith("[METRIC]") and (block := _ETHREX.match(message)):
        found = eth.with_more(found, block=block[1], hash=block[2])
    if names and (outer := [name for name in names if name != component]):
        fields.setdefault("spans", ":".join(outer))
    return Line(LEVEL_OF[head[2]], component, message, fields, head[1], False, found)


def _spans(text: str, place: int) -> tuple[list[str], dict[str, str], int]:
    """Return the names of spans that have fields, these fields, and where they end."""
    names: list[str] = []
    fields: dict[str, str] = {}
    for _ in range(_MOST_SPANS):
        span = _SPAN.match(text, place)
        end = span and _span_end(text, span.end())
        if span is None or end is None:
            break
        names.append(span[1])
        before, own = open_pairs(text[span.end() : end - 2], RUST)
        if before.strip():  # what is recorded without a name
            own["span"] = before.strip()
        fields = joined(fields, own)
        place = end
        if text[place : place + 1] == " ":
            place += 1
    return names, fields, place


def _span_end(text: str, place: int) -> int | None:
    """Where a span's fields end, behind `}:`; None when they do not."""
    depth = 1
    for brace in islice(_BRACE.finditer(text, place), _MOST_BRACES):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if not depth:
                return brace.end() + 1 if text.startswith(":", brace.end()) else None
    return None
