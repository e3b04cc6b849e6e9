"""Lines of logs, as bytes on the wire have them.

Belongs here: encoding a line once, as the whole frame of its Socket.IO packet, so that the same bytes go to every
socket; and making runs of such frames into what a socket gets. It must not know who gets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import orjson

from ..journal.entry import Entry
from ..journal.formats import Line, Template
from ..nodes.items import Encoder, Fill, Item
from ..web.frames import TEXT, server_frame
from ..web.ready import MESSAGE, Ready, message_of, messages_in, ready_frame
from .wire import dumps, iso_time, json_time

MAX_BATCH = 500
"Lines in one `log_batch`."

_BOOT = re.compile(r";b=([0-9a-f]{8})")
_LOG_DATA = b'2["log_data",'
_BEFORE = len(_LOG_DATA)


def encode_line(service: str, entry: Entry, text: str, line: Line, last: bool) -> bytes:
    """Return the frame of one `log_data`; see `line_payload`."""
    return ready_frame(_LOG_DATA, dumps(line_payload(service, entry, text, line, last)), b"]")


_RAW, _JSON = "\0", "\1"
"What stands for text, and for any JSON, in a template's payload: no cleaned line has such characters."


def encode_template(service: str, template: Template) -> Fill:
    """Return what encodes the lines that fit a template, to the same bytes as `encode_line` does."""
    fields = {key: _RAW if key in template.keys else value for key, value in template.line.fields.items()}
    model = Entry(_JSON, 0, b"")
    places = list(template.chain.values())
    eth = dict.fromkeys(template.chain, _RAW) or None
    payload = line_payload(service, model, _RAW, template.line._replace(fields=fields, eth=eth), True)
    payload["timestamp"] = _JSON
    form = MESSAGE + _LOG_DATA + orjson.dumps(payload).replace(b"%", b"%%") + b"]"
    form = form.replace(orjson.dumps(_JSON), b"%s").replace(orjson.dumps(_RAW), b'"%s"')

    json = orjson.dumps

    def fill(entry: Entry, values: Sequence[bytes]) -> bytes:
        line = entry.message.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        facts = [values[at].replace(b",", b"") for at in places]
        return server_frame(TEXT, form % (line, json_time(entry.realtime_us), *values, json(entry.cursor), *facts))

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


def boots_in(items: Iterable[Item]) -> list[tuple[int, str]]:
    """Return where in a run of items boots begin: the index of each first item, and the beginning of the boot's id."""
    found: list[tuple[int, str]] = []
    part = ""
    for at, item in enumerate(items):
        if item.lines and (not part or part not in item.cursor) and (boot := _BOOT.search(item.cursor)) is not None:
            part = boot[0]
            found.append((at, boot[1]))
    return found


def _entries(item: Item) -> list[bytes]:
    """Return the JSON of an item's lines."""
    if item.lines == 1:  # as almost all have
        return [message_of(item.data, _BEFORE, -1)]
    return [message[_BEFORE:-1] for message in messages_in(item.data)]


def _with_boot(entries: Sequence[bytes], boot: str) -> list[bytes]:
    """Return some lines, the first of them with the boot."""
    return [entry[:-1] + b',"boot":"' + boot.encode() + b'"}' for entry in entries[:1]] + [*entries[1:]]


def ready_lines(items: Iterable[Item], boots: Sequence[tuple[int, str]] = ()) -> Ready:
    """Return what items are to a socket that gets an event for each line.

    :param boots: those that say in which boot they were written (see `boots_in`)
    """
    every = list(items)
    frames = [item.data for item in every]
    for at, boot in boots:
        entries = _with_boot(_entries(every[at]), boot)
        frames[at] = b"".join([ready_frame(_LOG_DATA, entry, b"]") for entry in entries])
    return Ready(b"".join(frames), sum([item.lines for item in every]))


def ready_batches(whose: dict[str, Any], items: Sequence[Item]) -> Ready:
    """Return what items are to a socket that gets many lines in one event, a `log_batch`.

    The first of them, and each whose boot is not that of the one before, says in which boot it was written.

    :param whose: its `service`, or `services`
    """
    each = [_entries(item) for item in items]
    for at, boot in boots_in(items):
        each[at] = _with_boot(each[at], boot)
    entries = [*chain.from_iterable(each)]
    head = b'2["log_batch",' + dumps(whose)[:-1] + b',"entries":['
    batches = [_batch(head, entries[at : at + MAX_BATCH]) for at in range(0, len(entries), MAX_BATCH)]
    return Ready(b"".join(batches), len(batches))


def _batch(head: bytes, entries: list[bytes]) -> bytes:
    entries[-1] += b"]}]"
    return ready_frame(head + entries[0], *entries[1:], between=b",")


class Boots:
    """The boots that one reader was told of: with the first line, and when another boot begins."""

    def __init__(self) -> None:
        self._last = ""

    def new(self, boots: Sequence[tuple[int, str]]) -> Sequence[tuple[int, str]]:
        """Return those of a run's boots (see `boots_in`) that the socket has to be told of."""
        if not boots:
            return boots
        told, self._last = self._last, boots[-1][1]
        return boots[1:] if boots[0][1] == told else boots

    def news(self, entry: Entry) -> dict[str, str]:
        """Return what an entry's first line has to tell of its boot: nothing if that is told."""
        found = _BOOT.search(entry.cursor)
        if found is None or found[1] == self._last:
            return {}
        self._last = found[1]
        return {"boot": found[1]}
