"""The simulated journalctl, against what the real one (systemd 252) does."""

from __future__ import annotations

import json
import re
import time

import pytest

from demo.simnode import SimNode
from ethpillar.journal.export import ExportParser

from .conftest import Run

UNIT = "execution.service"
EXPORT = ("journalctl", "-q", "-o", "export", "-u", UNIT)


def messages(run: Run, *arguments: str) -> list[bytes]:
    result = run("journalctl", "-o", "export", *arguments)
    assert result.returncode == 0, result.stderr
    parser = ExportParser()
    return [entry.message for entry in [*parser.feed(result.stdout), *parser.close()]]


def cursors(run: Run, *arguments: str) -> list[str]:
    output = run("journalctl", "-o", "export", *arguments).stdout
    return re.findall(r"^__CURSOR=(.*)$", output.decode(errors="replace"), re.MULTILINE)


@pytest.mark.parametrize("count", [1, 3, 5000])
def test_backwards_from_a_cursor_or_a_time(node: SimNode, run: Run, count: int) -> None:
    base = time.time_ns() // 1000 + 1_000_000  # after what the node has written at its start; each line 1 us later
    node.append_many(UNIT, [f"line {number}" for number in range(6000)], base)
    node.append("consensus.service", "other", realtime_us=base + 70_000)
    every = [f"line {number}".encode() for number in range(6000)]
    middle = cursors(run, "-u", UNIT, "-n", "all")[4000]
    wanted = every[4000::-1][:count]
    assert messages(run, "-u", UNIT, "-r", "-n", str(count), f"--cursor={middle}") == wanted
    assert messages(run, "-u", UNIT, "-r", "-n", str(count), f"--cursor=t={base + 4000:x}") == wanted
    assert messages(run, "-u", UNIT, "-n", str(count), f"--cursor=t={base + 4000:x}") == every[4000:][:count]
    both = messages(run, "-u", UNIT, "-u", "consensus.service", "-r", "-n", str(count))
    assert both == [b"other", *every[::-1]][:count]


def test_an_entry_in_the_export_format(node: SimNode, run: Run) -> None:
    node.append(UNIT, "hello", realtime_us=1_795_441_675_000_042)
    lines = run(*EXPORT).stdout.split(b"\n")
    assert re.fullmatch(
        rb"__CURSOR=s=[0-9a-f]{32};i=[0-9a-f]+;b=[0-9a-f]{32};m=[0-9a-f]+;t=[0-9a-f]+;x=[0-9a-f]+", lines[0]
    )
    assert lines[1] == b"__REALTIME_TIMESTAMP=1795441675000042"
    assert lines[2].startswith(b"__MONOTONIC_TIMESTAMP=")
    assert re.fullmatch(rb"_BOOT_ID=[0-9a-f]{32}", lines[3])
    assert {b"MESSAGE=hello", b"PRIORITY=6", b"_SYSTEMD_UNIT=execution.service", b"_TRANSPORT=stdout"} < set(lines)
    assert lines[-2:] == [b"", b""]


def test_output_fields_leaves_the_four_that_are_always_there(node: SimNode, run: Run) -> None:
    node.append(UNIT, "hello")
    lines = run(*EXPORT, "--output-fields=MESSAGE,PRIORITY").stdout.decode().split("\n")
    keys = [line.partition("=")[0] for line in lines if line]
    assert sorted(keys) == sorted(
        ["__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID", "PRIORITY", "MESSAGE"]
    )


@pytest.mark.parametrize("message", [b"\x1b[32mgreen\x1b[0m", b"\xff\xfe", b"a\x00b\x01", "\x85".encode(), b"\x7f"])
def test_what_is_not_printable_is_binary(node: SimNode, run: Run, message: bytes) -> None:
    node.append(UNIT, message, native=True)
    expected = b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n"
    assert expected in run(*EXPORT).stdout


@pytest.mark.parametrize("message", ["", "tab\there", "ünïcödé 🦀", "a=b", 'quote " and \\'])
def test_what_is_printable_is_text(node: SimNode, run: Run, message: str) -> None:
    node.append(UNIT, message)
    assert f"MESSAGE={message}\n".encode() in run(*EXPORT).stdout


def test_journald_cuts_what_a_program_prints(node: SimNode, run: Run) -> None:
    long = b"x" * (48 * 1024)
    node.append(UNIT, b"one\ntwo\0three\n".rstrip(b"\n"))
    node.append(UNIT, long + b"rest")
    assert messages(run, "-u", UNIT) == [b"one", b"two", b"three", long, b"rest"]


