"""What belongs together in a unit's log: crashes, reports, lists, banners, and the first line after them.

`lines/*.stream`: `== title` begins a stream, then a line each: the level (`-`: none), a `+` if it continues the line
before, a bar, and the line as printed. A level that begins with `systemd:` is of a line that systemd wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from ethpillar.journal.formats import LineParser
from ethpillar.journal.text import clean


class Expected(NamedTuple):
    level: str | None
    continuation: bool
    manager: bool
    text: str


def streams() -> dict[str, list[Expected]]:
    """All streams, by file and title."""
    found: dict[str, list[Expected]] = {}
    for file in sorted((Path(__file__).parent / "lines").glob("*.stream")):
        for row in file.read_text("utf-8").splitlines():
            if row.startswith("== "):
                stream = found[f"{file.stem}: {row[3:]}"] = []
            elif row:
                mark, _, text = row.partition("|")
                level = mark.rstrip(" +").removeprefix("systemd:").strip()
                stream.append(Expected(None if level == "-" else level, "+" in mark, "systemd:" in mark, text))
    return found


STREAMS = streams()


@pytest.mark.parametrize("title", STREAMS)
def test_a_stream(title: str) -> None:
    parser = LineParser()
    for number, expected in enumerate(STREAMS[title], 1):
        text = clean(expected.text.encode())[0]
        line = parser.parse(text, 6, manager=expected.manager)
        found = (line.level, line.continuation)
        assert found == (expected.level, expected.continuation), f"line {number} of {title!r}: {text!r}"
        if line.continuation:
            assert line.message == text.rstrip()
