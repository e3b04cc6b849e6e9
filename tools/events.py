"""Puts the examples of docs/events.json, which are taken from a running server, into docs/events.md.

`python -m tools.events` writes them below the marks `<!-- client NAME -->`, `<!-- server NAME -->` and
`<!-- connect connect_error -->`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
MOST = 2
"Things of one kind that an example shows of a list."
_BLOCK = re.compile(r"(<!-- (client|server|connect) (\w+) -->\n)(?:```js\n.*?```\n)?", re.DOTALL)


def shortened(value: Any) -> Any:
    """Return a value with short lists."""
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shortened(each) for each in value[:MOST]]
    return value


def examples(document: dict[str, Any], side: str, name: str) -> list[str]:
    """Return the lines that show an event."""
    lines = []
    for each in document[side][name]:
        if side != "client":
            said = "" if each is None else f", {json.dumps(shortened(each), ensure_ascii=False)}"
            lines.append(f'"{name}"{said}')
        else:
            words = ", ".join(json.dumps(word, ensure_ascii=False) for word in (name, *each["arguments"]))
            lines.append(f"socket.emit({words}, ack)  // ack({json.dumps(shortened(each['ack']), ensure_ascii=False)})")
    return lines


def filled(text: str, document: dict[str, Any]) -> str:
    """Return the page with the examples under its marks."""

    def block(match: re.Match[str]) -> str:
        lines = "\n".join(examples(document, match[2], match[3]))
        return f"{match[1]}```js\n{lines}\n```\n"

    return _BLOCK.sub(block, text)


def main() -> None:
    """Write the page anew."""
    page = DOCS / "events.md"
    page.write_text(filled(page.read_text(), json.loads((DOCS / "events.json").read_text())))


if __name__ == "__main__":
    main()
