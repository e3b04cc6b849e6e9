"""The node's directory: what is where, and how an entry is stored.

Belongs here: what the writer and the commands must agree on.

    state           rights, units, boot, how the commands misbehave; replaced as a whole
    calls.jsonl     one line for each call of a command
    journal/data    ready-made export text of entries: the four fields that are always there, then MESSAGE
    journal/all     the index: an `ENTRY` for each entry, in order of sequence number
    journal/u-NAME  the same for the entries that `journalctl -u NAME` shows
    journal/fields  a list of the sets of other fields; entries name theirs by its number; replaced as a whole

The writer appends to `data`, then to `u-NAME`, then to `all`. A reader takes nothing beyond the last whole entry of
`all`, so it never sees half of anything. What is replaced as a whole is in Python's marshal format: importing json
would double the time that a command takes.
"""

from __future__ import annotations

import marshal
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # not at run time: it takes longer to import than all the rest

BIN = "bin"
STATE = "state"
CALLS = "calls.jsonl"
LOCK = "lock"
JOURNAL = "journal"
UNDER_SUDO = "SIMNODE_SUDO"
"Set in the environment of what sudo runs."
DATA = os.path.join(JOURNAL, "data")
ALL = os.path.join(JOURNAL, "all")
FIELDS = os.path.join(JOURNAL, "fields")

ENTRY = struct.Struct("<QIIQQQII")
"Offset in `data`, bytes of the head, bytes of MESSAGE, sequence number, realtime, monotonic, fields, boot."
OFFSET, HEAD, MESSAGE, SEQNUM, REALTIME, MONOTONIC, FIELDS_NUMBER, BOOT = range(8)

Entry = tuple[int, int, int, int, int, int, int, int]


def load(folder: str) -> dict[str, Any]:
    """The state of the node in this directory."""
    loaded: dict[str, Any] = load_whole(os.path.join(folder, STATE))
    return loaded


def load_whole(path: str) -> Any:
    """What `save_whole` has written."""
    with open(path, "rb") as file:
        return marshal.load(file)


def save_whole(path: str, content: Any) -> None:
    """Replaces a file, in one step. To be called under the lock."""
    with open(path + ".new", "wb") as file:
        marshal.dump(content, file)
    os.replace(path + ".new", path)


def unit_index(unit: str) -> str:
    """Where a unit's index is."""
    return os.path.join(JOURNAL, "u-" + unit)


def full_name(unit: str) -> str:
    """A unit's name with its suffix, as systemd completes it."""
    stem, dot, suffix = unit.rpartition(".")
    known = ("service", "socket", "target", "timer", "mount", "scope", "slice", "path", "swap", "device", "automount")
    return unit if dot and stem and suffix in known else unit + ".service"


def field_text(name: str, value: bytes) -> bytes:
    """A field in the export format: as text when it is printable UTF-8, else with its length."""
    if printable(value):
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)


_CONTROL = bytes(number for number in range(0x20) if number != 9) + b"\x7f"


def printable(value: bytes) -> bool:
    """Return True if journalctl prints it as text: valid UTF-8 without control characters, but for the tab."""
    if len(value.translate(None, _CONTROL)) != len(value):
        return False
    if value.isascii():
        return True
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any("\x80" <= character <= "\x9f" for character in text)
