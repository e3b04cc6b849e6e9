"""`systemctl show`: the command and its answer.

The answer has one block of `Key=value` lines for each unit, in the order of the request, with a blank line between
two blocks. The order of the properties is systemd's own, and a property that it does not know is missing. Any user may
run the command.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Description",
    "MainPID",
    "NRestarts",
    "MemoryCurrent",
    "UnitFileState",
    "Result",
    "ExecMainStatus",
    "StateChangeTimestamp",
    "StandardOutput",
    "StandardError",
    "LogNamespace",
    "LogLevelMax",
    "SyslogLevel",
)

STATES = frozenset({"active", "inactive", "failed", "activating", "deactivating", "reloading"})
"The words that the frontend knows, besides `not_installed`."

_LONGEST = 256
"Characters kept of a text: a node that sends a megabyte as a description must not fill its viewers' memory."
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"The levels of syslog(3), by number."
INFO = 6
"The level of what a program prints, unless its unit or the line itself says otherwise."
_TO_JOURNAL = frozenset(f"{place}{more}" for place in ("journal", "kmsg", "syslog") for more in ("", "+console"))
_OTHER_STATES = {"refreshing": "reloading", "maintenance": "inactive"}
_UNKNOWN_NUMBER = 2**64 - 1  # what systemd prints for a number that it does not know
_STATE = re.compile(r"^ActiveState=", re.MULTILINE)
_PROPERTY = re.compile(rf"^({'|'.join(PROPERTIES)})=(.*)", re.MULTILINE)
_MOST_PROPERTIES = 256
"Properties read of a block: a node that repeats one without end must not take everybody's time."
_TIME = re.compile(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:UTC|GMT)")


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """The state of one unit."""

    unit: str
    "The name it was asked for by."
    status: str
    "One of `STATES`, or `not_installed`."
    sub_state: str | None = None
    description: str | None = None
    since: str | None = None
    "When the state last changed: ISO 8601, UTC."
    main_pid: int | None = None
    restarts: int | None = None
    memory_bytes: int | None = None
    enabled: bool | None = None
    "True if it starts at boot."
    result: str | None = None
    "systemd's word for how the last run ended: success, exit-code, signal, oom-kill, ..."
    exit_status: int | None = None
    name: str | None = None
    "systemd's own name for it, which differs from `unit` if that is an alias."
    output: str | None = None
    """Where its output goes, if not to the node's journal: systemd's word such as `file`, or `namespace`, or what drops
    it, such as `LogLevelMax=warning`."""
    last_lines: tuple[str, ...] | None = None
    "What it printed before its last failure. Not from systemctl: `nodes.failures` adds it while the failure is recent."

    @property
    def installed(self) -> bool:
        """Return True if the node has the unit."""
        return self.status != "not_installed"


def show_command(units: Sequence[str]) -> list[str]:
    """Return the words of one `systemctl show` for all these units.

    Times come as text, in UTC and in English because of the environment that is set here. `--timestamp=unix` would be
    exact about zones by itself, but systemctl does not know it before systemd 247.
    """
    words = ["env", "LC_ALL=C", "TZ=UTC", "systemctl", "show", "--no-pager"]
    return [*words, "--property=" + ",".join(PROPERTIES), "--", *units]


def most_output(words: Sequence[str]) -> int:
    """Return how many bytes the answer to a `show_command` may have. A unit's block has some 400."""
    return 64 * 1024 + 4096 * len(words)


def parse_show(units: Sequence[str], output: bytes) -> list[UnitStatus]:
    """Return the states of these units, in the order in which they were asked for.

    :raises ValueError: the answer is not one block for each unit
    """
    text = output.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
    # A login shell may print text before and after every command. Such text either forms blocks without a state, or
    # adds lines to a unit's block that no property is read from.
    blocks = [block for block in re.split(r"\n{2,}", text) if _STATE.search(block)]
    if len(blocks) != len(units):
        raise ValueError(f"{len(blocks)} blocks for {len(units)} units")
    return [_status(unit, _properties(block)) for unit, block in zip(units, blocks, strict=False)]


def _properties(block: str) -> dict[str, str]:
    return {found[1]: found[2] for found in islice(_PROPERTY.finditer(block), _MOST_PROPERTIES)}


def _status(unit: str, properties: dict[str, str]) -> UnitStatus:
    active = _OTHER_STATES.get(properties["ActiveState"], properties["ActiveState"])
    # A unit whose file was removed may still be running; then its activity counts, not the missing file.
    if properties.get("LoadState") == "not-found" and active in ("inactive", "failed"):
        return UnitStatus(unit, "not_installed")
    pid = _number(properties.get("MainPID"))
    return UnitStatus(
        unit=unit,
        status=active if active in STATES else "inactive",
        sub_state=_text(properties.get("SubState")),
        description=_text(properties.get("Description")),
        since=_time(properties.get("StateChangeTimestamp", "")),
        main_pid=pid or None,
        restarts=_number(properties.get("NRestarts")),
        memory_bytes=_number(properties.get("MemoryCurrent")),
        enabled=_enabled(properties.get("UnitFileState")),
        result=_text(properties.get("Result")),
        exit_status=_number(properties.get("ExecMainStatus")),
        name=_text(properties.get("Id")),
        output=_output(properties),
    )


def _output(properties: dict[str, str]) -> str | None:
    """Return where neither output nor errors get into the node's journal; None if either does, or nothing is known."""
    if properties.get("LogNamespace"):
        return "namespace"
    output, errors = (properties.get(name, "").partition(":")[0] for name in ("StandardOutput", "StandardError"))
    if not output or output in _TO_JOURNAL or errors in _TO_JOURNAL:
        most = _number(properties.get("LogLevelMax"))
        level = _number(properties.get("SyslogLevel"))
        drops = most is not None and most < (INFO if level is None else level) and most < len(LEVELS)
        return f"LogLevelMax={LEVELS[most or 0]}" if drops else None
    return _text(output)


def _text(value: str | None) -> str | None:
    return _CONTROLS.sub("", value[:_LONGEST]) or None if value else None


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit():
        return None  # "[not set]", or missing
    number = int(text) if len(text) <= 20 else _UNKNOWN_NUMBER
    return None if number >= _UNKNOWN_NUMBER else number


def _enabled(text: str | None) -> bool | None:
    return None if not text else text in ("enabled", "enabled-runtime", "alias", "static", "indirect", "generated")


def _time(text: str) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None  # empty, or "n/a": it has never changed
    try:
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.timestamp() > 0 else None
