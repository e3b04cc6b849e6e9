"""`systemctl show`: the command and its answer.

Blocks of `Key=value` lines come in the order the units were asked for, with a blank line between two; the order of
the properties is systemd's own, and a property it does not know is left out. No rights are needed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

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
)

STATES = frozenset({"active", "inactive", "failed", "activating", "deactivating", "reloading"})
"The words that the frontend knows, besides `not_installed`."

_LONGEST = 256
"Characters kept of a text. A description is a line; a node that sends a megabyte of one harms those who watch it."
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_OTHER_STATES = {"refreshing": "reloading", "maintenance": "inactive"}
_UNKNOWN_NUMBER = 2**64 - 1  # systemd's way of saying that it does not know
_STATE = re.compile(r"^ActiveState=", re.MULTILINE)
_TEXT_TIME = re.compile(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:UTC|GMT)")


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """The state of one unit."""

    unit: str
    "As it was asked for."
    status: str
    "One of `STATES`, or `not_installed`."
    sub_state: str | None = None
    description: str | None = None
    since: str | None = None
    "Of the last change of state: ISO 8601, UTC."
    main_pid: int | None = None
    restarts: int | None = None
    memory_bytes: int | None = None
    enabled: bool | None = None
    "Starts at boot."
    result: str | None = None
    "systemd's word for how the last run ended: success, exit-code, signal, oom-kill, ..."
    exit_status: int | None = None
    name: str | None = None
    "systemd's own name for it: another one when it was asked for by an alias."
    last_lines: tuple[str, ...] | None = None
    "What it printed before its last failure; not systemctl's, and only while that is news."

    @property
    def installed(self) -> bool:
        """Whether the node has the unit."""
        return self.status != "not_installed"


def show_command(units: Sequence[str], *, unix_time: bool = True) -> list[str]:
    """The words of one `systemctl show` for all these units.

    :param unix_time: ask for `@seconds`; systemd before 247 does not know the option. Without it the time comes as
        text, in UTC and English because of the environment that is set here.
    """
    words = ["env", "LC_ALL=C", "TZ=UTC", "systemctl", "show", "--no-pager"]
    if unix_time:
        words.append("--timestamp=unix")
    return [*words, "--property=" + ",".join(PROPERTIES), "--", *units]


def parse_show(units: Sequence[str], output: bytes) -> list[UnitStatus]:
    """The states of these units, in the order they were asked for.

    :raises ValueError: the answer is not one block for each unit
    """
    text = output.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n")
    # What a login shell prints before (or after) every command is no block, or part of one where it does no harm.
    blocks = [block for block in re.split(r"\n{2,}", text) if _STATE.search(block)]
    if len(blocks) != len(units):
        raise ValueError(f"{len(blocks)} blocks for {len(units)} units")
    return [_status(unit, _properties(block)) for unit, block in zip(units, blocks, strict=True)]


def _properties(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.split("\n"))
    return {key: value for key, found, value in pairs if found}


def _status(unit: str, properties: dict[str, str]) -> UnitStatus:
    if "ActiveState" not in properties:
        raise ValueError("a block without ActiveState")
    active = _OTHER_STATES.get(properties["ActiveState"], properties["ActiveState"])
    # A unit whose file is gone may still run: then it is what it is doing that counts.
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
    )


def _text(value: str | None) -> str | None:
    return _CONTROLS.sub("", value[:_LONGEST]) or None if value else None


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit():
        return None  # "[not set]", or not there
    number = int(text) if len(text) <= 20 else _UNKNOWN_NUMBER
    return None if number >= _UNKNOWN_NUMBER else number


def _enabled(text: str | None) -> bool | None:
    return None if not text else text in ("enabled", "enabled-runtime", "alias", "static", "indirect", "generated")


def _time(text: str) -> str | None:
    try:
        if text.startswith("@"):
            moment = datetime.fromtimestamp(int(text[1:].partition(".")[0]), UTC)
        elif match := _TEXT_TIME.fullmatch(text):
            moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.timestamp() > 0 else None
