"""systemd's own lines about a unit.

Grammar (systemd's MESSAGE texts): `NAME.service: Main process exited, code=exited, status=1/FAILURE`, `NAME.service:
Failed with result 'oom-kill'.`, `Started NAME.service - Description.`, older `Started Description.` Their severity is
the entry's PRIORITY.
"""

from __future__ import annotations

import re

from .line import Line, level_of_priority

_UNIT = re.compile(r"([\w:\\@.-]+\.(?:service|socket|target|timer|mount|scope|slice)): ")
_JOB = re.compile(
    r"(?:Started|Starting|Stopping|Stopped|Reloading|Reloaded|Finished|Failed to start) "
    r"([\w:\\@.-]+\.(?:service|socket|target|timer|mount|scope|slice)) - "
)
_EXIT = re.compile(r"\b(code|status)=([\w/-]+)")
_FIELDS = (
    (re.compile(r"^Failed with result '([\w-]+)'"), "result"),
    (re.compile(r"restart counter is at (\d+)"), "restarts"),
)


def parse(text: str) -> Line | None:
    """Read a line that names its unit as systemd does; None when it is not one."""
    unit = _UNIT.match(text)
    if unit is None:
        return None
    message = text[unit.end() :].strip()
    fields = dict(_EXIT.findall(message)) if "=" in message else {}
    for pattern, key in _FIELDS:
        if found := pattern.search(message):
            fields[key] = found[1]
    return Line(None, unit[1], message, fields)


def of_manager(text: str, priority: int | None) -> Line:
    """Read a line that systemd wrote about a unit."""
    line = parse(text)
    if line is None:
        job = _JOB.match(text)
        line = Line(None, job[1] if job else "systemd", text.strip(), {})
    return line._replace(level=level_of_priority(priority, manager=True))
