"""Writing the node's directory: the state as a whole, and entries of the journal.

Any number of processes may write: every change is made under one lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .commands import store
from .commands.store import ENTRY

_AT_ONCE = 4096
"Entries written in one go."


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """Nobody else writes meanwhile."""
    handle = os.open(state / store.LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def load(state: Path) -> dict[str, Any]:
    """The state."""
    return store.load(str(state))


def save(state: Path, document: dict[str, Any]) -> None:
    """Replaces the state. To be called under the lock."""
    store.save_whole(str(state / store.STATE), document)


def create(state: Path) -> None:
    """Makes the directory of a node that has booted and has no units; does nothing when there is one."""
    (state / store.JOURNAL).mkdir(parents=True, exist_ok=True)
    with locked(state):
        if (state / store.STATE).exists():
            return
        now = time.time_ns() // 1000
        save(
            state,
            {
                "hostname": "staking-node",
                "machine_id": secrets.token_hex(16),
                "seqnum_id": secrets.token_hex(16),
                "boot": {"number": 0, "id": secrets.token_hex(16), "started_us": now - 3_600_000_000},
                "first_seqnum": 1,
                "systemd": 252,
                "access": "plain",
                "password": None,
                "units": {},
                "systemctl": {"fail": False, "hang": False},
                "journalctl": {"ends": 0},
            },
        )
    journal = JournalWriter(state)
    fields = {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "kernel", "_TRANSPORT": "kernel"}
    journal.write(None, fields, [b"Linux version 6.1.0-31-amd64 (debian-kernel@lists.debian.org)"])
    fields = {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "systemd", "_PID": "1", "_SYSTEMD_UNIT": "init.scope"}
    journal.write(None, fields, [b"Reached target multi-user.target - Multi-User System."])


def _head(state: dict[str, Any], seqnum: int, realtime: int, before: int) -> tuple[bytes, int]:
    """:param before: the time since the boot of the entry before, below which none falls however the clock jumps"""
    boot = state["boot"]
    monotonic = max(before + 1, realtime - boot["started_us"])
    spread = seqnum * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF  # stands for the hash of the entry's data
    text = (
        f"__CURSOR=s={state['seqnum_id']};i={seqnum:x};b={boot['id']};m={monotonic:x};t={realtime:x};x={spread:x}\n"
        f"__REALTIME_TIMESTAMP={realtime}\n__MONOTONIC_TIMESTAMP={monotonic}\n_BOOT_ID={boot['id']}\n"
    )
    return text.encode(), monotonic


class JournalWriter:
    """Appends to the journal of one node."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def write(
        self, unit: str | None, fields: dict[str, str], messages: Sequence[bytes], realtime_us: int | None = None
    ) -> None:
        """Appends entries with these fields and a message each.

        :param unit: whose log they are in; None: no unit's
        :param realtime_us: the time of the first; each further one is a microsecond later
        """
        names = [store.ALL] if unit is None else [store.unit_index(unit), store.ALL]
        with locked(self._state), contextlib.ExitStack() as stack:
            data, *indexes = (self._open(name, stack) for name in (store.DATA, *names))
            state = load(self._state)
            number = self._fields_number(fields)
            seqnum, last, _ = _last(indexes[-1], state["boot"]["number"])
            realtime = realtime_us
            if realtime is None:
                realtime = max(time.time_ns() // 1000, last + 1)
            for at in range(0, len(messages), _AT_ONCE):
                some = messages[at : at + _AT_ONCE]
                self._write_some(state, data, indexes, number, some, seqnum + 1 + at, realtime + at)

    def _write_some(
        self,
        state: dict[str, Any],
        data: int,
        indexes: list[int],
        number: int,
        messages: Sequence[bytes],
        seqnum: int,
        realtime: int,
    ) -> None:
        offset = os.fstat(data).st_size
        boot = state["boot"]["number"]
        monotonic = _last(indexes[-1], boot)[2]
        parts: list[bytes] = []
        entries: list[bytes] = []
        for message in messages:
            head, monotonic = _head(state, seqnum, realtime, monotonic)
            text = store.field_text("MESSAGE", message)
            entries.append(ENTRY.pack(offset, len(head), len(text), seqnum, realtime, monotonic, number, boot))
            parts += (head, text)
            offset += len(head) + len(text)
            seqnum += 1
            realtime += 1
        _write_all(data, b"".join(parts))
        for index in indexes:
            _write_all(index, b"".join(entries))

    def _open(self, name: str, stack: contextlib.ExitStack) -> int:
        handle = os.open(self._state / name, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        stack.callback(os.close, handle)
        return handle

    def _fields_number(self, fields: dict[str, str]) -> int:
        path = self._state / store.FIELDS
        sets: list[dict[str, str]] = store.load_whole(str(path)) if path.exists() else []
        if fields not in sets:
            store.save_whole(str(path), [*sets, fields])
            return len(sets)
        return sets.index(fields)

    def vacuum(self, keep_last: int) -> None:
        """Forgets all but the last entries."""
        with locked(self._state), contextlib.ExitStack() as stack:
            index = self._open(store.ALL, stack)
            count = os.fstat(index).st_size // ENTRY.size
            state = load(self._state)
            state["first_seqnum"] = _last(index, 0)[0] + 1 - min(keep_last, count)
            save(self._state, state)
            if 0 < keep_last < count:
                first = ENTRY.unpack(os.pread(index, ENTRY.size, (count - keep_last) * ENTRY.size))
                _free(self._open(store.DATA, stack), first[store.OFFSET])


def _last(index: int, boot: int) -> tuple[int, int, int]:
    """Sequence number and realtime of the last entry, and its time since this boot: -1 if it is of another one."""
    size = os.fstat(index).st_size // ENTRY.size * ENTRY.size
    if not size:
        return 0, 0, -1
    entry = ENTRY.unpack(os.pread(index, ENTRY.size, size - ENTRY.size))
    return entry[store.SEQNUM], entry[store.REALTIME], entry[store.MONOTONIC] if entry[store.BOOT] == boot else -1


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _free(handle: int, size: int) -> None:
    # A demo may run for days: gives the space back to the file system, where it can. The offsets stay.
    size -= size % mmap.PAGESIZE
    if size and hasattr(mmap, "MADV_REMOVE"):
        with contextlib.suppress(OSError, ValueError), mmap.mmap(handle, size) as area:
            area.madvise(mmap.MADV_REMOVE)
