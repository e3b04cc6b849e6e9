"""What single formats decline, and where they give up."""

from __future__ import annotations

import pytest

from ethpillar.journal.formats import (
    LineParser,
    console,
    generic,
    geth,
    grandine,
    lighthouse,
    logfmt,
    nimbus,
    prysm,
    tracing,
)
from ethpillar.journal.formats.continuation import AFTER_CRASH, AFTER_EXCEPTION, Continuation, State, is_art
from ethpillar.journal.formats.crash import Report, begins
from ethpillar.journal.formats.eth import of_execution
from ethpillar.journal.formats.jsonlines import read_object
from ethpillar.journal.formats.log4j import besu_eth
from ethpillar.journal.formats.pairs import joined
from ethpillar.journal.formats.templates import of_pairs


@pytest.mark.parametrize(
    "text", ["", "[]", "5", '{"a":1}x', '{"a"}', '{"a":1,}', "{,}", '{"a":"b"', '{"a":1 "b":2}', "{5:1}"]
)
def test_what_is_no_object_of_json(text: str) -> None:
    assert read_object(text) is None


@pytest.mark.parametrize(
    ("text", "members"),
    [("{}", {}), (" { } ", {}), ('{"a":1}', {"a": "1"}), ('{"a":[1, {"b":2}]}', {"a": '[1, {"b":2}]'})],
)
def test_an_object_of_json(text: str, members: dict[str, str]) -> None:
    assert read_object(text) == members


@pytest.mark.parametrize("text", ["msg=hello x=5", "caller=x.go:5 a=b", "ts=1 a=b", "no pairs at all"])
def test_pairs_without_a_level_are_no_line_of_logfmt(text: str) -> None:
    assert logfmt.parse(text) is None


def test_a_line_of_another_program_s_that_prints_no_time_is_none_of_lighthouse_s() -> None:
    assert lighthouse.parse(" INFO some_crate::module: message here") is None
    assert lighthouse.parse(" INFO Message here                            slot: 5") is not None


@pytest.mark.parametrize(
    "message", ["Valid payload: none", "Fork choice head: none", "Sync progress: none", "Nothing to say", ""]
)
def test_a_message_that_only_looks_like_one_about_the_chain(message: str) -> None:
    assert besu_eth(message) is None


@pytest.mark.parametrize(
    "text",
    [
        'INF Connected                                  topics="networking" peers=5',  # its time may be in the values
        'INF 2026-09-12 08:15:01.000+00:00 Short topics="networking" peers=5',  # what is its message may be, too
        "no line of Nimbus's",
    ],
)
def test_lines_of_nimbus_that_have_no_template(text: str) -> None:
    line = nimbus.parse(text) or LineParser().parse(text)
    assert nimbus.template(text, line) is None


@pytest.mark.parametrize("rest", ["", "a", "a=b c", "a=ü", "a=b\\", 'a="b c"', "a=b a=c"])
def test_pairs_that_make_no_template(rest: str) -> None:
    line = logfmt.parse(f"level=info msg=x {rest}") or LineParser().parse("x")
    assert of_pairs("", "", rest, line, {}) is None


def test_a_brace_in_quotes_ends_no_span() -> None:
    line = tracing.parse('2026-09-12T08:15:06.234567Z  INFO s{a="}" b={1}}: target: message')
    assert line is not None
    assert (line.message, line.fields) == ("message", {"a": "}", "b": "{1}", "spans": "s"})


def test_more_spans_than_anybody_nests_are_text() -> None:
    text = "2026-09-12T08:15:06.234567Z  INFO " + "s{a=1}:" * 60 + " target: message"
    line = tracing.parse(text)
    assert line is not None
    assert line.message.startswith("s{a=1}")
    assert text.endswith(line.message)


def test_a_key_of_two_places_keeps_both_values_unless_they_are_equal() -> None:
    assert joined({"a": "1", "b": "2"}, {"a": "3"}) == {"a#1": "1", "b": "2", "a": "3"}
    assert joined({"a": "1"}, {"a": "1"}) == {"a": "1"}
    assert joined({}, {"a": "1"}) == {"a": "1"}


@pytest.mark.parametrize("state", [State.OPEN, State.BLOCK, State.TEXT, State.WRAPPED])
def test_a_record_of_another_logger_ends_whatever_was_open(state: State) -> None:
    open_ = Continuation()
    open_.state = state
    assert not open_._takes_text("2026-09-12 08:15:01 something else", None)


