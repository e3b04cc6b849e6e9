"""`journalctl -o ... | python -m ethpillar.journal`: what it prints, and, as a process, how it ends."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import pty
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ethpillar.journal import inputs
from ethpillar.journal.__main__ import _joined, main
from ethpillar.journal.entry import Entry
from ethpillar.journal.inputs import json_entry, pieces, told_by

GETH = "WARN [07-21|10:11:20.001] Peer gone                                peer=8c7b6a50"
SHOWN = "WARN  07-21 10:11:12.345 execution Peer gone                                   peer=8c7b6a50"
TIME = "1753092672345678"
NOW = datetime(2025, 7, 22, tzinfo=UTC)
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


def run(data: bytes, *options: str) -> str:
    """What the filter prints for a journal on its standard input."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as given, redirect_stdout(printed):
        given.write(data)
        given.seek(0)
        patch.setattr(sys, "stdin", io.TextIOWrapper(given))
        assert main(["--utc", *options]) == 0
    return printed.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


def run_process(data: bytes, *options: str, **environment: str) -> str:
    """The same, of a process."""
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
    assert run(data) == run_process(data) == SHOWN + "\n"


def test_cat_has_no_times() -> None:
    assert run(GETH.encode() + b"\nplain") == (
        "WARN                     Peer gone                                   peer=8c7b6a50\n"
        "-                        plain\n"
    )


def test_a_json_client_behind_cat_is_not_journalctls_json() -> None:
    assert told_by(b'{"level":"info","msg":"x"}\n') == "text"
    assert told_by(b'{"__CURSOR":"s","__REALTIME_TIMESTAMP":"1"}\n') == "json"
    assert told_by(b"__CURSOR=s=1\n") == "export"
    assert told_by(b"") == "text"


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
    assert run_process("12 blöcke ✓".encode(), PYTHONIOENCODING="ascii").rstrip().endswith("12 bl?cke ?")
    assert run_process("12 bl ✓".encode(), PYTHONIOENCODING="latin-1").rstrip().endswith("12 bl ?")


def test_garbage_is_shown_or_left_out_but_never_a_trace() -> None:
    run_process(bytes(range(256)) * 10)
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


PLAIN = "execution.service: Main process exited, code=exited, status=1/FAILURE"
FORMS = {
    "short": "Jul 21 10:11:12 node geth[4711]: ",
    "short-precise": "Jul 21 10:11:12.345678 node geth[4711]: ",
    "short-iso": "2025-07-21T10:11:12+0000 node geth[4711]: ",
    "short-iso, newer": "2025-07-21T10:11:12+00:00 node geth[4711]: ",
    "short-iso-precise": "2025-07-21T12:11:12.345678+02:00 node geth[4711]: ",
    "short-full": "Mon 2025-07-21 10:11:12 UTC node geth[4711]: ",
    "short-unix": "1753092672.345678 node geth[4711]: ",
    "with-unit": "Mon 2025-07-21 10:11:12 UTC node execution.service[4711]: ",
    "without hostname": "Jul 21 10:11:12 geth[4711]: ",
    "rsyslog": "2025-07-21T10:11:12.345678+00:00 node geth[4711]: ",
}


@pytest.mark.parametrize("form", FORMS)
def test_what_journalctl_prints_by_itself(form: str) -> None:
    name = "execution" if form == "with-unit" else "geth"
    shown = run(f"{FORMS[form]}{GETH}\n".encode()).split()
    assert shown[:2] == ["WARN", "07-21"]
    assert shown[2].startswith("10:11:12.")
    assert shown[3:] == [name, "Peer", "gone", "peer=8c7b6a50"]


def test_a_monotonic_time_is_no_date() -> None:
    shown = run(f"[12345.678901] node geth[4711]: {GETH}\n".encode())
    assert shown.split() == ["WARN", "geth", "Peer", "gone", "peer=8c7b6a50"]


