"""systemctl: show, is-active, is-enabled, list-units, list-unit-files, cat."""

from __future__ import annotations

import getopt
import sys
import time

from . import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # not at run time: it takes longer to import than all the rest

# As systemd orders them, whatever order they were asked for in.
PROPERTIES = (
    *("MainPID", "Result", "NRestarts", "ExecMainStartTimestamp", "ExecMainCode", "ExecMainStatus", "MemoryCurrent"),
    *("Id", "Names", "Description", "LoadState", "ActiveState", "SubState", "FragmentPath", "UnitFileState"),
    *("StateChangeTimestamp", "ActiveEnterTimestamp", "InactiveEnterTimestamp"),
    *("StandardOutput", "StandardError", "LogNamespace", "LogLevelMax", "SyslogLevel"),
)
_MISSING = {
    **{"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "MainPID": "0", "NRestarts": "0"},
    **{"Result": "success", "ExecMainCode": "0", "ExecMainStatus": "0", "UnitFileState": "", "FragmentPath": ""},
}
_DBUS_TIMEOUT = 25.0
_LONG = [
    *("property=", "timestamp=", "no-pager", "value", "type=", "state=", "all", "no-legend", "plain", "quiet", "full"),
    *("version", "system"),
]


def run(state: str, document: dict[str, Any], arguments: list[str]) -> int:
    """The whole command; its exit status."""
    try:
        found, words = getopt.gnu_getopt(arguments, "p:t:aqlP:", _LONG)
    except getopt.GetoptError as problem:
        return _say(f"systemctl: unrecognized option '--{problem.opt}'")
    options = {name.lstrip("-"): value for name, value in found}
    if "timestamp" in options and document["systemd"] < 247:
        return _say(f"systemctl: unrecognized option '--timestamp={options['timestamp']}'")
    if options.get("timestamp", "pretty") not in ("pretty", "us", "utc", "us+utc", "unix"):
        return _say(f"Invalid value: {options['timestamp']}.")
    if "version" in options:
        print(f"systemd {document['systemd']} ({document['systemd']}-simulated)")
        return 0
    if not _reach(state, document):
        return 1
    verb, *names = words or ["list-units"]
    units = [store.full_name(name) for name in names]
    known = document["units"]
    if verb == "show":
        wanted = [name for key, value in found if key in ("-p", "--property", "-P") for name in value.split(",")]
        unix = options.get("timestamp") == "unix"
        return _show(known, units, wanted, unix, "value" in options or "P" in options)
    if verb == "is-active":
        states = [known.get(unit, _MISSING)["ActiveState"] for unit in units]
        if "q" not in options and "quiet" not in options:
            print("\n".join(states))
        return 0 if "active" in states else 3
    if verb == "is-enabled":
        return _is_enabled(known, units)
    if verb == "list-units":
        return _list(known, ("LoadState", "ActiveState", "SubState", "Description"))
    if verb == "list-unit-files":
        return _list(known, ("UnitFileState",))
    if verb == "cat":
        return _cat(known, units)
    return _say(f"Unknown command verb {verb}.")


def _reach(state: str, document: dict[str, Any]) -> bool:
    """Return True if systemd answers."""
    trouble = document["systemctl"]
    end = time.monotonic() + _DBUS_TIMEOUT
    while trouble["hang"]:
        if time.monotonic() > end:
            _say("Failed to get properties: Connection timed out")
            return False
        time.sleep(0.02)
        trouble = store.load(state)["systemctl"]
    if trouble["fail"]:
        _say("Failed to connect to bus: Connection refused")
        return False
    return True


def _show(known: dict[str, Any], units: list[str], wanted: list[str], unix: bool, values: bool) -> int:
    chosen = [name for name in PROPERTIES if not wanted or name in wanted]
    blocks = []
    for unit in units:
        if "/" in unit or " " in unit:
            return _say(f"Failed to get properties: Unit name {unit} is not valid.")
        properties = {name: _property(unit, known.get(unit), name, unix) for name in chosen}
        blocks.append("".join(f"{text}\n" if values else f"{name}={text}\n" for name, text in properties.items()))
    sys.stdout.write("\n".join(blocks))
    return 0


def _property(unit: str, properties: dict[str, str] | None, name: str, unix: bool) -> str:
    values = _MISSING if properties is None else properties
    if name in ("Id", "Names"):
        return values.get(name, unit)
    if name == "Description":
        return values.get(name, unit)
    if name == "MemoryCurrent":
        return values.get(name, "[not set]" if values["MainPID"] == "0" else "268435456")
    if name in ("StandardOutput", "StandardError"):
        return values.get(name, "journal" if name == "StandardOutput" else "inherit")
    if name in ("LogLevelMax", "SyslogLevel"):
        return values.get(name, "-1" if name == "LogLevelMax" else "6")
    if name == "FragmentPath":
        return values.get(name, f"/etc/systemd/system/{unit}")
    if name.endswith("Timestamp"):
        return _timestamp(values.get(name, ""), unix)
    return values.get(name, "")


def _timestamp(text: str, unix: bool) -> str:
    if not text or float(text.lstrip("@")) <= 0:
        return ""
    moment = int(float(text.lstrip("@")))
    if unix:
        return f"@{moment}"
    return time.strftime("%a %Y-%m-%d %H:%M:%S %Z", time.localtime(moment))


def _is_enabled(known: dict[str, Any], units: list[str]) -> int:
    status = 1
    for unit in units:
        if unit not in known:
            _say(f"Failed to get unit file state for {unit}: No such file or directory")
            continue
        print(known[unit]["UnitFileState"])
        if known[unit]["UnitFileState"] == "enabled":
            status = 0
    return status


def _list(known: dict[str, Any], columns: tuple[str, ...]) -> int:
    for unit in sorted(known):
        print(" ".join([unit, *(known[unit].get(column, "") for column in columns)]))
    return 0


def _cat(known: dict[str, Any], units: list[str]) -> int:
    for unit in units:
        if unit not in known:
            return _say(f"No files found for {unit}.")
        print(f"# /etc/systemd/system/{unit}\n[Unit]\nDescription={known[unit].get('Description', unit)}\n")
    return 0


def _say(text: str) -> int:
    sys.stderr.write(text + "\n")
    return 1
