"""The prefix that `docker compose` puts before a container's lines: eth-docker, Rocket Pool, others under systemd.

Grammar (compose's log printer): `execution-1  | line`, older `eth1_1    | line`: the names padded to one width. A name
that was set (`container_name`) has no number; it is taken for one only before a line that a format knows.
"""

from __future__ import annotations

import re

_PREFIX = re.compile(r"([a-z0-9][a-z0-9_.-]{0,60}+) +\| ?")
_NUMBERED = re.compile(r"[-_]\d{1,3}\Z")
MOST = 16
"Containers whose lines are told apart."


def container(text: str) -> tuple[str, str, bool] | None:
    """Cut a container's name off a line; None when there is none.

    Returns the name, the line, and whether the name is one of compose's for sure.
    """
    found = _PREFIX.match(text)
    if found is None or _PREFIX.match(text, found.end()):  # a table's row has more of them
        return None
    return found[1], text[found.end() :], _NUMBERED.search(found[1]) is not None
