"""Unit names, and what systemctl show says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.units import CORE_UNITS, UnitStatus, most_output, parse_show, service_name, show_command, unit_name

RUNNING = b"""Id=execution.service
LoadState=loaded
ActiveState=active
SubState=running
Description=Geth Execution Layer Client service for HOODI
MainPID=4242
NRestarts=3
MemoryCurrent=12582912
UnitFileState=enabled
Result=success
ExecMainStatus=0
StateChangeTimestamp=Mon 2026-11-23 13:47:55 UTC
"""
MISSING = b"""Id=nope.service
LoadState=not-found
ActiveState=inactive
SubState=dead
Description=nope.service
MainPID=0
NRestarts=0
MemoryCurrent=[not set]
UnitFileState=
Result=success
ExecMainStatus=0
StateChangeTimestamp=
"""


@pytest.mark.parametrize(
    "name", [*CORE_UNITS, "a@b", "getty@tty1.service", "a.b", "x" * 247, "dbus-org.x", "a:b_c\\x2d"]
)
def test_names(name: str) -> None:
    unit = unit_name(name)
    assert unit is not None
    assert unit.endswith(".service")
    assert service_name(unit) == name.removesuffix(".service")


@pytest.mark.parametrize(
    "name",
    [
        *("", "-u", "--help", "a b", "a;b", "a$(id)", "a\n", "../x", "a/b", "x" * 248, ".service", "a@", ".hidden"),
        *(None, 5, [], {}, "ssh.socket", "x.timer", "é", "a'b", 'a"b', "*", "a?", "[ab]"),
    ],
)
def test_bad_names(name: Any) -> None:
    assert unit_name(name) is None


@given(st.text())
def test_a_name_is_safe_for_a_shell_or_refused(text: str) -> None:
    unit = unit_name(text)
    if unit is not None:
        assert not set(unit) & set(" \t\n'\"$`;&|<>(){}*?[]!#~%")
        assert not unit.startswith("-")


def test_a_running_unit() -> None:
    (status,) = parse_show(["execution.service"], RUNNING)
    assert (status.status, status.sub_state, status.main_pid, status.restarts) == ("active", "running", 4242, 3)
    assert (status.memory_bytes, status.enabled, status.result, status.exit_status) == (12582912, True, "success", 0)
    assert status.since == "2026-11-23T13:47:55Z"
    assert status.description == "Geth Execution Layer Client service for HOODI"


def test_units_come_in_the_order_asked_for() -> None:
    found = parse_show(["nope.service", "execution.service"], MISSING + b"\n" + RUNNING)
    assert [(each.unit, each.status) for each in found] == [
        ("nope.service", "not_installed"),
        ("execution.service", "active"),
    ]
    assert found[0].memory_bytes is None


def test_an_alias_is_told_by_its_own_name() -> None:
    (status,) = parse_show(["eth1.service"], RUNNING)
    assert (status.unit, status.name) == ("eth1.service", "execution.service")


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        (b"MemoryCurrent=18446744073709551615", "memory_bytes", None),
        (b"MemoryCurrent=18446744073709551614", "memory_bytes", 18446744073709551614),
        (b"MemoryCurrent=100000000000000000000000", "memory_bytes", None),
        (b"MemoryCurrent=[not set]", "memory_bytes", None),
        ("MainPID=\u0663".encode(), "main_pid", None),  # a digit, elsewhere
        (b"StateChangeTimestamp=Mon 2026-11-23 16:25:29 UTC", "since", "2026-11-23T16:25:29Z"),
        (b"StateChangeTimestamp=n/a", "since", None),
        (b"StateChangeTimestamp=Thu 1970-01-01 00:00:00 UTC", "since", None),
        (b"StateChangeTimestamp=Thu 1970-01-01 00:00:01 UTC", "since", "1970-01-01T00:00:01Z"),
        (b"StateChangeTimestamp=Mon 2026-13-41 16:25:29 UTC", "since", None),
        (b"StateChangeTimestamp=Mon 2026-11-23 16:25:29 CET", "since", None),
        (b"StateChangeTimestamp=", "since", None),
        (b"UnitFileState=disabled", "enabled", False),
        (b"UnitFileState=", "enabled", None),
        (b"ActiveState=refreshing", "status", "reloading"),
        (b"ActiveState=maintenance", "status", "inactive"),
        (b"ActiveState=something new", "status", "inactive"),
        (b"ActiveState=failed", "status", "failed"),
        (b"MainPID=0", "main_pid", None),
        (b"Result=oom-kill", "result", "oom-kill"),
        (b"Description=a = b", "description", "a = b"),
        (b"Description=\x1b\x07", "description", None),
    ],
)
def test_warts(line: bytes, attribute: str, value: Any) -> None:
    key = line.partition(b"=")[0]
    text = b"\n".join(line if old.startswith(key + b"=") else old for old in RUNNING.split(b"\n"))
    assert getattr(parse_show(["execution.service"], text)[0], attribute) == value


@pytest.mark.parametrize("state", [b"inactive", b"failed"])
def test_a_unit_whose_file_is_gone_and_that_does_not_run_is_missing(state: bytes) -> None:
    text = RUNNING.replace(b"LoadState=loaded", b"LoadState=not-found").replace(b"=active", b"=" + state)
    assert not parse_show(["execution.service"], text)[0].installed


def test_a_unit_whose_file_is_gone_but_that_runs_is_not_missing() -> None:
    text = RUNNING.replace(b"LoadState=loaded", b"LoadState=not-found")
    assert parse_show(["execution.service"], text)[0].status == "active"


@pytest.mark.parametrize("text", [b"", b"\n\n", b"garbage", RUNNING + b"\n" + RUNNING, b"Id=x\nLoadState=loaded\n"])
def test_an_answer_that_is_none(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_show(["execution.service"], text)


@given(st.binary())
def test_any_bytes_are_statuses_or_a_value_error(text: bytes) -> None:
    try:
        found = parse_show(["a.service"], text)
    except ValueError:
        return
    assert len(found) == 1


def test_the_command_asks_for_all_units_at_once() -> None:
    words = show_command(["a.service", "b.service"])
    assert words[-3:] == ["--", "a.service", "b.service"]
    assert words[:5] == ["env", "LC_ALL=C", "TZ=UTC", "systemctl", "show"]  # so that times are in UTC and in English
    assert not [word for word in words if word.startswith("--timestamp")]  # systemd 245 does not know it


def test_a_greeting_before_and_after_is_no_block() -> None:
    output = b"Welcome\n\n * load: 0.5\nA=b\n\nActiveState=active\nLoadState=loaded\n\nActiveState=inactive\n\nBye\n"
    assert [each.status for each in parse_show(["a.service", "b.service"], output)] == ["active", "inactive"]


def test_texts_of_a_node_are_short_and_plain() -> None:
    output = (
        "ActiveState=active\nSubState=\x1b[31mrunning\nDescription=" + "x" * 1_000_000 + "\nResult=a\x07b\n"
    ).encode()
    (status,) = parse_show(["execution.service"], output)
    assert status.sub_state == "[31mrunning"
    assert status.description == "x" * 256
    assert status.result == "ab"


@pytest.mark.parametrize("noise", ["a\n", "Id=x\n", "=\n", "\n\n", "ActiveState=active\n"])
def test_an_answer_as_large_as_it_may_be_gives_what_it_has_or_an_error(noise: str) -> None:
    most = most_output(show_command(["a.service"]))
    answer = ("ActiveState=active\nId=a.service\n" + noise * (most // len(noise))).encode()
    assert parse_show(["a.service"], answer)[0].status == "active"


def test_the_limit_has_room_for_far_more_than_systemd_says() -> None:
    units = [f"{number}.service" for number in range(100)]
    block = 10 * len(RUNNING)
    assert most_output(show_command(units)) > 100 * block
    assert most_output(show_command(units)) - most_output(show_command([])) == 100 * 4096
    assert most_output([]) == 65536  # for what a login shell prints


@pytest.mark.parametrize(
    ("properties", "output"),
    [
        ({}, None),  # an old systemd
        ({"StandardOutput": "journal", "StandardError": "inherit"}, None),
        ({"StandardOutput": "kmsg+console", "StandardError": "inherit"}, None),
        ({"StandardOutput": "null", "StandardError": "journal"}, None),
        ({"StandardOutput": "append", "StandardError": "inherit"}, "append"),
        ({"StandardOutput": "append:/var/log/geth.log", "StandardError": "append:/var/log/geth.log"}, "append"),
        ({"StandardOutput": "null", "StandardError": "tty"}, "null"),
        ({"StandardOutput": "journal", "StandardError": "inherit", "LogNamespace": ""}, None),
        ({"StandardOutput": "journal", "StandardError": "inherit", "LogNamespace": "eth"}, "namespace"),
        ({"StandardOutput": "journal", "LogLevelMax": "-1", "SyslogLevel": "6"}, None),
        ({"StandardOutput": "journal", "LogLevelMax": "6", "SyslogLevel": "6"}, None),
        ({"StandardOutput": "journal", "LogLevelMax": "5", "SyslogLevel": "6"}, "LogLevelMax=notice"),
        ({"StandardOutput": "journal", "LogLevelMax": "0"}, "LogLevelMax=emerg"),
        ({"StandardOutput": "journal", "LogLevelMax": "4", "SyslogLevel": "4"}, None),
        ({"StandardOutput": "journal", "LogLevelMax": "4", "SyslogLevel": "999999999"}, "LogLevelMax=warning"),
        ({"StandardOutput": "journal", "LogLevelMax": "7", "SyslogLevel": "10"}, "LogLevelMax=debug"),
        ({"StandardOutput": "journal", "LogLevelMax": "8", "SyslogLevel": "10"}, None),  # no level that it knows
        ({"StandardOutput": "journal", "LogLevelMax": "9", "SyslogLevel": "10"}, None),
        ({"StandardOutput": "null", "StandardError": "null", "LogLevelMax": "3"}, "null"),
    ],
)
def test_where_a_unit_s_output_goes(properties: dict[str, str], output: str | None) -> None:
    more = "".join(f"{key}={value}\n" for key, value in properties.items()).encode()
    assert parse_show(["execution.service"], RUNNING + more)[0].output == output


def test_only_a_unit_that_is_not_installed_is_not_there() -> None:
    assert UnitStatus("execution.service", "failed").installed
    assert not UnitStatus("execution.service", "not_installed").installed