def test_a_unit_s_log_has_systemd_s_lines_about_it(node: SimNode, run: Run) -> None:
    node.append(UNIT, "mine")
    node.append(UNIT, f"{UNIT}: Failed with result 'exit-code'.", priority=4, manager=True)
    node.append("other.service", "not mine")
    output = run(*EXPORT).stdout.decode()
    assert "not mine" not in output
    systemd = output.split("\n\n")[1].split("\n")
    expected = {
        "_PID=1",
        "UNIT=execution.service",
        "_SYSTEMD_UNIT=init.scope",
        "SYSLOG_IDENTIFIER=systemd",
        "PRIORITY=4",
    }
    assert expected < set(systemd)


def test_several_units_come_in_order(node: SimNode, run: Run) -> None:
    expected = []
    for number in range(50):
        node.append(f"unit{number % 3}.service", str(number))
        expected += [str(number).encode()] if number % 3 != 2 else []
    assert messages(run, "-u", "unit0", "--unit=unit1.service") == expected
    assert messages(run, "-u", "unit0", "-u", "unit1", "-n", "5") == expected[-5:]


def test_lines(node: SimNode, run: Run) -> None:
    node.append_many(UNIT, [str(number) for number in range(100)])
    everything = [str(number).encode() for number in range(100)]
    assert messages(run, "-u", UNIT) == everything
    assert messages(run, "-u", UNIT, "-n", "all") == everything
    assert messages(run, "-u", UNIT, "-n", "7") == everything[-7:]
    assert messages(run, "-u", UNIT, "-n7", "--no-tail") == everything
    assert messages(run, "-u", UNIT, "-n", "0") == []
    assert messages(run, "-u", UNIT, "-n", "3", "-r") == everything[:-4:-1]
    assert messages(run, "-u", UNIT, "-q", "-n") == everything[-10:]


def test_a_cursor_is_inclusive(node: SimNode, run: Run) -> None:
    node.append_many(UNIT, ["a", "b", "c", "d"])
    cursor = cursors(run, "-u", UNIT)[1]
    assert messages(run, "-u", UNIT, f"--cursor={cursor}") == [b"b", b"c", b"d"]
    assert messages(run, "-u", UNIT, f"--cursor={cursor}", "-n", "2") == [b"b", b"c"]
    assert messages(run, "-u", UNIT, f"--after-cursor={cursor}") == [b"c", b"d"]


def test_after_a_cursor_of_another_unit_an_entry_is_lost(node: SimNode, run: Run) -> None:
    node.append("other.service", "elsewhere")
    node.append_many(UNIT, ["a", "b"])
    cursor = cursors(run, "-u", "other")[0]
    assert messages(run, "-u", UNIT, f"--cursor={cursor}") == [b"a", b"b"]
    assert messages(run, "-u", UNIT, f"--after-cursor={cursor}") == [b"b"]  # systemd issue 30288
    node.set_systemd(257)
    assert messages(run, "-u", UNIT, f"--after-cursor={cursor}") == [b"a", b"b"]


@pytest.mark.parametrize("cursor", ["", "nonsense", "s=12;i=1", "i=5", "s=zz;i=1;b=2", "t=xyz"])
def test_a_malformed_cursor(run: Run, cursor: str) -> None:
    result = run("journalctl", "-q", f"--cursor={cursor}")
    assert (result.returncode, result.stderr) == (1, b"Failed to seek to cursor: Invalid argument\n")


def test_a_vacuumed_cursor_starts_near(node: SimNode, run: Run) -> None:
    node.append_many(UNIT, [str(number) for number in range(100)])
    cursor = cursors(run, "-u", UNIT)[3]
    node.vacuum(10)
    assert messages(run, "-u", UNIT, f"--cursor={cursor}") == [str(number).encode() for number in range(90, 100)]


def test_a_foreign_cursor_starts_by_its_time(node: SimNode, run: Run) -> None:
    node.append_many(UNIT, ["a", "b", "c"])
    cursor = cursors(run, "-u", UNIT)[1]
    foreign = re.sub(r"(?<=[sb]=)[0-9a-f]{32}", "0" * 32, cursor)
    assert messages(run, "-u", UNIT, f"--cursor={foreign}") == [b"b", b"c"]


