"""Going round what journalctl can't read: damaged entries, files and ends of files.

A journalctl that comes upon damage prints what it can and ends with an error, or it forgets the rest of that file,
goes on with the next one and exits with 0. Both ways it stops on its own side of the damage; from the other side, the
rest can be read. So: find an entry beyond the damage, and read back from it until the damage, or the known entry, is
reached.

Belongs here: which journalctl to run next for that, in either direction, and what its answers mean. Each function is a
generator that yields steps and is sent their answers, so that it needs neither a node nor a clock. The good case, in
which nothing is damaged, must not come here. How journalctl tells of damage is `complaint`'s.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import NamedTuple

from .complaint import begins_of_ignored, could_not_seek
from .cursor import Cursor, is_beyond, is_comparable, same_entry, time_of
from .entry import Entry
from .steps import Answer, Gap, Plan, Run, Step, after_entry

SIZE = 500
"Entries that are asked for at once."
AT_ONCE = 2_000
"Entries between damage and the entry that was found beyond it, at most, before a nearer one is looked for."
MOST = 20_000
"And between damage and the newest entry, where journalctl can't seek to a place between."
FIRST_LEAP = 1_000
"Microseconds from the damage at which an entry beyond it is looked for first; then ever farther."
FARTHER = 2
CLOSER = 20
"How often a nearer entry is looked for."


def read_on(cursor: str, end_us: int, *, back: bool = False, size: int = SIZE) -> Plan:
    """Read some entries beyond a known one; there may be damage anywhere. At least one comes, unless it is the end.

    :param cursor: the known entry; it may have left the journal. A time (`t=HEX`) proves nothing: what is between it
        and the first entry is nothing that is missing
    :param end_us: a time beyond which there is nothing, in the direction of reading
    """
    answer = yield Step(cursor, back, size + 1)
    found, there = after_entry(answer.entries, cursor)
    end = len(answer.entries) <= size and not answer.cut
    if there and answer.whole:
        return Run(found, end=end)
    begins = begins_of_ignored(answer.complaint)
    certain = False
    if there:
        if not _may_have_passed_over(answer):
            return _without_ignored(cursor, found, begins, end, back)
        sure, certain = yield from _without_jumps(cursor, found, back)
        if sure:
            begins = begins_of_ignored(answer.complaint, jumped=not certain)
            return _without_ignored(cursor, sure, begins, False, back)
    elif could_not_seek(answer.complaint) and (sure := (yield from _from_own_end(cursor, back))):
        return _without_ignored(cursor, sure, begins, False, back)
    certain = certain or answer.status > 0
    run = yield from _over(cursor, found[0] if found else None, end_us, back, certain)
    if run.gap is None and run.entries:
        return _without_ignored(cursor, list(run.entries), begins, run.end, back)
    times = [each.realtime_us for each in run.entries]
    places = [place for hole in begins if (place := _place(times, *hole)) is not None]
    return replace(run, entries=run.entries[: min(places) + 1]) if places else run


def _without_ignored(cursor: str, found: list[Entry], begins: Sequence[tuple[int, bool]], end: bool, back: bool) -> Run:
    """Return those of some entries, between which whole files are missing, that come before the first such place."""
    times = [time_of(cursor) or 0, *(each.realtime_us for each in found)]
    places = sorted({place for hole in begins if (place := _place(times, *hole)) is not None})
    gap = None
    if places and places[0] == 0:
        older, newer = sorted(times[:2])
        gap = Gap(older, newer, "damaged")
        places = places[1:]
    return Run(found[: places[0]], gap) if places else Run(found, gap, end)


def _place(times: Sequence[int], hole: int, begins: bool) -> int | None:
    """Return after which of the entries with these times a file is missing."""
    for number in range(len(times) - 1):
        older, newer = sorted(times[number : number + 2])
        if (older < hole <= newer) if begins else (older <= hole < newer):
            return number
    return None


def _without_jumps(cursor: str, found: list[Entry], back: bool) -> Generator[Step, Answer, tuple[list[Entry], bool]]:
    """Return the entries before the first jump over others, and whether it is certain that it is right after them.

    A journalctl that prints fewer entries does not come upon it.
    """
    sure, most = 0, len(found)
    answer = yield Step(cursor, back, 1)
    if not answer.jumped:
        while sure < most:
            middle = (sure + most + 1) // 2
            answer = yield Step(cursor, back, middle + 1)
            if answer.jumped:
                most = middle - 1
            else:
                sure = middle
        return found[:sure], True
    # It does so while it seeks already. What is read from the end tells.
    far, _ = yield from _from_end(cursor, back)
    if not far.reached:
        return [each for each in found if far.island and is_beyond(far.island[0].cursor, each.cursor, back)], False
    return [one for one, other in zip(found, far.island, strict=False) if one.cursor == other.cursor], False


def _over(cursor: str, nearest: Entry | None, end_us: int, back: bool, certain: bool) -> Plan:
    """Read what is beyond the damage that begins right after an entry, or that has taken this entry.

    :param nearest: what journalctl showed next: perhaps of another file
    :param certain: whether there is damage right after the entry
    """
    found = _Far([])
    if nearest is not None:
        found = yield from _up_to(cursor, nearest, back)
    if not found.reached:
        other = yield from _search(cursor, found.island[0] if found.island else None, end_us, back)
        if other.island or other.reached:
            found = other
    if not found.reached:
        other, jumped = yield from _from_end(cursor, back)
        if other.reached or _is_closer(other, found, back):
            found = (yield from _up_to_jump(other, back)) if jumped else other
    if found.full:
        found = yield from _closer(cursor, found, back)
    gap = None
    if not found.reached and (found.island or certain):
        ours, theirs = time_of(cursor), found.island[0].realtime_us if found.island else None
        damaged = found.damaged or certain or (nearest is not None and found.island[0] != nearest)
        if not Cursor.parse(cursor).is_time:
            gap = Gap(*((theirs, ours) if back else (ours, theirs)), "damaged" if damaged else "vacuumed")
    return Run(found.island, gap, end=not found.island, dead_end=certain and not found.island)


class _Far(NamedTuple):
    """Entries beyond damage."""

    island: list[Entry]
    "In the direction of reading."
    reached: bool = False
    "True if they go back to the known entry: nothing is missing."
    damaged: bool = False
    "True if they go back to damage, or may have passed over some."
    full: bool = False
    "True if there are more of them, nearer to the known entry."


def _up_to(cursor: str, entry: Entry, back: bool) -> Generator[Step, Answer, _Far]:
    """Read in the other direction from an entry to the known one, or to the damage."""
    step = Step(entry.cursor, not back, AT_ONCE + 1)
    answer = yield step
    other, there = after_entry(answer.entries, entry.cursor)
    reached = yield from _reaches(cursor, step, answer)
    found = _beyond(cursor, [entry, *(other if there else [])], answer, reached, AT_ONCE, back)
    return (yield from _up_to_jump(found, back)) if answer.jumped and not reached else found


def _reaches(cursor: str, step: Step, answer: Answer) -> Generator[Step, Answer, bool]:
    """Return whether what was read goes to the known entry, and nothing was passed over on the way.

    A journalctl that is asked for no more than that does not come upon damage which is farther away.
    """
    at = next((number for number, each in enumerate(answer.entries) if same_entry(each.cursor, cursor)), None)
    if at is None or not _may_have_passed_over(answer):
        return at is not None
    answer = yield replace(step, count=at + 1)
    return not _may_have_passed_over(answer)


def _may_have_passed_over(answer: Answer) -> bool:
    return answer.jumped or could_not_seek(answer.complaint)


def _up_to_jump(found: _Far, back: bool) -> Generator[Step, Answer, _Far]:
    """Return what was read before the journalctl jumped over others, which may have been within these entries."""
    if len(found.island) < 2:
        return found
    first = found.island[-1]
    sure, _ = yield from _without_jumps(first.cursor, found.island[-2::-1], not back)
    return _Far([*sure[::-1], first], damaged=True) if len(sure) < len(found.island) - 1 else found


def _from_end(cursor: str, back: bool) -> Generator[Step, Answer, tuple[_Far, bool]]:
    """Read from the end of the journal, which journalctl finds also where damage keeps it from seeking.

    Return what is beyond the known entry, and whether the journalctl has jumped over entries.
    """
    step = Step("t=1" if back else None, not back, MOST)
    answer = yield step
    reached = yield from _reaches(cursor, step, answer)
    return _beyond(cursor, answer.entries, answer, reached, MOST, back), answer.jumped and not reached


def _from_own_end(cursor: str, back: bool) -> Generator[Step, Answer, list[Entry]]:
    """Return what follows the known entry, up to damage, in a reading that comes from behind it.

    Beside damage journalctl may not find an entry again, and begin beyond the damage, so that what is between would
    seem to be lost; to an end of the journal it always finds.
    """
    anchor = None if back else "t=1"
    answer = yield Step(anchor, back, MOST)
    found = list(answer.entries)
    at = next((number for number, each in enumerate(found) if same_entry(each.cursor, cursor)), None)
    if at is None or could_not_seek(answer.complaint):
        return []
    sure, most = at + 1, min(len(found), at + 1 + AT_ONCE)
    if not answer.jumped:
        return found[sure:most]
    while sure < most:
        middle = (sure + most + 1) // 2
        if (yield Step(anchor, back, middle)).jumped:
            most = middle - 1
        else:
            sure = middle
    return found[at + 1 : sure]


def _is_closer(one: _Far, other: _Far, back: bool) -> bool:
    if not one.island or one.full or not other.island:
        return bool(one.island) and not one.full
    return is_beyond(other.island[0].cursor, one.island[0].cursor, back)


def _beyond(cursor: str, entries: Sequence[Entry], answer: Answer, reached: bool, most: int, back: bool) -> _Far:
    """Return which of some entries, read in the other direction, are beyond the known one.

    :param reached: whether they go back to the known one; see `_reaches`
    """
    island: list[Entry] = []
    for each in entries:
        if same_entry(each.cursor, cursor):
            return _Far(island[::-1], reached, damaged=not reached)
        if not is_beyond(each.cursor, cursor, back):
            # Something older is there, so that the known one was not vacuumed; a clock alone may be wrong about that.
            return _Far(island[::-1], damaged=is_comparable(each.cursor, cursor))
        island.append(each)
    return _Far(island[::-1], False, not answer.whole, answer.cut or len(answer.entries) >= most)


def _search(cursor: str, nearest: Entry | None, end_us: int, back: bool) -> Generator[Step, Answer, _Far]:
    """Look for an entry between the known one and the nearest that was shown, ever farther from the known one."""
    known = time_of(cursor)
    if known is None:
        return _Far([])
    sign = -1 if back else 1
    farthest = None
    if nearest is None:
        answer = yield Step("t=1" if back else None, not back, 1)
        farthest = next(iter(answer.entries), None)
        if farthest is not None and same_entry(farthest.cursor, cursor):
            return _Far([], reached=True)
        if farthest is not None and not is_beyond(farthest.cursor, cursor, back):
            farthest = None
    limit = nearest or farthest
    end = end_us if limit is None else limit.realtime_us
    leap = FIRST_LEAP
    while (end - (at := known + sign * leap)) * sign > 0 and at > 0:
        answer = yield Step(f"t={at:x}", back, 1)
        entry = next(iter(answer.entries), None)
        if (
            entry is not None
            and is_beyond(entry.cursor, cursor, back)
            and (nearest is None or is_beyond(nearest.cursor, entry.cursor, back))
        ):
            return (yield from _up_to(cursor, entry, back))
        leap *= FARTHER
    return _Far([]) if farthest is None else (yield from _up_to(cursor, farthest, back))


def _closer(cursor: str, found: _Far, back: bool) -> Generator[Step, Answer, _Far]:
    """Look for where entries begin that are too many to be read at once. The next run goes on after these."""
    near, far = time_of(cursor) or 0, found.island[0].realtime_us
    for _ in range(CLOSER):
        middle = (near + far) // 2
        answer = yield Step(f"t={middle:x}", back, 1)
        entry = next(iter(answer.entries), None)
        if (
            entry is None
            or not is_beyond(entry.cursor, cursor, back)
            or not is_beyond(found.island[0].cursor, entry.cursor, back)
        ):
            near = middle
            continue
        found = yield from _up_to(cursor, entry, back)
        far = found.island[0].realtime_us
        if not found.full:
            break
    return found


def last(lines: int, end_us: int) -> Generator[Step, Answer, Entry | None]:
    """Return the first of the last entries; None if none can be read.

    :param lines: how many entries there are from it on, if there are as many
    :param end_us: a time after the newest entry
    """
    answer = yield Step(None, True, 1)
    entries: Sequence[Entry] = answer.entries
    if not entries or answer.jumped:  # the newest can't be read: look for the newest that can
        entries = (yield from read_on(f"t={end_us:x}", 1, back=True, size=1)).entries
    count = len(entries)
    while entries and count < lines:
        run = yield from read_on(entries[-1].cursor, 1, back=True, size=min(SIZE, lines - count))
        count += len(run.entries)
        entries = run.entries or entries
        if run.end:
            break
    return entries[len(entries) - 1 - max(0, count - lines)] if entries else None
