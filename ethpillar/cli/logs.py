"""`flask node logs`: lines of the past and of now, of one service or several, on a terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
import gevent
from flask.cli import with_appcontext

from ..errors import EthPillarError
from ..gateway import log_lines
from ..gateway.past_query import SYSTEM
from ..journal.entry import Entry
from ..journal.history.blocks import Blocks, Shown
from ..journal.history.query import Query
from ..journal.history.wanted import Wanted
from ..journal.render import Renderer
from ..journal.steps import Step
from ..nodes.items import source_of
from ..nodes.node import Node
from ..nodes.source import WHOLE
from ..units import unit_name
from .common import json_option, open_node, print_json, told
from .past import Asked, moment, newest, onwards, past_options, services_of


@click.command()
@click.argument("token")
@click.argument("services", nargs=-1, metavar="[SERVICE ...]")
@click.option("-n", "--lines", type=click.IntRange(0), help="Lines that are shown, the last ones.  [default: 50]")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come.")
@click.option("--around", help="The lines before and after this time.")
@click.option("--raw", is_flag=True, help="Lines as the client printed them, without colours.")
@click.option("--utc", is_flag=True, help="Times in UTC.")
@past_options
@json_option
@with_appcontext
@told
def logs(
    token: str,
    services: tuple[str, ...],
    lines: int | None,
    follow: bool,
    around: str | None,
    raw: bool,
    utc: bool,
    asked: Asked,
    as_json: bool,
) -> None:
    """Show the log of services, merged by time: level, time, component, message, fields. Ctrl-C ends it.

    Without a name: EthPillar's services that the node has; `system` is the whole journal. With --since and without -n,
    everything from then on.
    """
    with open_node(token) as opened, until_interrupted():
        wanted = services_of(opened, services)
        for service in wanted:
            if (unit := unit_name(service)) is not None and service != SYSTEM:
                opened.check_unit(unit)
        show = Show(Renderer(color=_colours(), utc=utc, raw=raw), as_json, several=len(wanted) != 1 or SYSTEM in wanted)
        query = asked.query(wanted)
        cursor = _show_past(opened, query, show, lines, around)
        if follow:
            _follow(opened, query, cursor, show)


def _show_past(node: Node, query: Query, show: Show, lines: int | None, around: str | None) -> str | None:
    """Print what is asked for; return the newest entry's cursor, from which following goes on."""
    if around is not None:
        at = moment(around, "--around")
        half = max(1, (lines or 50) // 2)
        middle = Asked({"since": at}).query([]).since_us or 0
        before, _ = newest(node, replace(query, until_us=middle - 1), half)
        after = next(onwards(node, replace(query, since_us=middle))).shown[:half]
        show.all([*before, *after])
        return after[-1].entry.cursor if after else None
    if lines is None and query.since_us is not None:
        last = None
        for page in onwards(node, query):
            show.all(page.shown)
            last = page.after
        return last
    if lines == 0:
        found, page = newest(node, replace(query, wanted=Wanted()), 1)
        return found[-1].entry.cursor if found else page.after
    found, page = newest(node, query, 50 if lines is None else lines)
    show.all(found)
    return page.after


def _follow(node: Node, query: Query, cursor: str | None, show: Show) -> None:
    """Print lines as they come, of every unit, until the command is ended or one of them can't be followed."""
    units = query.units or [WHOLE]
    following = [gevent.spawn(Follower(node, unit, cursor, query.wanted, show.all).run) for unit in units]
    try:
        for done in gevent.iwait(following):
            if isinstance(done.value, EthPillarError):
                raise done.value
    finally:
        gevent.killall(following)


class Follower:
    """Follows one unit across broken connections, from a cursor on or from now on."""

    def __init__(
        self,
        node: Node,
        unit: str,
        cursor: str | None,
        wanted: Wanted,
        show: Callable[[Sequence[Shown]], None],
        lines: int | None = 0,
    ) -> None:
        """:param lines: without a cursor, how many entries of the past to begin with; None: all there are"""
        self._node = node
        self._unit = unit
        self.last = cursor
        "The cursor of the last entry that was read."
        self._lines = lines
        self._wanted = wanted
        self._show = show
        self._blocks = Blocks(node.status.description)

    def run(self) -> EthPillarError | None:
        """Return what ended it; gevent would print what is raised."""
        try:
            while True:
                self._node.source.wait_connected()
                self._read(follow=True)
                gevent.sleep(0.5)
                self._node.source.wait_connected()
                if self.last is not None:
                    self._read(follow=False)  # a followed journal may show the current boot only
        except EthPillarError as problem:
            return problem.with_traceback(None)

    def _read(self, follow: bool) -> None:
        expected, lines = self.last, None if self.last else self._lines
        step = Step(expected, count=lines, follow=follow)
        with self._node.source.journal(self._unit, step) as stream:
            while entries := stream.read():
                for entry in entries:
                    if entry.cursor != expected:
                        self._print(entry)
                    self.last = entry.cursor

    def _print(self, entry: Entry) -> None:
        shown = self._blocks.take(entry)
        if self._wanted.everything or self._wanted.any_of(shown.lines):
            self._show([shown])


class Show:
    """Prints entries."""

    def __init__(self, renderer: Renderer, as_json: bool, several: bool) -> None:
        self._renderer = renderer
        self._as_json = as_json
        self._several = several
        self._boots = log_lines.Boots()

    def all(self, found: Sequence[Shown]) -> None:
        """Print them in their order, and let them be seen."""
        for shown in found:
            self._one(shown)
        sys.stdout.flush()

    def _one(self, shown: Shown) -> None:
        entry = shown.entry
        service = source_of(entry)
        boot = self._boots.news(entry)
        for number, (text, line) in enumerate(shown.lines):
            if self._as_json:
                payload = log_lines.line_payload(service, entry, text, line, number == len(shown.lines) - 1)
                print_json(payload | boot if number == 0 else payload)
            else:
                unit = service if self._several else None
                click.echo(self._renderer.render(entry.realtime_us, line, text, unit))


class _Interrupted(BaseException):
    """Ctrl-C, brought to the greenlet that waits."""


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Run the block until Ctrl-C ends it, which is no error."""
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
