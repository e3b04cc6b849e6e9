"""`flask top`, and asking the running server by its local socket.

Belongs here: who is connected, as the server says it. It names sessions by their short hashes only.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

import click

import config

from .common import json_option, print_json, print_table

TIMEOUT = 5.0


class NotRunning(Exception):
    """The server can't be asked. The text says why."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """See `HTTPConnection`."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def ask(path: str) -> dict[str, Any]:
    """Return what the server at a local socket says of itself.

    :raises NotRunning: there is none, or this user may not ask it
    """
    connection = _Connection(path)
    try:
        connection.request("GET", "/top")
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    except PermissionError:
        raise NotRunning("this user may not use CONTROL_SOCKET; run it as root or as the server's user") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise NotRunning("no server answers at CONTROL_SOCKET") from None
    finally:
        connection.close()


@click.command()
@click.option("--every", default=1.0, show_default=True, type=click.FloatRange(0.1, 60), help="Seconds measured.")
@click.option("--follow", "-f", is_flag=True, help="Goes on until it is interrupted.")
@json_option
def top(every: float, follow: bool, as_json: bool) -> None:
    """Who is connected now: sockets, logs, channels, lines a second and memory of each session."""
    try:
        path = config.one("CONTROL_SOCKET")
    except config.ConfigError as problem:
        raise click.ClickException(str(problem)) from None
    if not path:
        raise click.ClickException("CONTROL_SOCKET is not set: the server has to be started with it.")
    try:
        before = ask(path)
        while True:
            time.sleep(every)
            now = ask(path)
            rows = measured(before, now)
            if as_json:
                print_json({**now, "sessions": rows})
            else:
                _show(now, rows)
            if not follow:
                return
            before = now
    except NotRunning as problem:
        raise click.ClickException(str(problem)) from None


def measured(before: dict[str, Any], now: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sessions, those with most memory first, with their lines a second between two answers."""
    seconds = max(now["at"] - before["at"], 0.001)
    known = {each["session"]: each["lines"] for each in before["sessions"]}
    rows = []
    for each in now["sessions"]:
        lines = max(0, each["lines"] - known.get(each["session"], each["lines"]))
        rows.append({**each, "lines_per_second": round(lines / seconds, 1)})
    return sorted(rows, key=lambda row: (-row["memory_bytes"], row["session"]))


def _show(now: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    lag = now["longest_lag_seconds"] * 1000
    click.echo(f"ethpillar {now['version']}: {now['sockets']} sockets, {now['nodes']} nodes, longest lag {lag:.0f} ms")
    held = now["memory"]["held"]
    parts = ", ".join(f"{kind} {size / (1 << 20):.1f}" for kind, size in sorted(held.items()))
    click.echo(f"memory held: {sum(held.values()) >> 20} of {now['memory']['budget'] >> 20} MiB ({parts or 'nothing'})")
    if rows:
        heading = ["session", "node", "sockets", "logs", "channels", "lines/s", "memory"]
        print_table([heading, *([str(cell) for cell in _row(row)] for row in rows)])


def _row(row: dict[str, Any]) -> list[Any]:
    memory = f"{row['memory_bytes'] / (1 << 20):.1f} MiB"
    return [row["session"], row["node"], row["sockets"], row["logs"], row["channels"], row["lines_per_second"], memory]
