"""One JSON object a line: zerolog (Vouch), zap (SSV, Charon), logrus (the metrics exporter), and most clients if asked.

Belongs here: reading an object so that values stay as printed (`1.10` stays `1.10`, what is nested stays text), and
the names that loggers give to time, level and message. It must also do for the object at the end of a console line.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from . import eth, log4j
from .line import LEVEL_OF, Line, level_of, level_of_priority

_LEVELS = ("level", "lvl", "severity", "log.level", "@level", "L")
_TIMES = ("time", "ts", "t", "timestamp", "@timestamp", "T")
_MESSAGES = ("msg", "message", "@message", "M")
_COMPONENTS = (
    *("prefix", "module", "topics", "topic", "class", "logger", "logger_name", "target", "service", "component", "N"),
)
_JAVA_LOGGERS = ("log.logger", "_logger", "loggerName", "logger_name")
"""Keys of log4j's JsonTemplateLayout: ECS; GCP and GELF; its own; Logstash's (`--logging-format` of Besu and
Web3signer). Their values are names of classes, whose last part is what the console shows."""
_JAVA = frozenset({"class", *_JAVA_LOGGERS})
_NUMBERS = {
    "10": "trace", "20": "debug", "30": "info", "40": "warn", "50": "error", "60": "critical",  # pino's, bunyan's
    **{str(number): level_of_priority(number, manager=True) for number in range(8)},  # syslog's: GELF
}  # fmt: skip

_decode = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_BLANK = re.compile(r"[ \t\r\n]*+")
_NUMBER = re.compile(r"-?\d[\d.eE+-]*+")
_ESCAPES = re.compile("\x1b(?:\\[[0-?]*+[ -/]*+[@-~]?|\\][^\x07\x1b]*+(?:\x07|\x1b\\\\)?|.?)")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def parse(text: str) -> Line | None:
    """Read a JSON line with a level, or with a time and a message; None when it is not one."""
    if not text.startswith("{"):
        return None
    fields = read_object(text)
    if fields is None:
        return None
    execution = "lvl" in fields and "t" in fields  # Geth, Erigon
    by_place = "ts" not in fields  # SSV's zap names loggers by place; Lighthouse, which has `ts`, doesn't
    level = _take(fields, _LEVELS)
    target, span = None, {}
    if "fields" in fields and (inner := read_object(fields["fields"])) is not None:  # tracing-subscriber: Reth
        execution, target = True, fields.get("target")
        del fields["fields"]
        fields.update(inner)
    if "span" in fields:
        span = read_object(fields["span"]) or {}
        target = target or fields.get("target") or span.get("name")
    message = _take(fields, _MESSAGES)
    if message is None:
        message = fields.get("short_message")  # GELF's, whose long one is the exception
    named = fields["name"] if "name" in fields and level and level.isalpha() and _of_zap(text) else None
    time = _take(fields, _TIMES)
    if level is None and (message is None or time is None):
        return None  # an answer of some server's, within a message
    message = fields.get("err", "") if message is None else message
    component = target or _component(fields) or named
    if component is None and level and level.isupper() and by_place:
        component = fields.get("name") or fields.get("caller")
    found = _eth(component, message, {**fields, **span} if span else fields, execution, not by_place)
    word = level_of(level) or _NUMBERS.get(level) if level else None
    if level and level not in LEVEL_OF and level not in _NUMBERS:  # such as slog's `DEBUG-4`
        fields["level"] = level
    return Line(word, component, message, fields, time, False, found)


def _component(fields: dict[str, str]) -> str | None:
    component = None
    for key in _COMPONENTS:
        if fields.get(key):
            component = fields[key]
            break
    for key in _JAVA_LOGGERS:
        if key in fields and component in (None, fields[key]):
            return fields[key].rpartition(".")[2] or None
    return component


def _eth(
    component: str | None, message: str, fields: dict[str, str], execution: bool, lighthouse: bool
) -> dict[str, str] | None:
    if execution:
        return eth.of_execution(component, message, fields)
    found = eth.of_lighthouse(message, fields) if lighthouse else eth.from_fields(fields, eth.CONSENSUS)
    if found is None and not fields.keys().isdisjoint(_JAVA):
        found = log4j.eth_of(message)
    if found is None and "context" in fields:  # Lodestar's
        found = eth.from_fields(read_object(fields["context"]) or {}, eth.CONSENSUS)
    return found


def _of_zap(text: str) -> bool:
    """Return True if `name` comes where zap has it: between the time and the message."""
    return 0 < text.find('"name":') < max(text.find('"msg":'), text.find('"M":'))


def _take(fields: dict[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        if name in fields:
            return fields.pop(name)
    return None


def read_object(text: str) -> dict[str, str] | None:
    """Return the members of the JSON object that a text is; None when it is none.

    Texts are decoded, without colours and control characters; all else is as printed, objects and lists too.
    """
    try:
        return _members(text.strip())
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None


def _members(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    again: dict[str, int] = {}
    place = _skip(text, 1)
    if text[0] != "{":
        raise ValueError
    if text[place] == "}":
        place += 1
    else:
        while True:
            if text[place] != '"':
                raise ValueError
            key, place = scanstring(text, place + 1, True)
            place = _skip(text, place)
            if text[place] != ":":
                raise ValueError
            value, place = _value(text, _skip(text, place + 1))
            key = _plain(key)
            if key in fields and fields[key] != value:  # the last counts, as everywhere
                again[key] = again.get(key, 0) + 1
                fields[f"{key}#{again[key]}"] = fields[key]
            fields[key] = value
            place = _skip(text, place)
            if text[place] == "}":
                place += 1
                break
            if text[place] != ",":
                raise ValueError
            place = _skip(text, place + 1)
    if place != len(text):
        raise ValueError
    return fields


def _value(text: str, place: int) -> tuple[str, int]:
    if text[place] == '"':
        value, end = scanstring(text, place + 1, True)
        return _plain(value), end
    if number := _NUMBER.match(text, place):
        return number[0], number.end()
    decoded: tuple[Any, int] = _decode(text, place)
    return _plain(text[place : decoded[1]]), decoded[1]


def _skip(text: str, place: int) -> int:
    if text[place] > " ":
        return place
    blank = _BLANK.match(text, place)
    return blank.end() if blank else place


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))
