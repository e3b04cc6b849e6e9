"""How much memory there is, and the greenlet that keeps it."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from ethpillar.limits.ledger import Ledger
from ethpillar.memory import PART, Keeper, budget, memory_there, resident
from tests.waiting import until

V2 = "system.slice/ethpillar.service"
GROUPS_V2 = f"0::/{V2}\n"
GROUPS_V1 = "5:cpu,cpuacct:/\n4:memory:/docker/abc\n1:name=systemd:/x\n"


def root(folder: Path, groups: str, limits: dict[str, str]) -> Path:
    files = {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{path}": text for path, text in limits.items()}}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        (GROUPS_V2, {f"{V2}/memory.max": "536870912\n"}, 512 << 20),
        (
            GROUPS_V2,
            {f"{V2}/memory.max": "max\n", "system.slice/memory.max": "99999744"},
            99999744,
        ),
        ("0::/\n", {"memory.max": "1073741824\n"}, 1 << 30),
        (GROUPS_V1, {"memory/docker/abc/memory.limit_in_bytes": "268435456\n"}, 256 << 20),
        (GROUPS_V1, {"memory/memory.limit_in_bytes": "268435456\n"}, 256 << 20),
    ],
)
def test_a_container_has_what_its_group_has(tmp_path: Path, groups: str, limits: dict[str, str], expected: int) -> None:
    assert memory_there(root(tmp_path, groups, limits)) == expected
    assert budget(0) == memory_there() // PART


def test_without_a_group_there_is_what_the_machine_has(tmp_path: Path) -> None:
    machine = memory_there(tmp_path)
    assert machine > 64 << 20
    assert memory_there(root(tmp_path, GROUPS_V1, {"memory/memory.limit_in_bytes": "9223372036854771712"})) == machine
    assert budget(1 << 30) == 1 << 30


def test_the_keeper_has_given_back_what_is_too_much_and_asks_what_is_measured() -> None:
    ledger = Ledger(1 << 20)
    keeper = Keeper(ledger)
    keeper.start()
    try:
        held = [900_000]

        def give_back() -> int:
            held[0] -= 50_000
            ring.hold(held[0])
            return 50_000

        ring = ledger.account("rings", ("a",), give_back=give_back)
        ring.hold(held[0])
        until(lambda: not ring.crowded)
        assert held[0] > 400_000
        weight = [0]
        command = ledger.account("commands", ("b",), measure=lambda: weight[0])
        weight[0] = 50_000
        until(lambda: command.held == 50_000)
        gevent.sleep(0)
    finally:
        keeper.stop()
    assert resident() > 0
