"""Runs the attacks: `make bench-hostile`, or `ATTACKS=emoji,healthz make bench-hostile` for those with such names.

For each one the production command is started with its defaults, real Redis and real sshd. A victim, somebody else's
page, asks something each 20 ms and counts how long each ack takes, first in peace, then under the attack. Printed is
that, how long somebody took to get in who came meanwhile, the loop's longest lag and how much of it was work of its
own, the worker's memory before, at its height and afterwards, what the attackers had to send to the server's port,
and whether what was held is let go of. `bench/HOSTILE.md` has the last row of each. Exits with 1 when a bar is
missed. Attackers and the victim share the machine's processors: on a small one that is seen in its time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from . import again, browser, held, machine, node
from .report import HEAD, Row, write
from .world import LINGERS, Attacker, Begin, Case, Newcomer, Victim, World

P99 = 100.0
"Milliseconds in which 99 of 100 acks of the victim must come."
HOLD = 100.0
"Milliseconds of work that may keep all others from their turn."
MEGA = 1 << 20
GROWN = 300 * MEGA
"Bytes by which the worker may grow."
LEFT = 100 * MEGA
"Bytes that it may keep of that once the attack is over."
NEWCOMER, NEWCOMERS = "127.0.0.8", 3000.0
"The address of somebody who comes during the attack, and the milliseconds in which they must be in."
PEACE, ATTACK = 4.0, float(os.environ.get("SECONDS", "12"))


def _median(took: list[float]) -> float:
    return statistics.median(took) if took else float("inf")


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)] if took else float("inf")


def attack(name: str, case: Case) -> Row:
    """Run one attack, print its row and return it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        world = World(Path(folder), case.settings)
        attackers: list[Attacker] = []
        try:
            victim = Victim(world.server.port, world.session(port=world.sshd.port), case.victim)
            other = Victim(world.beside.port, world.session(port=world.sshd.port), case.victim)
            newcomer = Newcomer(world.server.port, world.session(port=world.sshd.port), NEWCOMER)
            time.sleep(PEACE)
            before = victim.took()
            other.took()
            held = world.held()
            height = first = world.worker.memory_info().rss
            attackers = case.begin(world)
            faults: list[str] = []
            during: list[float] = []
            end = time.monotonic() + ATTACK
            while time.monotonic() < end:
                if time.monotonic() > end - ATTACK / 2 and newcomer.ident is None:
                    newcomer.start()
                world.node.append("execution.service", "INFO [01-01|00:00:00.000] Imported")
                height = max(height, world.worker.memory_info().rss)
                time.sleep(0.1)
            beside = other.took()
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
            other.stop()
            newcomer.join()
            left = world.worker.memory_info().rss
            world.server.stop()
            lag, work, _ = world.lag()
            if _p99(during) > P99:
                faults.append("SLOW")
            if work > HOLD:
                faults.append("HELD THE LOOP")
            if newcomer.took > NEWCOMERS:
                faults.append("KEPT OUT")
            if height - first > GROWN or (case.most is not None and height > case.most):
                faults.append("MEMORY")
            if left - first > LEFT:
                faults.append("MEMORY NOT GIVEN BACK")
            row = Row(
                name,
                *(_median(before), _p99(before), _median(during), _p99(during), _p99(beside)),
                *(newcomer.took, lag, work),
                *(first / MEGA, height / MEGA, left / MEGA, sent / MEGA, ", ".join(faults)),
            )
            print(row, flush=True)
            if os.environ.get("SHOW_LOG"):
                print(world.server.log)
            return row
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
    attacks = {**node.ATTACKS, **browser.ATTACKS, **held.ATTACKS, **again.ATTACKS, **machine.ATTACKS}
    chosen = {name: act for name, act in attacks.items() if not wanted or any(each in name for each in wanted)}
    print(HEAD)
    rows = []
    for name, act in chosen.items():
        rows.append(attack(name, _case(act)))
        write(rows, list(attacks))
    good = sum(not row.faults for row in rows)
    print(f"{good} of {len(rows)} attacks hurt nobody")
    return 0 if rows and good == len(rows) else 1


def _case(act: Case | Begin) -> Case:
    return act if isinstance(act, Case) else Case(act)


if __name__ == "__main__":
    sys.exit(main())
