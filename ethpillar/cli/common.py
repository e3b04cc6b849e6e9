"""The steps that commands share: finding a session, opening its node, and saying what went wrong."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import orjson
from flask import current_app

import config

from ..errors import EthPillarError, SessionStoreDown
from ..journal.text import clean
from ..nodes.node import Node
from ..server import Server
from ..sessions import SessionRecord, valid_token
from ..sessions.redis_link import RedisRefuses

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def server() -> Server:
    """Return the application's rooms; nothing of it runs in the background here."""
    found: Server = current_app.extensions["ethpillar"]
    return found


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Have a command say what went wrong in one line on stderr, and exit with 1.

    It says what it was asked for, and nothing of what the server would log, unless `LOG_LEVEL` is set.
    """

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        if not config.is_set("LOG_LEVEL"):
            logging.getLogger("ethpillar").setLevel(logging.ERROR)
        try:
            return command(*arguments, **options)
        except EthPillarError as problem:
            click.echo(f"ethpillar: {sentence(problem)}", err=True)
            if problem.hint:
                click.echo(f"  {problem.hint}", err=True)
            raise click.exceptions.Exit(1) from None
        except OSError as problem:  # of a file or of the output: what is of a node or of Redis has its own errors
            # Python would complain about what is still to be written when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(problem, BrokenPipeError):  # `| head` has had enough
                raise click.exceptions.Exit(0) from None
            click.echo(f"ethpillar: {problem.strerror or type(problem).__name__}", err=True)
            raise click.exceptions.Exit(1) from None

    return run


def sentence(problem: EthPillarError) -> str:
    """Return an error's sentence for the operator of the server. Browsers are told nothing about Redis."""
    if isinstance(problem, RedisRefuses):
        return f"Redis refuses {problem.refusal}. {problem.cure}"
    return "Redis does not answer: check REDIS_URL." if isinstance(problem, SessionStoreDown) else problem.message


def find_session(token: str) -> SessionRecord:
    """Return the session of a token, or of the beginning of a token's hash as `sessions list` shows it."""
    store = server().store
    record = store.read(token) if valid_token(token) else None
    if record is None:
        matches = [found for found, _ in store.sessions() if found.name.startswith(token)] if len(token) >= 4 else []
        record = matches[0] if len(matches) == 1 else None
    if record is None:
        raise click.ClickException("There is no such session.")
    return record


class _Nobody:
    _told = "connected"

    def connection_state(self, state: str, details: dict[str, Any]) -> None:
        if state != self._told:  # not that it is connected as it should be
            self._told = state
            click.echo(f"ethpillar: connection {state}", err=True)

    def node_away(self) -> None:
        """Nothing more to tell."""

    def node_back(self) -> None:
        """Nothing more to tell."""

    def node_lost(self, error: EthPillarError) -> None:
        click.echo(f"ethpillar: {sentence(error)}", err=True)


@contextmanager
def open_node(token: str) -> Iterator[Node]:
    """Connect a session's node for the time of the block."""
    registry, listener = server().registry, _Nobody()
    node = registry.acquire(find_session(token), listener)
    try:
        node.reach()
        yield node
    finally:
        registry.release(node, listener)
        registry.close()


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one step of a check."""

    name: str
    ok: bool | None
    "None: neither good nor bad, such as a plugin that is not installed."
    found: str
    fix: str | None = None
    details: tuple[str, ...] = ()
    "Further lines about what was found."


def print_step(step: Step) -> None:
    """Print a tick or a cross, what was found, and the fix where there is one."""
    mark = {True: click.style("✓", fg="green"), False: click.style("✗", fg="red"), None: "·"}[step.ok]
    click.echo(f"{mark} {shown(step.name)}: {shown(step.found)}")
    for text in (*step.details, *([step.fix] if step.fix and step.ok is not True else [])):
        click.echo(f"    {shown(text)}")


def print_json(value: Any) -> None:
    """One line of JSON."""
    click.echo(orjson.dumps(value))


def shown(text: object) -> str:
    """Return a text from a node or from Redis in one line, without what it would do to a terminal."""
    return " ".join(clean(str(text).encode("utf-8", "replace")))


def print_table(rows: list[list[str]]) -> None:
    """Columns as wide as they have to be; the first row is the heading."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def ago(seconds: float | None) -> str:
    """Return a duration as a person says it: `12s`, `5m`, `3h`, `2d`."""
    if seconds is None or seconds < 0:
        return "-"
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{letter}"
    return f"{int(seconds)}s"
