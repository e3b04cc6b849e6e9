"""Lighthouse's lines: where the message ends and the pairs begin."""

from __future__ import annotations

import pytest

from ethpillar.journal.formats.lighthouse import parse

HEAD = "Sep 12 08:15:17.001 INFO  "
LONG = "x" * 40
"As long as what a message is padded to."


@pytest.mark.parametrize(
    ("body", "message", "fields"),
    [
        ("Synced                                   slot: 102", "Synced", {"slot": "102"}),
        (f"{LONG} slot: 102", LONG, {"slot": "102"}),
        (f"{LONG} and more", f"{LONG} and more", {}),
        (f"{LONG}x more, slot: 102", f"{LONG}x more", {"slot": "102"}),
        (
            "Twice                                    root: 0x1, slot: 1, root: 0x2",
            "Twice",
            {"root#1": "0x1", "slot": "1", "root": "0x2"},
        ),
        (
            "Nothing                                  peers:",
            "Nothing",
            {"peers": ""},
        ),
        ("  root: 0x1, slot: 3", "", {"root": "0x1", "slot": "3"}),
        (
            'Quoted                                   error: "a, b: c", slot: 1',
            "Quoted",
            {"error": "a, b: c", "slot": "1"},
        ),
    ],
)
def test_the_message_and_the_pairs(body: str, message: str, fields: dict[str, str]) -> None:
    line = parse(HEAD + body)
    assert line is not None
    assert (line.message, line.fields, line.level) == (message, fields, "info")
