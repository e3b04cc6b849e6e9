"""What journalctl says on standard error of entries that it could not read.

Belongs here: its words for damage, and the times that the names of damaged files tell. It must not know what is done
about damage: that is `detour`.
"""

from __future__ import annotations

import re

_JUMP = re.compile(rb"Can't iterate through (?:[^\n]*/)?([^\n/ ]+), ignoring")
"What journalctl says, if SYSTEMD_LOG_LEVEL=debug, when it goes on without a file in which it has come upon damage."
_LOST = re.compile(rb"invalid entry while bisecting")
"What it says, the same way, when damage keeps it from seeking in a file."
_IGNORED = re.compile(rb"Journal file (?:[^\n]*/)?([^\n/ ]+) (?:is )?(?:corrupted|truncated), ignoring file")
"What it says when it does without a whole file."
_LOUD = re.compile(
    rb"Bad message|Input/output error|Structure needs cleaning|corrupt|Cannot assign requested address|Invalid field"
    rb"|Failed to (?:iterate|determine|get (?:journal fields|cursor|realtime|monotonic|boot|source|next))"
    rb"|Failed to read|Numerical result out of range|Protocol not (?:supported|available)"
)
"What it says when it ends at damage, with an exit status above 0."
_ARCHIVED = re.compile(rb"@[0-9a-f]{32}-([0-9a-f]{16})-([0-9a-f]{16})\.journal\Z")
_PUT_ASIDE = re.compile(rb"@([0-9a-f]{16})-[0-9a-f]{16}\.journal~\Z")


def shows_damage(complaint: bytes, status: int = 0, since_us: int | None = None) -> bool:
    """Return True if what journalctl said on standard error means that it could not read some entries.

    :param status: its exit status
    :param since_us: the time of the oldest entry that matters. A damaged file stays for months, and counts only for
        a reader of what was written since it began
    """
    if not complaint:
        return False
    if (status > 0 and _LOUD.search(complaint)) or _JUMP.search(complaint):
        return True
    return since_us is not None and any(begin > since_us for begin, _ in begins_of_ignored(complaint))


def begins_of_ignored(complaint: bytes, jumped: bool = False) -> list[tuple[int, bool]]:
    """Return when the files began (True), or were put aside (False), that journalctl did without, by their names.

    :param jumped: files in which it came upon damage as well
    :return: times in microseconds since the epoch; nothing for a file whose name tells none
    """
    found = []
    for name in [*_IGNORED.findall(complaint), *(_JUMP.findall(complaint) if jumped else [])]:
        if archived := _ARCHIVED.search(name):
            found.append((int(archived[2], 16), True))
        elif aside := _PUT_ASIDE.search(name):
            found.append((int(aside[1], 16), False))
    return found


def came_upon_damage(complaint: bytes) -> bool:
    """Return True if it has gone on elsewhere, leaving the rest of a file."""
    return bool(_JUMP.search(complaint))


def could_not_seek(complaint: bytes) -> bool:
    """Return True if damage kept it from seeking, so that it may have passed over entries."""
    return bool(_LOST.search(complaint))


def left_out_something(complaint: bytes) -> bool:
    """Return True if entries may be missing, of a part of a file or of a whole one."""
    return any(each.search(complaint) for each in (_JUMP, _LOST, _IGNORED))
