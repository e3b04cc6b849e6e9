"""Times as people and programs write them, as microseconds since the epoch.

Belongs here: the forms that journalctl prints, that clients print, and that `--since` takes. Where a year, a date or a
zone is missing, the latest such moment that is not in the future is meant.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

SECOND = 1_000_000
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_CLOCK = r"(?P<H>\d\d):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
_FORM = re.compile(
    r"(?:[A-Z][a-z]{2} )?(?:"
    r"(?P<y>\d{4})[-/](?P<m>\d\d)[-/](?P<d>\d\d)(?:[T ]" + _CLOCK + r")?"
    r"|(?P<mon>[A-Z][a-z]{2})[- ](?P<day>[ \d]\d) " + _CLOCK.replace("P<", "P<a")
    + r"|(?P<day2>\d\d) (?P<mon2>[A-Z][a-z]{2}) " + _CLOCK.replace("P<", "P<b")
    + r"|(?P<m3>\d\d)-(?P<d3>\d\d)\|" + _CLOCK.replace("P<", "P<c")
    + "|" + _CLOCK.replace("P<", "P<e")
    + r") ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?\Z"
)  # fmt: skip
_EPOCH = re.compile(r"@?(\d{9,11})(?:\.(\d{1,6}))?\Z")
_SPAN = re.compile(r"(\d{1,6}) ?(us|ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)(?=[\s\d]|\Z) ?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def moment(text: str, now: datetime, zone: tzinfo | None = None) -> int | None:
    """Read a time; None when it is none.

    :param now: with its zone; completes what is missing
    :param zone: of times that name none; None is this machine's
    """
    if epoch := _EPOCH.match(text):
        return int(epoch[1]) * SECOND + int(f"{epoch[2] or '':0<6}")
    found = _FORM.match(text)
    if found is None:
        return None
    parts = {name.lstrip("abce"): part for name, part in found.groupdict().items() if part}
    try:
        return _of_parts(parts, now.astimezone(zone), zone)
    except (ValueError, OverflowError, KeyError):
        return None


def _of_parts(parts: dict[str, str], now: datetime, zone: tzinfo | None) -> int:
    day = parts.get("d") or parts.get("day") or parts.get("day2") or parts.get("d3")
    named = parts.get("mon") or parts.get("mon2")
    month = _MONTHS[named] if named else int(parts.get("m") or parts.get("m3") or now.month)
    clock = (
        int(parts.get("H", 0)),
        int(parts.get("M", 0)),
        int(parts.get("S", 0)),
        int(f"{parts.get('f', ''):0<6.6}"),
    )
    found = datetime(int(parts.get("y", now.year)), month, int(day) if day else now.day, *clock)
    offset = _zone(parts["zone"]) if "zone" in parts else zone
    at = found.replace(tzinfo=offset) if offset else found.astimezone()
    if day and "y" not in parts and at > now + timedelta(days=1):
        at = at.replace(year=at.year - 1)
    while not day and at > now:
        at -= timedelta(days=1)
    return microseconds(at)


def microseconds(at: datetime) -> int:
    """Return a moment with its zone as microseconds since the epoch."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _zone(text: str) -> tzinfo:
    if text in ("Z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-away if text[0] == "-" else away)


def wanted(text: str, now: datetime, zone: tzinfo | None = None) -> int:
    """Read what `--since` and `--until` take: a time, `today`, `yesterday`, `now`, `-1h30m`, `2 hours ago`.

    :raises ValueError: it is none of these
    """
    word = text.strip()
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if word in ("now", "today", "yesterday"):
        return microseconds({"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}[word])
    span = (
        word.removeprefix("-") if word.startswith("-") else word.removesuffix(" ago") if word.endswith(" ago") else ""
    )
    if span and (pieces := list(_SPAN.finditer(span))) and sum(len(each[0]) for each in pieces) == len(span):
        seconds = sum(int(each[1]) * _seconds(each[2]) for each in pieces)
        return microseconds(now) - int(seconds * SECOND)
    at = moment(word, now, zone)
    if at is None:
        raise ValueError(text)
    return at


def _seconds(unit: str) -> float:
    return {"us": 1e-6, "ms": 1e-3}.get(unit) or _UNITS[unit[0]]
