"""Console forms that end with a JSON object: Charon's and zap's (SSV).

Charon (app/log): `hh:mm:ss.mmm LEVL topic______ message padded to 40 {json}`. zap's console encoder: `time LEVEL caller
message {json}`, divided by tabs, which a paste turns into runs of blanks.
"""

from __future__ import annotations

import re
from itertools import islice

from . import eth
from .jsonlines import read_object
from .line import LEVEL_OF, Line

_CHARON = re.compile(r"(\d\d:\d\d(?::\d\d(?:\.\d{3})?)?) (DEBG|INFO|WARN|ERRO|FATL|PANC) (?! ?- )")
_ZAP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))(?:\t| {4,}| {2,3}(?=[A-Z]+ {2,}\S+\.go:\d))"
    r"(DEBUG|INFO|WARN|ERROR|DPANIC|PANIC|FATAL|debug|info|warn|error|dpanic|panic|fatal)(?:\t| {2,})[\t ]*+"
)
_TOPIC = re.compile(r"(\S*+)\s++")
_CALLER = re.compile(r"([\w./*()-]+\.go:\d+)[\t ]+")
_NAME = re.compile(r"(\S+)(?:\t| {2,})[\t ]*+")
_OBJECT = re.compile(r"(?<!\S)\{(?=[\"}])")
_TRIES = 8


def charon(text: str) -> Line | None:
    """Read a line of Charon's; None when it is not one."""
    head = _CHARON.match(text)
    if head is None:
        return None
    topic = None
    place = head.end()
    if found := _TOPIC.match(text, place):
        topic, place = found[1] or None, found.end()
    message, fields = _apart(text[place:])
    return Line(LEVEL_OF[head[2]], topic, message, fields, head[1], False, eth.from_fields(fields, eth.CONSENSUS))


def zap(text: str) -> Line | None:
    """Read a line of zap's console encoder; None when it is not one."""
    head = _ZAP.match(text)
    if head is None:
        return None
    place = head.end()
    component, place_in_source = None, None
    while found := _CALLER.match(text, place) or _NAME.match(text, place):
        if found[1].startswith("{") or (component and _CALLER.match(text, place) is None):
            break
        if text.startswith("{", found.end()) and found.re is _NAME:
            break  # the last column is the message
        if component and component != found[1]:
            place_in_source = f"{place_in_source} {found[1]}" if place_in_source else found[1]
        component = component or found[1]
        place = found.end()
    message, fields = _apart(text[place:])
    if place_in_source:
        fields.setdefault("caller", place_in_source)
    return Line(LEVEL_OF[head[2]], component, message, fields, head[1], False, eth.from_fields(fields, eth.CONSENSUS))


def _apart(text: str) -> tuple[str, dict[str, str]]:
    if text.endswith("}"):
        for start in islice(_OBJECT.finditer(text), _TRIES):  # an error's text can hold another one
            fields = read_object(text[start.start() :])
            if fields is not None:
                return text[: start.start()].strip(), fields
    return text.strip(), {}
