"""How often this server tries a node: the table in docs/operating.md is what the code does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ethpillar.errors import SshError
from ethpillar.nodes.registry import OVER_KEPT, REMEMBERED

from .test_link_state import tries_in

DOCS = Path(__file__).resolve().parents[2] / "docs/operating.md"
HEAD = "| The node | Codes | In an hour | With pages that ask all the time | In any ten minutes |"
HOUR, TEN_MINUTES = 3600, 600


def all_kinds(base: type[SshError] = SshError) -> Iterator[type[SshError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from all_kinds(kind)


def row(node: str, kinds: Iterable[type[SshError]], hour: int, asked: int, most: int) -> str:
    codes = ", ".join(f"`{code}`" for code in sorted({kind.code for kind in kinds}))
    return f"| {node} | {codes} | {hour} | {asked} | {most} |"


def tried_again(counted: bool) -> tuple[int, int, int]:
    """Tries in an hour, in one in which pages ask for the node all the time, and in any ten minutes of that."""
    asked = tries_in(2 * HOUR, counted, 0.5)
    most = max(sum(begin <= each < begin + TEN_MINUTES for each in asked) for begin in asked if begin < HOUR)
    return len(tries_in(HOUR, counted, None)), sum(each < HOUR for each in asked), most


def refused(seconds: float | None) -> tuple[int, int, int]:
    """The same where a refusal is the answer to all who ask for so many seconds."""
    return 1, 1 if seconds is None else int(HOUR / seconds), 1 if seconds is None else int(TEN_MINUTES / seconds)


def test_the_table_of_tries_is_what_the_code_does() -> None:
    for_good = [kind for kind, seconds in REMEMBERED.items() if seconds is None]
    (for_now,) = [kind for kind in REMEMBERED if kind not in for_good]
    others = [kind for kind in all_kinds() if kind.terminal and kind not in REMEMBERED]
    rows = [
        HEAD,
        "|---|---|---|---|---|",
        row("refuses the password or key", for_good, *refused(None)),
        row("refuses the account", [for_now], *refused(REMEMBERED[for_now])),
        row("logs a failed login, and may let us in later", _passing(counted=True), *tried_again(True)),
        row("needs a change, and logs no failed login", others, *refused(OVER_KEPT)),
        row("can't be reached, does not answer, or is ill", _passing(counted=False), *tried_again(False)),
    ]
    assert "\n".join(rows) in DOCS.read_text(), "\n".join(["", *rows])


def _passing(counted: bool) -> list[type[SshError]]:
    return [kind for kind in all_kinds() if not kind.terminal and kind.counted is counted]
