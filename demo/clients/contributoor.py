"""Contributoor, a plugin."""

from __future__ import annotations

from .slot import Line, Slot


def contributoor(slot: Slot) -> list[Line]:
    """A plugin that sends on what it sees."""
    dice = slot.random("contributoor")
    found: list[Line] = []

    def line(offset: float, level: str, message: str, pairs: str) -> None:
        at = slot.at(offset)
        found.append((offset, f'time="{at:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{message}" {pairs}'))

    trace = f"module=contributoor trace_id=bn_{slot.hash('trace')[:5]}"
    for offset in (3.0, 7.0, 11.0):
        events = f"attestation={dice.randint(60, 400)} block={0 if slot.empty else 1} head={0 if slot.empty else 1}"
        line(offset + dice.uniform(0, 0.4), "info", "Summary of the last 4s", f"{events} {trace}")
    if dice.random() < 0.12:
        line(
            dice.uniform(4, 6), "error", "Failed to export batch, will retry", f'error="server busy" items=512 {trace}'
        )
    return found
