"""Whatever a line says is in its time, component, message or fields: nothing that was printed is out of sight."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.lines import LINES
from ethpillar.journal.formats import Line, LineParser
from ethpillar.journal.formats.line import LEVEL_OF
from ethpillar.journal.text import clean

FOLDER = Path(__file__).parent / "lines"
ROWS = [
    json.loads(row)["raw"] for file in sorted(FOLDER.glob("*.jsonl")) for row in file.read_text("utf-8").splitlines()
]
STREAMS = [row.partition("|")[2] for file in FOLDER.glob("*.stream") for row in file.read_text("utf-8").splitlines()]
TEXTS = [text for raw in [*ROWS, *STREAMS] for text in clean(raw.encode("utf-8", "surrogateescape"))] + [
    text for lines in LINES.values() for text in lines
]

RUN = re.compile(r"[^\W_]+")
ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-f]{2}|.)", re.DOTALL)
COLOUR = re.compile(r"\\u001[bB]\[[0-9;]*m")
KEYS = {"time", "level", "msg", "lvl", "t", "ts", "message", "L", "T", "M", "severity", "log", "timestamp", "fields"}
"Names that loggers give to what has a place of its own."
LEVEL_NUMBER = re.compile(r'"level": ?\d+|^[IWEF](?=\d{4} )')
SIGNS = [
    '"',
    "'",
    "=",
    " ",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ": ",
    ", ",
    "|",
    " | ",
    "\\",
    '\\"',
    "a=b",
    "x: y",
    " - ",
]


def lost(text: str, line: Line) -> list[str]:
    """The runs of letters and digits of a text that are nowhere in the parsed line."""
    text = LEVEL_NUMBER.sub("", COLOUR.sub(" ", text))
    found = "\n".join(
        [line.timestamp_text or "", line.component or "", line.message, *(f"{k}\n{v}" for k, v in line.fields.items())]
    )
    found += "\n" + ESCAPE.sub(" ", found)
    return [
        run
        for run in RUN.findall(ESCAPE.sub(" ", text))
        if run not in found and run not in KEYS and run not in LEVEL_OF and run.upper() not in LEVEL_OF
    ]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_every_row_is_whole(known: bool) -> None:
    description = "Geth Execution Layer Client" if known else None
    assert [(text, gone) for text in TEXTS if (gone := lost(text, LineParser(description).parse(text, 6)))] == []


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A line that was cut, doubled, or mixed with signs and with another line."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(1, 12)))
        text = draw(
            st.sampled_from(
                [
                    text[:start] + text[stop:],
                    text[:stop] + text[start:],
                    text[:start],
                    text[:start] + draw(st.sampled_from(SIGNS)) + text[start:],
                    text[:start] + draw(st.sampled_from(TEXTS))[-30:] + text[start:],
                ]
            )
        )
    return text


@given(mutated().filter(lambda text: "\\u001" not in text))
@example(
    'INF 2024-04-05 14:24:30.001+00:00 Slot start                                 slot=26 x="a" y z service=n s= v x: z'
)
@example('{"L":"INFO","M":"x","role":"one","slot":1,"role":"two"}')
@example('time="2025-09-24T21:10:12Z" level=fatally msg=x')
def test_every_mutated_row_is_whole(text: str) -> None:
    assert lost(text, LineParser().parse(text, 6)) == []
