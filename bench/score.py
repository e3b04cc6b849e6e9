"""Scores the parsers on lines whose right answer is known: `make score LINES=DIR`.

DIR holds `<client>.jsonl`, a row a line: `client`, `raw` (as printed), `expect` (`level`, `timestamp_text`,
`component`, `message`, `fields`), and where more than one answer is good, `accept` (lists of levels and components; a
message that stops earlier; values to be compared as JSON) and `optional` (a component, a message, fields that may be
found). Fields are a subset: each that is listed must be found. Texts are compared without colours, blanks run together;
escapes may stay as printed or be resolved.

Each row is parsed twice, by a parser that knows the unit's description and by one that does not. Prints a table and
every miss; exits with 1 when there is one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ethpillar.journal.formats import Line, LineParser
from ethpillar.journal.text import clean

Row = dict[str, Any]


def squash(text: str) -> str:
    """A text as it is compared: no colours, blanks run together."""
    return " ".join("\n".join(clean(text.encode("utf-8", "replace"))).split())


def same(expected: str, got: str) -> bool:
    """Return True if two texts are the same to a reader."""
    first, second = squash(expected), squash(got)
    return first == second or resolved(first) == resolved(second)


def resolved(text: str) -> str:
    """A text with its escaped quotes and backslashes resolved."""
    return text.replace('\\"', '"').replace("\\\\", "\\")


def same_json(expected: str, got: str) -> bool:
    """Return True if two texts are the same JSON value."""
    try:
        return bool(json.loads(expected) == json.loads(got))
    except ValueError:
        return False


def misses(row: Row, line: Line) -> Iterator[str]:
    """What is wrong with a parser's answer; nothing when it is right."""
    expect, accept, optional = row["expect"], row.get("accept", {}), row.get("optional", {})
    if line.level not in (expect["level"], *accept.get("level", ())):
        yield f"level {line.level!r}, expected {expect['level']!r}"
    if line.timestamp_text != expect["timestamp_text"]:
        yield f"time {line.timestamp_text!r}, expected {expect['timestamp_text']!r}"
    components = [expect["component"], *accept.get("component", ())]
    if (line.component or None) not in [*components, optional.get("component", expect["component"])]:
        yield f"component {line.component!r}, expected {expect['component']!r}"
    messages = [expect["message"], *([optional["message"]] if "message" in optional else [])]
    shorter = (
        accept.get("message_prefix") and line.message and squash(expect["message"]).startswith(squash(line.message))
    )
    if not shorter and not any(same(each, line.message) for each in messages):
        yield f"message {line.message!r}, expected {expect['message']!r}"
    for key, value in expect["fields"].items():
        got = line.fields.get(key)
        compare = same_json if key in accept.get("json_fields", ()) else same
        if got is None or not compare(value, got):
            yield f"field {key}={got!r}, expected {value!r}"


def answer(raw: str, description: str | None) -> Line:
    """The parsed first line of what was printed; a message with line breaks is taken as one line."""
    parser = LineParser(description)
    return parser.parse("\n".join(clean(raw.encode("utf-8", "replace"))))


def main() -> int:
    """Scores the files of the folder that the command line names."""
    folder = Path(sys.argv[1]) if len(sys.argv) == 2 else None
    files = sorted(folder.glob("*.jsonl")) if folder else []
    if not files:
        print("usage: python bench/score.py DIR    (a folder of <client>.jsonl)", file=sys.stderr)
        return 2
    told, table, total = [], [], [0, 0, 0]
    for file in files:
        rows = [json.loads(text) for text in file.read_text("utf-8").splitlines() if text.strip()]
        right = [0, 0]
        for number, row in enumerate(rows, 1):
            for way, description in enumerate((f"{row.get('client', file.stem)} service", None)):
                wrong = list(misses(row, answer(row["raw"], description)))
                right[way] += not wrong
                if wrong:
                    how = "known client" if description else "unknown client"
                    told.append(f"{file.name}:{number} ({how}) {row['raw'][:160]!r}\n    " + "\n    ".join(wrong))
        table.append((file.stem, len(rows), *right))
        total = [total[0] + len(rows), total[1] + right[0], total[2] + right[1]]
    print(f"{'client':28}{'lines':>7}{'known':>8}{'unknown':>9}")
    for name, lines, *right in [*table, ("all", *total)]:
        shares = [f"{100 * each / lines:.0f} %" if lines else "-" for each in right]
        print(f"{name:28}{lines:>7}{shares[0]:>8}{shares[1]:>9}")
    for miss in told:
        print("\n" + miss)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