def test_a_block_is_open_until_its_bracket() -> None:
    open_ = Continuation()
    open_.state = State.BLOCK
    assert open_._takes_text("a: 5,", None)
    assert open_.state is State.BLOCK
    assert open_._takes_text("}", None)
    assert open_.state is State.CLOSED


@pytest.mark.parametrize(
    "text",
    [
        "a=b invoked oom-killer: gfp_mask=0x1",
        "the file: line 5 is wrong",
        "there is no x: Assertion in it",
    ],
)
def test_words_of_last_words_within_another_text_begin_none(text: str) -> None:
    assert begins(text) is None


@pytest.mark.parametrize(
    ("message", "eth"),
    [
        ("Indexed the next one", {"block": "5", "hash": "0xabc123"}),
        ("Submitted transaction", {"block": "5"}),  # the hash is the transaction's
        ("Extended txn pool", {"block": "5"}),
        ("Blobs stored", {"block": "5"}),
        ("In limbo", {"block": "5"}),
    ],
)
def test_whose_hash_a_line_of_the_execution_layer_has(message: str, eth: dict[str, str]) -> None:
    assert of_execution(None, message, {"number": "5", "hash": "0xabc123"}) == eth


def test_peers_are_prysm_s_only_where_it_says_so() -> None:
    for message, counted in (("Connected peers", True), ("Something else", False)):
        line = logfmt.parse(f'time="2026-09-12 08:15:01" level=info msg="{message}" inbound=3 outbound=4 total=7')
        assert line is not None
        assert (line.eth is not None) is counted
    for rest, eth in (("Connected peers total=7", {"peers": "7"}), ("Else total=7", None), ("Connected peers", None)):
        line = prysm.parse(f"[2026-09-12 08:15:01.12]  INFO p2p: {rest}")
        assert line is not None
        assert line.eth == eth


def test_a_message_of_geth_s_that_is_quoted_or_exactly_padded() -> None:
    quoted = geth.parse('INFO [09-12|08:15:01.004] "A \\"quoted\\" one"                     a=1')
    assert quoted is not None
    assert (quoted.message, quoted.fields) == ('A "quoted" one', {"a": "1"})
    plain = geth.parse('INFO [09-12|08:15:01.004] said "x" to it                           a=1')
    assert plain is not None
    assert (plain.message, plain.fields) == ('said "x" to it', {"a": "1"})
    blank = geth.parse(f"INFO [09-12|08:15:01.004] {'Short':<40} first key=1 b=2")
    assert blank is not None
    assert (blank.message, blank.fields) == ("Short", {"first key": "1", "b": "2"})


def test_more_containers_than_compose_runs_are_not_told_apart() -> None:
    parser = LineParser()
    named = [f"client-{number}  | INFO [09-12|08:15:01.004] Text number={number}" for number in range(20)]
    assert [parser.parse(text).fields.get("container") for text in named] == [
        *(f"client-{number}" for number in range(16)),
        *[None] * 4,
    ]


@pytest.mark.parametrize(
    ("text", "art"),
    [
        ("======", True),
        ("=====", False),  # too short to tell
        ("= = = = =", False),  # blanks do not count
        ("= = = = = =", True),
        ("=-" * 200, True),
        ("=-" * 200 + "=", False),  # longer than any picture
        ("abc" + "|" * 20, False),  # begins with a word
        ("ab|" + "|" * 20, True),
        ("12345" + "-" * 30, False),  # begins with a number
        ("1234-" + "-" * 30, True),
        ("|a|--b--|c--", False),  # a quarter of the signs are letters
        ("|a|--b--|c---", True),
        ("-x-x-x-x-x-x-x-x", True),  # a pattern may be of letters
        ("-x-x-x-x-x-x-x-", False),  # but not a short one
        ("-x.y" * 4, True),
        ("-x.y:" * 4, False),  # nor one of many signs
    ],
)
def test_a_picture_has_signs_and_hardly_a_letter(text: str, art: bool) -> None:
    assert is_art(text) is art


def test_an_exception_that_a_trace_ends_with_is_the_last_of_it() -> None:
    open_ = Continuation()
    open_.state = State.TRACE
    assert open_.takes("ValueError: no such block", None)
    assert not open_.takes("}", None)