def test_a_message_of_several_lines_is_one_block() -> None:
    indent = " " * len(FORMS["short"])
    shown = run(f"{FORMS['short']}{GETH}\n{indent}- a list\n{indent}  further in\nalone\n".encode()).splitlines()
    assert [line.split("geth", 1)[-1].strip() for line in shown[1:3]] == ["- a list", "further in"]
    assert shown[1].startswith("     ")
    assert shown[3].split() == ["-", "alone"]


def test_systemd_in_the_short_form() -> None:
    shown = run(f"Jul 21 10:11:13 node systemd[1]: {PLAIN}\n".encode())
    assert "execution.service Main process exited" in " ".join(shown.split())


def test_lighthouse_alone_is_not_the_short_form() -> None:
    shown = run(b"Jul 21 10:11:16.001 WARN Low peer count: x             peers: 3, service: net\n")
    assert shown.split()[0] == "WARN"
    assert "peers=3" in shown


def test_a_paste_with_what_people_leave_around_it() -> None:
    paste = f"```\n$ journalctl -u execution\n-- Boot 0123456789abcdef --\n{FORMS['short']}{GETH}\n```\n".encode()
    shown = [" ".join(line.split()) for line in run(paste).splitlines()]
    assert shown[1:3] == ["- $ journalctl -u execution", "- -- Boot 0123456789abcdef --"]
    assert shown[3].startswith("WARN 07-21")


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    def line(clock: str, name: str) -> str:
        return f"2025-07-21T{clock}+0000 node {name}[1]: {name} {clock}\n"

    (tmp_path / "a.log").write_text(line("10:00:00", "geth") + line("10:00:02", "geth") + line("10:00:04", "geth"))
    packed = tmp_path / "b.log.gz"
    packed.write_bytes(
        gzip.compress(line("10:00:01", "teku").encode()) + gzip.compress(line("10:00:03", "teku").encode())
    )
    shown = run(b"", str(tmp_path / "a.log"), str(packed)).splitlines()
    assert [row.split()[-1][-1] for row in shown] == ["0", "1", "2", "3", "4"]


def test_files_without_a_journals_times_are_merged_by_the_clients(tmp_path: Path) -> None:
    (tmp_path / "geth.log").write_text("INFO [07-21|10:00:00.000] one\nINFO [07-21|10:00:02.000] three\n")
    (tmp_path / "beacon.log").write_text(
        "Jul 21 10:00:01.000 ERROR two                                         slot: 1\n  more of it\n"
    )
    shown = [row.split() for row in run(b"", str(tmp_path / "geth.log"), str(tmp_path / "beacon.log")).splitlines()]
    assert [row[:2] for row in shown if row[0] in ("INFO", "ERROR")] == [
        ["INFO", "geth"],
        ["ERROR", "beacon"],
        ["INFO", "geth"],
    ]


def test_gzip_on_standard_input() -> None:
    assert run(gzip.compress(export(GETH.encode()))) == SHOWN + "\n"


def test_what_is_no_gzip_and_what_is_no_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = tmp_path / "nowhere"
    for file, data, told in (
        (tmp_path / "broken.gz", b"\x1f\x8bbroken", "Error -3"),
        (nowhere, None, f"{nowhere}: No such file or directory\n"),
    ):
        if data:
            file.write_bytes(data)
        with (tmp_path / "printed").open("w") as printed, redirect_stdout(printed):
            assert main([str(file)]) == 1
        assert capsys.readouterr().err.startswith(f"ethpillar.journal: {told}")
        assert (tmp_path / "printed").read_text() == ""
        done = subprocess.run([*COMMAND, str(file)], capture_output=True, timeout=30)
        assert done.returncode == 1
        assert done.stderr.startswith(b"ethpillar.journal: ")
        assert done.stderr.count(b"\n") == 1


TIMES = "".join(
    f"2025-07-21T1{hour}:00:00+0000 node geth[1]: INFO [07-21|1{hour}:00:00.000] at {hour}\n" for hour in range(4)
)


