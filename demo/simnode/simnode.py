"""`SimNode`: what a test or the demo does to the simulated node.

Belongs here: the node as seen from outside: programs print, systemd changes states, the machine reboots, commands
misbehave, and what was run is looked up.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from .commands import store
from .processes import running
from .writer import JournalWriter, create, load, locked, save

Access = Literal["plain", "sudo", "sudo-password", "none", "own-user-only", "off"]
LINE_MAX = 48 * 1024
"journald cuts a longer line of a program into several entries."


def _lines(message: bytes | str) -> Iterator[tuple[bytes, bool]]:
    """The entries that journald makes of what a program prints at once, and whether the line goes on in the next."""
    data = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message
    for line in data.replace(b"\0", b"\n").split(b"\n"):
        for at in range(0, len(line) or 1, LINE_MAX):
            yield line[at : at + LINE_MAX], at + LINE_MAX < len(line)


class SimNode:
    """One simulated node. Any number of these, in any process, may act on the same directory."""

    def __init__(self, state_dir: str | os.PathLike[str]) -> None:
        self.state = Path(state_dir).absolute()
        create(self.state)
        self._journal = JournalWriter(self.state)

    # -- the journal

    def append(
        self,
        unit: str,
        message: bytes | str,
        priority: int = 6,
        identifier: str | None = None,
        manager: bool = False,
        realtime_us: int | None = None,
        native: bool = False,
    ) -> None:
        """A unit's program prints a line, or systemd writes one about the unit.

        :param manager: systemd (PID 1) writes it
        :param realtime_us: the journal's time; now when left out
        :param native: it is sent to journald by itself and not printed: kept whole, whatever is in it
        """
        whole = [(message if isinstance(message, bytes) else message.encode(), False)]
        fields = self._fields(unit, priority, identifier, manager, native)
        self._write(unit, fields, whole if native else list(_lines(message)), realtime_us)

    def append_many(self, unit: str, messages: Iterable[bytes | str], realtime_us: int | None = None) -> None:
        """A unit's program prints lines, as fast as can be."""
        lines = [line for message in messages for line in _lines(message)]
        self._write(unit, self._fields(unit, 6, None, False, False), lines, realtime_us)

    def _write(
        self, unit: str, fields: dict[str, str], lines: Sequence[tuple[bytes, bool]], realtime_us: int | None
    ) -> None:
        for goes_on, some in groupby(lines, itemgetter(1)):
            messages = [message for message, _ in some]
            more = {"_LINE_BREAK": "line-max"} if goes_on else {}
            self._journal.write(store.full_name(unit), fields | more, messages, realtime_us)
            realtime_us = None if realtime_us is None else realtime_us + len(messages)

    def _fields(self, unit: str, priority: int, identifier: str | None, manager: bool, native: bool) -> dict[str, str]:
        name = store.full_name(unit)
        host = {"_HOSTNAME": "staking-node", "_SYSTEMD_SLICE": "system.slice"}
        if manager:
            systemd = {"_PID": "1", "_UID": "0", "_COMM": "systemd", "_TRANSPORT": "journal", "UNIT": name}
            words = {"SYSLOG_IDENTIFIER": identifier or "systemd", "_SYSTEMD_UNIT": "init.scope"}
            return {"PRIORITY": str(priority), **words, **systemd, **host}
        stem = name.removesuffix(".service")
        pid = load(self.state)["units"].get(name, {}).get("MainPID", "0")
        program = {"_PID": pid if pid != "0" else "4321", "_UID": "998", "_COMM": identifier or stem}
        words = {"SYSLOG_IDENTIFIER": identifier or stem, "SYSLOG_FACILITY": "3", "_SYSTEMD_UNIT": name}
        return {"PRIORITY": str(priority), **words, **program, "_TRANSPORT": "journal" if native else "stdout", **host}

    def vacuum(self, keep_last: int) -> None:
        """journald deletes all but the last entries of the whole journal."""
        self._journal.vacuum(keep_last)

    def reboot(self) -> None:
        """The machine starts again: all processes are gone, the boot id is new, units start."""
        now = time.time_ns() // 1000
        with locked(self.state):
            state = load(self.state)
            state["boot"] = {"number": state["boot"]["number"] + 1, "id": secrets.token_hex(16), "started_us": now}
            save(self.state, state)
        for process in self.running():
            try:
                os.kill(process["pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue
        started = {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "systemd", "_PID": "1", "_SYSTEMD_UNIT": "init.scope"}
        self._journal.write(None, started, [b"Reached target multi-user.target - Multi-User System."])

    # -- systemd

    def set_unit(self, name: str, **properties: object) -> None:
        """Installs a unit, or changes properties of one. The timestamps follow the states unless they are given,
        as seconds since the epoch. A new unit is loaded, enabled and dead."""
        now = time.time()
        with locked(self.state):
            state = load(self.state)
            unit = state["units"].setdefault(store.full_name(name), dict(_NEW_UNIT))
            before = dict(unit)
            unit.update({key: str(value) for key, value in properties.items()})
            for key in _stamps(before, unit):
                if key not in properties:
                    unit[key] = repr(now)
            save(self.state, state)

    def remove_unit(self, name: str) -> None:
        """Uninstalls a unit. Its entries stay in the journal."""
        self._change(lambda state: state["units"].pop(store.full_name(name), None))

    # -- rights and trouble

    def set_access(self, access: Access, password: str | None = None) -> None:
        """Set who may read the journal.

        plain: the user; sudo: root, and sudo asks nothing; sudo-password: root, and sudo asks for `password`; none:
        not this user; own-user-only: this user has an empty journal of their own and no right to the system's; off:
        the node keeps no journal.
        """
        self._change(lambda state: state.update(access=access, password=password))

    def set_systemd(self, version: int) -> None:
        """The release of systemd, 252 at first. Before 247 systemctl knows no `--timestamp`; from 251 on
        `journalctl -f` shows the current boot only; before 256 `--after-cursor` may skip an entry too many."""
        self._change(lambda state: state.update(systemd=version))

    def fail_systemctl(self, fails: bool = True) -> None:
        """systemctl can't reach systemd."""
        self._change(lambda state: state["systemctl"].update(fail=fails))

    def hang_systemctl(self, hangs: bool = True) -> None:
        """systemctl waits: until this is taken back, or D-Bus gives up after 25 s."""
        self._change(lambda state: state["systemctl"].update(hang=hangs))

    def break_journalctl(self) -> None:
        """Every journalctl that follows now ends by itself, as it can while journald vacuums."""

        def change(state: dict[str, Any]) -> None:
            state["journalctl"]["ends"] += 1

        self._change(change)

    def _change(self, change: Any) -> None:
        with locked(self.state):
            state = load(self.state)
            change(state)
            save(self.state, state)

    # -- looking

    @property
    def last_cursor(self) -> str | None:
        """The cursor of the last entry in the journal."""
        path = self.state / store.ALL
        data = path.read_bytes()[-store.ENTRY.size :]
        if not data:
            return None
        entry = store.ENTRY.unpack(data)
        with (self.state / store.DATA).open("rb") as file:
            file.seek(entry[store.OFFSET])
            return file.read(entry[store.HEAD]).split(b"\n", 1)[0].removeprefix(b"__CURSOR=").decode()

    def calls(self) -> list[dict[str, Any]]:
        """Every call of a command so far: `argv`, `pid`, `sudo` (whether it ran with rights) and the time `t`."""
        path = self.state / store.CALLS
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def running(self) -> list[dict[str, Any]]:
        """The node's processes that are alive: `pid` and `argv`."""
        return running(self.state)


_NEW_UNIT = {
    "LoadState": "loaded",
    "ActiveState": "inactive",
    "SubState": "dead",
    "MainPID": "0",
    "NRestarts": "0",
    "UnitFileState": "enabled",
    "Result": "success",
    "ExecMainStatus": "0",
    "ExecMainCode": "0",
}


def _stamps(before: dict[str, str], after: dict[str, str]) -> Iterable[str]:
    """The timestamps that a change of state sets."""
    if (before["ActiveState"], before["SubState"]) != (after["ActiveState"], after["SubState"]):
        yield "StateChangeTimestamp"
    if before["ActiveState"] != after["ActiveState"]:
        if after["ActiveState"] == "active":
            yield "ActiveEnterTimestamp"
        elif after["ActiveState"] in ("inactive", "failed"):
            yield "InactiveEnterTimestamp"
    if after["MainPID"] not in ("0", before["MainPID"]):
        yield "ExecMainStartTimestamp"
