"""Lines that are JSON objects: what loggers call a level, a time, a message and a component."""

from __future__ import annotations

import json

import pytest

from ethpillar.journal.formats.jsonlines import parse, read_object


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ('{"a":1,"a":2,"a":2,"a":3}', {"a": "3", "a#1": "1", "a#2": "2"}),  # the last counts, as everywhere
        ('{"a":-1.50e+3 , "b" : [1,2] ,"c":null,"d":true}', {"a": "-1.50e+3", "b": "[1,2]", "c": "null", "d": "true"}),
        ('{ "a" : "b" , "c" : "d" }', {"a": "b", "c": "d"}),
        ('{"a":1} ', {"a": "1"}),
        ('{"a":"x\\u001b[1my"}', {"a": "xy"}),
        ('{"a":"\\ud800x"}', {"a": "x"}),
        ('{"a":"one\\r\\ntwo\\n\\u0007"}', {"a": "one\ntwo\n"}),
    ],
)
def test_the_members_of_an_object_are_as_printed(text: str, members: dict[str, str]) -> None:
    assert read_object(text) == members


@pytest.mark.parametrize("text", ['x{"a":1}', '{"a":}', '{"a":1,"b"}', '{"a":tru}', "[1]", "{", '{"a', '{"a":1'])
def test_what_is_no_object(text: str) -> None:
    assert read_object(text) is None


@pytest.mark.parametrize(
    "text",
    ['{"msg":"m"}', '{"time":"t"}', '{"a":1}', ' {"level":"info","msg":"m"}', '{"level":"info"', "level=info msg=m"],
)
def test_json_without_a_level_or_a_time_and_a_message_is_no_line(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("record", "level", "message", "time"),
    [
        ({"level": "info", "msg": "m"}, "info", "m", None),
        ({"time": "t", "msg": "m"}, None, "m", "t"),
        ({"level": "warn"}, "warn", "", None),
        ({"level": "warn", "err": "e"}, "warn", "e", None),
        ({"level": 30, "msg": "m", "time": 5}, "info", "m", "5"),  # pino's
        ({"short_message": "m", "level": 3, "timestamp": 1.5}, "error", "m", "1.5"),  # GELF's
        ({"level": "DEBUG-4", "msg": "m"}, "debug", "m", None),  # slog's
        ({"level": 35, "msg": "m"}, None, "m", None),
        ({"L": "INFO", "T": "t", "M": "m"}, "info", "m", "t"),
    ],
)
def test_levels_messages_and_times(
    record: dict[str, object], level: str | None, message: str, time: str | None
) -> None:
    line = parse(json.dumps(record))
    assert line is not None
    assert (line.level, line.message, line.timestamp_text) == (level, message, time)


@pytest.mark.parametrize(("level", "kept"), [("DEBUG-4", True), (35, True), ("INFO", False), (30, False)])
def test_a_level_that_says_more_than_ours_stays_among_the_fields(level: object, kept: bool) -> None:
    line = parse(json.dumps({"level": level, "msg": "m"}))
    assert line is not None
    assert line.fields == ({"level": str(level)} if kept else {})


@pytest.mark.parametrize(
    ("record", "component"),
    [
        ({"prefix": "p"}, "p"),
        ({"prefix": "", "module": "x"}, "x"),
        ({"component": "c", "topic": "t"}, "t"),
        ({"N": "a.b"}, "a.b"),
        ({"class": "a.b.C"}, "a.b.C"),
        ({"loggerName": "a.b.C"}, "C"),
        ({"class": "C", "loggerName": "a.b.C"}, "C"),
        ({"logger_name": "a.b.C"}, "C"),
        ({"target": "t", "span": {"name": "s"}}, "t"),
        ({"span": {"name": "s"}}, "s"),
        ({"caller": "x.go:5"}, "x.go:5"),
        ({"caller": "x.go:5", "ts": "1"}, None),
        ({"caller": "x.go:5", "name": "n"}, "n"),
        ({}, None),
    ],
)
def test_components(record: dict[str, object], component: str | None) -> None:
    line = parse(json.dumps({"level": "INFO", **record, "msg": "m"}))
    assert line is not None
    assert line.component == component


def test_a_name_is_a_component_where_zap_has_it() -> None:
    for text, component in (
        ('{"level":"info","ts":"1","name":"n","msg":"m"}', "n"),
        ('{"level":"info","ts":"1","msg":"m","name":"n"}', None),
        ('{"level":30,"ts":"1","name":"n","msg":"m"}', None),
        ('{"level":"info","name":"n","M":"m"}', "n"),
    ):
        line = parse(text)
        assert line is not None
        assert line.component == component


@pytest.mark.parametrize(
    ("record", "eth"),
    [
        ({"level": "info", "msg": "m", "number": "5", "slot": "7"}, {"slot": "7"}),
        ({"lvl": "info", "t": "x", "msg": "m", "number": "5"}, {"block": "5"}),  # Geth
        ({"lvl": "info", "msg": "m", "number": "5"}, None),
        ({"level": "INFO", "fields": {"message": "m", "number": 5}, "target": "reth::x"}, {"block": "5"}),
        ({"level": "INFO", "msg": "m", "span": {"name": "s", "slot": 5}}, {"slot": "5"}),
        ({"level": "info", "msg": "m", "context": {"slot": 7}}, {"slot": "7"}),
        ({"level": "info", "msg": "m", "context": "none"}, None),
        ({"level": "info", "msg": "Imported 5 (0xabcdef0123)"}, None),
        (
            {"level": "info", "msg": "Imported 5 (0xabcdef0123)", "logger_name": "x"},
            {"block": "5", "hash": "0xabcdef0123"},
        ),
        ({"level": "info", "msg": "Imported 5 (0xabcdef0123)", "logger_name": "x", "slot": 7}, {"slot": "7"}),
    ],
)
def test_what_a_line_says_of_the_chain(record: dict[str, object], eth: dict[str, str] | None) -> None:
    line = parse(json.dumps(record))
    assert line is not None
    assert line.eth == eth


@pytest.mark.parametrize(
    "text",
    [
        '{"a\tb": 1}',
        '{"a": "x\ty"}',
        '{"a": 1, "b\n": 2}',
        'x"a": 1}',
        '{xa": 1}',
        '{"a";1}',
        '{"a": 1; "b": 2}',
        '{"a": 1} x',
    ],
)
def test_what_json_does_not_allow_is_no_object(text: str) -> None:
    assert read_object(text) is None