@pytest.mark.parametrize(
    ("options", "hours"),
    [
        (["--since", "2025-07-21 11:00"], "123"),
        (["--since", "2025-07-21T12:30:00Z"], "3"),
        (["--until", "2025-07-21 11:00:00"], "01"),
        (["--since", "2025-07-21 11:00", "--until", "@1753099200"], "12"),
        (["--since", "yesterday"], ""),
        (["--until", "1 hour ago"], "0123"),
        (["--since", "-1h30m"], ""),
    ],
)
def test_since_and_until(options: list[str], hours: str) -> None:
    assert "".join(row.split()[-1] for row in run(TIMES.encode(), *options).splitlines()) == hours


CHAIN = b"""Sep 12 08:15:17.001 INFO  Synced                                        slot: 100, epoch: 3
Sep 12 08:15:17.001 ERROR Block failed                                  slot: 101, error: "x"
  a line of the error
Sep 12 08:15:17.001 INFO  New block received                            root: 0x1, slot: 102
"""


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--slot", "101"], 2),
        (["--slot", "100-101"], 3),
        (["--grep", "synced"], 1),
        (["--grep", "SYNCED"], 0),
        (["--grep", "received|failed"], 3),
        (["--grep", "line of"], 1),
        (["--level", "warning"], 2),
        (["--level", "err"], 2),
        (["--level", "CRIT"], 0),
        ([], 4),
    ],
)
def test_lines_are_chosen_and_their_continuations_with_them(options: list[str], count: int) -> None:
    assert len(run(CHAIN, *options).splitlines()) == count


