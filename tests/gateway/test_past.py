"""`read_logs`: what may be asked, and what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.errors import BadRequest, LimitReached, SshUnreachable, Superseded
from ethpillar.gateway.past import WAITING, PastReader
from ethpillar.gateway.past_query import past_request
from ethpillar.journal.history.query import Direction, Query
from ethpillar.journal.masking import Masker
from ethpillar.nodes.history import Answer

from ..interruption import Operation, sweep
from ..journal.history.model import Journal, entry
from ..waiting import until

GEN = "INFO [09-12|08:15:01.004] Text number="
CURSOR = "s=a1;i=5;b=b1;m=4;t=6608b015f3fa0;x=1c"
BAD: list[dict[str, Any]] = [
    {},
    {"service": 5},
    {"services": "execution"},
    {"services": []},
    {"services": ["execution"] * 33},
    {"services": ["execution", 5]},
    {"services": ["a*"]},
    {"service": "execution", "limit": 0},
    {"service": "execution", "limit": 1001},
    {"service": "execution", "limit": 1.5},
    {"service": "execution", "limit": True},
    {"service": "execution", "limit": float("nan")},
    {"service": "execution", "limit": {}},
    {"service": "execution", "before": "x y"},
    {"service": "execution", "before": CURSOR, "after": CURSOR},
    {"service": "execution", "since": "yesterday"},
    {"service": "execution", "since": "2026-11-26T05:30:00Z", "until": "2026-11-26T05:29:59Z"},
    {"service": "execution", "since": -1},
    {"service": "execution", "since": 1e300},
    {"service": "execution", "since": True},
    {"service": "execution", "level": "loud"},
    {"service": "execution", "level": ["warn"]},
    {"service": "execution", "match": 5},
    {"service": "execution", "match": "x" * 1001},
    {"service": "execution", "match": "/(a/"},
    {"service": "execution", "match": "/(?=a)/"},
    {"service": "execution", "eth": {}},
    {"service": "execution", "eth": {"slot": 1, "block": 2}},
    {"service": "execution", "eth": {"hash": 1}},
    {"service": "execution", "eth": {"slot": "x"}},
    {"service": "execution", "eth": {"slot": None}},
    {"service": "execution", "counts": 10},
    {"service": "execution", "counts": 501, "since": 0, "until": 5},
    {"service": "execution", "mask": "yes"},
    {"service": "execution", "id": 5},
    {"service": "execution", "id": "x" * 65},
    {"service": "execution", "id": ""},
]


@pytest.mark.parametrize("payload", BAD, ids=[str(number) for number in range(len(BAD))])
def test_what_is_not_in_the_contract_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        past_request(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = [
    "services",
    "service",
    "before",
    "after",
    "around",
    "since",
    "until",
    "level",
    "match",
    "eth",
    "limit",
    "counts",
]


@given(st.dictionaries(st.sampled_from([*KEYS, "mask", "id"]), JSON))
def test_any_payload_is_understood_or_refused(payload: dict[str, Any]) -> None:
    try:
        request = past_request({"service": "execution", **payload})
    except BadRequest:
        return
    assert all(1 <= page.limit <= 1000 for page in request.pages)


def only(payload: dict[str, Any]) -> Query:
    (page,) = past_request(payload).pages
    return page


def test_times_are_iso_or_milliseconds() -> None:
    times = [
        "2026-11-26T05:30:00.250Z",
        "2026-11-26T06:30:00.25+01:00",
        "2026-11-26T05:30:00.250",
        "2026-11-26 05:30:00.250",
        1795671000250,
        1795671000250.0,
    ]
    found = {only({"service": "execution", "since": each}).since_us for each in times}
    assert found == {1_795_671_000_250_000}


def test_where_a_page_starts() -> None:
    assert only({"service": "execution"}).direction is Direction.BACKWARDS
    before = only({"service": "execution", "before": CURSOR})
    after = only({"service": "execution", "after": CURSOR})
    assert (before.direction, before.cursor) == (Direction.BACKWARDS, CURSOR)
    assert (after.direction, after.cursor) == (Direction.FORWARDS, CURSOR)
    around = past_request({"service": "execution", "around": CURSOR, "limit": 11}).pages
    assert [(page.direction, page.inclusive, page.limit) for page in around] == [
        (Direction.BACKWARDS, False, 5),
        (Direction.FORWARDS, True, 6),
    ]
    assert len(past_request({"service": "execution", "around": CURSOR, "limit": 1}).pages) == 1


def test_services_are_units_and_system_is_the_whole_journal() -> None:
    wanted = {"services": ["validator", "execution", "execution.service"]}
    assert only(wanted).units == ("execution.service", "validator.service")
    assert only({"services": ["execution", "system"]}).units == ()


def test_what_is_wanted() -> None:
    query = only({"service": "execution", "match": "Synced  slot", "level": "warn", "eth": {"slot": "13195105"}})
    assert query.wanted.words == ("Synced", "slot")
    assert (query.wanted.level, query.wanted.eth) == ("warn", ("slot", 13195105))
    assert only({"service": "execution", "match": "/a+b/"}).wanted.pattern == "a+b"
    assert only({"service": "execution", "match": "/"}).wanted.words == ("/",)


GOOD: list[tuple[dict[str, Any], str, Any]] = [
    ({"limit": 1}, "limit", 1),
    ({"limit": 1000}, "limit", 1000),
    ({"limit": "7"}, "limit", 7),
    ({}, "limit", 200),
    ({"since": 0}, "since_us", 0),
    ({"until": 253_402_300_799_999}, "until_us", 253_402_300_799_999_000),
    ({"until": "2026-11-26T05:30:00.000000000000+00:00"}, "until_us", 1_795_671_000_000_000),
]


@pytest.mark.parametrize(("payload", "name", "value"), GOOD)
def test_what_is_at_a_bound_is_within_it(payload: dict[str, Any], name: str, value: object) -> None:
    assert getattr(only({"service": "execution", **payload}), name) == value


def test_texts_and_counts_at_their_bounds_are_within_them() -> None:
    assert only({"service": "execution", "match": "x" * 1000}).wanted.words == ("x" * 1000,)
    assert only({"service": "execution", "match": "//"}).wanted.words == ("//",)
    assert only({"service": "execution", "match": "/a/"}).wanted.pattern == "a"
    assert only({"service": "execution", "eth": {"slot": 0}}).wanted.eth == ("slot", 0)
    assert only({"service": "execution", "eth": {"slot": 2**63}}).wanted.eth == ("slot", 2**63)
    for counts in (1, 500):
        request = past_request({"service": "execution", "counts": counts, "since": 5, "until": 5})
        assert request.buckets == counts
    named = past_request({"service": "execution", "id": "x" * 64})
    assert (named.id, named.buckets, named.mask) == ("x" * 64, None, False)
    assert past_request({"service": "execution", "mask": True, "id": "a"}).mask is True


@pytest.mark.parametrize(
    "payload",
    [
        {"until": 253_402_300_800_000},
        {"since": "2026-11-26T05:30:00.0000000000000+00:00:00"},
        {"limit": "0" * 19 + "7"},
        {"eth": {"slot": 2**64}},
        {"counts": 5, "since": 5},
        {"counts": 5, "until": 5},
        {"counts": 0, "since": 0, "until": 5},
        {"after": CURSOR, "around": CURSOR},
    ],
)
def test_what_is_beyond_a_bound_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        past_request({"service": "execution", **payload})


def test_counts_around_a_cursor_are_counted_once() -> None:
    payload = {"service": "execution", "around": CURSOR, "counts": 5, "since": 0, "until": 5}
    assert len(past_request(payload).pages) == 1


# -- answering


@pytest.fixture
def journal() -> Journal:
    return Journal([entry(number, f"{GEN}{number} peer=203.0.113.{number}") for number in range(20)])


@pytest.fixture
def reader() -> PastReader:
    return PastReader(Masker)


def ask_of(journal: Journal) -> Any:
    def ask(query: Query, buckets: int | None) -> Answer:
        return Answer(journal.page(query), None if buckets is None else [(1_795_000_000_000_000, 3, 1, 2)])

    return ask


def test_an_answer(journal: Journal, reader: PastReader) -> None:
    ack = reader.read(ask_of(journal), past_request({"service": "execution", "limit": 2}))
    assert ack["ok"] is True
    assert [each["message"] for each in ack["entries"]] == ["Text", "Text"]
    assert {each["service"] for each in ack["entries"]} == {"execution"}
    assert ack["entries"][-1]["cursor"] == journal.entries[-1].cursor
    assert ack["before"] == journal.entries[-2].cursor
    assert ack["after"] == journal.entries[-1].cursor
    assert ack["more"] is True
    assert ack["gaps"] == []
    assert ack["scanned"]["until"] == ack["entries"][-1]["timestamp"]


def test_a_page_around_a_cursor_has_both_sides_in_order(journal: Journal, reader: PastReader) -> None:
    cursor = journal.entries[10].cursor
    ack = reader.read(ask_of(journal), past_request({"service": "execution", "around": cursor, "limit": 6}))
    assert [each["cursor"] for each in ack["entries"]] == [each.cursor for each in journal.entries[7:13]]
    assert (ack["before"], ack["after"]) == (journal.entries[7].cursor, journal.entries[12].cursor)


def test_an_answer_says_in_which_boot_its_lines_were_written(reader: PastReader) -> None:
    journal = Journal([entry(number, f"{GEN}{number}") for number in range(4)])
    for number, boot in enumerate("aabb"):
        cursor = f"s=a;i={number};b={boot * 32};m=1;t=2;x=3"
        journal.entries[number] = journal.entries[number]._replace(cursor=cursor)
    ack = reader.read(ask_of(journal), past_request({"service": "execution"}))
    assert [each.get("boot") for each in ack["entries"]] == ["a" * 8, None, "b" * 8, None]


def test_a_gap_has_the_times_that_are_known(journal: Journal, reader: PastReader) -> None:
    def ask(query: Query, _: object) -> Answer:
        page = journal.page(query)
        known = {"after": "s=1", "reason": "vacuumed", "from_us": 1_795_671_000_250_000, "to_us": None}
        other = {"after": None, "reason": "damaged", "from_us": None, "to_us": 1_795_671_000_250_000}
        return Answer(replace(page, gaps=[known, other]))

    ack = reader.read(ask, past_request({"service": "execution"}))
    time = "2026-11-26T05:30:00.250000Z"
    assert ack["gaps"] == [
        {"after": "s=1", "reason": "vacuumed", "from": time, "to": None},
        {"after": None, "reason": "damaged", "from": None, "to": time},
    ]


def test_counts_come_in_place_of_entries(journal: Journal, reader: PastReader) -> None:
    ack = reader.read(ask_of(journal), past_request({"service": "execution", "counts": 1, "since": 0, "until": 5}))
    assert ack["counts"] == [[1_795_000_000_000, 3, 1, 2]]
    assert "entries" not in ack


def test_a_masked_page_tells_nobody_where_the_node_is(journal: Journal, reader: PastReader) -> None:
    ask = ask_of(journal)
    first = reader.read(ask, past_request({"service": "execution", "limit": 2, "mask": True}))
    assert "203.0.113" not in str(first)
    assert first["entries"][1]["fields"]["peer"] == "ip-2"
    again = reader.read(ask, past_request({"service": "execution", "limit": 1, "mask": True}))
    assert again["entries"][0]["fields"]["peer"] == "ip-2"  # the same name from call to call


def test_the_whole_journal_says_what_each_line_is_from(reader: PastReader) -> None:
    journal = Journal([entry(0, "hello", "nginx.service"), entry(1, "kernel speaks", "")])
    journal.entries[1] = journal.entries[1]._replace(unit=None, identifier="kernel")
    ack = reader.read(ask_of(journal), past_request({"service": "system"}))
    assert [(each["service"], each["component"]) for each in ack["entries"]] == [
        ("system", "nginx"),
        ("system", "kernel"),
    ]


class Waiting:
    """Asks and never hears, until it is told to go."""

    def __init__(self) -> None:
        self.go = Event()
        self.asked = self.ended = 0

    def __call__(self, query: Query, buckets: int | None) -> Answer:
        self.asked += 1
        try:
            self.go.wait()
        finally:
            self.ended += 1
        return Answer(Journal([]).page(query))


def outcome(reader: PastReader, ask: Any, **payload: Any) -> gevent.Greenlet[..., Any]:
    def act() -> Any:
        try:
            return reader.read(ask, past_request({"service": "execution", **payload}))
        except (Superseded, LimitReached, SshUnreachable) as problem:
            return problem

    spawned = gevent.spawn(act)
    for _ in range(4):
        gevent.sleep(0)
    return spawned


def test_a_newer_call_ends_the_older_of_the_same_id(reader: PastReader) -> None:
    ask = Waiting()
    older = outcome(reader, ask, match="a", id="search")
    other = outcome(reader, ask, id="page")
    newer = outcome(reader, ask, match="b", id="search")
    assert isinstance(older.get(), Superseded)
    ask.go.set()
    assert newer.get()["ok"] is True
    assert other.get()["ok"] is True


def test_a_socket_searches_once_at_a_time(reader: PastReader) -> None:
    ask = Waiting()
    searches = [outcome(reader, ask, match=word) for word in "abc"]
    page = outcome(reader, ask)
    assert ask.asked == 2
    ask.go.set()
    gevent.joinall([*searches, page])
    assert ask.asked == 4


def test_too_many_calls_at_once_are_refused(reader: PastReader) -> None:
    ask = Waiting()
    calls = [outcome(reader, ask) for _ in range(WAITING + 1)]
    assert isinstance(calls[-1].get(), LimitReached)
    ask.go.set()
    assert all(call.get()["ok"] for call in calls[:-1])


def test_closing_ends_every_call(reader: PastReader) -> None:
    ask = Waiting()
    calls = [outcome(reader, ask, match=word) for word in "ab"]
    reader.close()
    gevent.joinall(calls)
    assert ask.ended == ask.asked == 1
    assert isinstance(outcome(reader, ask).get(), LimitReached)


def test_what_stands_against_it_is_raised(reader: PastReader) -> None:
    def ask(query: Query, buckets: int | None) -> Answer:
        raise SshUnreachable

    assert isinstance(outcome(reader, ask).get(), SshUnreachable)


def test_a_call_that_is_stopped_anywhere_leaves_the_next_one_its_turn(reader: PastReader) -> None:
    @contextmanager
    def scenario() -> Iterator[Operation]:
        ask = Waiting()
        gevent.spawn_later(0.001, ask.go.set)
        yield lambda: reader.read(ask, past_request({"service": "execution", "match": "a"}))
        ask.go.set()
        until(lambda: ask.ended == ask.asked and not reader._calls, "the end of every call")
        assert reader.read(ask, past_request({"service": "execution", "match": "b"}))["ok"] is True

    assert sweep(scenario) >= 1
