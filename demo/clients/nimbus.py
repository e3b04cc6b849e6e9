"""Nimbus, a validator client for Lido's CSM."""

from __future__ import annotations

from .slot import Line, Slot, millis


def nimbus_validator(slot: Slot) -> list[Line]:
    """A validator client of another kind, for the CSM."""
    dice = slot.random("nimbus")
    found: list[Line] = []

    def line(offset: float, level: str, message: str, pairs: str) -> None:
        at = slot.at(offset)
        text = f"{level} {at:%Y-%m-%d %H:%M:%S}.{millis(at)}+00:00 {message:<43} {pairs}"
        found.append((offset, text))

    digest = slot.hash("root")[:8]
    line(
        dice.uniform(0, 0.02), "INF", "Slot start",
        f"slot={slot.number} epoch={slot.epoch} attestationIn={dice.randint(1, 12)}s "
        f"blockIn={dice.randint(1, 9)}h{dice.randint(1, 59)}m validators=2 good_nodes=1 viable_nodes=1 "
        f"bad_nodes=0 delay={dice.randint(200, 900)}us",
    )  # fmt: skip
    if dice.random() < 0.6:
        line(
            dice.uniform(4.0, 4.4), "NTC", "Attestation published",
            f'attestation="(committee_index: {dice.randint(0, 63)}, data: (slot: {slot.number}, '
            f'beacon_block_root: \\"{digest}\\"))" validator=95b2{slot.hash("v")[:4]} '
            f"node=http://127.0.0.1:5052[Lighthouse/v8.0.0] service=attestation_service "
            f"delay={dice.randint(3, 40)}ms{dice.randint(1, 999)}us",
        )  # fmt: skip
    if dice.random() < 0.1:
        line(
            dice.uniform(7, 11), "WRN", "Beacon node has different latency than expected",
            "service=fallback_service node=http://127.0.0.1:5052 latency=412ms",
        )  # fmt: skip
    return found
