"""Commands for the operator of the server: `flask --app wsgi sessions ...` and `flask --app wsgi node ...`.

Belongs here: words on a terminal. It does on a node only what a browser could: it goes through the same rooms. No
password, key or token is ever printed, but the token of a session that was just created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def refuse_to_serve() -> None:
    """Exit with a line on stderr under `flask run`, whose server knows neither the limits nor the worker."""
    import click

    context = click.get_current_context(silent=True)
    if context is not None and context.info_name == "run":
        click.echo("ethpillar: flask run is not for this server; run: gunicorn -c gunicorn.conf.py wsgi:app", err=True)
        raise SystemExit(2)


def needs_no_settings() -> bool:
    """Return True if a command line of flask only asks what there is, or what is wrong with the settings."""
    import sys

    import click

    if click.get_current_context(silent=True) is None:
        return False
    words = sys.argv[1:]
    while words and words[0] in ("--app", "-A"):
        del words[:2]
    return "--help" in words or not words or words[0] in ("version", "doctor", "top")


def commands_only(version: str) -> Flask:
    """Make an application that knows its commands and nothing else, for their help."""
    from flask import Flask

    app = Flask("ethpillar", static_folder=None)
    add_commands(app, version)
    return app


def add_commands(app: Flask, version: str) -> None:
    """Add the commands to an application.

    :param version: of the server
    """
    import click

    from .doctor import doctor
    from .node import node
    from .running import top
    from .sessions import sessions

    @app.cli.command("version")
    def show_version() -> None:
        """Print the version of ethpillar."""
        click.echo(f"ethpillar {version}")

    app.cli.add_command(doctor)
    app.cli.add_command(top)
    app.cli.add_command(sessions)
    app.cli.add_command(node)
