"""Commands for whoever runs the server: `flask --app wsgi sessions ...` and `flask --app wsgi node ...`.

Belongs here: words on a terminal. It does on a node only what a browser could: it goes through the same rooms. No
password, key or token is ever printed, but the token of a session that was just created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def add_commands(app: Flask, version: str) -> None:
    """Add the commands to an application.

    :param version: of the server
    """
    import click

    from .node import node
    from .sessions import sessions

    @app.cli.command("version")
    def show_version() -> None:
        """Print the version of ethpillar."""
        click.echo(f"ethpillar {version}")

    app.cli.add_command(sessions)
    app.cli.add_command(node)
