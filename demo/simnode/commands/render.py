"""An entry as journalctl prints it: export, json, cat, short, short-iso."""

from __future__ import annotations

import time

from . import store
from .reader import Data, Fields, Render
from .store import BOOT, FIELDS_NUMBER, HEAD, MESSAGE, OFFSET, REALTIME, Entry

HUMAN = ("short", "short-iso")
FORMATS = ("export", "json", "cat", *HUMAN)
JSON_LONGEST = 4096
"A longer field is null in json, unless --all is given."


def renderer(form: str, data: Data, fields: Fields, wanted: set[str] | None, everything: bool, hostname: str) -> Render:
    """What renders entries.

    :param wanted: --output-fields; None: all
    :param everything: --all
    """
    if form == "export":
        return _export(data, fields, wanted)
    if form == "json":
        return _json(data, fields, wanted, everything)
    if form == "cat":
        return lambda entry: _message(data, entry) + b"\n"
    return _short(form, data, fields, hostname)


def _export(data: Data, fields: Fields, wanted: set[str] | None) -> Render:
    texts: dict[int, bytes] = {}
    with_message = wanted is None or "MESSAGE" in wanted

    def text(number: int) -> bytes:
        chosen = [(k, v) for k, v in fields.get(number).items() if wanted is None or k in wanted]
        texts[number] = b"".join(store.field_text(key, value.encode()) for key, value in chosen)
        return texts[number]

    def render(entry: Entry) -> bytes:
        number = entry[FIELDS_NUMBER]
        others = texts[number] if number in texts else text(number)
        head = entry[HEAD]
        stored = data.get(entry[OFFSET], head + entry[MESSAGE] if with_message else head)
        return b"%s%s%s\n" % (stored[:head], others, stored[head:])

    return render


def _message(data: Data, entry: Entry) -> bytes:
    field = data.get(entry[OFFSET] + entry[HEAD], entry[MESSAGE])
    if field.startswith(b"MESSAGE="):
        return field[len("MESSAGE=") : -1]
    return field[len("MESSAGE\n") + 8 : -1]


def _json(data: Data, fields: Fields, wanted: set[str] | None, everything: bool) -> Render:
    import json  # only here: it takes long to import

    def value(content: bytes) -> object:
        if len(content) > JSON_LONGEST and not everything:
            return None
        # json has an escape for line breaks, but not for other control characters, says journalctl.
        if store.printable(content.replace(b"\n", b"")):
            return content.decode()
        return list(content)

    def render(entry: Entry) -> bytes:
        head = data.get(entry[OFFSET], entry[HEAD]).decode()
        document: dict[str, object] = {}
        document.update(dict(line.split("=", 1) for line in head.splitlines()))
        chosen = {k: v.encode() for k, v in fields.get(entry[FIELDS_NUMBER]).items()}
        chosen["MESSAGE"] = _message(data, entry)
        document.update({k: value(v) for k, v in chosen.items() if wanted is None or k in wanted})
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    return render


def _short(form: str, data: Data, fields: Fields, hostname: str) -> Render:
    import re  # only here: it takes long to import

    colour = re.compile(rb"\x1b\[[0-9;:]*[A-Za-z]")
    layout = "%Y-%m-%dT%H:%M:%S%z" if form == "short-iso" else "%b %d %H:%M:%S"
    boot: list[int] = []

    def render(entry: Entry) -> bytes:
        known = fields.get(entry[FIELDS_NUMBER])
        pid = f"[{known['_PID']}]" if "_PID" in known else ""
        when = time.strftime(layout, time.localtime(entry[REALTIME] // 1_000_000))
        before = b"-- Boot --\n" if boot and boot[0] != entry[BOOT] else b""
        boot[:] = [entry[BOOT]]
        message = colour.sub(b"", _message(data, entry))
        if not store.printable(message.replace(b"\n", b"")):
            message = b"[%dB blob data]" % len(message)
        return b"%s%s %s\n" % (before, f"{when} {hostname} {known['SYSLOG_IDENTIFIER']}{pid}:".encode(), message)

    return render
