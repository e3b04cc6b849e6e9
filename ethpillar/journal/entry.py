"""A journal record, reduced to the few fields that a log line needs.

Belongs here: the value that `journal.export` makes and everybody else reads. It must not know how the bytes
came (SSH, a pipe, a file) nor what a client's line looks like inside.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One journal record, as `journalctl -o export` wrote it (systemd.journal-fields(7)).

    A named tuple: made a hundred thousand times a second in a burst, it costs a quarter of a frozen dataclass.
    """

    cursor: str
    "`__CURSOR`: opaque, resumable, unique to the record. Empty when the source gave none."
    realtime_us: int
    "`__REALTIME_TIMESTAMP`: microseconds since the epoch, UTC. 0 when the source gave none."
    message: bytes
    "`MESSAGE` as the program printed it: any bytes, possibly with line breaks, possibly empty."
    priority: int | None = None
    "`PRIORITY`: syslog's 0 (emerg) to 7 (debug), or None."
    identifier: str | None = None
    "`SYSLOG_IDENTIFIER`: `systemd` for the manager's own lines about a unit."
    pid: int | None = None
    "`_PID`: 1 for the manager itself."
    unit: str | None = None
    "The unit this record is about: `UNIT` when the manager wrote it, else `_SYSTEMD_UNIT`."
    boot_id: str | None = None
    "`_BOOT_ID`: changes with every boot of the node."
    goes_on: bool = False
    "True if journald cut a long line here, and the next entry is the rest of it (`_LINE_BREAK=line-max`)."
