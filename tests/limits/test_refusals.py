"""What was refused is counted, and told once in a while."""

from __future__ import annotations

import re

import pytest

import config
from ethpillar.limits.refusals import TOLD_EVERY, Refusal, Refusals

SETTINGS = {setting.name for setting in config.SETTINGS}


class Told:
    """Refusals with a clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[tuple[Refusal, int]] = []
        self.refusals = Refusals(lambda refusal, more: self.said.append((refusal, more)), lambda: self.now)


def test_the_first_is_told_at_once_and_the_rest_with_the_next_one() -> None:
    told = Told()
    for _ in range(1000):
        told.refusals.note(Refusal.TOKENS)
    assert told.said == [(Refusal.TOKENS, 0)]
    told.now = TOLD_EVERY
    told.refusals.note(Refusal.TOKENS)
    assert told.said[1:] == [(Refusal.TOKENS, 999)]
    assert told.refusals.counts[Refusal.TOKENS] == 1001


def test_one_reason_hides_no_other() -> None:
    told = Told()
    for refusal in Refusal:
        told.refusals.note(refusal)
        told.refusals.note(refusal)
    assert [refusal for refusal, _ in told.said] == list(Refusal)


def test_a_minute_without_any_is_quiet() -> None:
    told = Told()
    told.refusals.note(Refusal.NODES)
    told.now = TOLD_EVERY * 10
    assert len(told.said) == 1


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.value)
def test_each_reason_says_what_to_set(refusal: Refusal) -> None:
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", refusal.cure))
    assert named <= SETTINGS
    assert named or "LimitNOFILE=" in refusal.cure
    assert re.fullmatch(r"[a-z_]+", refusal.value)


def test_what_happens_in_normal_operation_is_no_warning() -> None:
    levels = {refusal: refusal.level for refusal in Refusal if refusal.level != "warning"}
    assert levels == {
        Refusal.ORIGIN: "debug",
        Refusal.UNKNOWN: "info",
        Refusal.NO_TOKEN: "info",
        Refusal.REQUEST: "debug",
    }
