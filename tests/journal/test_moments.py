"""Times as people and programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from ethpillar.journal.moments import moment, wanted

NOW = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-26T05:30:00.250Z", "2026-11-26T05:30:00.250"),
        ("2026-11-26 05:30", "2026-11-26T05:30"),
        ("2026/11/26", "2026-11-26"),
        ("2027-01-01 10:00", "2027-01-01T10:00"),  # a year that is named is believed
        ("Thu 2026-11-26 05:30:00 UTC", "2026-11-26T05:30"),
        ("01-01|00:29:00", "2026-01-01T00:29"),
        ("01-01|05:00:00", "2026-01-01T05:00"),  # a little ahead: another zone, or another clock
        ("01-02|00:30:00", "2026-01-02T00:30"),  # by a day at most
        ("01-02|00:30:01", "2025-01-02T00:30:01"),
        ("01-03|05:00:00", "2025-01-03T05:00"),
        ("12-31|23:59:00.5", "2025-12-31T23:59:00.500"),
        ("Dec 31 23:59:59", "2025-12-31T23:59:59"),
        ("31 Dec 10:00:00", "2025-12-31T10:00"),
        ("00:10", "2026-01-01T00:10"),
        ("00:30", "2026-01-01T00:30"),
        ("00:45", "2025-12-31T00:45"),
        ("05:30:00,123+02:00", "2025-12-31T03:30:00.123"),
        ("00:10-1200", "2025-12-31T12:10"),
        ("2026-11-26 05:30:00 -0130", "2026-11-26T07:00"),
        ("05:30:00.123456789", "2025-12-31T05:30:00.123456"),
        ("15:00-1200", "2025-12-31T03:00"),  # two days have to go, as that zone is so far behind
        ("@1795671000.25", "2026-11-26T05:30:00.250"),
        ("1795671000", "2026-11-26T05:30"),
    ],
)
def test_what_is_missing_makes_it_the_latest_that_is_past(text: str, time: str) -> None:
    assert moment(text, NOW, UTC) == at(time)


@pytest.mark.parametrize(
    "text", ["hello", "02-30|10:00:00", "25:00", "Xyz 31 10:00:00", "9999999999999", "10:00+99:99"]
)
def test_what_is_no_time(text: str) -> None:
    assert moment(text, NOW, UTC) is None
    with pytest.raises(ValueError, match=re.escape(text)):
        wanted(text, NOW, UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("now", "2026-01-01T00:30"),
        ("today", "2026-01-01"),
        ("yesterday", "2025-12-31"),
        ("-1h30m", "2025-12-31T23:00"),
        (" 2 hours ago ", "2025-12-31T22:30"),
        ("-1w 2d", "2025-12-23T00:30"),
        ("-500ms", "2026-01-01T00:29:59.500"),
        ("-7us", "2026-01-01T00:29:59.999993"),
        ("00:10", "2026-01-01T00:10"),
    ],
)
def test_what_since_and_until_take(text: str, time: str) -> None:
    assert wanted(text, NOW, UTC) == at(time)


@pytest.mark.parametrize("text", ["-", "-5", "5 hours", "-5 fortnights", "ago", "-1h x"])
def test_what_they_do_not_take(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        wanted(text, NOW, UTC)
