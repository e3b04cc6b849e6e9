"""`flask node watch`: looks after a node for days, and posts when somebody has to be woken.

Belongs here: what runs for it. What is worth telling is decided in `alarms`, how it is told in `posts`.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import click
import gevent
from flask.cli import with_appcontext

from ..errors import EthPillarError, SessionExpired
from ..journal.history.blocks import Shown
from ..journal.history.query import Direction, Query
from ..journal.history.wanted import Wanted
from ..nodes.node import Node
from ..timing import Backoff
from ..units import unit_name
from .alarms import Alarms, Kind, Notice, Rules
from .common import find_session, open_node, sentence, server, told
from .logs import Follower, until_interrupted
from .past import services_of
from .posts import FORMATS, Post, post_of

LOOK = 15.0
"Seconds between two looks at the states."
RENEW = 600.0
"Seconds between two renewals of the session, which would end otherwise."
WAITING = 100
"Notices that wait for a target that does not take them; the oldest are dropped."
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


def _quiet(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = _CLOCK.fullmatch(text)
    numbers = [int(each) for each in found.groups()] if found else []
    if not numbers or numbers[0] > 23 or numbers[2] > 24 or max(numbers[1], numbers[3]) > 59:
        raise click.BadParameter("give it as 23:00-07:00")
    return numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]


def _pattern(_context: click.Context, _parameter: click.Parameter, text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as problem:
        raise click.BadParameter(f"it is no regular expression: {problem}") from None


@click.command()
@click.argument("token")
@click.argument("services", nargs=-1, metavar="[SERVICE ...]")
@click.option("--post", "url", help="Where to post: ntfy, Discord, Slack, Telegram (...?chat_id=), Uptime Kuma, ...")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), help="Else told from the URL; json for others.")
@click.option("--name", default="node", show_default=True, help="What the node is called in a post.")
@click.option("--pattern", callback=_pattern, help="A regular expression that wakes.  [default: missed attestations]")
@click.option("--in-a-row", "row", default=3, show_default=True, type=click.IntRange(1), help="So many times in a row.")
@click.option("--quiet", callback=_quiet, metavar="23:00-07:00", help="Tell nothing then; afterwards what is left.")
@click.option("--dry-run", is_flag=True, help="Print what would be posted.")
@click.option("--test", is_flag=True, help="Post once, to try it, and end.")
@with_appcontext
@told
def watch(
    token: str,
    services: tuple[str, ...],
    url: str | None,
    form: str | None,
    name: str,
    pattern: re.Pattern[str] | None,
    row: int,
    quiet: tuple[int, int] | None,
    dry_run: bool,
    test: bool,
) -> None:
    """Post when a service fails, restarts in a loop, is silent, logs `critical`, or repeats a message; and when it is
    well again. Runs until it is ended, and keeps the session alive."""
    if url is None and not dry_run:
        raise click.UsageError("Give --post URL, or --dry-run.")
    rules = Rules(row=row, quiet=quiet)
    if pattern is not None:
        rules = replace(rules, pattern=pattern, reset=None)
    teller = _Teller(url or "", form, name, dry_run)
    if test:
        teller.tell(_trial())
        if not teller.send():
            raise click.ClickException("The target did not take it.")
        return
    with open_node(token) as opened, until_interrupted():
        _Watch(opened, services_of(opened, services), Alarms(rules), teller, find_session(token).token).run()


def _trial() -> Notice:
    return Notice("", Kind.BLIND, True, "This is a test of ethpillar's watch.", time.time())


class _Teller:
    """Posts notices, and keeps each one that the target does not accept."""

    def __init__(self, url: str, form: str | None, node: str, dry_run: bool) -> None:
        self._make: Callable[[Notice], Post] = lambda notice: post_of(url, form, notice, node)
        self._dry_run = dry_run
        self._waiting: deque[Notice] = deque(maxlen=WAITING)

    def tell(self, notice: Notice) -> None:
        """Post a notice as soon as that is possible."""
        self._waiting.append(notice)
        if self._dry_run:
            click.echo(f"{datetime.now():%H:%M:%S} {notice.title}: {notice.text}")
            self._waiting.clear()

    def send(self) -> bool:
        """Post what waits, in its order; return False when the target does not take it."""
        while self._waiting:
            try:
                self._make(self._waiting[0]).send()
            except (OSError, ValueError) as problem:
                click.echo(f"ethpillar: a post failed ({type(problem).__name__}); it is tried again", err=True)
                return False
            self._waiting.popleft()
        return True

    def run(self) -> None:
        """Post for ever."""
        backoff = Backoff(first=2.0, cap=300.0)
        while True:
            gevent.sleep(1.0 if self.send() else backoff.next())
            if not self._waiting:
                backoff.reset()


class _Watch:
    """Looks at one node."""

    def __init__(self, node: Node, services: list[str], alarms: Alarms, teller: _Teller, token: str) -> None:
        self._node = node
        self._services = services
        self._alarms = alarms
        self._teller = teller
        self._token = token
        self._renewed = time.monotonic()

    def run(self) -> None:
        """Look until it is ended or the session is gone."""
        following = [gevent.spawn(self._follow, service) for service in self._services]
        posting = gevent.spawn(self._teller.run)
        click.echo(f"ethpillar: watching {', '.join(self._services)}", err=True)
        try:
            looked = -LOOK
            while True:
                if time.monotonic() - looked >= LOOK:
                    self._look()
                    looked = time.monotonic()
                for notice in self._alarms.due(time.time(), _minute()):
                    self._teller.tell(notice)
                gevent.sleep(1)
        except SessionExpired as problem:  # the last thing that can be told
            posting.kill()
            self._teller.tell(Notice("", Kind.BLIND, False, sentence(problem), time.time()))
            self._teller.send()
            raise
        finally:
            gevent.killall([*following, posting])

    def _look(self) -> None:
        """Look at the states, and keep the session. What can't be asked now may answer at the next look."""
        now = time.time()
        try:
            self._renew()
            found = self._node.status.get(LOOK / 2).units
        except SessionExpired:
            raise
        except EthPillarError as problem:
            self._alarms.blind(sentence(problem), now)
            return
        self._alarms.seen(now)
        for service in self._services:
            status = found.get(unit_name(service) or "")
            if status is not None:
                text = "\n".join(status.last_lines or ()) or f"{status.status} ({status.sub_state})"
                self._alarms.status(service, status.status, status.restarts, text, now)

    def _renew(self) -> None:
        if time.monotonic() - self._renewed < RENEW:
            return
        if server().store.renew(self._token) is None:
            raise SessionExpired("The session is gone: nobody watches this node any more.")
        self._renewed = time.monotonic()

    def _follow(self, service: str) -> None:
        """Follow a service's log for ever; what ends it is tried again."""
        unit = unit_name(service) or service
        cursor, backoff = None, Backoff(first=2.0, cap=60.0)
        while True:
            try:
                if cursor is None:
                    cursor = self._learn(service, unit)
                follower = Follower(
                    self._node, unit, cursor, Wanted(), lambda found: self._lines(service, found), lines=None
                )  # without a cursor its log was empty, so whatever it has by then is new
                problem = follower.run()
                cursor = follower.last or cursor
            except EthPillarError as raised:
                problem = raised
            gevent.sleep(backoff.next() if problem is not None else 1.0)

    def _learn(self, service: str, unit: str) -> str | None:
        page = self._node.past(Query((unit,), Direction.BACKWARDS, limit=1000)).page
        self._alarms.learn(service, [each.entry.realtime_us / 1e6 for each in page.shown])
        return page.after

    def _lines(self, service: str, found: Sequence[Shown]) -> None:
        for shown in found:
            for text, line in shown.lines:
                if not line.continuation:
                    self._alarms.line(service, line.level, text[:1000], time.time())


def _minute() -> int:
    now = datetime.now()
    return now.hour * 60 + now.minute
