"""What the demo's clients print.

Belongs here: for each client, the lines of one slot, made up but coherent: every client speaks of the same slot,
block and hash at about the same moment. Pure: a slot in, lines out. It must not know where the lines go.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = 1_742_213_400
"Of the Hoodi network, seconds since the epoch."
SECONDS_PER_SLOT = 12
SLOTS_PER_EPOCH = 32
_BLOCKS_BEHIND = 41_377  # slots without a block so far
_KEYS = ("0x8f2c51d0a6", "0xa3e77b90f4", "0xb05d1ec86f")

Line = tuple[float, str]
"Seconds into the slot, and what is printed then."


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of the beacon chain, and what the clients say about it."""

    number: int

    @property
    def start(self) -> float:
        """Seconds since the epoch."""
        return float(GENESIS + self.number * SECONDS_PER_SLOT)

    @property
    def epoch(self) -> int:
        """Its epoch."""
        return self.number // SLOTS_PER_EPOCH

    @property
    def block(self) -> int:
        """The number of its execution block."""
        return self.number - _BLOCKS_BEHIND

    @property
    def empty(self) -> bool:
        """No block was proposed."""
        return int(self.hash("empty")[:2], 16) < 6

    def hash(self, kind: str) -> str:
        """64 hexadecimal digits, always the same for the slot and the kind of thing."""
        return hashlib.sha256(f"{kind} {self.number}".encode()).hexdigest()

    def random(self, client: str) -> random.Random:
        """A client's dice for the slot."""
        return random.Random(f"{client} {self.number}")

    def at(self, offset: float) -> datetime:
        """A moment in the slot."""
        return datetime.fromtimestamp(self.start + offset, UTC)


def slot_at(seconds: float) -> Slot:
    """The slot of a moment, in seconds since the epoch."""
    return Slot(int(seconds - GENESIS) // SECONDS_PER_SLOT)


@dataclass(frozen=True, slots=True)
class Client:
    """A client program and the unit it runs as."""

    unit: str
    identifier: str
    description: str
    lines: Callable[[Slot], list[Line]]
    memory: int
    "Bytes."


def _short(digest: str) -> str:
    return f"{digest[:6]}..{digest[-6:]}"


def _millis(moment: datetime) -> str:
    return f"{moment.microsecond // 1000:03d}"


# -- Geth


def _geth_line(slot: Slot, offset: float, level: str, message: str, pairs: str) -> Line:
    at = slot.at(offset)
    return offset, f"{level:<5}[{at:%m-%d|%H:%M:%S}.{_millis(at)}] {message:<40} {pairs}".rstrip()


def geth(slot: Slot) -> list[Line]:
    """An execution client: the new payload, the head, and its housekeeping."""
    dice = slot.random("geth")
    came = dice.uniform(0.6, 2.6)
    found = [] if slot.empty else _geth_block(slot, dice, came)
    found.append(
        _geth_line(
            slot, dice.uniform(4, 7), "INFO", "Looking for peers",
            f"peercount={dice.randint(2, 9)} tried={dice.randint(20, 90)} static=0",
        )
    )  # fmt: skip
    if dice.random() < 0.15:
        peer = slot.hash("peer")[:8]
        found.append(
            _geth_line(
                slot, dice.uniform(7, 9), "WARN", "Snapshot extension registration failed",
                f'peer={peer} err="peer connected on snap without compatible eth support"',
            )
        )  # fmt: skip
    if slot.number % 25 == 0:
        found.append(
            _geth_line(
                slot, 9.5, "INFO", "Persisted dirty nodes from pathdb",
                f"nodes={dice.randint(9000, 60000)} bytes={dice.uniform(9, 40):.2f}MiB "
                f"elapsed={dice.uniform(90, 400):.3f}ms",
            )
        )  # fmt: skip
    return found


def _geth_block(slot: Slot, dice: random.Random, came: float) -> list[Line]:
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
        _geth_line(slot, came, "INFO", "Imported new potential chain segment", pairs),
        _geth_line(slot, came + 0.12, "INFO", "Chain head was updated", head),
    ]


# -- Lighthouse


def _lighthouse_line(slot: Slot, offset: float, level: str, message: str, pairs: str) -> Line:
    at = slot.at(offset)
    return offset, f"{at:%b %d %H:%M:%S}.{_millis(at)} {level:<5} {message:<42} {pairs}".rstrip()


def lighthouse(slot: Slot) -> list[Line]:
    """A beacon node: the block, attestations, and the slot's summary in its middle."""
    dice = slot.random("lighthouse")
    found = [] if slot.empty else _lighthouse_block(slot, dice.uniform(1.0, 3.0))
    found.append(_lighthouse_line(slot, 6.0 + dice.uniform(0, 0.004), "INFO", "Synced", _summary(slot, dice)))
    for _ in range(dice.randint(0, 2)):
        found.append(
            _lighthouse_line(
                slot, dice.uniform(4.1, 5.6), "INFO", "Attestation included in block" if dice.random() < 0.5 else
                "Sync committee message processed",
                f"validator: {dice.randint(1_100_000, 1_100_600)}, epoch: {slot.epoch}, slot: {slot.number - 1}",
            )
        )  # fmt: skip
    if dice.random() < 0.06:
        found.append(
            _lighthouse_line(
                slot, dice.uniform(8, 11), "ERROR", "Could not verify block for gossip",
                "error: BlobNotAvailable, peer_id: 16Uiu2HAmDemoPeerNotARealOne",
            )
        )  # fmt: skip
    return found


