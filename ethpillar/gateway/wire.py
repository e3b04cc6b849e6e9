"""Payloads, as bytes on the wire have them.

Belongs here: reading what a client sent, by typed getters that refuse what does not fit, and encoding what it gets.
A line is encoded here once, as the whole frame of its Socket.IO packet, and the same bytes go to every socket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from ..errors import BadRequest
from ..journal.clients import client_of
from ..journal.entry import Entry
from ..journal.formats import Line, Template
from ..nodes.items import Encoder, Fill, Item
from ..units import UnitStatus, service_name, unit_name
from ..web.ready import Ready, message_of, messages_in, ready_frame

MOST_SERVICES = 32
MAX_BACKLOG = 5000
MAX_BATCH = 500
"Lines in one `log_batch`."
DEFAULT_BACKLOG = 50
DEFAULT_INTERVAL_MS = 5000
MIN_INTERVAL_MS, MAX_INTERVAL_MS = 1_000, 300_000

LOG_OPTIONS = frozenset({"services", "lines", "after", "lossless", "batch"})
"What only a client that knows this server sends with `subscribe_logs`."

_BOOT = re.compile(r";b=([0-9a-f]{8})")
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
    """A cursor, or None when left out. Raises `BadRequest`."""
    cursor = payload.get(key)
    if cursor is None:
        return None
    if not isinstance(cursor, str) or not _CURSOR.fullmatch(cursor):
        raise BadRequest(f"`{key}` must be a cursor from an earlier line.")
    return cursor


def get_flag(payload: dict[str, Any], key: str, default: bool) -> bool:
    """True or false, or the default when left out. Raises `BadRequest`."""
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
    return "2" + _dumps(arguments).decode()


def _dumps(value: Any) -> bytes:
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


_LOG_DATA = b'2["log_data",'


def encode_line(service: str, entry: Entry, text: str, line: Line, last: bool) -> bytes:
    """Return the frame of one `log_data`; see `line_payload`."""
    return ready_frame(_LOG_DATA, _dumps(line_payload(service, entry, text, line, last)), b"]")


_RAW, _JSON = "\0", "\1"
"What stands for text, and for any JSON, in a template's payload: no cleaned line has such characters."


def encode_template(service: str, template: Template) -> Fill:
    """Return what encodes the lines that fit a template, to the same bytes as `encode_line` does."""
    fields = {key: _RAW if key in template.keys else value for key, value in template.line.fields.items()}
    model = Entry(_JSON, 0, b"")
    payload = line_payload(service, model, _RAW, template.line._replace(fields=fields, eth=None), True)
    payload["timestamp"] = _JSON
    form = _LOG_DATA + orjson.dumps(payload).replace(b"%", b"%%")[:-1] + b"%s}]"
    form = form.replace(orjson.dumps(_JSON), b"%s").replace(orjson.dumps(_RAW), b'"%s"')

    def fill(entry: Entry, values: Sequence[bytes]) -> bytes:
        line = entry.message.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        more = b',"eth":' + orjson.dumps(eth) if (eth := template.eth(values)) else b""
        time, cursor = orjson.dumps(iso_time(entry.realtime_us)), orjson.dumps(entry.cursor)
        return ready_frame(form % (line, time, *values, cursor, more))

    return fill


def encoder() -> Encoder:
    """Return how lines are encoded."""
    return Encoder(encode_line, encode_template)


def line_payload(service: str, entry: Entry, text: str, line: Line, last: bool) -> dict[str, Any]:
    """Return one line as `log_data` and `log_batch` have it.

    :param text: the line as a person sees it in the journal: whole, without colours
    :param last: whether it is its entry's last line. Only that one has the cursor: resuming after it skips nothing.
    """
    payload: dict[str, Any] = {
        "service": service,
        "line": text,
        "timestamp": iso_time(entry.realtime_us),
        "level": line.level,
        "component": line.component,
        "message": line.message,
        "fields": line.fields,
        "cursor": entry.cursor if last else None,
    }
    if line.continuation:
        payload["continuation"] = True
    if line.eth:
        payload["eth"] = line.eth
    return payload


def ready_lines(items: Iterable[Item]) -> Ready:
    """Return what items are to a socket that gets an event for each line."""
    every = list(items)
    return Ready(b"".join([item.data for item in every]), sum([item.lines for item in every]))


def ready_batches(whose: dict[str, Any], items: Iterable[Item]) -> Ready:
    """Return what items are to a socket that gets many lines in one event, a `log_batch`.

    The first of them, and each whose boot is not that of the one before, says in which boot it was written.

    :param whose: its `service`, or `services`
    """
    entries: list[bytes] = []
    boot = ""
    for item in items:
        if item.lines == 1:  # as almost all have
            some = [message_of(item.data)[len(_LOG_DATA) : -1]]
        else:
            some = [message[len(_LOG_DATA) : -1] for message in messages_in(item.data)]
        if some and (not boot or boot not in item.cursor) and (found := _BOOT.search(item.cursor)) is not None:
            boot = found[0]
            some[0] = some[0][:-1] + b',"boot":"' + found[1].encode() + b'"}'
        entries += some
    head = b'2["log_batch",' + _dumps(whose)[:-1] + b',"entries":['
    starts = range(0, len(entries), MAX_BATCH)
    batches = [ready_frame(head, b",".join(entries[at : at + MAX_BATCH]), b"]}]") for at in starts]
    return Ready(b"".join(batches), len(batches))


def boot_of(entry: Entry) -> str | None:
    """Return the boot in which an entry was written: the beginning of its id, which tells it from others."""
    found = _BOOT.search(entry.cursor)
    return None if found is None else found[1]


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
    if not 0 < realtime_us < 253_402_300_800_000_000:
        return None
    seconds, micros = divmod(realtime_us, 1_000_000)
    return f"{_iso_seconds(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=16)  # lines come many to a second
def _iso_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
