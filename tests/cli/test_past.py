"""What the options of `flask node logs` ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from ethpillar.cli.past import asked, moment
from ethpillar.journal.history.wanted import Wanted

NOW = datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
NOTHING = dict.fromkeys(("since", "until", "level", "grep", "slot", "block", "epoch"))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", datetime(2026, 11, 26, 1, 30, tzinfo=UTC)),
        ("90 min ago", datetime(2026, 11, 26, 2, 0, tzinfo=UTC)),
        ("1d", datetime(2026, 11, 25, 3, 30, tzinfo=UTC)),
        ("now", NOW),
        ("today", datetime(2026, 11, 26, tzinfo=UTC)),
        ("yesterday 22:15", datetime(2026, 11, 25, 22, 15, tzinfo=UTC)),
        ("03:07", datetime(2026, 11, 26, 3, 7, tzinfo=UTC)),
        ("23:07:05", datetime(2026, 11, 25, 23, 7, 5, tzinfo=UTC)),
    ],
)
def test_times_as_people_type_them(text: str, at: datetime) -> None:
    assert moment(text, "--since", NOW) == at.timestamp() * 1000


def test_times_as_machines_print_them() -> None:
    assert moment("2026-11-26T03:07:00Z", "--since") == "2026-11-26T03:07:00+00:00"
    assert moment("2026-11-26 04:07:00+01:00", "--since") == "2026-11-26T03:07:00+00:00"
    assert moment("@1795661220", "--since") == 1_795_661_220_000


@pytest.mark.parametrize("text", ["", "soon", "25:00", "03:07pm", "2026-13-01", "5 parsecs"])
def test_what_is_no_time_is_said_with_examples(text: str) -> None:
    with pytest.raises(click.BadParameter):
        moment(text, "--since", NOW)


def test_levels_have_their_usual_names() -> None:
    for word in ("warn", "warning", "WARNING"):
        assert asked({**NOTHING, "level": word}).query(["execution"]).wanted == Wanted(level="warn")
    with pytest.raises(click.BadParameter):
        asked({**NOTHING, "level": "loud"})


def test_what_is_asked() -> None:
    query = asked({**NOTHING, "grep": "Synced slot", "slot": 5}).query(["validator", "execution"])
    assert query.units == ("execution.service", "validator.service")
    assert query.wanted == Wanted(words=("Synced", "slot"), eth=("slot", 5))
    assert asked(NOTHING).query([]).units == ()
    with pytest.raises(click.UsageError):
        asked({**NOTHING, "slot": 5, "epoch": 6})
