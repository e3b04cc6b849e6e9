"""The demo's world: lets the simulated node live in real time.

Belongs here: when which client prints, and the unit that fails and is restarted. What they print is `clients`'.
"""

from __future__ import annotations

import heapq
import math
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .clients import CLIENTS, FAILING, SECONDS_PER_SLOT, Client, Slot, dora_run, slot_at
from .simnode import SimNode

HISTORY = 30
"Slots that the journal already has when the demo begins."
RUN = 45.0
"Seconds the failing unit runs."
RESTART = 5.0
"Seconds until systemd starts it again: its `RestartSec=`."


@dataclass(order=True, frozen=True)
class Event:
    """Something that happens at a moment: a line, a change of a unit's properties, or both."""

    moment: float
    "Seconds since the epoch."
    order: int
    client: Client = field(compare=False)
    line: str | None = field(default=None, compare=False)
    manager: bool = field(default=False, compare=False)
    priority: int = field(default=6, compare=False)
    properties: dict[str, str] = field(default_factory=dict, compare=False)


def slot_events(slot: Slot) -> list[Event]:
    """Yield what the busy clients do in a slot, in order of time."""
    events = [
        Event(slot.start + offset, order, client, line)
        for client in CLIENTS
        for order, (offset, line) in enumerate(client.lines(slot))
    ]
    return sorted(events)


def failing_events(start: float, restarts: int) -> Iterator[Event]:
    """One life of the failing unit, from its start to its next: what it prints, and what systemd does and says."""
    name, pid = FAILING.unit, str(30_000 + restarts * 7)
    title = f"{name} - {FAILING.description}"
    running = {"ActiveState": "active", "SubState": "running", "MainPID": pid, "NRestarts": str(restarts)}
    yield Event(
        start, 2, FAILING, f"Started {title}.", True, 6, {**running, "Result": "success", "ExecMainStatus": "0"}
    )
    for order, (moment, line) in enumerate(dora_run(start, RUN), 3):
        yield Event(moment, order, FAILING, line)
    end = start + RUN
    failed = {"ActiveState": "activating", "SubState": "auto-restart", "MainPID": "0", "Result": "exit-code"}
    exited = {**failed, "ExecMainCode": "1", "ExecMainStatus": "1"}
    yield Event(end, 1000, FAILING, f"{name}: Main process exited, code=exited, status=1/FAILURE", True, 5)
    yield Event(end, 1001, FAILING, f"{name}: Failed with result 'exit-code'.", True, 4, exited)
    again = end + RESTART
    scheduled = f"{name}: Scheduled restart job, restart counter is at {restarts + 1}."
    yield Event(again, 0, FAILING, scheduled, True)
    yield Event(again, 1, FAILING, f"Stopped {title}.", True)


class World:
    """Drives a node from a thread of its own."""

    def __init__(self, node: SimNode, history: int = HISTORY, failing: bool = True) -> None:
        """
        :param history: slots that the journal already has
        :param failing: whether there is a unit that fails again and again
        """
        self._node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)
        self._pending: list[Event] = []
        now = time.time()
        self._slot = slot_at(now - history * SECONDS_PER_SLOT)
        self._restarts = 2
        self._next_start = now - RUN * 0.6 if failing else math.inf  # so that the first failure is not far
        self._dice = random.Random(7)
        self._install()

    def _install(self) -> None:
        started = self._slot.start
        running = {"ActiveState": "active", "SubState": "running", "ActiveEnterTimestamp": started}
        for number, client in enumerate((*CLIENTS, FAILING)):
            self._node.set_unit(
                client.unit,
                Description=client.description,
                MainPID=1200 + number * 11,
                MemoryCurrent=client.memory,
                StateChangeTimestamp=started,
                ExecMainStartTimestamp=started,
                **running,
            )
        self._node.set_unit("client-stats.service", Description="Prysm Client Stats", UnitFileState="disabled")

    def start(self) -> None:
        """Writes the history, then goes on in the background."""
        self.advance(time.time())
        self._thread.start()

    def stop(self) -> None:
        """Stops, and waits for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def advance(self, now: float) -> None:
        """Lets everything happen that was to happen until now."""
        while self._slot.start <= now:
            for event in slot_events(self._slot):
                heapq.heappush(self._pending, event)
            self._slot = Slot(self._slot.number + 1)
        while self._next_start <= now:
            for event in failing_events(self._next_start, self._restarts):
                heapq.heappush(self._pending, event)
            self._next_start += RUN + RESTART
            self._restarts += 1
        while self._pending and self._pending[0].moment <= now:
            self._happen(heapq.heappop(self._pending))

    def _happen(self, event: Event) -> None:
        client = event.client
        if event.properties:
            self._node.set_unit(client.unit, StateChangeTimestamp=event.moment, **event.properties)
        if event.line is not None:
            self._node.append(
                client.unit,
                event.line,
                event.priority,
                None if event.manager else client.identifier,
                event.manager,
                int(event.moment * 1_000_000),
            )

    def _run(self) -> None:
        drift = time.time()
        while not self._stop.wait(0.05):
            now = time.time()
            self.advance(now)
            if now - drift > 10:
                drift = now
                for client in CLIENTS:
                    memory = int(client.memory * self._dice.uniform(0.97, 1.03))
                    self._node.set_unit(client.unit, MemoryCurrent=memory)
                self._node.vacuum(200_000)
