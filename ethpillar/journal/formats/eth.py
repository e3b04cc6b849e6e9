"""A line's facts about the chain, under keys that mean the same for every client.

`slot` and `epoch`: of the beacon chain. `block`: the number of an execution block. `hash`: the hash of an execution
block, as printed, which may be shortened. `peers`: how many peers the client is connected to. A beacon block's root
is none of these, whatever its client calls it: it has no counterpart in the other clients' lines, and the execution
block's hash has. Values are plain: no thousands commas, no `Slot(...)` around them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Keys = dict[str, str]
"A client's key to one of ours."

_ANY: Keys = {
    "slot": "slot", "Slot": "slot", "epoch": "epoch", "Epoch": "epoch", "duty": "slot",
    "blockNumber": "block", "block_number": "block", "blockNum": "block", "block_num": "block", "latest_block": "block",
    "blockHash": "hash", "block_hash": "hash", "blockhash": "hash", "head_block_hash": "hash",
    "exec_hash": "hash", "execution_block_hash": "hash", "executionBlockHash": "hash", "payloadHash": "hash",
    "payloadBlockHash": "hash", "headBlockHash": "hash", "headPayloadBlockHash": "hash",
    "peers": "peers", "Peers": "peers", "peercount": "peers", "connected_peers": "peers", "Connected peers": "peers",
    "activePeers": "peers", "peersCount": "peers", "peer_count": "peers", "peerCount": "peers",
    "headExecutionBlockHash": "hash", "receivedExecutionBlockHash": "hash",
}  # fmt: skip
EXECUTION: Keys = _ANY | {
    "number": "block", "blk": "block", "height": "block", "block": "block", "block-number": "block",
    "invalid_number": "block", "block_height": "block", "blockHeight": "block",
    "hash": "hash", "header-hash": "hash", "headerHash": "hash", "header_hash": "hash", "block-hash": "hash",
    "invalid_hash": "hash",
}  # fmt: skip
"For clients of the execution layer, whose numbers and hashes are those of execution blocks."
CONSENSUS: Keys = _ANY | {"block_slot": "slot", "blockSlot": "slot"}
"For all others."

_NUMBER = re.compile(r"(?:[A-Z]\w*+\()*+(?:\[(?=\d++/)|#)?(\d[\d,]*+)(?![\w.:…-])")
_HASH = re.compile(r"(?:[A-Z]\w*+\()*+((?:0x)?[0-9a-fA-F]{3,}+(?:(?:…|\.{2,5}|_)[0-9a-fA-F]*+)?)(?![\w…])")

PLAIN = dict.fromkeys(("slot", "epoch", "block", "peers"), r"(\d[\d,]*+)") | {
    "hash": r"((?:0x)?[0-9a-fA-F]{3,}+(?:(?:\.{2,5}|_)[0-9a-fA-F]*+)?)"
}
"The patterns of values that are nothing but the fact of a name, as most are: without its commas it is what is read."


def number(text: str) -> str | None:
    """Return the digits of `12`, `1,234`, `Slot(12)`, `12/100`, `[0/200]`, `12 (verified)`; None if it is no number."""
    digits = text if text.isdigit() else text.replace(",", "")
    if digits.isdigit() and digits.isascii():
        return digits
    match = _NUMBER.match(text)
    return match[1].replace(",", "") if match else None


def block_hash(text: str) -> str | None:
    """Return the hash in `0x12ab…`, `0x12ab… (verified)`, `Some(0x12ab)`; None when there is none."""
    match = _HASH.match(text)
    return match[1] if match else None


def from_fields(fields: dict[str, str], keys: Keys) -> dict[str, str] | None:
    """Return the `eth` object of a line with these fields; None if they say nothing. The first key counts."""
    eth: dict[str, str] | None = None
    for key, text in fields.items():
        if key in keys:
            name = keys[key]
            value = reader_of(name)(text)
            if value is not None:
                if eth is None:
                    eth = {name: value}
                else:
                    eth.setdefault(name, value)
    return eth


def reader_of(name: str) -> Callable[[str], str | None]:
    """Return what reads a value of this name of ours from what a client prints."""
    return block_hash if name == "hash" else number


_OF_BEACON_BLOCK = re.compile(
    r"[Bb]lobs|[Cc]olumns|components|[Rr][Pp][Cc] block|transition block is inv|Produced vote"
)
_ROOTS = {key: name for key, name in CONSENSUS.items() if name != "hash"}


def of_lighthouse(message: str, fields: dict[str, str]) -> dict[str, str] | None:
    """Make the `eth` object of a line of Lighthouse's; None when it says nothing of the chain.

    In some messages its `block_hash` is a beacon block's root (network_beacon_processor/sync_methods.rs), or of the
    deposits' contract.
    """
    return from_fields(fields, _ROOTS if _OF_BEACON_BLOCK.search(message) else CONSENSUS)


_NO_HASH: Keys = {key: name for key, name in EXECUTION.items() if name != "hash"}
_NO_NETWORK: Keys = {key: name for key, name in _NO_HASH.items() if name != "peers"}


def execution_keys(component: str | None, message: str, fields: Mapping[str, str]) -> Keys:
    """Return the keys that count in a line of the execution layer's. Of the values, only that of `app` matters."""
    if fields.get("app") == "caplin":  # Erigon's consensus layer
        return CONSENSUS
    # The peers and hashes of the BitTorrent client with which Erigon loads its snapshots are its own.
    if component is not None and (_SNAPSHOTS.search(component) or "connections" in fields or "webseeds" in fields):
        return _NO_NETWORK
    # And so is a transaction's hash.
    if "txhash" not in fields and ("nonce" in fields or _is_of_transaction(message)):
        return _NO_HASH
    return EXECUTION


