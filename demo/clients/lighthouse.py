"""Lighthouse: a beacon node and a validator client."""

from __future__ import annotations

import random

from .slot import SLOTS_PER_EPOCH, Line, Slot, millis

_VALIDATORS = 3


def _line(slot: Slot, offset: float, level: str, message: str, pairs: str) -> Line:
    at = slot.at(offset)
    return offset, f"{at:%b %d %H:%M:%S}.{millis(at)} {level:<5} {message:<42} {pairs}".rstrip()


def lighthouse(slot: Slot) -> list[Line]:
    """A beacon node: the block, attestations, and the slot's summary in its middle."""
    dice = slot.random("lighthouse")
    found = [] if slot.empty else _block(slot, dice.uniform(1.0, 3.0))
    found.append(_line(slot, 6.0 + dice.uniform(0, 0.004), "INFO", "Synced", _summary(slot, dice)))
    for _ in range(dice.randint(0, 2)):
        found.append(
            _line(
                slot, dice.uniform(4.1, 5.6), "INFO", "Attestation included in block" if dice.random() < 0.5 else
                "Sync committee message processed",
                f"validator: {dice.randint(1_100_000, 1_100_600)}, epoch: {slot.epoch}, slot: {slot.number - 1}",
            )
        )  # fmt: skip
    if dice.random() < 0.06:
        found.append(
            _line(
                slot, dice.uniform(8, 11), "ERROR", "Could not verify block for gossip",
                "error: BlobNotAvailable, peer_id: 16Uiu2HAmDemoPeerNotARealOne",
            )
        )  # fmt: skip
    return found


def _block(slot: Slot, came: float) -> list[Line]:
    root = slot.hash("root")
    found = [_line(slot, came, "INFO", "New block received", f"root: 0x{root}, slot: {slot.number}")]
    if came > 2.6:
        pairs = f"block_root: 0x{root}, slot: {slot.number}, delay_ms: {int(came * 1000)}"
        found.append(_line(slot, came + 0.2, "WARN", "Block was received late", pairs))
    return found


def _summary(slot: Slot, dice: random.Random) -> str:
    root, digest, finalized = slot.hash("root"), slot.hash("block"), slot.epoch - 2
    block = "…  empty" if slot.empty else f"0x{root[:4]}…{root[-4:]}"
    return (
        f'peers: "{dice.randint(64, 104)}", exec_hash: "0x{digest[:4]}…{digest[-4:]} (verified)", '
        f'finalized_root: "0x{Slot(finalized * SLOTS_PER_EPOCH).hash("root")[:4]}…", '
        f'finalized_epoch: {finalized}, epoch: {slot.epoch}, block: "{block}", slot: {slot.number}'
    )


def lighthouse_validator(slot: Slot) -> list[Line]:
    """A validator client: its duties."""
    dice = slot.random("validator")
    found: list[Line] = []
    mine = dice.sample(range(_VALIDATORS), dice.randint(0, 2))
    for validator in mine:
        found.append(
            _line(
                slot, dice.uniform(4.0, 4.3), "INFO", "Successfully published attestations",
                f'count: 1, validator_indices: [{1_100_210 + validator}], head_block: "0x{slot.hash("root")}", '
                f'committee_index: {dice.randint(0, 63)}, slot: {slot.number}, type: "unaggregated"',
            )
        )  # fmt: skip
    found.append(
        _line(
            slot, 6.0 + dice.uniform(0, 0.004), "INFO", "All validators active",
            f"current_epoch_proposers: 0, active_validators: {_VALIDATORS}, total_validators: {_VALIDATORS}, "
            f"epoch: {slot.epoch}, slot: {slot.number}",
        )
    )  # fmt: skip
    if slot.number % 8 == 0:
        found.append(
            _line(
                slot, 6.1, "INFO", "Connected to beacon node(s)",
                "synced: 1, available: 1, total: 1",
            )
        )  # fmt: skip
    if dice.random() < 0.05:
        found.append(
            _line(
                slot, dice.uniform(8, 10), "WARN", "A connected beacon node errored during routine health check",
                "error: Offline, endpoint: http://127.0.0.1:5052/",
            )
        )  # fmt: skip
    return found