def _lighthouse_block(slot: Slot, came: float) -> list[Line]:
    root = slot.hash("root")
    found = [_lighthouse_line(slot, came, "INFO", "New block received", f"root: 0x{root}, slot: {slot.number}")]
    if came > 2.6:
        pairs = f"block_root: 0x{root}, slot: {slot.number}, delay_ms: {int(came * 1000)}"
        found.append(_lighthouse_line(slot, came + 0.2, "WARN", "Block was received late", pairs))
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
    mine = dice.sample(range(len(_KEYS)), dice.randint(0, 2))
    for validator in mine:
        found.append(
            _lighthouse_line(
                slot, dice.uniform(4.0, 4.3), "INFO", "Successfully published attestations",
                f'count: 1, validator_indices: [{1_100_210 + validator}], head_block: "0x{slot.hash("root")}", '
                f'committee_index: {dice.randint(0, 63)}, slot: {slot.number}, type: "unaggregated"',
            )
        )  # fmt: skip
    found.append(
        _lighthouse_line(
            slot, 6.0 + dice.uniform(0, 0.004), "INFO", "All validators active",
            f"current_epoch_proposers: 0, active_validators: {len(_KEYS)}, total_validators: {len(_KEYS)}, "
            f"epoch: {slot.epoch}, slot: {slot.number}",
        )
    )  # fmt: skip
    if slot.number % 8 == 0:
        found.append(
            _lighthouse_line(
                slot, 6.1, "INFO", "Connected to beacon node(s)",
                "synced: 1, available: 1, total: 1",
            )
        )  # fmt: skip
    if dice.random() < 0.05:
        found.append(
            _lighthouse_line(
                slot, dice.uniform(8, 10), "WARN", "A connected beacon node errored during routine health check",
                "error: Offline, endpoint: http://127.0.0.1:5052/",
            )
        )  # fmt: skip
    return found


# -- Nimbus


def nimbus_validator(slot: Slot) -> list[Line]:
    """A validator client of another kind, for the CSM."""
    dice = slot.random("nimbus")
    found: list[Line] = []

    def line(offset: float, level: str, message: str, pairs: str) -> None:
        at = slot.at(offset)
        text = f"{level} {at:%Y-%m-%d %H:%M:%S}.{_millis(at)}+00:00 {message:<43} {pairs}"
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


# -- mev-boost


def mev_boost(slot: Slot) -> list[Line]:
    """The relays' side-car: registrations, and now and then a header asked for."""
    dice = slot.random("mevboost")
    found: list[Line] = []

    def line(offset: float, level: str, message: str, pairs: str) -> None:
        at = slot.at(offset)
        time = f"{at:%Y-%m-%dT%H:%M:%S}.{_millis(at)}Z"
        found.append((offset, f'time="{time}" level={level} msg="{message}" {pairs} version=v1.9'))

    if slot.number % 3 == 0:
        took = dice.uniform(0.08, 0.6)
        line(
            2.2, "info", "http: POST /eth/v1/builder/validators 200",
            f"duration={took:.6f} method=POST path=/eth/v1/builder/validators status=200",
        )  # fmt: skip
    if dice.random() < 0.3:
        relay = dice.choice(["relay-one.demo.example", "relay-two.demo.example"])
        if dice.random() < 0.7:
            line(
                dice.uniform(0.4, 1.1), "info", "best bid",
                f"blockHash=0x{slot.hash('bid')} blockNumber={slot.block} method=getHeader relays={relay} "
                f"slot={slot.number} value={dice.uniform(0.004, 0.09):.18f}",
            )  # fmt: skip
        else:
            line(
                dice.uniform(0.4, 1.1), "warning", "error making request to relay",
                f'error="context deadline exceeded" method=getHeader slot={slot.number} url="https://{relay}"',
            )  # fmt: skip
    line(
        dice.uniform(8, 9), "info", "http: GET /eth/v1/builder/status 200",
        f"duration={dice.uniform(0.0001, 0.002):.6f} method=GET path=/eth/v1/builder/status status=200",
    )  # fmt: skip
    return found


# -- contributoor


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


def dora_run(start: float, seconds: float) -> Iterator[tuple[float, str]]:
    """What it prints in a run of so many seconds that ends badly: moments in seconds since the epoch, and lines."""

    def line(moment: float, level: str, message: str, pairs: str) -> tuple[float, str]:
        at = datetime.fromtimestamp(moment, UTC)
        return moment, f'time="{at:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{message}" {pairs}'

    yield line(start + 0.1, "info", "starting", "name=explorer version=v1.19.3")
    yield line(start + 0.4, "info", "database connection established", "engine=sqlite service=database")
    moment = start + 2
    while moment < start + seconds - 1.5:
        slot = slot_at(moment)
        root = slot.hash("root")
        yield line(
            moment,
            "info",
            f"received block {slot.epoch}:{slot.number} [0x{root}]",
            "client=lighthouse service=cl-indexer",
        )
        moment += 6
    yield line(
        start + seconds - 1.0, "error", "error while building db blocks: block body not found", "service=cl-indexer"
    )
    yield line(start + seconds - 0.2, "fatal", "error writing to database: disk I/O error", "service=database")
