"""`tools/judged.txt`: faults that no test can or should notice, each with a reason.

A file's path stands at the left margin, under it each fault as `make mutants` prints it, and under that the reason.
"""

from __future__ import annotations

from pathlib import Path

JUDGED = Path(__file__).with_name("judged.txt")
Place = tuple[str, str]
"The path of a module, and what the fault is."


def judged(text: str | None = None) -> dict[Place, str]:
    """Return the reason for each fault.

    :param text: as in the file, which is read otherwise
    :raises ValueError: a fault is without a reason, or stands under no path
    """
    found: dict[Place, str] = {}
    path, place = "", None
    for line in (JUDGED.read_text() if text is None else text).splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.startswith("#"):
            continue
        if indent == 0:
            path, place = line, None
        elif indent == 2 and path:
            place = path, line.strip()
            found[place] = ""
        elif indent == 4 and place:
            found[place] = f"{found[place]} {line.strip()}".strip()
        else:
            raise ValueError(f"{line!r} stands under nothing")
    for (where, what), reason in found.items():
        if not reason:
            raise ValueError(f"{where}: {what}: no reason")
    return found