def test_an_exception_and_last_words_have_so_many_lines_of_text_and_no_more() -> None:
    raised, crashed = Continuation(), Continuation()
    raised.raised()
    crashed.crashed(Report.TEXT)
    for open_, most in ((raised, AFTER_EXCEPTION), (crashed, AFTER_CRASH)):
        assert [open_.takes("some more of its text", "error") for _ in range(most + 2)] == [True] * most + [False] * 2


def test_a_key_of_geth_s_with_blanks_in_it_is_quoted_after_a_long_message() -> None:
    long = geth.parse(f'INFO [09-12|08:15:01.004] {"A message that is longer than what it is padded to"} "a key"=1 b=2')
    assert long is not None
    assert long.message == "A message that is longer than what it is padded to"
    assert long.fields == {"a key": "1", "b": "2"}


@pytest.mark.parametrize(
    ("text", "has_one"),
    [
        (f"INFO [09-12|08:15:01.004] {'Imported new block':<40} number=1", True),
        (f"INFO [09-12|08:15:01.004|core/chain.go:5] {'Imported new block':<40} number=1", False),  # says where
        (f"INFO [09-12|08:15:01.004] {'[p2p] GoodPeers':<40} eth68=1", False),  # has its facts in other keys
        ("no line of Geth's", False),
    ],
)
def test_lines_of_geth_that_have_a_template(text: str, has_one: bool) -> None:
    line = geth.parse(text) or LineParser().parse(text)
    assert (geth.template(text, line) is not None) is has_one


NIMBUS = "INF 2026-09-12 08:15:01.000+00:00"


@pytest.mark.parametrize(
    ("message", "padded"), [("Short", 42), ("A slot=5 in it", 42), ("Short as it is", 0), ("A" * 42, 0), ("A" * 60, 0)]
)
def test_a_message_of_nimbus_s_ends_where_its_pairs_begin(message: str, padded: int) -> None:
    line = nimbus.parse(f'{NIMBUS} {message.ljust(padded)} topics="sync" peers=5 slot=6')
    assert line is not None
    assert (line.message, line.fields) == (message, {"topics": "sync", "peers": "5", "slot": "6"})


@pytest.mark.parametrize(("length", "has_one"), [(40, False), (41, False), (42, True), (43, True)])
def test_only_a_message_of_nimbus_s_that_fills_its_column_has_a_template(length: int, has_one: bool) -> None:
    """The values may be a part of the message of a shorter one."""
    text = f'{NIMBUS} {"A" * length} topics="sync" peers=5'
    line = nimbus.parse(text)
    assert line is not None
    assert (nimbus.template(text, line) is not None) is has_one


@pytest.mark.parametrize(
    ("text", "component", "message"),
    [
        ("[2026-11-27 10:00:00 INFO worker] done", "worker", "done"),
        ("[2026-11-27 10:00:00 INFO] done", None, "done"),
        ("[2026-11-27 10:00:00] INFO worker] done", None, "worker] done"),  # the bracket is closed already
    ],
)
def test_what_stands_in_the_bracket_of_the_time_is_the_component(
    text: str, component: str | None, message: str
) -> None:
    line = generic.parse(text)
    assert line is not None
    assert (line.level, line.component, line.message) == ("info", component, message)


def test_the_second_name_of_a_line_of_zap_s_is_of_its_message() -> None:
    line = console.zap("2026-07-21T10:11:17.215928Z\tINFO\tDuty\tstarting\tmore words")
    assert line is not None
    assert (line.component, line.message, line.fields) == ("Duty", "starting\tmore words", {})
    for columns, component, fields in (
        ("starting\t{}", None, {}),
        ("Duty\tduties/x.go:12\tstarting\t{}", "Duty", {"caller": "duties/x.go:12"}),
    ):
        line = console.zap(f"2026-07-21T10:11:17.215928Z\tINFO\t{columns}")
        assert line is not None
        assert line == ("info", component, "starting", fields, "2026-07-21T10:11:17.215928Z", False, None)


def test_a_level_that_grandine_does_not_have_is_none_of_its_lines() -> None:
    assert grandine.parse("[2026-07-21T10:11:12.901Z] [ABCDE] [x] message") is None
    assert grandine.parse("[2026-07-21T10:11:12.901Z]  NOPE x::y:1: message") is None


def test_a_comparison_is_no_pair() -> None:
    line = generic.parse('2026-07-21 10:11:17 INFO m x=="a"')
    assert line is not None
    assert (line.message, line.fields) == ('m x=="a"', {})
