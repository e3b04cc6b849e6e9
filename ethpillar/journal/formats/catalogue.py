"""Which formats there are, and the order in which they are tried.

Belongs here: the table of formats and of what each client prints by default. CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable

from . import (
    console,
    generic,
    geth,
    grandine,
    jsonlines,
    lighthouse,
    lodestar,
    log4j,
    logfmt,
    logrus,
    nest,
    nethermind,
    nimbus,
    prysm,
    tracing,
)
from .line import Line
from .templates import Maker

Format = Callable[[str], Line | None]

FORMATS: dict[str, Format] = {
    "geth": geth.parse,
    "lighthouse": lighthouse.parse,
    "nethermind": nethermind.parse,
    "logfmt": logfmt.parse,
    "json": jsonlines.parse,
    "zap": console.zap,
    "tracing": tracing.parse,
    "log4j": log4j.columns,
    "teku": log4j.teku,
    "lodestar": lodestar.parse,
    "nimbus": nimbus.parse,
    "prysm": prysm.parse,
    "grandine": grandine.parse,
    "charon": console.charon,
    "logrus": logrus.parse,
    "logback": log4j.logback,
    "log4j-status": log4j.status,
    "nest": nest.parse,
    "generic": generic.parse,
}
"In the order in which they are tried: the ones that can't be taken for another first."

_DIGITS, _CAPITALS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BEGINNINGS = {
    "geth": "[" + _CAPITALS, "lighthouse": " " + _CAPITALS, "nethermind": _DIGITS, "logfmt": "clmt", "json": "{",
    "zap": _DIGITS, "tracing": _DIGITS, "log4j": _DIGITS, "teku": _DIGITS, "lodestar": "[" + _CAPITALS + _DIGITS,
    "nimbus": _CAPITALS, "prysm": "[", "grandine": "[", "charon": _DIGITS, "logrus": _CAPITALS, "logback": _DIGITS,
    "log4j-status": _DIGITS, "nest": "[", "generic": "[" + _CAPITALS + _DIGITS,
}  # fmt: skip
"The characters with which a format's lines begin: a text that begins with another is not tried."

TO_TRY: dict[str, tuple[Format, ...]] = {
    first: tuple(FORMATS[name] for name in FORMATS if first in BEGINNINGS[name])
    for first in {each for firsts in BEGINNINGS.values() for each in firsts}
}
"The formats for a first character, in their order."

TEMPLATES: dict[Format, Maker] = {
    geth.parse: geth.template,
    logfmt.parse: logfmt.template,
    nimbus.parse: nimbus.template,
}
"What makes the templates of the formats that have some."

OF_CLIENT = {
    "Geth": "geth", "Erigon": "geth", "Nethermind": "nethermind", "Besu": "log4j", "Reth": "tracing",
    "Ethrex": "tracing", "Lighthouse": "lighthouse", "Lodestar": "lodestar", "Nimbus": "nimbus", "Prysm": "logfmt",
    "Teku": "teku", "Grandine": "grandine", "MEV-Boost": "logfmt", "Commit-Boost": "tracing", "Vouch": "json",
    "Charon": "charon", "SSV": "zap", "Web3signer": "log4j", "Contributoor": "logfmt", "Dora": "logfmt",
}  # fmt: skip
"The format to try first when the client is known."