@pytest.mark.parametrize(
    "options", [["--level", "loud"], ["--since", "soon"], ["--grep", "("], ["--slot", "x"], ["--input", "verbose"]]
)
def test_an_option_that_is_wrong_is_told(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(options)
    assert end.value.code == 2
    assert f"argument {options[0]}: " in capsys.readouterr().err
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert options[0] in done.stderr


def test_a_message_of_bytes_or_of_several_texts_is_shown() -> None:
    assert run(as_json([*GETH.encode()])) == run(as_json(GETH))
    assert "one" in run(as_json(["one", 5, "two"]))
    assert "two" in run(as_json(["one", 5, "two"]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_more_than_is_read_at_once_is_shown_as_a_whole(pack: Any) -> None:
    line = "INFO [07-21|10:11:20.001] Imported number=%d\n"
    data = pack("".join(line % number for number in range(6000)).encode())
    assert [row.rpartition("=")[2] for row in run(data).splitlines()] == [str(number) for number in range(6000)]


def test_input_without_an_end_of_line_is_shown_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_LONGEST_LINE", 100)
    chunks = [b"{" + b"x" * 60, b"x" * 60, b"y\nz"]
    assert list(inputs._lines(chunks[0], chunks[1:])) == [[], [b"{" + b"x" * 120], [b"y"], [b"z"]]


def test_a_file_that_is_packed_comes_as_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "journal.gz"
    lines = 20_000
    noise = b"".join(b"line %d %s\n" % (number, os.urandom(8).hex().encode()) for number in range(lines))
    file.write_bytes(gzip.compress(noise))  # several reads long
    assert run(b"", str(file)).count("\n") == lines


def test_it_can_be_stopped_and_print_to_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_text("one\ntwo\n")
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(sys, "argv", ["filter", str(file)])
    assert main() == 0
    assert printed.getvalue().split()[1::2] == ["one", "two"]

    class Stopped(io.StringIO):
        def write(self, text: str) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdout", Stopped())
    assert main([str(file)]) == 130


def test_a_disk_that_is_full_is_said_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def fileno(self) -> int:
            return 97

    file = tmp_path / "journal"
    file.write_text("one\n")
    replaced: list[int] = []
    monkeypatch.setattr("os.dup2", lambda _, number: replaced.append(number))
    monkeypatch.setattr(sys, "stdout", Full())
    assert main([str(file)]) == 1
    assert replaced == [97]  # Python flushes it when it exits


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    file = tmp_path / "journal"
    file.write_text("ERROR[09-12|08:15:01.004] Failed number=1\n")
    for how, terminal, coloured in (
        ("auto", Terminal(), True),
        ("auto", io.StringIO(), False),
        ("never", Terminal(), False),
        ("always", io.StringIO(), True),
    ):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setattr(sys, "stdout", terminal)
        assert main(["--color", how, str(file)]) == 0
        assert ("\x1b[" in terminal.getvalue()) is coloured


def test_systemd_s_lines_and_further_lines_of_an_entry_have_levels_of_their_own() -> None:
    assert run(as_json("Started the client.", PRIORITY="6", _PID="1")).startswith("INFO")
    assert run(as_json("Started the client.", PRIORITY="6", _PID="2")).startswith("-")
    line = "INFO [09-12|08:15:01.004] Imported number=1"
    assert run(as_json(f"{line}\nplain words\nand more"), "--grep", "Imported").count("\n") == 3


def test_another_zone_than_the_reader_s_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    try:
        assert run(f"Jul 21 10:11:12 node geth[1]: {GETH}\n".encode()).split()[2] == "10:11:12.000"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("arguments", "joined"),
    [
        (["--since", "-1h", "-"], ["--since=-1h", "-"]),
        (["--until", "-30m", "--since", "-1h"], ["--until=-30m", "--since=-1h"]),
        (["--since", "--utc"], ["--since", "--utc"]),
        (["--level", "-1"], ["--level", "-1"]),
        (["--since", "-"], ["--since", "-"]),
        (["--since", "1h"], ["--since", "1h"]),
        ([], []),
    ],
)
def test_a_span_before_now_is_no_option(arguments: list[str], joined: list[str]) -> None:
    assert _joined(arguments) == joined


def test_a_unit_s_parser_goes_on_where_another_unit_prints_in_between() -> None:
    error = export(b"2026-07-21 10:11:12.345+00:00 | main | ERROR | X | failed", _SYSTEMD_UNIT="consensus.service")
    trace = export(b"\tat a.b.C.d(C.java:1)", _SYSTEMD_UNIT="consensus.service")
    other = export(b"\tat a.b.C.d(C.java:1)")
    shown = run(error + other + trace, "--raw", "--level", "error").splitlines()
    assert shown == ["2026-07-21 10:11:12.345+00:00 | main | ERROR | X | failed", *["\tat a.b.C.d(C.java:1)"] * 2]
    assert run(export(GETH.encode()) + trace, "--raw", "--level", "error").splitlines() == ["\tat a.b.C.d(C.java:1)"]


def test_lines_without_a_time_have_that_of_the_line_before() -> None:
    lines = b"plain at first\nINFO [07-21|10:00:00.000] one\nplain\nINFO [07-21|12:00:00.000] two\nlast\n"
    assert run(lines, "--raw", "--since", "07-21|11:00").splitlines() == [
        "plain at first",  # nobody knows its time
        "INFO [07-21|12:00:00.000] two",
        "last",
    ]


def test_each_file_keeps_its_order_though_its_clock_was_set_back(tmp_path: Path) -> None:
    def line(clock: str, text: str) -> str:
        return f"2025-07-21T{clock}+0000 node geth[1]: {text}\n"

    one, other = tmp_path / "one.log", tmp_path / "other.log"
    one.write_text(line("10:00:05", "a") + line("09:00:00", "b") + line("10:00:07", "c"))
    other.write_text(line("10:00:04", "d") + line("10:00:05", "e") + line("10:00:06", "f") + line("10:00:08", "g"))
    assert run(b"", "--raw", str(one), str(other)).split() == ["d", "a", "b", "e", "f", "c", "g"]


def test_a_file_beside_others_names_the_lines_that_name_no_unit(tmp_path: Path) -> None:
    file = tmp_path / "geth.log.1"
    file.write_text(f"{GETH}\n")
    assert run(b"", str(file)).split()[:2] == ["WARN", "Peer"]
    assert [row.split()[1] for row in run(f"{GETH}\n".encode(), str(file), "-").splitlines()] == ["geth", "Peer"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b'{"__REALTIME_TIMESTAMP":"1"}', "json"),
        (b'x{"__REALTIME_TIMESTAMP":"1"}', "text"),
        (b"__CURSOR=s=1", "export"),
        (b"__cursor=1", "text"),
        (b"CURSOR=1", "text"),
        (b"__CURSOR", "text"),
        (b"__CUR SOR=1", "text"),
    ],
)
def test_what_tells_the_outputs_apart(line: bytes, kind: str) -> None:
    assert told_by(line + b"\n__CURSOR=s=1\n") == kind


