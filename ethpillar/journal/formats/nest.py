"""NestJS: Siren, Lighthouse's dashboard.

Grammar (packages/common/services/console-logger.service.ts): `[Nest] 98  - 11/05/2025, 12:39:13 PM   ERROR [Context]
message`, the level seven wide and right-aligned, the time as the machine's locale has it; the name in the first
brackets can be set. `LOG`, its ordinary level, says nothing of how grave a line is: such a line stays as it is.
"""

from __future__ import annotations

import re

from .line import LEVEL_OF, Line

_HEAD = re.compile(
    r"\[([\w .-]{1,40}+)\] (\d{1,10}+) {1,4}- (\d[\d/., :-]{9,30}?(?: ?[AaPp]\.?[Mm]\.?)?)"
    r" +(LOG|ERROR|WARN|DEBUG|VERBOSE|FATAL) (?:\[([^\]]{1,80}+)\] )?"
)


def parse(text: str) -> Line | None:
    """Take apart a line of Nest's; None when it is not one."""
    head = _HEAD.match(text) if text.startswith("[") else None
    if head is None:
        return None
    if head[4] == "LOG":
        return Line("info", None, text.strip(), {})
    fields = {"name": head[1], "pid": head[2]}
    return Line(LEVEL_OF[head[4]], head[5], text[head.end() :].strip(), fields, head[3])
