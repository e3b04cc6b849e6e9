"""`flask node`: what a session's node says, on a terminal."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from ..gateway import wire
from ..journal.clients import client_of
from ..units import UnitStatus, service_name
from .common import json_option, open_node, print_json, print_table, told
from .extract import extract
from .logs import logs
from .watch import watch
from .why import why

_COLOURS = {"active": "green", "failed": "red", "activating": "yellow", "deactivating": "yellow", "reloading": "yellow"}


@click.group()
def node() -> None:
    """Show a session's node: its states and logs."""


@node.command()
@click.argument("token")
@json_option
@with_appcontext
@told
def status(token: str, as_json: bool) -> None:
    """Show the states of EthPillar's units on the node."""
    with open_node(token) as opened:
        snapshot = opened.status.get(0.0)
    found = list(snapshot.units.values())
    if as_json:
        return print_json([wire.status_payload(each, snapshot.at) for each in found if each.installed])
    rows = [["SERVICE", "STATUS", "CLIENT", "SINCE", "PID", "RESTARTS", "MEMORY", "RESULT"]]
    rows += [_row(each) for each in found if each.installed]
    print_table(rows)
    return None


def _row(status: UnitStatus) -> list[str]:
    memory = "-" if status.memory_bytes is None else f"{status.memory_bytes / 2**20:.0f} MiB"
    client = (client_of(status.description) if status.description else None) or "-"
    numbers = ["-" if value is None else str(value) for value in (status.main_pid, status.restarts)]
    word = f"{status.status} ({status.sub_state})"
    return [service_name(status.unit), word, client, status.since or "-", *numbers, memory, status.result or "-"]


for command in (logs, why, extract, watch):
    node.add_command(command)
