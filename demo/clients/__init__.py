"""What the demo's clients print.

Belongs here: a module for each client with the lines of one slot, made up but coherent: every client speaks of the same
slot, block and hash at about the same moment. Pure: a slot in, lines out. It must not know where the lines go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .contributoor import contributoor
from .dora import dora_run
from .geth import geth
from .lighthouse import lighthouse, lighthouse_validator
from .mev_boost import mev_boost
from .nimbus import nimbus_validator
from .slot import GENESIS, SECONDS_PER_SLOT, Line, Slot, slot_at

__all__ = ["CLIENTS", "FAILING", "GENESIS", "SECONDS_PER_SLOT", "Client", "Slot", "dora_run", "slot_at"]


@dataclass(frozen=True, slots=True)
class Client:
    """A client program and the unit it runs as."""

    unit: str
    identifier: str
    description: str
    lines: Callable[[Slot], list[Line]]
    memory: int
    "Bytes."


CLIENTS = tuple(
    Client(f"{unit}.service", identifier, description, lines, megabytes * 1_000_000)
    for unit, identifier, description, lines, megabytes in (
        ("execution", "geth", "Geth Execution Layer Client service for HOODI", geth, 6_912),
        ("consensus", "lighthouse", "Lighthouse Consensus Client service for HOODI", lighthouse, 3_355),
        ("validator", "lighthouse", "Lighthouse Validator Client service for HOODI", lighthouse_validator, 92),
        ("mevboost", "mev-boost", "MEV-Boost Service for HOODI", mev_boost, 24),
        ("csm_nimbusvalidator", "nimbus_validator_client", "Nimbus CSM Validator Client", nimbus_validator, 61),
        ("contributoor", "sentry", "Contributoor Service", contributoor, 38),
    )
)

FAILING = Client("dora.service", "dora-explorer", "Dora Lightweight Beaconchain Explorer", lambda slot: [], 210_000_000)
"A unit that fails and is restarted now and then; see `dora_run`."
