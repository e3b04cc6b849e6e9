"""`key=value` all along: logrus without a terminal (mev-boost, Prysm, dora, contributoor), Geth's logfmt, go-kit, slog.

Grammar (logrus text_formatter.go): `time="2023-05-21T17:57:11+02:00" level=info msg="..." key=value key="quoted"`. Geth
has `t= lvl= msg=`, go-kit (Prometheus) and Charon `ts= level= caller= msg=`, Reth (tracing-logfmt) `ts= level= target=
message=`. Prysm does not escape quotes in values.
"""

from __future__ import annotations

import re

from . import eth, prysm
from .line import LEVEL_OF, Line, level_of
from .pairs import quoted_pairs
from .templates import Template, of_pairs

_LOGRUS = re.compile(
    r'time="([^"]*+)" level=(\w++) msg=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]++))(?!\S) ?', re.DOTALL
)
_BEGINNING = re.compile(r"(?:time|level|lvl|ts|t|logger|timestamp|(msg|caller))=")
_TARGET = re.compile(r"[^\"]*?\starget=(\S++)")
_COMPONENTS = ("prefix", "module", "service", "logger", "topic", "component", "subsystem")
_FIXED = frozenset(_COMPONENTS)


def parse(text: str) -> Line | None:
    """Read a line of pairs with a level or a message among them; None when it is not one."""
    component, execution = None, False
    if head := _LOGRUS.match(text):  # by far the most common
        time, level, quoted, bare = head.groups()
        message = quoted or bare
        others, fields = quoted_pairs(text[head.end() :])
    elif beginning := _BEGINNING.match(text):
        others, fields = quoted_pairs(text)
        if beginning[1] and not ("level" in fields or "lvl" in fields):
            return None
        level = fields.pop("level", None) or fields.pop("lvl", None)
        message = fields.pop("msg", None)
        if message is None and "target" in fields and (target := _TARGET.match(text)):
            component, execution = target[1], True
            message = fields.pop("message", None)
            if fields.get("target#1") == component:
                del fields["target#1"]
        if level is None and message is None:
            return None
        execution = execution or "t" in fields
        time = fields.pop("time", None) or fields.pop("ts", None) or fields.pop("t", None)
    else:
        return None
    word = level_of(level) if level else None
    if level and level not in LEVEL_OF:  # such as slog's `DEBUG-4`
        fields["level"] = level
    if others:
        message = f"{message or ''} {others}".lstrip()
    if component is None:
        for key in _COMPONENTS:  # a generator costs more than the rest of this function
            if key in fields:
                component = fields[key]
                break
    if execution or message == "Connected peers":
        found = _eth(component, message or "", fields, execution)
    else:
        found = eth.from_fields(fields, eth.CONSENSUS)
    return Line(word, component, message or "", fields, time, False, found)


def _eth(component: str | None, message: str, fields: dict[str, str], execution: bool) -> dict[str, str] | None:
    if execution:
        return eth.of_execution(component, message, fields)
    found = eth.from_fields(fields, eth.CONSENSUS)
    return prysm.of_prysm(message, found, fields) if message == "Connected peers" else found


def template(text: str, line: Line) -> Template | None:
    """Make the template of a line that `parse` took apart; None when it has none."""
    head = _LOGRUS.match(text)
    if head is None or line.message == "Connected peers":
        return None
    constant, rest = text[head.end(1) : head.end()], text[head.end() :]
    return of_pairs('time="[!#-\\[\\]-~ ]*+', constant, rest, line, eth.CONSENSUS, _FIXED)
