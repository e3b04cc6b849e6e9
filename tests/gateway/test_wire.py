"""Payloads: what is refused, and what is sent."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import BadRequest
from ethpillar.gateway import log_lines, wire
from ethpillar.gateway.browser_log import BrowserLog, Silence
from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import Line
from ethpillar.nodes.items import Item
from ethpillar.nodes.runs import Run
from ethpillar.units import UnitStatus
from ethpillar.web.ready import Ready, messages_in, ready_frame

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


def decode(packet: str | bytes) -> Any:
    text = packet if isinstance(packet, str) else b"".join(messages_in(packet)).decode()
    assert text[0] == "2"
    return json.loads(text[1:])


def test_a_line() -> None:
    assert decode(log_lines.encode_line("execution", ENTRY, "raw", LINE, True)) == [
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
    assert decode(log_lines.encode_line("execution", ENTRY, "raw", LINE, False))[1]["cursor"] is None


def test_lone_surrogates_are_mended() -> None:
    line = Line("info", None, "bad \ud800", {"\udfff": "\ud800"})
    assert decode(log_lines.encode_line("x", ENTRY, "bad \ud800", line, True))[1]["line"] == "bad ?"


def test_a_batch_is_made_of_lines() -> None:
    frames = [log_lines.encode_line("dora", ENTRY, f"line {n}", LINE, True) for n in range(3)]
    batch = log_lines.ready_batches({"service": "dora"}, [Item("", 0, b"".join(frames), 3)])
    name, payload = decode(batch.data)
    assert name == "log_batch"
    assert payload["service"] == "dora"
    assert [entry["line"] for entry in payload["entries"]] == ["line 0", "line 1", "line 2"]


def test_a_batch_says_in_which_boot_its_lines_were_written() -> None:
    def item(number: int, boot: str, lines: int = 1, cursor: str = "s=a;i={};b={}{};m=1;t=2;x=3") -> Item:
        frames = [log_lines.encode_line("dora", ENTRY, f"line {number}.{n}", LINE, True) for n in range(lines)]
        return Item(cursor.format(number, boot, "0" * 24), 0, b"".join(frames), lines)

    gap = Item("s=a;i=1;b=cccccccc;m=1", 0, b"", 0)
    items = [item(1, "aaaaaaaa", 2), item(2, "aaaaaaaa"), gap, item(3, "bbbbbbbb", 2), item(4, "", 1, "t=1")]
    _, payload = decode(log_lines.ready_batches({"service": "dora"}, items).data)
    assert [(each["line"], each.get("boot")) for each in payload["entries"]] == [
        ("line 1.0", "aaaaaaaa"),
        ("line 1.1", None),
        ("line 2.0", None),
        ("line 3.0", "bbbbbbbb"),
        ("line 3.1", None),
        ("line 4.0", None),
    ]


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


class Kept:
    """An outbox that keeps what is put into it."""

    def __init__(self) -> None:
        self.packets: list[Ready] = []
        self.put = self.packets.append


def browser_log(outbox: Any, batch: bool) -> BrowserLog:
    silence = Silence("execution", False, lambda: None)
    return BrowserLog(outbox, "execution.service", batch, lambda *_: None, silence)


def items(count: int, lines: int = 1) -> Run:
    frames = [ready_frame(b'2["log_data",{"line":"%d"}]' % number) * lines for number in range(count)]
    return Run(Item(str(number), number, data, lines) for number, data in enumerate(frames))


@pytest.mark.parametrize("batch", [False, True])
def test_a_run_is_encoded_once_for_all_who_send_the_same(batch: bool) -> None:
    outbox: Any = Kept()
    logs = [browser_log(outbox, batch) for _ in range(2)]
    run = items(3)
    for each in (*logs, browser_log(outbox, not batch)):
        each.lines(run)
    first, second, other = outbox.packets
    assert first is second
    assert first.data != other.data
    texts = [message.decode() for message in messages_in(first.data)]
    if batch:
        assert texts == ['2["log_batch",{"service":"execution","entries":[{"line":"0"},{"line":"1"},{"line":"2"}]}]']
    else:
        assert texts == [f'2["log_data",{{"line":"{number}"}}]' for number in range(3)]
    assert first.count == len(texts)


def test_a_batch_has_at_most_500_lines() -> None:
    outbox: Any = Kept()
    browser_log(outbox, True).lines(items(4, lines=300))
    (packets,) = outbox.packets
    assert [message.count(b"line") for message in messages_in(packets.data)] == [
        log_lines.MAX_BATCH,
        log_lines.MAX_BATCH,
        200,
    ]
    assert packets.count == 3