def test_since_and_until(node: SimNode, run: Run) -> None:
    second = 1_800_000_000
    for number in range(4):
        node.append(UNIT, str(number), realtime_us=(second + number) * 1_000_000)
    assert messages(run, "-u", UNIT, f"--since=@{second + 2}") == [b"2", b"3"]
    assert messages(run, "-u", UNIT, f"--since=@{second + 1}", f"--until=@{second + 2}") == [b"1", b"2"]
    assert run("journalctl", "--since=whenever").stderr == b"Failed to parse timestamp: whenever\n"


def test_after_a_reboot(node: SimNode, run: Run) -> None:
    node.append(UNIT, "before")
    node.reboot()
    node.append(UNIT, "after")
    assert messages(run, "-u", UNIT) == [b"before", b"after"]
    assert messages(run, "-u", UNIT, "-b") == [b"after"]
    boots = re.findall(rb"^_BOOT_ID=(.*)$", run(*EXPORT).stdout, re.MULTILINE)
    assert boots[0] != boots[1]


def test_json(node: SimNode, run: Run) -> None:
    for message in (b"text", b"\x1b[1mbold", b"\xff", b"x" * 5000):
        node.append(UNIT, message)
    lines = run("journalctl", "-o", "json", "-u", UNIT, "--output-fields=MESSAGE").stdout.splitlines()
    assert [json.loads(line)["MESSAGE"] for line in lines] == ["text", list(b"\x1b[1mbold"), [255], None]
    assert sorted(json.loads(lines[0])) == [
        "MESSAGE", "_BOOT_ID", "__CURSOR", "__MONOTONIC_TIMESTAMP", "__REALTIME_TIMESTAMP",
    ]  # fmt: skip
    everything = run("journalctl", "-a", "-o", "json", "-u", UNIT).stdout.splitlines()[3]
    assert json.loads(everything)["MESSAGE"] == "x" * 5000


def test_human_formats(node: SimNode, run: Run) -> None:
    node.append(UNIT, b"\x1b[1mbold", identifier="geth", realtime_us=1_795_441_675_000_042)
    node.append(UNIT, b"\xff\xff", identifier="geth", realtime_us=1_795_441_675_000_043)
    output = run("journalctl", "-u", UNIT, "-o", "short-iso", TZ="UTC").stdout.decode().splitlines()
    assert output == [
        "2026-11-23T13:47:55+0000 staking-node geth[4321]: bold",
        "2026-11-23T13:47:55+0000 staking-node geth[4321]: [2B blob data]",
    ]
    assert run("journalctl", "-u", UNIT, "-o", "cat").stdout == b"\x1b[1mbold\n\xff\xff\n"


def test_a_unit_without_entries(run: Run) -> None:
    assert run("journalctl", "-u", "nope").stdout == b"-- No entries --\n"
    for arguments in (["-q"], ["-o", "export"], ["-o", "json"], ["-o", "cat"]):
        result = run("journalctl", "-u", "nope", *arguments)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_the_probe_with_rights(run: Run) -> None:
    result = run("journalctl", "--system", "-q", "-n", "1", "--no-pager")
    assert result.returncode == 0
    assert result.stdout.count(b"\n") == 1


@pytest.mark.parametrize("access", ["none", "sudo", "sudo-password"])
def test_without_rights(node: SimNode, run: Run, access: str) -> None:
    node.set_access(access)  # type: ignore[arg-type]
    for arguments in (["-u", UNIT], ["--system", "-q", "-n", "1"]):
        result = run("journalctl", *arguments)
        assert (result.returncode, result.stdout) == (1, b"")
        assert b"No journal files were opened due to insufficient permissions." in result.stderr


def test_with_a_journal_of_one_s_own_only(node: SimNode, run: Run) -> None:
    node.append(UNIT, "hello")
    node.set_access("own-user-only")
    result = run(*EXPORT)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert run("journalctl", "--system", "-q", "-n", "1").returncode == 1


@pytest.mark.parametrize("arguments", [["--bogus"], ["-o", "bogus"], ["-n", "3", "word"], ["-p", "err"]])
def test_what_it_does_not_know(run: Run, arguments: list[str]) -> None:
    result = run("journalctl", *arguments)
    assert result.returncode == 1
    assert result.stderr


def test_calls_are_noted(node: SimNode, run: Run) -> None:
    run("journalctl", "-u", 'a "quoted" ünit', "-n", "1")
    call = node.calls()[-1]
    assert call["argv"] == ["journalctl", "-u", 'a "quoted" ünit', "-n", "1"]
    assert call["sudo"] is False
    assert call["pid"] > 1
