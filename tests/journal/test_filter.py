"""`journalctl -o ... | python -m ethpillar.journal`, as a process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from ethpillar.journal.__main__ import told_by

GETH = "WARN [07-21|10:11:20.001] Peer gone                                peer=8c7b6a50"
SHOWN = "WARN  07-21 10:11:12.345 execution Peer gone                                   peer=8c7b6a50"
TIME = "1753092672345678"
COMMAND = [sys.executable, "-m", "ethpillar.journal", "--utc"]


def export(message: bytes, **fields: str) -> bytes:
    """An entry as `-o export` has it."""
    fields = {"__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": TIME, "_SYSTEMD_UNIT": "execution.service"} | fields
    text = "".join(f"{key}={value}\n" for key, value in fields.items()).encode()
    return text + b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n\n"


def as_json(message: object, **fields: str) -> bytes:
    """An entry as `-o json` has it."""
    fields = {"__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": TIME, "_SYSTEMD_UNIT": "execution.service"} | fields
    return json.dumps(fields | {"MESSAGE": message}).encode() + b"\n"


def run(data: bytes, *options: str, **environment: str) -> str:
    """What the filter prints for a journal."""
    done = subprocess.run(
        [*COMMAND, *options], input=data, capture_output=True, timeout=30, check=True, env=os.environ | environment
    )
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.parametrize(
    "data",
    [
        export(GETH.encode()),
        export(f"\x1b[33m{GETH}\x1b[0m".encode()),
        as_json(GETH),
        as_json(list(f"\x1b[33m{GETH}".encode())),
    ],
)
def test_the_outputs_of_journalctl_are_told_apart(data: bytes) -> None:
    assert run(data) == SHOWN + "\n"


def test_cat_has_no_times() -> None:
    assert run(GETH.encode() + b"\nplain") == (
        "WARN                     Peer gone                                   peer=8c7b6a50\n"
        "-                        plain\n"
    )


def test_a_json_client_behind_cat_is_not_journalctls_json() -> None:
    assert told_by(b'{"level":"info","msg":"x"}\n') == "cat"
    assert told_by(b'{"__CURSOR":"s","__REALTIME_TIMESTAMP":"1"}\n') == "json"
    assert told_by(b"__CURSOR=s=1\n") == "export"
    assert told_by(b"") == "cat"


def test_each_unit_has_a_parser_of_its_own() -> None:
    error = b"2026-07-21 10:11:12.345+00:00 | main | ERROR | X | failed"
    data = export(error, _SYSTEMD_UNIT="consensus.service") + export(GETH.encode())
    data += export(b"\tat a.b.C.d(C.java:1)", _SYSTEMD_UNIT="consensus.service")
    shown = run(data, "--level", "error").splitlines()
    assert len(shown) == 2
    assert shown[1].endswith("\tat a.b.C.d(C.java:1)")


def test_systemds_own_lines_carry_their_priority_and_unit() -> None:
    data = export(
        b"execution.service: Failed with result 'oom-kill'.", _PID="1", UNIT="execution.service", PRIORITY="4",
        _SYSTEMD_UNIT="init.scope",
    )  # fmt: skip
    assert run(data).startswith("WARN  07-21 10:11:12.345 execution execution.service")


def test_what_is_not_shown_without_all_is_said() -> None:
    assert "--all" in run(as_json(None))


def test_a_record_without_a_message_has_an_empty_line() -> None:
    data = json.dumps({"__CURSOR": "s", "__REALTIME_TIMESTAMP": TIME, "_SYSTEMD_UNIT": "a.service"}).encode() + b"\n"
    assert run(data).split() == ["a"]


def test_what_is_said_between_json_is_shown() -> None:
    shown = run(as_json(GETH) + b"sudo: a password is required\n[1]\n" + as_json(GETH)).splitlines()
    assert [line.split()[-1] for line in shown] == ["peer=8c7b6a50", "required", "[1]", "peer=8c7b6a50"]


@pytest.mark.parametrize("closed", [">/dev/full", ">&-", "<&-", ">&- 2>&-"])
def test_what_can_t_be_read_or_written_is_one_line(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND], input=GETH.encode() * 1000, capture_output=True, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == ("2>&-" not in closed)
    assert done.stderr.startswith(b"ethpillar.journal: " if done.stderr else b"")


def test_a_terminal_that_has_not_every_character() -> None:
    assert run("12 blöcke ✓".encode(), PYTHONIOENCODING="ascii").rstrip().endswith("12 bl?cke ?")
    assert run("12 bl ✓".encode(), PYTHONIOENCODING="latin-1").rstrip().endswith("12 bl ?")


def test_garbage_is_shown_or_left_out_but_never_a_trace() -> None:
    run(bytes(range(256)) * 10)
    run(b'{"__CURSOR":"s","__REALTIME_TIMESTAMP":"1"}\n[1]\n{"MESSAGE": 1}\n{\n', "--input", "json")
    run(b"\0" * 100, "--input", "export")


def test_colours_on_a_terminal_only_and_never_with_no_color() -> None:
    def on_terminal(**environment: str) -> bytes:
        ours, theirs = pty.openpty()
        try:
            subprocess.run(
                COMMAND, input=GETH.encode(), stdout=theirs, timeout=30, check=True, env=os.environ | environment
            )
            return os.read(ours, 4096)
        finally:
            os.close(ours)
            os.close(theirs)

    os.environ.pop("NO_COLOR", None)
    assert b"\x1b[33m" in on_terminal()
    assert b"\x1b" not in on_terminal(NO_COLOR="1")
    assert "\x1b" not in run(GETH.encode())
    assert "\x1b" in run(GETH.encode(), "--color", "always")


def test_a_reader_that_has_had_enough() -> None:
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write(GETH.encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    process.stdout.close()
    try:
        for _ in range(1000):
            process.stdin.write(GETH.encode() + b"\n")
            process.stdin.flush()
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.wait(30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_help() -> None:
    assert "journalctl" in subprocess.run([*COMMAND, "--help"], capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize("form", [export, as_json])
def test_lines_that_journald_cut_are_whole(form: Any) -> None:
    def entry(text: str, unit: str, **more: str) -> bytes:
        return bytes(form(text.encode() if form is export else text, _SYSTEMD_UNIT=unit, **more))

    cut = {"_LINE_BREAK": "line-max"}
    data = entry("one ", "a.service", **cut) + entry("other", "b.service") + entry("line", "a.service")
    shown = run(data + entry("no end", "a.service", **cut), "--raw").splitlines()
    assert shown == ["other", "one line", "no end"]
