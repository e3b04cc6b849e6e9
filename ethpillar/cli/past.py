"""The past on a terminal: which lines are asked for, and reading as many pages as that takes.

Belongs here: the options that several commands share, times as people type them, and pages one after the other.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ..errors import LimitReached
from ..gateway.past_query import SYSTEM, past_request
from ..journal.formats import LEVELS
from ..journal.history.blocks import Shown
from ..journal.history.page import Page
from ..journal.history.query import MOST, Direction, Query
from ..nodes.node import Node
from ..units import CORE_UNITS, service_name, unit_name

_AGO = re.compile(r"(\d{1,9})\s*(s|m|min|h|d|w)(?:\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLOCK = re.compile(r"(?:(today|yesterday)(?:\s+|$))?(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_ALIASES = {"warning": "warn", "err": "error", "crit": "critical", "fatal": "critical"}


def past_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--since`, `--until`, `--level`, `--grep`, `--slot`, `--block`, `--epoch` as one argument: `asked`."""

    @click.option("--since", help="From this time: 2h, today, 03:07, or ISO 8601.")
    @click.option("--until", help="Up to this time.")
    @click.option("--level", help="Only from this level: trace, debug, info, warn, error, critical.")
    @click.option("--grep", help="Only lines with all these words, or /REGULAR EXPRESSION/.")
    @click.option("--slot", type=click.IntRange(0), help="Only lines about this slot.")
    @click.option("--block", type=click.IntRange(0), help="Only lines about this block.")
    @click.option("--epoch", type=click.IntRange(0), help="Only lines about this epoch.")
    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        given = {key: options.pop(key) for key in ("since", "until", "level", "grep", "slot", "block", "epoch")}
        return command(*arguments, asked=asked(given), **options)

    return run


@dataclass(frozen=True, slots=True)
class Asked:
    """Return the question that the options ask, as `read_logs` would be asked."""

    payload: dict[str, Any]

    @property
    def searches(self) -> bool:
        """True if lines are left out by what they say."""
        return not self.query(["execution"]).wanted.everything

    def query(self, services: list[str]) -> Query:
        """Return the question about some services."""
        return past_request({**self.payload, "services": services or [SYSTEM]}).pages[0]


def asked(given: dict[str, Any]) -> Asked:
    """Return what the options say. Raises `click.BadParameter`."""
    payload: dict[str, Any] = {}
    for key in ("since", "until"):
        if given[key] is not None:
            payload[key] = moment(given[key], f"--{key}")
    level = given["level"]
    if level is not None:
        level = _ALIASES.get(level.lower(), level.lower())
        if level not in LEVELS:
            raise click.BadParameter(f"{level!r} is not one of {', '.join(LEVELS)}.", param_hint="--level")
        payload["level"] = level
    if given["grep"] is not None:
        payload["match"] = given["grep"]
    numbers = {key: given[key] for key in ("slot", "block", "epoch") if given[key] is not None}
    if len(numbers) > 1:
        raise click.UsageError("Only one of --slot, --block and --epoch can be given.")
    if numbers:
        payload["eth"] = numbers
    return Asked(payload)


def moment(text: str, option: str, now: datetime | None = None) -> str | float:
    """Return a time as `read_logs` takes it, from what people type: in this machine's zone where none is given."""
    now = now or datetime.now().astimezone()
    text = text.strip()
    if ago := _AGO.fullmatch(text):
        return (now.timestamp() - int(ago[1]) * _SECONDS[ago[2]]) * 1000
    if text == "now":
        return now.timestamp() * 1000
    if (clock := _CLOCK.fullmatch(text)) and text:
        day = now - timedelta(days=1) if clock[1] == "yesterday" else now
        try:
            hour, minute, second = (int(each or 0) for each in clock.groups()[1:])
            at = day.replace(hour=hour, minute=minute, second=second, microsecond=0)
        except ValueError:
            raise click.BadParameter(f"{text!r} is no time of day.", param_hint=option) from None
        return (at if clock[1] or at <= now else at - timedelta(days=1)).timestamp() * 1000
    try:
        found = datetime.fromisoformat(text.removeprefix("@"))
    except ValueError:
        if text.removeprefix("@").isdecimal():
            return int(text.removeprefix("@")) * 1000
        raise click.BadParameter(
            f"{text!r} is no time. Try 2h, today, 03:07, or 2026-11-26T03:07.", param_hint=option
        ) from None
    return (found if found.tzinfo else found.astimezone()).astimezone(UTC).isoformat()


def services_of(node: Node, wanted: tuple[str, ...]) -> list[str]:
    """Return the services that a command is about: those named, else EthPillar's that the node has."""
    for service in wanted:
        if service != SYSTEM and unit_name(service) is None:
            raise click.ClickException("That is not the name of a systemd service.")
    if wanted:
        return list(dict.fromkeys(wanted))
    found = node.status.get(0.0).units.values()
    known = [service_name(each.unit) for each in found if each.installed]
    return [service for service in known if service in CORE_UNITS] or known


def newest(node: Node, query: Query, lines: int) -> tuple[list[Shown], Page]:
    """Return the last `lines` entries that answer a question, oldest first, and the page they end with."""
    found: list[Shown] = []
    last: Page | None = None
    while True:
        page = _ask(node, replace(query, direction=Direction.BACKWARDS, limit=min(MOST, max(1, lines - len(found)))))
        last = last or page
        found = [*page.shown, *found]
        if len(found) >= lines or not page.more or page.before is None:
            return found[max(0, len(found) - lines) :], last
        query = replace(query, cursor=page.before)


def onwards(node: Node, query: Query) -> Iterator[Page]:
    """Yield page after page, oldest first."""
    while True:
        page = _ask(node, replace(query, direction=Direction.FORWARDS, limit=MOST))
        yield page
        if not page.more or page.after is None:
            return
        query = replace(query, cursor=page.after, inclusive=False)


def _ask(node: Node, query: Query) -> Page:
    while True:
        try:
            return node.past(query).page
        except LimitReached:
            click.echo("ethpillar: other searches run on this node; waiting", err=True)
