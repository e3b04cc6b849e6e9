"""Payloads: what is refused, and what is sent."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import BadRequest
from ethpillar.gateway import wire
from ethpillar.gateway.batches import Batches
from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import Line
from ethpillar.nodes.items import Item
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


LINE = Line("warn", "p2p", "Peer gone", {"id": "16U", "n": "3"})
ENTRY = Entry("s=1;i=2", 1_795_441_675_000_042, b"raw", 6)


def decode(packet: str) -> Any:
    assert packet[0] == "2"
    return json.loads(packet[1:])


def test_a_line() -> None:
    assert decode(wire.encode_line("execution", ENTRY, "raw", LINE, True)) == [
        "log_data",
        {
            "service": "execution",
            "line": "raw",
            "timestamp": "2026-11-23T13:47:55.000042Z",
            "level": "warn",
            "component": "p2p",
            "message": "Peer gone",
            "fields": {"id": "16U", "n": "3"},
            "cursor": "s=1;i=2",
        },
    ]


def test_a_line_that_does_not_end_its_entry_shows_no_cursor() -> None:
    assert decode(wire.encode_line("execution", ENTRY, "raw", LINE, False))[1]["cursor"] is None


def test_lone_surrogates_are_mended() -> None:
    line = Line("info", None, "bad \ud800", {"\udfff": "\ud800"})
    assert decode(wire.encode_line("x", ENTRY, "bad \ud800", line, True))[1]["line"] == "bad ?"


def test_a_batch_is_made_of_lines() -> None:
    packets = [wire.encode_line("dora", ENTRY, f"line {n}", LINE, True) for n in range(3)]
    name, payload = decode(wire.encode_batch("dora", packets))
    assert name == "log_batch"
    assert payload["service"] == "dora"
    assert [entry["line"] for entry in payload["entries"]] == ["line 0", "line 1", "line 2"]


def test_statuses() -> None:
    statuses = [
        UnitStatus("execution.service", "active", description="Geth Execution Layer Client service for HOODI"),
        UnitStatus("consensus.service", "not_installed"),
    ]
    name, update = decode(wire.encode_statuses(statuses))
    assert name == "status_update"
    assert [(each["service"], each["status"]) for each in update] == [
        ("execution", "active"),
        ("consensus", "not_installed"),
    ]
    assert update[0]["client"] == "Geth"


@pytest.mark.parametrize("time", [0, -1, 10**30])
def test_times_that_are_none(time: int) -> None:
    assert wire.iso_time(time) is None


def test_a_gap_s_times_are_shown_as_the_lines_are() -> None:
    details = {"reason": "vacuumed", "from_us": 1_795_441_675_000_042, "to_us": None}
    assert wire.log_state("x", "gap", details) == {
        "service": "x",
        "state": "gap",
        "reason": "vacuumed",
        "from": "2026-11-23T13:47:55.000042Z",
        "to": None,
    }


def test_batches_are_encoded_once_for_all_who_send_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    encode = wire.encode_batch
    monkeypatch.setattr(wire, "encode_batch", lambda *given: encoded.append(given) or encode(*given))
    batches = Batches()
    items = [Item(str(number), number, (f'2["log_data",{{"line":"{number}"}}]',)) for number in range(3)]
    first = batches.packets("execution", items)
    assert first == ['2["log_batch",{"service":"execution","entries":[{"line":"0"},{"line":"1"},{"line":"2"}]}]']
    assert batches.packets("execution", list(items)) is first
    assert batches.packets("execution", items[:2]) is not first
    assert len(encoded) == 2


def test_a_batch_has_at_most_500_lines() -> None:
    items = [Item(str(number), number, ('2["log_data",{}]',) * 300) for number in range(4)]
    sizes = [packet.count("{}") for packet in Batches().packets("execution", items)]
    assert sizes == [500, 500, 200]
