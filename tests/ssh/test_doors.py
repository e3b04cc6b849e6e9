"""Addresses where logins were refused."""

from __future__ import annotations

from collections import Counter

import pytest

from ethpillar.errors import SessionStoreDown, SshHeldBack
from ethpillar.ssh.doors import REFUSALS, Door

HERE, THERE = ("203.0.113.5", 22), ("203.0.113.5", 2222)


class Memory:
    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()
        self.entered: set[tuple[str, str, int]] = set()
        self.down = False

    def refusals_at(self, address: str, port: int) -> tuple[int, int]:
        return self.counts[address, port], 300

    def refused_at(self, address: str, port: int, seconds: int) -> None:
        if self.down:
            raise SessionStoreDown
        self.counts[address, port] += 1

    def was_in(self, username: str, address: str, port: int) -> bool:
        return (username, address, port) in self.entered

    def let_in_at(self, username: str, address: str, port: int, seconds: int) -> None:
        if self.down:
            raise SessionStoreDown
        self.entered.add((username, address, port))


def test_after_two_refusals_nobody_knocks_there_but_those_that_were_in() -> None:
    memory = Memory()
    Door(memory, "owner", HERE).let_in()
    for number in range(REFUSALS):
        stranger = Door(memory, f"guess{number}", HERE)
        stranger.check()
        stranger.refused()
    for name in ("guess0", "another", "Owner"):
        with pytest.raises(SshHeldBack) as caught:
            Door(memory, name, HERE).check()
        assert "UTC" in str(caught.value.hint)
        assert HERE[0] not in str(caught.value.payload())
    Door(memory, "owner", HERE).check()
    Door(memory, "another", THERE).check()


def test_a_login_succeeds_though_it_can_t_be_noted() -> None:
    memory = Memory()
    memory.down = True
    Door(memory, "owner", HERE).let_in()
    Door(memory, "owner", HERE).refused()
    Door(None, "owner", HERE).check()
    Door(None, "owner", HERE).refused()