def test_the_first_bytes_may_come_one_by_one() -> None:
    data = as_json(GETH) + as_json("second")
    chunks = [data[at : at + 1] for at in range(len(data))]
    found = [piece for batch in pieces(chunks, "auto", NOW) for piece in batch]
    assert [piece.entry.message for piece in found] == [GETH.encode(), b"second"]
    assert [piece.entry.message for batch in pieces([b"no", b" end"], "auto", NOW) for piece in batch] == [b"no end"]


@pytest.mark.parametrize(
    ("record", "entry"),
    [
        (
            {
                "__CURSOR": "c",
                "__REALTIME_TIMESTAMP": "5",
                "MESSAGE": "m",
                "PRIORITY": "3",
                "SYSLOG_IDENTIFIER": "geth",
            },
            Entry("c", 5, b"m", 3, "geth"),
        ),
        ({"MESSAGE": "m", "_PID": "1", "UNIT": "a.service"}, Entry("", 0, b"m", None, None, 1, "a.service")),
        (
            {"MESSAGE": "m", "_PID": "2", "UNIT": "a.service", "_SYSTEMD_UNIT": "b.service"},
            Entry("", 0, b"m", None, None, 2, "b.service"),
        ),
        ({"MESSAGE": "m", "_LINE_BREAK": "line-max"}, Entry("", 0, b"m", goes_on=True)),
        ({"MESSAGE": ["a", 5, "b"], "SYSLOG_IDENTIFIER": ["x"], "_SYSTEMD_UNIT": 5}, Entry("", 0, b"a\nb")),
        ({"MESSAGE": "m", "__REALTIME_TIMESTAMP": "soon", "PRIORITY": None}, Entry("", 0, b"m")),
        ({"__REALTIME_TIMESTAMP": "5"}, Entry("", 5, b"")),
    ],
)
def test_a_record_of_json(record: dict[str, object], entry: Entry) -> None:
    assert json_entry(json.dumps(record).encode()) == (entry, False)


@pytest.mark.parametrize("line", [b'{"a":1}', b"[1]", b"{", b"x", b"{" * 100_000])
def test_json_that_is_no_record_is_its_own_message(line: bytes) -> None:
    assert json_entry(line) == (Entry("", 0, line), False)


def test_the_further_lines_of_a_message_are_known_by_their_indentation() -> None:
    head = "Jul 21 10:11:12 node geth[4711]: "
    text = f"{head}first\n{' ' * len(head)}second\n{' ' * (len(head) + 2)}third\n{' ' * (len(head) - 1)}other\n"
    found = [piece for batch in pieces([text.encode()], "short", NOW) for piece in batch]
    assert [(piece.entry.message, piece.further) for piece in found] == [
        (b"first", False),
        (b"second", True),
        (b"  third", True),
        (b" " * (len(head) - 1) + b"other", False),
    ]


def test_what_a_terminal_can_t_show_is_replaced() -> None:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as given, redirect_stdout(printed):
        given.write("12 blöcke".encode())
        given.seek(0)
        patch.setattr(sys, "stdin", io.TextIOWrapper(given))
        assert main([]) == 0
    assert printed.buffer.getvalue().endswith(b"12 bl?cke\n")  # type: ignore[attr-defined]
