"""`flask sessions`: what is in Redis, and whether it works."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from ..sessions import SessionRecord, parse_record, token_hash
from ..ssh.keys import KeyReader
from .check import checks
from .common import ago, find_session, json_option, print_json, print_step, print_table, server, shown, told


@click.group()
def sessions() -> None:
    """Sessions: list, show, create, revoke and check them."""


def _facts(record: SessionRecord, ttl: int) -> dict[str, Any]:
    target, accessed = record.target, record.last_accessed
    return {
        "session": record.name,
        "host": target.host,
        "port": target.port,
        "user": target.username,
        "login": [kind for kind, there in (("key", target.private_key), ("password", target.password)) if there],
        "age_seconds": None if accessed is None else max(0, round(time.time() - accessed / 1000)),
        "ttl_seconds": ttl,
    }


@sessions.command("list")
@json_option
@with_appcontext
@told
def list_sessions(as_json: bool) -> None:
    """Every session: a short hash of its token, where it leads, when it was last used, how long it lives."""
    found = [_facts(record, ttl) for record, ttl in server().store.sessions()]
    found.sort(key=lambda facts: facts["age_seconds"] or 0)
    if as_json:
        return print_json(found)
    rows = [["SESSION", "HOST", "USER", "LOGIN", "LAST USED", "TTL"]]
    for facts in found:
        place = f"{facts['host']}:{facts['port']}"
        login, used, ttl = "+".join(facts["login"]), ago(facts["age_seconds"]), ago(facts["ttl_seconds"])
        rows.append([facts["session"], place, facts["user"], login, used, ttl])
    print_table(rows)
    return None


@sessions.command()
@click.argument("token")
@json_option
@with_appcontext
@told
def show(token: str, as_json: bool) -> None:
    """One session, by its token or its short hash. No secrets."""
    record = find_session(token)
    store = server().store
    facts = _facts(record, store.ttl(record.token))
    facts["host_key"] = record.target.host_key or store.host_key(record.target.host, record.target.port)
    facts["refused"] = store.refused(record)
    if as_json:
        return print_json(facts)
    for key, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else "-" if value is None else value
        click.echo(f"{key.replace('_', ' ') + ':':14}{shown(text)}")
    return None


@sessions.command()
@click.option("--host", required=True, help="The node's name or address.")
@click.option("--port", default=22, show_default=True, type=click.IntRange(1, 65535))
@click.option("--user", required=True, help="The user to log in as.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="A private key file, instead of a password.")
@click.option("--host-key", help="SHA256:... fingerprint: connect only to this host key.")
@json_option
@with_appcontext
@told
def create(host: str, port: int, user: str, key: str | None, host_key: str | None, as_json: bool) -> None:
    """Create a session as the dashboard would, and print its token. Asks for the password (or passphrase)."""
    document: dict[str, Any] = {"host": host, "username": user, "port": port}
    if key is None:
        document["password"] = _secret("Password")
    else:
        document["privateKey"] = Path(key).read_text(encoding="utf-8", errors="replace")
        passphrase = _secret("Passphrase (empty: none)", default="")
        if passphrase:
            document["passphrase"] = passphrase
        KeyReader().read(document["privateKey"], passphrase or None)
    if host_key:
        document["hostKey"] = host_key
    token = str(uuid.uuid4())
    if parse_record(token, _as_text(document)) is None:
        raise click.ClickException("These are not a valid host, user, port, secret and host key.")
    server().store.create(token, document)
    if as_json:
        print_json({"token": token})
    else:
        click.echo(token)


def _secret(prompt: str, default: str | None = None) -> str:
    """Ask for a secret without showing it; from a pipe it is one line."""
    if sys.stdin is None or not sys.stdin.isatty():
        try:
            return (sys.stdin.buffer.readline() if sys.stdin else b"").decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("That is not UTF-8.") from None
    return str(click.prompt(prompt, hide_input=True, default=default, show_default=False, err=True))


def _as_text(document: dict[str, Any]) -> str:
    return json.dumps(document)


@sessions.command()
@click.argument("token")
@json_option
@with_appcontext
@told
def revoke(token: str, as_json: bool) -> None:
    """End a session: its sockets are disconnected and its SSH connection is closed within seconds."""
    # The key of a token goes whatever is in it; only what is no session's token may be a short hash.
    done = server().store.revoke(token)
    if not done:
        token = find_session(token).token
        done = server().store.revoke(token)
    name = token_hash(token)
    if as_json:
        print_json({"session": name, "revoked": done})
    else:
        click.echo(f"{name} revoked" if done else f"{name} was gone already")


@sessions.command("forget-host")
@click.argument("host")
@click.option("--port", default=22, show_default=True, type=click.IntRange(1, 65535))
@json_option
@with_appcontext
@told
def forget_host(host: str, port: int, as_json: bool) -> None:
    """Remove the pinned SSH host key of a node that was reinstalled: the next login pins its new one."""
    done = server().store.forget_host_key(host, port)
    if as_json:
        print_json({"host": host, "port": port, "forgotten": done})
    else:
        click.echo("forgotten" if done else "no host key was pinned for that host and port")


@sessions.command()
@click.argument("token")
@json_option
@with_appcontext
@told
def check(token: str, as_json: bool) -> None:
    """Goes the whole way to a session's node: a tick for each step, or a cross with the fix (exit status 1)."""
    failed = False
    steps = []
    for step in checks(server(), token):
        failed = failed or step.ok is False
        steps.append(step)
        if not as_json:
            print_step(step)
    if as_json:
        print_json([asdict(each) for each in steps])
    if failed:
        raise click.exceptions.Exit(1)