def says_otherwise(message: str, fields: Mapping[str, str]) -> bool:
    """Return True if a line of the execution layer's may have its facts in other keys; see `of_execution`."""
    return ("head" in fields and "ork" in message) or message.endswith("GoodPeers")


def of_execution(component: str | None, message: str, fields: dict[str, str]) -> dict[str, str] | None:
    """Return the `eth` object of a line of the execution layer's; None when it says nothing of the chain."""
    found = from_fields(fields, execution_keys(component, message, fields))
    if found is None and says_otherwise(message, fields):
        if "head" in fields:  # Geth's and ethrex' fork choice
            return with_more(None, hash=block_hash(fields["head"]))
        # Erigon's, of each version of the protocol
        counts = [int(number) for key, number in fields.items() if key.startswith("eth") and number.isdecimal()]
        return {"peers": str(sum(counts))} if counts else None
    return found


def _is_of_transaction(message: str) -> bool:
    # Most messages have none of these letters, which costs less than the pattern.
    return ("x" in message or "ransaction" in message or "lob" in message or "limbo" in message) and (
        _TRANSACTION.search(message) is not None
    )


_TRANSACTION = re.compile(r"(?<![a-z])(?:[Tt]ransaction|[Tt]xn?s?\b|[Bb]lobs? |limbo)")
_SNAPSHOTS = re.compile(r"[Ss]napshots|downloader|OtterSync")


_NUMBER_AND_HASH = re.compile(
    r"(?<![\w.,#-])#?(\d[\d,]{0,14}+) +(?:\d\d:\d\d:\d\d )?\((0x[0-9a-f]{6,64}+(?:\.{2,5}[0-9a-f]{4,8}+)?)\)"
)
_NUM_HASH = re.compile(r"NumHash \{ number: (\d+), hash: (0x[0-9a-f]+)")
_OTHERS = re.compile(r"parent|final|safe|(?<!invalid_)ancestor|anchor|persisted|old|previous|lowest")
"What is in the name of a key that is about another block than the line's."


def in_text(message: str) -> dict[str, str] | None:
    """Find the first block that Java's and .NET's clients name in a message, `N (0xHASH)`; None when there is none."""
    found = _NUMBER_AND_HASH.search(message)
    return {"block": found[1].replace(",", ""), "hash": found[2]} if found else None


def in_values(fields: dict[str, str]) -> dict[str, str] | None:
    """Find the block in a value of Rust's, `block=NumHash { number: 12, hash: 0x.. }`; None when there is none."""
    for key, value in fields.items():
        if "NumHash {" in value and not _OTHERS.search(key) and (found := _NUM_HASH.search(value)):
            return {"block": found[1], "hash": found[2]}
    return None


def with_more(eth: dict[str, str] | None, **more: str | None) -> dict[str, str] | None:
    """`eth` with what else is known (numbers may have commas); None when nothing is."""
    known = {name: value.replace(",", "") for name, value in more.items() if value}
    return {**(eth or {}), **known} or None
