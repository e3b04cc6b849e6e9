"""Payloads: what is refused, and what is sent."""

import contextlib
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import BadRequest
from ethpillar.gateway import wire
from ethpillar.units import UnitStatus

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("arguments", [[], [None], [5], ["x"], [[]], [True], [{}, {}], [b"x"]])
def test_a_payload_is_one_object(arguments: list[Any]) -> None:
    with pytest.raises(BadRequest):
        wire.payload_object(arguments)


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        *((None, 5), (5000, 5), (1, 1), (-5, 1), (0, 1), (999, 1), (300_000, 300), (10**30, 300), (2500.5, 2.5005)),
        *((math.inf, 300), (-math.inf, 1)),
    ],
)
def test_intervals_are_clamped(interval: Any, seconds: float) -> None:
    assert wire.get_interval({"interval": interval}) == pytest.approx(seconds)


@pytest.mark.parametrize("interval", ["5000", True, [], {}, math.nan])
def test_intervals_that_are_none(interval: Any) -> None:
    with pytest.raises(BadRequest):
        wire.get_interval({"interval": interval})


@pytest.mark.parametrize(("lines", "count"), [(None, 50), (0, 0), (5000, 5000), (7.0, 7)])
def test_backlogs(lines: Any, count: int) -> None:
    assert wire.get_lines({"lines": lines}) == count


@pytest.mark.parametrize("lines", [-1, 5001, "50", True, 1.5, math.nan, math.inf, []])
def test_backlogs_that_are_none(lines: Any) -> None:
    with pytest.raises(BadRequest):
        wire.get_lines({"lines": lines})


@pytest.mark.parametrize("after", ["", "x" * 600, "a b", "$(id)", "'", 5, [], "s=1\n"])
def test_cursors_that_are_none(after: Any) -> None:
    with pytest.raises(BadRequest):
        wire.get_after({"after": after})


@given(st.dictionaries(st.sampled_from(["service", "lines", "after", "batch", "lossless", "interval"]), JSON))
def test_any_object_is_read_or_refused(payload: dict[str, Any]) -> None:
    for read in (
        wire.get_unit,
        wire.get_lines,
        wire.get_after,
        wire.get_interval,
        lambda payload: wire.get_flag(payload, "batch", False),
    ):
        with contextlib.suppress(BadRequest):
            read(payload)


def test_statuses() -> None:
    statuses = [
        UnitStatus("execution.service", "active", description="Geth Execution Layer Client service for HOODI"),
        UnitStatus("consensus.service", "not_installed"),
    ]
    name, update = json.loads(wire.encode_statuses(statuses)[1:])
    assert name == "status_update"
    assert [(each["service"], each["status"]) for each in update] == [
        ("execution", "active"),
        ("consensus", "not_installed"),
    ]
    assert update[0]["client"] == "Geth"


@pytest.mark.parametrize("time", [0, -1, 10**30])
def test_times_that_are_none(time: int) -> None:
    assert wire.iso_time(time) is None
    assert wire.json_time(time) == b"null"


@pytest.mark.parametrize("time", [1, 999_999, 1_000_000, 1_795_000_000_000_007, 253_402_300_799_999_999])
def test_times_are_of_a_microsecond(time: int) -> None:
    text = wire.iso_time(time)
    assert text is not None
    assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    assert json.loads(wire.json_time(time)) == text


def test_a_gap_s_times_are_shown_as_the_lines_are() -> None:
    details = {"reason": "vacuumed", "from_us": 1_795_441_675_000_042, "to_us": None}
    assert wire.log_state("x", "gap", details) == {
        "service": "x",
        "state": "gap",
        "reason": "vacuumed",
        "from": "2026-11-23T13:47:55.000042Z",
        "to": None,
    }


def test_what_a_unit_printed_before_it_failed_goes_with_its_state() -> None:
    failed = UnitStatus("geth.service", "failed", last_lines=("one", "two"))
    assert wire.status_payload(failed)["last_lines"] == ("one", "two")
    assert "last_lines" not in wire.status_payload(UnitStatus("geth.service", "active"))
    assert wire.status_payload(failed, 1.5)["at"] == "1970-01-01T00:00:01.500000Z"
