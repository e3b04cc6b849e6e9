"""`flask node extract`: lines of the past that can be handed on."""

from __future__ import annotations

from collections import Counter

import click
from flask.cli import with_appcontext

from ..gateway import wire
from ..gateway.past import entry_payloads
from ..journal.history.blocks import Shown
from ..journal.masking import Masker
from ..units import service_name
from .common import json_option, open_node, print_json, told
from .logs import until_interrupted
from .past import Asked, moment, onwards, past_options, services_of


@click.command()
@click.argument("token")
@click.argument("services", nargs=-1, metavar="[SERVICE ...]")
@past_options
@json_option
@with_appcontext
@told
def extract(token: str, services: tuple[str, ...], asked: Asked, as_json: bool) -> None:
    """Lines of the past (the last hour, without --since) for somebody who helps.

    Nothing in them tells who or where you are: addresses, host names, user names, keys, peers, validators, fee
    recipients and secrets become names such as `ip-1` or `validator-3`, the same in every line. What was replaced is
    counted on standard error. Read it all the same before you hand it on.
    """
    with open_node(token) as opened, until_interrupted():
        target = opened.record.target
        masker = Masker(hosts=[target.host, *_names(opened.run(["hostname", "-A"]).stdout)], users=[target.username])
        query = asked.query(services_of(opened, services))
        if query.since_us is None:
            query = Asked({**asked.payload, "since": moment("1h", "--since")}).query(services_of(opened, services))
        lines, replaced = 0, Counter[str]()
        for page in onwards(opened, query):
            for shown in page.shown:
                lines += len(shown.lines)
                replaced += _print(shown, masker, as_json)
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(replaced.items()))
        click.echo(f"ethpillar: {lines} lines; replaced: {told or 'nothing'}", err=True)


def _print(shown: Shown, masker: Masker, as_json: bool) -> Counter[str]:
    """Print an entry's lines; return how much of each kind was replaced in them."""
    before = masker.counts.copy()
    texts = [masker.text(text) for text, _ in shown.lines]
    replaced = masker.counts - before
    if not as_json:
        time = wire.iso_time(shown.entry.realtime_us) or "-"
        source = masker.text(service_name(shown.entry.unit or shown.entry.identifier or "-"))
        for text in texts:
            click.echo(f"{time} {source} {text}")
        return replaced
    for payload in entry_payloads(shown, system=False, masker=masker):
        del payload["cursor"]  # it names the machine and its boot
        print_json({**payload, "service": masker.text(payload["service"])})
    return replaced


def _names(output: bytes) -> list[str]:
    """Return what a node calls itself, with and without its domain."""
    names = output.decode("utf-8", "replace").split()[:20]
    every = {part for name in names for part in (name, name.partition(".")[0]) if len(part) > 2}
    return sorted(every, key=len, reverse=True)
