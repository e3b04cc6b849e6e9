"""Failures are counted by their kind."""

from __future__ import annotations

import pytest

from ethpillar.errors import (
    CredentialRefused,
    LimitReached,
    LogUnavailable,
    PermissionDenied,
    SessionStoreDown,
    SshTimeout,
    SshUnreachable,
    TooManyLogs,
    UnitNotFound,
)
from ethpillar.nodes.tries import BEGUN, FOLLOWED, NEW, SUBSCRIBER, ReadFailed, Tolerance, Tries, Trouble, trouble_of


@pytest.mark.parametrize(
    ("problem", "trouble"),
    [
        (SshUnreachable(), Trouble.LINK),
        (SshTimeout(), Trouble.LINK),
        (SessionStoreDown(), Trouble.LINK),
        (LogUnavailable("x"), Trouble.LINK),
        (LimitReached(), Trouble.ROOM),
        (TooManyLogs("x"), Trouble.ROOM),
        (PermissionDenied("x"), Trouble.RIGHT),
        (UnitNotFound("x"), Trouble.UNIT),
        (CredentialRefused(), Trouble.REFUSED),
        (ReadFailed(Trouble.DAMAGE), Trouble.DAMAGE),
    ],
)
def test_the_kind_of_an_error(problem: Exception, trouble: Trouble) -> None:
    assert trouble_of(problem) is trouble


@pytest.mark.parametrize(
    ("tolerance", "trouble", "tries"),
    [
        (NEW, Trouble.ROOM, 5),
        (NEW, Trouble.RIGHT, 0),
        (NEW, Trouble.UNIT, 0),
        (BEGUN, Trouble.ROOM, 5),
        (BEGUN, Trouble.RIGHT, 0),
        (BEGUN, Trouble.UNIT, None),
        (FOLLOWED, Trouble.ROOM, None),
        (FOLLOWED, Trouble.RIGHT, 4),
        (FOLLOWED, Trouble.UNIT, None),
        (SUBSCRIBER, Trouble.ROOM, 7),
        (SUBSCRIBER, Trouble.RIGHT, 4),
        (NEW, Trouble.DAMAGE, 2),
        (BEGUN, Trouble.DAMAGE, None),
        (FOLLOWED, Trouble.DAMAGE, None),
        (SUBSCRIBER, Trouble.DAMAGE, 2),
        (NEW, Trouble.SLOW, 0),
        (BEGUN, Trouble.SLOW, None),
        (FOLLOWED, Trouble.SLOW, None),
        (SUBSCRIBER, Trouble.SLOW, 0),
        *[(tolerance, Trouble.REFUSED, 0) for tolerance in (NEW, BEGUN, FOLLOWED, SUBSCRIBER)],
        *[
            (tolerance, trouble, None)
            for tolerance in (NEW, BEGUN, FOLLOWED, SUBSCRIBER)
            for trouble in (Trouble.LINK, Trouble.JOURNAL, Trouble.NOTHING, Trouble.PLACE)
        ],
    ],
)
def test_how_many_failures_are_followed_by_another_try(
    tolerance: Tolerance, trouble: Trouble, tries: int | None
) -> None:
    counted = Tries(tolerance)
    over = [counted.failed(trouble) for _ in range(50)]
    assert over == ([False] * 50 if tries is None else [False] * tries + [True] * (50 - tries))


def test_failures_of_other_kinds_do_not_count() -> None:
    tries = Tries(FOLLOWED)
    for trouble in Trouble:
        if trouble not in (Trouble.RIGHT, Trouble.REFUSED):
            assert not any(tries.failed(trouble) for _ in range(20))
    assert [tries.failed(Trouble.RIGHT) for _ in range(5)] == [False] * 4 + [True]
    assert (tries.count(Trouble.RIGHT), tries.count(Trouble.LINK), tries.last) == (5, 20, Trouble.RIGHT)


def test_a_success_ends_the_row() -> None:
    tries = Tries(FOLLOWED)
    tries.failed(Trouble.RIGHT)
    tries.succeeded()
    assert (tries.count(Trouble.RIGHT), tries.last) == (0, None)
