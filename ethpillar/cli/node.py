"""`flask node`: what a session's node says, on a terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import gevent
import orjson
from flask.cli import with_appcontext

from ..gateway import wire
from ..journal.clients import client_of
from ..journal.entry import Entry
from ..journal.formats import LineParser
from ..journal.render import Renderer
from ..journal.text import clean
from ..nodes.node import Node
from ..units import CORE_UNITS, UnitStatus, service_name, unit_name
from .common import json_option, open_node, print_json, print_table, told

_COLOURS = {"active": "green", "failed": "red", "activating": "yellow", "deactivating": "yellow", "reloading": "yellow"}


@click.group()
def node() -> None:
    """A session's node: its states and logs."""


@node.command()
@click.argument("token")
@json_option
@with_appcontext
@told
def status(token: str, as_json: bool) -> None:
    """The states of EthPillar's units on the node."""
    with open_node(token) as opened:
        found = list(opened.status.get(0.0).units.values())
    if as_json:
        shown = [each for each in found if each.installed or service_name(each.unit) in CORE_UNITS]
        return print_json([wire.status_payload(each) for each in shown])
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


@node.command()
@click.argument("token")
@click.argument("service")
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(0), help="Lines of the past.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come.")
@click.option("--raw", is_flag=True, help="Lines as the client printed them, without colours.")
@click.option("--utc", is_flag=True, help="Times in UTC.")
@click.option(
    "--level", type=click.Choice(["trace", "debug", "info", "warn", "error", "critical"]), help="Only from this."
)
@json_option
@with_appcontext
@told
def logs(
    token: str, service: str, lines: int, follow: bool, raw: bool, utc: bool, level: str | None, as_json: bool
) -> None:
    """A service's log: level, time, component, message, fields. Ctrl-C ends it."""
    unit = unit_name(service)
    if unit is None:
        raise click.ClickException("That is not the name of a systemd service.")
    with open_node(token) as opened:
        printer = _Printer(opened, unit, Renderer(color=_colours(), utc=utc, raw=raw, level=level), as_json)
        with _until_interrupted():
            printer.run(lines, follow)


class _Interrupted(BaseException):
    """Ctrl-C, brought to the greenlet that waits."""


@contextmanager
def _until_interrupted() -> Iterator[None]:
    # Left alone, the signal reaches gevent's hub, which prints it.
    current = gevent.getcurrent()
    handler = gevent.signal_handler(signal.SIGINT, gevent.kill, current, _Interrupted)
    try:
        yield
    except _Interrupted:
        return
    finally:
        handler.cancel()


def _colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class _Printer:
    """Prints a unit's entries; follows them across broken connections."""

    def __init__(self, node: Node, unit: str, renderer: Renderer, as_json: bool) -> None:
        self._node = node
        self._unit = unit
        self._service = service_name(unit)
        self._renderer = renderer
        self._as_json = as_json
        self._parser = LineParser(node.check_unit(unit))
        self._last: str | None = None

    def run(self, lines: int, follow: bool) -> None:
        self._read(lines, follow=False)
        while follow:
            self._node.source.wait_connected()
            self._read(None if self._last else 0, follow=True)
            gevent.sleep(0.5)
            self._node.source.wait_connected()
            self._read(None if self._last else 0, follow=False)  # a followed journal may show the current boot only

    def _read(self, lines: int | None, follow: bool) -> None:
        expected = self._last
        with self._node.source.journal(self._unit, lines=lines, cursor=expected, follow=follow) as stream:
            while entries := stream.read():
                for entry in entries:
                    if entry.cursor != expected:
                        self._print(entry)
                    self._last = entry.cursor
                sys.stdout.flush()

    def _print(self, entry: Entry) -> None:
        texts = clean(entry.message)
        for number, text in enumerate(texts):
            line = self._parser.parse(text, entry.priority, manager=entry.pid == 1, further=number > 0)
            shown = self._renderer.render(entry.realtime_us, line, text)
            if shown is None:
                continue
            if self._as_json:
                packet = wire.encode_line(self._service, entry, text, line, last=number == len(texts) - 1)
                print_json(orjson.loads(packet[packet.index("[") :])[1])  # what a browser gets, of all of the packet
            else:
                click.echo(shown)
