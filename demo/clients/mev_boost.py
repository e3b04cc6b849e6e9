"""mev-boost, the side-car that asks relays."""

from __future__ import annotations

from .slot import Line, Slot, millis


def mev_boost(slot: Slot) -> list[Line]:
    """The relays' side-car: registrations, and now and then a header asked for."""
    dice = slot.random("mevboost")
    found: list[Line] = []

    def line(offset: float, level: str, message: str, pairs: str) -> None:
        at = slot.at(offset)
        time = f"{at:%Y-%m-%dT%H:%M:%S}.{millis(at)}Z"
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
