"""Runs the attacks: `make bench-hostile`, or `ATTACKS=emoji,healthz make bench-hostile` for those with such names.

For each one the production command is started with its defaults, real Redis and real sshd. A victim, somebody else's
page, asks something each 20 ms and counts how long each ack takes, first in peace, then under the attack. Printed is
that, the loop's longest lag and how much of it was work of its own, the worker's memory at its height, what the
attackers had to send to the server's port, and whether what was held is let go of afterwards. Exits with 1 when a bar
is missed. Attackers and the victim share the machine's processors: on a small one that is seen in its time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import browser, held, node
from .world import LINGERS, Attacker, Victim, World

P99 = 100.0
"Milliseconds in which 99 of 100 acks of the victim must come."
HOLD = 100.0
"Milliseconds of work that may keep all others from their turn."
MEGA = 1 << 20
GROWN = 300 * MEGA
"Bytes by which the worker may grow."
PEACE, ATTACK = 4.0, float(os.environ.get("SECONDS", "12"))

Begin = Callable[[World], list[Attacker]]


def _figures(took: list[float]) -> str:
    return f"{statistics.median(took):7.1f} {_p99(took):7.1f}" if took else f"{'none':>15}"


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)] if took else float("inf")


def attack(name: str, begin: Begin) -> bool:
    """Run one attack and print its row. Return True if it hurt nobody."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        world = World(Path(folder))
        attackers: list[Attacker] = []
        try:
            victim = Victim(world.server.port, world.session(port=world.sshd.port))
            time.sleep(PEACE)
            before = victim.took()
            held = world.held()
            height = first = world.worker.memory_info().rss
            attackers = begin(world)
            faults: list[str] = []
            during: list[float] = []
            end = time.monotonic() + ATTACK
            while time.monotonic() < end:
                world.node.append("execution.service", "INFO [01-01|00:00:00.000] Imported")
                height = max(height, world.worker.memory_info().rss)
                time.sleep(0.1)
            try:
                during = victim.took()
            except ConnectionError:
                faults.append("DISCONNECTED")
            sent = sum(each.sent.value for each in attackers)
            for each in attackers:
                if each.dead:
                    faults.append("NO ATTACK")
                each.stop()
            if not _let_go(world, held):
                faults.append(f"HELD {world.held() - held}")
            victim.stop()
            world.server.stop()
            lag, work, _ = world.lag()
            if _p99(during) > P99:
                faults.append("SLOW")
            if work > HOLD:
                faults.append("HELD THE LOOP")
            if height - first > GROWN:
                faults.append("MEMORY")
            print(
                f"{name[:46]:46} {_figures(before)}  {_figures(during)} {lag:6.0f} {work:6.0f} {first / MEGA:6.0f}"
                f" {height / MEGA:6.0f} {sent / MEGA:8.2f}  {', '.join(faults)}",
                flush=True,
            )
            if os.environ.get("SHOW_LOG"):
                print(world.server.log)
            return not faults
        finally:
            for each in attackers:
                each.stop()
            world.stop()


def _let_go(world: World, held: int) -> bool:
    end = time.monotonic() + LINGERS
    while world.held() > held:
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def main() -> int:
    """0 when no attack hurt anybody."""
    wanted = [each.strip() for each in os.environ.get("ATTACKS", "").split(",") if each.strip()]
    attacks = {**node.ATTACKS, **browser.ATTACKS, **held.ATTACKS}
    chosen = {name: act for name, act in attacks.items() if not wanted or any(each in name for each in wanted)}
    print(
        f"{'':46} {'ack, ms: before':>15}  {'during':>15} {'lag':>6} {'work':>6} {'MB':>6} {'height':>6} {'MB sent':>8}"
    )
    print(f"{'':46} {'p50':>7} {'p99':>7}  {'p50':>7} {'p99':>7}")
    results = [attack(name, act) for name, act in chosen.items()]
    print(f"{sum(results)} of {len(results)} attacks hurt nobody")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
