"""Pairs as loggers print them."""

from __future__ import annotations

import re

import pytest

from ethpillar.journal.formats.pairs import (
    COLON,
    COMMA_EQUALS,
    EQUALS,
    MOST,
    RUST,
    numbered,
    open_pairs,
    pairs_start,
    quoted_pairs,
    unquoted,
)


@pytest.mark.parametrize(
    ("text", "rest", "fields"),
    [
        ("", "", {}),
        ("a=1 b=2", "", {"a": "1", "b": "2"}),
        ("a= b=", "", {"a": "", "b": ""}),
        ("a=1 a=2 a=3 b=4", "", {"a#1": "1", "a#2": "2", "a": "3", "b": "4"}),
        ('"a key"=v b=2', "", {"a key": "v", "b": "2"}),
        ('a="x y" b=z', "", {"a": "x y", "b": "z"}),
        ('a="x" a="y z"', "", {"a#1": "x", "a": "y z"}),
        ('a="x \\" y" b=', "", {"a": 'x \\" y', "b": ""}),
        # quotes that were not escaped, and blanks without quotes: a value ends where another pair follows
        ('msg="a "quoted" word" b=2', "", {"msg": 'a "quoted" word', "b": "2"}),
        ("err=no route to host b=2", "", {"err": "no route to host", "b": "2"}),
        ("a=1 b=2 three", "", {"a": "1", "b": "2 three"}),
        ('a="unclosed b=2', "", {"a": "unclosed b=2"}),
        # what belongs to no pair
        ("one two a=1", "one two", {"a": "1"}),
        ("word", "word", {}),
        ("=x a=1", "=x", {"a": "1"}),
    ],
)
def test_pairs_of_loggers_that_quote_where_they_must(text: str, rest: str, fields: dict[str, str]) -> None:
    found = quoted_pairs(text)
    assert (found[0], list(found[1].items())) == (rest, list(fields.items()))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("err=no route to host b=2", {"err": "no", "route to host b": "2"}),
        ("one two a=1", {"one two a": "1"}),
        ('a="x" more words=2', {"a": "x", "more words": "2"}),
        ("a=1 b=2", {"a": "1", "b": "2"}),
    ],
)
def test_words_between_two_pairs_may_be_the_beginning_of_a_key(text: str, fields: dict[str, str]) -> None:
    assert quoted_pairs(text, blanks_in_keys=True) == ("", fields)


def test_a_line_of_more_pairs_than_any_logger_prints_has_the_rest_beside_them() -> None:
    text = " ".join(f"k{number}={number}" for number in range(MOST + 5))
    rest, fields = quoted_pairs(text)
    assert len(fields) == MOST
    assert rest == " ".join(f"k{number}={number}" for number in range(MOST, MOST + 5))
    assert quoted_pairs(f'{text} x="y z"')[0].startswith(f"k{MOST}=")
    long = " ".join(f"k{number}={number}" for number in range(MOST - 1))
    assert len(long) > 4096
    assert quoted_pairs(long) == ("", {f"k{number}": str(number) for number in range(MOST - 1)})


def test_the_last_value_of_a_key_has_its_name() -> None:
    assert numbered([("a", "1"), ("b", "2"), ("a", "3"), ("a", "3")]) == {"a#1": "1", "b": "2", "a#2": "3", "a": "3"}


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("message a=1", 8),
        ("m a=1 b=2", 2),
        ("a=1", 0),
        ("no pairs", 8),
        ("m =x a=1", 5),
        ("a == b c=1", 7),
        ("[a=b] message c=d", 14),
        ("(a=b) c=1", 6),
        ('"a=b" c=1', 6),
        ("m 'a=1 b=2", 7),
        ("m {a=1 b=2", 7),
        ("x [y] a=1", 6),
        ("x [y a=1", 8),  # within a bracket
        ("x [[y] a=1", 10),
        ("m " + "k" * 198 + "=1", 2),
        ("m " + "k" * 201 + "=1", 205),  # no logger's key
        ("k" * 200 + "=1", 0),
        ("k" * 201 + "=1", 203),
        ("(a=b) " * 99 + "c=1", 6 * 99),
        ("(a=b) " * 100 + "c=1", 603),  # it has been looked for long enough
    ],
)
def test_where_the_pairs_of_a_line_begin(text: str, start: int) -> None:
    assert pairs_start(text) == start


@pytest.mark.parametrize(
    ("key", "text", "message", "fields"),
    [
        (EQUALS, "", "", {}),
        (EQUALS, "m", "m", {}),
        (EQUALS, "a=1", "", {"a": "1"}),
        (EQUALS, "m a=1 a=2", "m", {"a#1": "1", "a": "2"}),
        (EQUALS, "m a=1, b=2", "m", {"a": "1, b=2"}),
        (COMMA_EQUALS, "m a=1, b=2", "m", {"a": "1", "b": "2"}),
        (RUST, "m a=1 B=2", "m", {"a": "1 B=2"}),
        (COLON, 'm, a: 1, b: {c: 2, d: 3}, e: "x, f: 5"', "m,", {"a": "1", "b": "{c: 2, d: 3}", "e": "x, f: 5"}),
        # what is in brackets or quotes begins no pair
        (EQUALS, "m a=1 b=(x c=2) d=3", "m", {"a": "1", "b": "(x c=2)", "d": "3"}),
        (EQUALS, "m a={x (y b=2) z} c=3", "m", {"a": "{x (y b=2) z}", "c": "3"}),
        (EQUALS, "m a=( b=1 ( c=2 ) d=3 ) e=4", "m", {"a": "( b=1 ( c=2 ) d=3 )", "e": "4"}),
        (EQUALS, "m ( a=1 ) b=2", "m ( a=1 )", {"b": "2"}),
        (EQUALS, 'm a="x b=1 y" c=2', "m", {"a": "x b=1 y", "c": "2"}),
        # a bracket that is never closed, or never opened, encloses nothing
        (EQUALS, "m a=[1, b=2 c=3", "m", {"a": "[1, b=2", "c": "3"}),
        (EQUALS, "m a=1) b=2", "m", {"a": "1)", "b": "2"}),
        (EQUALS, "m a=1 b=2) c=3 d=(4", "m", {"a": "1", "b": "2)", "c": "3", "d": "(4"}),
    ],
)
def test_pairs_whose_values_are_printed_as_they_are(
    key: re.Pattern[str], text: str, message: str, fields: dict[str, str]
) -> None:
    found = open_pairs(text, key)
    assert (found[0], list(found[1].items())) == (message, list(fields.items()))


@pytest.mark.parametrize(
    ("value", "plain"), [('"a"', "a"), ('""', ""), ('"', '"'), ('"a', '"a'), ('a"', 'a"'), ("", "")]
)
def test_a_value_without_its_quotes(value: str, plain: str) -> None:
    assert unquoted(value) == plain


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("= b=c", 2),
        ("m b=c", 2),
        ("b=c", 0),
        ("m b == c", 8),
        ("m b==c", 2),
        ("[x a=1] b=2", 8),
        ("] [ a=1", 4),
        (" a=b", 1),
        ("m", 1),
    ],
)
def test_where_pairs_start(text: str, start: int) -> None:
    assert pairs_start(text) == start
