"""The payload of `read_logs`, checked.

Belongs here: what may be asked of the past and in which shape. It must not know how it is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import BadRequest
from ..journal.formats import LEVELS
from ..journal.history.query import MOST, Direction, Query
from ..journal.history.wanted import BadPattern, Wanted
from ..units import unit_name
from . import wire

DEFAULT_LIMIT = 200
MOST_BUCKETS = 500
MOST_TEXT = 1000
"Characters of `match`."
SYSTEM = "system"
"The whole journal of the node."
_ETH = ("slot", "block", "epoch")
_LAST = 253_402_300_799_999
"The last millisecond of the year 9999."


@dataclass(frozen=True, slots=True)
class PastRequest:
    """One `read_logs`."""

    pages: tuple[Query, ...]
    "One; two for a page around a cursor: what is before it, and the entry itself with what is after it."
    buckets: int | None
    "Stretches of a histogram; None: a page."
    mask: bool
    id: str | None
    "A newer request with the same one takes this one's place."


def past_request(payload: dict[str, Any]) -> PastRequest:
    """Return what a payload asks for. Raises `BadRequest`, which does not repeat what was sent."""
    limit = _number(payload, "limit", 1, MOST, DEFAULT_LIMIT)
    since, until = _time(payload, "since"), _time(payload, "until")
    buckets = _number(payload, "counts", 1, MOST_BUCKETS, None)
    if since is not None and until is not None and since > until:
        raise BadRequest("`since` must not be later than `until`.")
    if buckets is not None and (since is None or until is None):
        raise BadRequest("`counts` needs `since` and `until`.")
    pages = _pages(
        payload, Query(_units(payload), since_us=since, until_us=until, wanted=_wanted(payload), limit=limit or 1)
    )
    if buckets is not None:
        pages = pages[:1]
    name = payload.get("id")
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= 64):
        raise BadRequest("`id` must be text of at most 64 characters.")
    return PastRequest(pages, buckets, wire.get_flag(payload, "mask", False), name)


def _pages(payload: dict[str, Any], query: Query) -> tuple[Query, ...]:
    given = [key for key in ("before", "after", "around") if payload.get(key) is not None]
    if len(given) > 1:
        raise BadRequest("Only one of `before`, `after` and `around` may be given.")
    if not given:
        return (query,)
    cursor = wire.get_cursor(payload, given[0])

    def page(direction: Direction, limit: int, inclusive: bool = False) -> Query:
        return Query(query.units, direction, cursor, inclusive, query.since_us, query.until_us, query.wanted, limit)

    if given == ["before"]:
        return (page(Direction.BACKWARDS, query.limit),)
    if given == ["after"]:
        return (page(Direction.FORWARDS, query.limit),)
    before = query.limit // 2
    after = page(Direction.FORWARDS, query.limit - before, inclusive=True)
    return (page(Direction.BACKWARDS, before), after) if before else (after,)


def _units(payload: dict[str, Any]) -> tuple[str, ...]:
    """Return the units asked for, each once and in order; none for the whole journal."""
    services = wire.get_services(payload)
    if SYSTEM in services:
        return ()
    units = [unit_name(each) for each in services]
    if None in units:
        raise BadRequest("Each service must be the name of a systemd service.")
    return tuple(sorted({unit for unit in units if unit is not None}))


def _wanted(payload: dict[str, Any]) -> Wanted:
    level = payload.get("level")
    if level is not None and level not in LEVELS:
        raise BadRequest(f"`level` must be one of {', '.join(LEVELS)}.")
    match = payload.get("match")
    if match is not None and (not isinstance(match, str) or len(match) > MOST_TEXT):
        raise BadRequest(f"`match` must be text of at most {MOST_TEXT} characters.")
    words: tuple[str, ...] = ()
    pattern = None
    if match and len(match) > 2 and match.startswith("/") and match.endswith("/"):
        pattern = match[1:-1]
    elif match:
        words = tuple(match.split())
    try:
        return Wanted(level, words, pattern, _eth(payload))
    except BadPattern:
        raise BadRequest("`match` is no regular expression that RE2 understands.") from None


def _eth(payload: dict[str, Any]) -> tuple[str, int] | None:
    eth = payload.get("eth")
    if eth is None:
        return None
    if not isinstance(eth, dict) or len(eth) != 1 or (key := next(iter(eth))) not in _ETH:
        raise BadRequest("`eth` must have one of `slot`, `block` and `epoch`.")
    number = _number(eth, key, 0, 2**63, None)
    if number is None:
        raise BadRequest(f"`{key}` must be a whole number.")
    return key, number


def _number(payload: dict[str, Any], key: str, least: int, most: int, default: int | None) -> int | None:
    value = payload.get(key)
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or not least <= value <= most
        or value % 1
    ):
        raise BadRequest(f"`{key}` must be a whole number from {least} to {most}.")
    return int(value)


def _time(payload: dict[str, Any], key: str) -> int | None:
    """Return a time in microseconds since the epoch, from ISO 8601 (UTC unless it says otherwise) or milliseconds."""
    value = payload.get(key)
    if value is None:
        return None
    try:
        if isinstance(value, str) and len(value) <= 40:
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            microseconds = int(moment.timestamp()) * 1_000_000 + moment.microsecond
        elif isinstance(value, int | float) and not isinstance(value, bool):
            microseconds = round(value * 1000)
        else:
            raise ValueError
    except (ValueError, OverflowError):
        raise BadRequest(f"`{key}` must be a time in ISO 8601, or milliseconds since 1970.") from None
    if not 0 <= microseconds <= _LAST * 1000:
        raise BadRequest(f"`{key}` must be a time between 1970 and 9999.")
    return microseconds
