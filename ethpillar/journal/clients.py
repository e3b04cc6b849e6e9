"""Which client a unit runs, from its description.

EthPillar's descriptions, and those of the written guides, begin with the client's name (`Geth Execution Layer Client
service for Hoodi`).
"""

from __future__ import annotations

_NAMES = {
    name.lower(): name
    for name in (
        *("Geth", "Nethermind", "Besu", "Erigon", "Reth", "Ethrex"),
        *("Lighthouse", "Lodestar", "Nimbus", "Prysm", "Teku", "Grandine"),
        *("MEV-Boost", "Commit-Boost", "Vouch", "Charon", "SSV", "Web3signer", "Contributoor", "Dora"),
    )
}
_NAMES["erigon-caplin"] = "Erigon"


def client_of(description: str) -> str | None:
    """Return the client's name, or None when the description does not begin with one that is known."""
    first = description.split(maxsplit=1)
    return _NAMES.get(first[0].lower()) if first else None
