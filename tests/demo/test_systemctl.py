"""The simulated systemctl."""

from __future__ import annotations

import re
import time

from demo.simnode import SimNode
from ethpillar.units import parse_show, show_command

from ..waiting import until
from .conftest import Run, Start


def show(run: Run, *arguments: str, **environment: str) -> list[dict[str, str]]:
    result = run("systemctl", "show", *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return [dict(line.split("=", 1) for line in block.splitlines()) for block in result.stdout.decode().split("\n\n")]


def test_several_units_in_the_order_asked_for(node: SimNode, run: Run) -> None:
    for name in ("a", "b.service", "c"):
        node.set_unit(name, ActiveState="active", SubState="running", MainPID=7)
    blocks = show(run, "c", "nope", "a.service", "b", "--property=SubState,Id,ActiveState,Bogus", "-p", "MainPID")
    assert [block["Id"] for block in blocks] == ["c.service", "nope.service", "a.service", "b.service"]
    assert list(blocks[0]) == ["MainPID", "Id", "ActiveState", "SubState"]  # in systemd's order


def test_a_missing_unit(run: Run) -> None:
    block = show(run, "nope")[0]
    assert block["LoadState"] == "not-found"
    assert (block["ActiveState"], block["SubState"], block["MainPID"]) == ("inactive", "dead", "0")
    assert block["Description"] == "nope.service"
    assert block["MemoryCurrent"] == "[not set]"
    assert block["UnitFileState"] == ""


def test_the_server_s_own_command_and_parser(node: SimNode, run: Run) -> None:
    node.set_unit("execution", ActiveState="active", SubState="running", Description="Geth", MainPID=42, NRestarts=3)
    node.set_unit("execution", StateChangeTimestamp=1_795_451_129.5)
    words = show_command(["execution.service", "nope.service"])
    arguments = words[words.index("systemctl") + 1 :]
    statuses = parse_show(["execution", "nope"], run("systemctl", *arguments, LC_ALL="C", TZ="UTC").stdout)
    assert statuses[0].status == "active"
    assert (statuses[0].main_pid, statuses[0].restarts, statuses[0].enabled) == (42, 3, True)
    assert statuses[0].since == "2026-11-23T16:25:29Z"
    assert statuses[1].status == "not_installed"


def test_times(node: SimNode, run: Run) -> None:
    node.set_unit("a", ActiveState="active", StateChangeTimestamp=1_795_451_129.5)
    properties = ("-p", "StateChangeTimestamp")
    assert show(run, "a", *properties, "--timestamp=unix")[0]["StateChangeTimestamp"] == "@1795451129"
    text = show(run, "a", *properties, TZ="UTC")[0]["StateChangeTimestamp"]
    assert text == "Mon 2026-11-23 16:25:29 UTC"
    text = show(run, "a", *properties, TZ="Europe/Berlin")[0]["StateChangeTimestamp"]
    assert text == "Mon 2026-11-23 17:25:29 CET"


def test_an_old_systemctl_knows_no_unix_times(node: SimNode, run: Run) -> None:
    node.set_systemd(245)
    node.set_unit("a", ActiveState="active")
    result = run("systemctl", "show", "a", "--timestamp=unix")
    assert (result.returncode, result.stderr) == (1, b"systemctl: unrecognized option '--timestamp=unix'\n")
    text = show(run, "a", "-p", "StateChangeTimestamp", TZ="UTC")[0]["StateChangeTimestamp"]
    assert re.fullmatch(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)


def test_timestamps_follow_the_states(node: SimNode, run: Run) -> None:
    names = ("-p", "StateChangeTimestamp,ActiveEnterTimestamp,InactiveEnterTimestamp,ExecMainStartTimestamp")
    node.set_unit("a")
    assert set(show(run, "a", *names)[0].values()) == {""}
    before = int(time.time())
    node.set_unit("a", ActiveState="active", SubState="running", MainPID=5)
    block = show(run, "a", *names, "--timestamp=unix")[0]
    assert block["InactiveEnterTimestamp"] == ""
    for name in ("StateChangeTimestamp", "ActiveEnterTimestamp", "ExecMainStartTimestamp"):
        assert int(block[name].removeprefix("@")) >= before


def test_memory_and_removal(node: SimNode, run: Run) -> None:
    node.set_unit("a", ActiveState="active", MainPID=5, MemoryCurrent=12345)
    assert show(run, "a", "-p", "MemoryCurrent")[0] == {"MemoryCurrent": "12345"}
    node.set_unit("b")
    assert show(run, "b", "-p", "MemoryCurrent")[0] == {"MemoryCurrent": "[not set]"}
    node.remove_unit("a")
    assert show(run, "a", "-p", "LoadState")[0] == {"LoadState": "not-found"}


def test_is_active_and_is_enabled(node: SimNode, run: Run) -> None:
    node.set_unit("a", ActiveState="active")
    node.set_unit("b", ActiveState="failed", UnitFileState="disabled")
    assert (run("systemctl", "is-active", "a").stdout, run("systemctl", "is-active", "a").returncode) == (
        b"active\n",
        0,
    )
    assert run("systemctl", "is-active", "b", "nope").stdout == b"failed\ninactive\n"
    assert run("systemctl", "is-active", "--quiet", "b").returncode == 3
    assert run("systemctl", "is-enabled", "a").returncode == 0
    assert run("systemctl", "is-enabled", "b").stdout == b"disabled\n"
    assert b"No such file" in run("systemctl", "is-enabled", "nope").stderr
    assert run("systemctl", "list-units", "--no-legend").stdout.startswith(b"a.service loaded active")
    assert b"Description=a.service" in run("systemctl", "cat", "a").stdout


def test_no_rights_are_needed(node: SimNode, run: Run) -> None:
    node.set_access("none")
    assert show(run, "nope")[0]["LoadState"] == "not-found"


def test_failing(node: SimNode, run: Run) -> None:
    node.fail_systemctl()
    result = run("systemctl", "show", "a")
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"Failed to connect to bus")
    node.fail_systemctl(False)
    assert run("systemctl", "show", "a").returncode == 0


def test_hanging(node: SimNode, start: Start) -> None:
    node.hang_systemctl()
    process = start("systemctl", "show", "a")
    until(node.calls)
    assert process.poll() is None
    node.hang_systemctl(False)
    assert process.wait(20) == 0
