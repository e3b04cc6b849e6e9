"""Geth, an execution client."""

from __future__ import annotations

import random

from .slot import Line, Slot, millis


def _short(digest: str) -> str:
    return f"{digest[:6]}..{digest[-6:]}"


def _line(slot: Slot, offset: float, level: str, message: str, pairs: str) -> Line:
    at = slot.at(offset)
    return offset, f"{level:<5}[{at:%m-%d|%H:%M:%S}.{millis(at)}] {message:<40} {pairs}".rstrip()


def geth(slot: Slot) -> list[Line]:
    """An execution client: the new payload, the head, and its housekeeping."""
    dice = slot.random("geth")
    came = dice.uniform(0.6, 2.6)
    found = [] if slot.empty else _block(slot, dice, came)
    found.append(
        _line(
            slot, dice.uniform(4, 7), "INFO", "Looking for peers",
            f"peercount={dice.randint(2, 9)} tried={dice.randint(20, 90)} static=0",
        )
    )  # fmt: skip
    if dice.random() < 0.15:
        peer = slot.hash("peer")[:8]
        found.append(
            _line(
                slot, dice.uniform(7, 9), "WARN", "Snapshot extension registration failed",
                f'peer={peer} err="peer connected on snap without compatible eth support"',
            )
        )  # fmt: skip
    if slot.number % 25 == 0:
        found.append(
            _line(
                slot, 9.5, "INFO", "Persisted dirty nodes from pathdb",
                f"nodes={dice.randint(9000, 60000)} bytes={dice.uniform(9, 40):.2f}MiB "
                f"elapsed={dice.uniform(90, 400):.3f}ms",
            )
        )  # fmt: skip
    return found


def _block(slot: Slot, dice: random.Random, came: float) -> list[Line]:
    digest = _short(slot.hash("block"))
    gas = dice.uniform(8, 36)
    took = dice.uniform(18, 140)
    pairs = (
        f"number={slot.block:,} hash={digest} blocks=1 txs={dice.randint(30, 240):<4} mgas={gas:.3f} "
        f"elapsed={took:.3f}ms    mgasps={gas / took * 1000:.3f} snapdiffs={dice.uniform(2, 9):.2f}MiB "
        f"triedirty={dice.uniform(90, 250):.2f}MiB"
    )
    head = f"number={slot.block:,} hash={digest} root={_short(slot.hash('state'))} elapsed={dice.uniform(0.5, 3):.6f}ms"
    return [
        _line(slot, came, "INFO", "Imported new potential chain segment", pairs),
        _line(slot, came + 0.12, "INFO", "Chain head was updated", head),
    ]
