"""Payloads, as bytes on the wire have them.

Belongs here: reading what a client sent, by typed getters that refuse what does not fit, and encoding what it gets.
Lines are encoded in `gateway.log_lines`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from ..errors import BadRequest
from ..journal.clients import client_of
from ..units import UnitStatus, service_name, unit_name

MOST_SERVICES = 32
MAX_BACKLOG = 5000
DEFAULT_BACKLOG = 50
DEFAULT_INTERVAL_MS = 5000
MIN_INTERVAL_MS, MAX_INTERVAL_MS = 1_000, 300_000

LOG_OPTIONS = frozenset({"services", "lines", "after", "lossless", "batch"})
"What only a client that knows this server sends with `subscribe_logs`."

_CURSOR = re.compile(r"[A-Za-z0-9=;:_-]{1,512}")

# -- what clients send


def payload_object(arguments: Sequence[Any]) -> dict[str, Any]:
    """Return the one object that an event carries. Raises `BadRequest`."""
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise BadRequest("The event needs one object as its payload.")
    return arguments[0]


def get_unit(payload: dict[str, Any]) -> str:
    """Return the systemd unit that `service` means. Raises `BadRequest`, which does not repeat what was sent."""
    unit = unit_name(payload.get("service"))
    if unit is None:
        raise BadRequest("`service` must be the name of a systemd service.")
    return unit


def get_services(payload: dict[str, Any]) -> list[Any]:
    """Return the names in `services`, or else the one in `service`, as they were sent. Raises `BadRequest`."""
    services = payload.get("services")
    if services is None:
        services = [payload.get("service")]
    if not isinstance(services, list) or not 0 < len(services) <= MOST_SERVICES:
        raise BadRequest(f"`services` must be a list of 1 to {MOST_SERVICES} names of systemd services.")
    return services


def get_units(payload: dict[str, Any]) -> list[str]:
    """Return the systemd units that `services` or `service` means, each once. Raises `BadRequest` as `get_unit`."""
    return list(dict.fromkeys(get_unit({"service": each}) for each in get_services(payload)))


def get_lines(payload: dict[str, Any]) -> int:
    """Return the backlog wanted: 0 to 5000, 50 when left out. Raises `BadRequest`."""
    lines = payload.get("lines")
    if lines is None:
        return DEFAULT_BACKLOG
    if isinstance(lines, bool) or not isinstance(lines, int | float) or lines != lines or lines % 1:
        raise BadRequest("`lines` must be a whole number from 0 to 5000.")
    if not 0 <= lines <= MAX_BACKLOG:
        raise BadRequest("`lines` must be a whole number from 0 to 5000.")
    return int(lines)


def get_after(payload: dict[str, Any]) -> str | None:
    """Return the cursor to resume after, or None. Raises `BadRequest`."""
    return get_cursor(payload, "after")


def get_cursor(payload: dict[str, Any], key: str) -> str | None:
    """Return a cursor, or None when left out. Raises `BadRequest`."""
    cursor = payload.get(key)
    if cursor is None:
        return None
    if not isinstance(cursor, str) or not _CURSOR.fullmatch(cursor):
        raise BadRequest(f"`{key}` must be a cursor from an earlier line.")
    return cursor


def get_flag(payload: dict[str, Any], key: str, default: bool) -> bool:
    """Return true or false, or the default when left out. Raises `BadRequest`."""
    value = payload.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadRequest(f"`{key}` must be true or false.")
    return value


def get_interval(payload: dict[str, Any]) -> float:
    """Return the seconds between status updates: from milliseconds, 5000 when left out, kept within 1 s and 300 s."""
    interval = payload.get("interval")
    if interval is None:
        return DEFAULT_INTERVAL_MS / 1000
    if isinstance(interval, bool) or not isinstance(interval, int | float) or interval != interval:
        raise BadRequest("`interval` must be a number of milliseconds.")
    return min(max(interval, MIN_INTERVAL_MS), MAX_INTERVAL_MS) / 1000


# -- what clients get


def event(name: str, payload: Any = None) -> str:
    """Return the text of a Socket.IO EVENT packet in the default namespace: `2["name",payload]`."""
    arguments = [name] if payload is None else [name, payload]
    return "2" + dumps(arguments).decode()


def dumps(value: Any) -> bytes:
    """Return a value as JSON; half a surrogate pair in it becomes `?`."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a lone surrogate somewhere: make it valid text, rather than lose the line
        return orjson.dumps(_mended(value))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_mended(key): _mended(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(each) for each in value]
    return value


def encode_statuses(statuses: Sequence[UnitStatus], at: float | None = None) -> str:
    """Return the packet of one `status_update`.

    :param at: when the node was asked, in seconds since the epoch; None if it was not
    """
    return event("status_update", [status_payload(each, at) for each in statuses])


def status_payload(status: UnitStatus, at: float | None = None) -> dict[str, Any]:
    """Return one unit of a `status_update`; see `encode_statuses`."""
    payload: dict[str, Any] = {
        "service": service_name(status.unit),
        "status": status.status,
        "sub_state": status.sub_state,
        "description": status.description,
        "client": client_of(status.description) if status.description else None,
        "since": status.since,
        "main_pid": status.main_pid,
        "restarts": status.restarts,
        "memory_bytes": status.memory_bytes,
        "enabled": status.enabled,
        "result": status.result,
        "exit_status": status.exit_status,
    }
    if at is not None:
        payload["at"] = iso_time(round(at * 1e6))
    if status.last_lines:
        payload["last_lines"] = status.last_lines
    return payload


def log_state(service: str, state: str, details: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of `log_state`. A gap's times have the format of the lines' times."""
    payload: dict[str, Any] = {"service": service, "state": state}
    for key, value in details.items():
        if key.endswith("_us"):
            payload[key.removesuffix("_us")] = None if value is None else iso_time(value)
        else:
            payload[key] = value
    return payload


def iso_time(realtime_us: int) -> str | None:
    """Return microseconds since the epoch as ISO 8601 in UTC; None for a time that is not valid."""
    text = json_time(realtime_us)
    return None if text == _NO_TIME else text[1:-1].decode()


def json_time(realtime_us: int) -> bytes:
    """Return the same as JSON: a text, or null."""
    if not 0 < realtime_us < 253_402_300_800_000_000:
        return _NO_TIME
    return _json_second(realtime_us // 1_000_000) % (realtime_us % 1_000_000)


_NO_TIME = b"null"


@lru_cache(maxsize=16)  # lines come many to a second
def _json_second(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime('"%Y-%m-%dT%H:%M:%S.%%06dZ"').encode()
