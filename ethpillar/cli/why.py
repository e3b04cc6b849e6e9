"""`flask node why`: the last failure of a service, on one page.

Belongs here: what is asked of the node for it, and how it is laid out. Which lines came before a failure is decided by
the words of systemd (systemd.service(5), "Main process exited").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import click
from flask.cli import with_appcontext

from ..errors import EthPillarError
from ..gateway import wire
from ..journal.history.blocks import Shown
from ..journal.history.query import Direction, Query
from ..journal.history.wanted import Wanted
from ..nodes.node import Node
from ..units import UnitStatus, service_name, unit_name
from .common import json_option, open_node, print_json, shown, told
from .past import newest

BEFORE = 20
"Lines of the service before its end."
_FAILURE = (
    r"Main process exited|Failed with result|Failed to start|start request repeated too quickly"
    r"|A process of this unit has been killed"
)
_KERNEL = (
    r"(?i)out of memory|oom-kill|killed process|segfault|I/O error|EXT4-fs error|nvme.*(timeout|abort)|thermal"
    r"|under-voltage"
)
_LOOKS = {
    "disk": ["df", "-h", "--output=target,size,used,avail,pcent", "-x", "tmpfs", "-x", "devtmpfs", "-x", "overlay"],
    "memory": ["free", "-h"],
    "load": ["uptime"],
    "clock": ["timedatectl", "show", "-p", "NTPSynchronized", "-p", "Timezone", "-p", "TimeUSec"],
}
AROUND_US = 120 * 1_000_000
"Microseconds before and after a failure in which the kernel is listened to."


@click.command()
@click.argument("token")
@click.argument("service")
@json_option
@with_appcontext
@told
def why(token: str, service: str, as_json: bool) -> None:
    """Why a service failed the last time: state, restarts, the lines before, systemd's and the kernel's words."""
    unit = unit_name(service)
    if unit is None:
        raise click.ClickException("That is not the name of a systemd service.")
    with open_node(token) as opened:
        opened.check_unit(unit)
        found = _Findings(opened, unit)
        if as_json:
            print_json(found.payload())
        else:
            for line in found.text():
                click.echo(line)


class _Findings:
    """The node's account of a unit's last failure."""

    def __init__(self, node: Node, unit: str) -> None:
        self.status: UnitStatus = node.status.unit(unit)
        query = Query((unit,))
        ends, _ = newest(node, replace(query, wanted=Wanted(pattern=_FAILURE)), 1)
        self.end = ends[-1] if ends else None
        self.before: Sequence[Shown] = []
        self.words: Sequence[Shown] = []
        self.kernel: Sequence[Shown] = []
        if self.end is not None:
            self._around(node, query, self.end)
        self.looks = {name: _look(node, words) for name, words in _LOOKS.items()}

    def _around(self, node: Node, query: Query, end: Shown) -> None:
        before, _ = newest(node, replace(query, cursor=end.entry.cursor), BEFORE * 3)
        self.before = [each for each in before if each.entry.pid != 1][-BEFORE:]
        after = node.past(replace(query, direction=Direction.FORWARDS, cursor=end.entry.cursor, limit=50)).page.shown
        told = [each for each in (*before[-5:], end, *after) if each.entry.pid == 1]
        self.words = [each for each in told if abs(each.entry.realtime_us - end.entry.realtime_us) < AROUND_US]
        at = end.entry.realtime_us
        kernel = Query((), since_us=max(0, at - AROUND_US), until_us=at + AROUND_US, wanted=Wanted(pattern=_KERNEL))
        self.kernel = node.past(replace(kernel, limit=20)).page.shown

    def payload(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "status": wire.status_payload(self.status),
            "failed_at": None if self.end is None else wire.iso_time(self.end.entry.realtime_us),
            "lines_before": [text for each in self.before for text, _ in each.lines],
            "systemd": [text for each in self.words for text, _ in each.lines],
            "kernel": [text for each in self.kernel for text, _ in each.lines],
            "node": self.looks,
        }

    def text(self) -> Iterator[str]:
        """Yield the lines of the page."""
        status = self.status
        since = f" since {status.since}" if status.since else ""
        name = service_name(status.unit)
        yield f"{name}: {status.status} ({shown(status.sub_state)}){since}"
        facts = {"restarts": status.restarts, "result": status.result, "exit status": status.exit_status}
        told = [f"{fact} {shown(value)}" for fact, value in facts.items() if value is not None]
        yield "  " + ", ".join(told)
        if self.end is None:
            yield "No failure of it is in the journal."
        else:
            yield f"Last failure: {wire.iso_time(self.end.entry.realtime_us)}"
            yield from _section("What it printed before", self.before)
            yield from _section("systemd's words", self.words)
            yield from _section("The kernel's words", self.kernel)
        for title, output in self.looks.items():
            yield ""
            yield f"{title.capitalize()}:"
            yield from (f"  {line}" for line in output)


def _section(title: str, entries: Sequence[Shown]) -> Iterator[str]:
    if entries:
        yield ""
        yield f"{title}:"
        for each in entries:
            for text, _ in each.lines:
                yield f"  {text}"


def _look(node: Node, words: list[str]) -> list[str]:
    """Return what a command on the node prints; nothing if it is not there."""
    try:
        result = node.run(["env", "LC_ALL=C", *words], timeout=5)
    except EthPillarError:
        return []
    if result.status != 0:
        return []
    return [shown(line).rstrip() for line in result.stdout.decode("utf-8", "replace").splitlines()[:40]]
