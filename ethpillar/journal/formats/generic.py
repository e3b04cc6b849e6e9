"""Loggers that are nobody's in particular, and the guess for everything else.

Belongs here: forms that many programs share (log4j-like, Python's logging, Go's slog and zerolog on a console), told by
a time and a level word in capitals, and Go's own log, which has a time only. The guess claims only what it sees at a
line's very beginning.
"""

from __future__ import annotations

import re

from . import eth
from .line import LEVEL_OF, Line
from .pairs import EQUALS, open_pairs, pairs_start, quoted_pairs

_TIME = (
    r"(\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})? ?(?:Z|UTC|[+-]\d\d:?\d\d)?"
    r"|\d\d-\d\d-\d{4} \d\d:\d\d:\d\d"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?|\d{1,2}:\d\d[AP]M|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)"
)
_WORD = r"(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|TRC|DBG|INF|WRN|ERR|FTL|PNC)"
_SMALL = r"(?i:(trace|debug|info|notice|warn|warning|error|critical|fatal|exception|crit|alert|emerg) *)"
_TIMED = re.compile(
    r"\[?" + _TIME + r"\]?(?: ?[-|] ?| +)(?:([\w.]+) - |\[(?P<pid>\d+)\] )?"
    r"(?:\[" + _SMALL + r"\]|" + _WORD + r"\b)(?=[\]\s:|-]|$)"
)
_OPEN_BRACKET = re.compile(r" *+([\w:.-]*+)\] ?")
_GO = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{6})?) (?=\S)")
_DIVIDER = re.compile(r"\s*[:|-]?\s*(?:> )?")
_KLOG = re.compile(r"([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d{6}) +(?:(\d+) )?([\w./-]+:\d+)\] ")
_KLOG_MESSAGE = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?= |\Z)')
_KLOG_LEVELS = {"I": "info", "W": "warn", "E": "error", "F": "critical"}
_PREFIX = re.compile(
    r"\[?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRIT|CRITICAL|FATAL|PANIC|SEVERE)(?:\]|(?=[: ]))"
    r"|(Error|Warning|Fatal|panic|error|warning|fatal|fatal error): |(http: panic) serving "
    r"|(?:OpenJDK|Java HotSpot)[^:]* (warning): |(trce|dbug|info|warn|fail|crit): [\w.]+\[\d+\]\Z"
)
_NAMED = re.compile(
    r"(?=[CDEIW])(DEBUG|INFO|WARNING|ERROR|CRITICAL)"
    r"(?::([\w.-]{1,80}+):(?=\S)| (ethpillar(?:\.\w++)*|\w++(?:\.\w++)++): )"
)
_JVM = re.compile(r"\[(\d+\.\d{3}s)\]\[(trace|debug|info|warning|error) *\]\[([\w,+]+) *\] ")
_MORE_WORDS = {"fatal error": "critical", "trce": "trace", "dbug": "debug", "fail": "error", "http: panic": "error"}


def parse(text: str) -> Line | None:
    """Read a line with a time and a level, in one of the common orders; None when it is not one."""
    timed = _TIMED.match(text)
    if timed is None:
        return _klog(text) or _go(text) or _named(text) or _jvm(text)
    body = text[timed.end() :]
    component = timed[2]
    if text[0] == "[" != body[:1] and "]" not in timed[0] and (bracket := _OPEN_BRACKET.match(body)):
        component, body = bracket[1] or None, body[bracket.end() :]
    divider = _DIVIDER.match(body)
    body = body[divider.end() :].strip() if divider else body.strip()
    fields: dict[str, str] = {}
    if "=" in body:
        start = pairs_start(body)
        others, fields = quoted_pairs(body[start:])
        if not others and len(fields) == body[start:].count("="):
            body = body[:start].rstrip()
        else:
            body, fields = open_pairs(body, EQUALS)
    if timed["pid"]:
        fields["pid"] = timed["pid"]
    level = LEVEL_OF.get(timed[4] or timed[5], "error")  # structlog calls an error with its trace `exception`
    return Line(level, component, body.strip(), fields, timed[1].strip(), False, eth.from_fields(fields, eth.CONSENSUS))


def _klog(text: str) -> Line | None:
    klog = _KLOG.match(text)
    if klog is None:
        return None
    message = text[klog.end() :].strip()
    fields: dict[str, str] = {}
    if quoted := _KLOG_MESSAGE.match(message):  # the newer form, with pairs
        rest, fields = quoted_pairs(message[quoted.end() :])
        message = f"{quoted[1]} {rest}".rstrip()
    if klog[3]:
        fields["thread"] = klog[3]
    return Line(_KLOG_LEVELS[klog[1]], klog[4], message, fields, klog[2])


def _go(text: str) -> Line | None:
    found = _GO.match(text)
    return found and guess(text[found.end() :])._replace(timestamp_text=found[1])


def _named(text: str) -> Line | None:
    """Python's default, `LEVEL:logger:message`, and what this server prints, `LEVEL logger: message`."""
    found = _NAMED.match(text)
    if found is None:
        return None
    return Line(LEVEL_OF[found[1]], found[2] or found[3], text[found.end() :].strip(), {})


def _jvm(text: str) -> Line | None:
    """HotSpot's unified logging (-Xlog): `[0.004s][warning][cds] message`."""
    found = _JVM.match(text)
    return found and Line(LEVEL_OF[found[2]], found[3], text[found.end() :].strip(), {}, found[1])


def guess(text: str) -> Line:
    """Any text: its own message. The level only when the text begins with it."""
    level = None
    if found := _PREFIX.match(text):
        word = found[1] or found[2] or found[3] or found[4] or found[5]
        level = _MORE_WORDS.get(word) or LEVEL_OF[word]
    return Line(level, None, text.strip(), {})
