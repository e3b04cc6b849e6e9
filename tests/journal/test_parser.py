"""The parser of a unit's lines: never an exception, never a line lost, never stuck."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import hostile
from bench.lines import LINES
from ethpillar.journal import clients
from ethpillar.journal.clients import client_of
from ethpillar.journal.formats import FORMATS, LEVELS, Line, LineParser, compose, pairs
from ethpillar.journal.formats.catalogue import BEGINNINGS, OF_CLIENT
from ethpillar.journal.formats.eth import CONSENSUS, EXECUTION
from ethpillar.journal.formats.templates import SEEN
from ethpillar.journal.text import clean

PIECES = st.sampled_from([*hostile.HEADS, *hostile.REPEATED, *(line for lines in LINES.values() for line in lines)])
TEXTS = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12).map("".join))
ETH = {*CONSENSUS.values(), *EXECUTION.values()}


def check(text: str, line: Line) -> None:
    """What holds for every line, whatever was printed."""
    assert line.level is None or line.level in LEVELS
    assert all(isinstance(each, str) for pair in line.fields.items() for each in pair)
    assert line.timestamp_text is None or line.timestamp_text in text or text.startswith("{")
    assert line.eth is None or (line.eth and line.eth.keys() <= ETH)
    if line.continuation:
        assert line.message == text.rstrip()
    if text.strip():
        assert line.message.strip() or line.fields or line.timestamp_text or line.component or line.level
    orjson.dumps([line.message, line.component, line.fields, line.eth, line.timestamp_text])


@given(st.lists(st.tuples(st.binary() | TEXTS.map(lambda text: text.encode("utf-8", "replace")), st.booleans())))
def test_any_lines_in_any_order_are_understood_somehow(printed: list[tuple[bytes, bool]]) -> None:
    parser = LineParser()
    for message, manager in printed:
        for number, text in enumerate(clean(message)):
            check(text, parser.parse(text, 6, manager=manager, further=number > 0))


@given(TEXTS, st.sampled_from(list(FORMATS)))
def test_a_format_answers_or_declines(text: str, name: str) -> None:
    text = clean(text.encode("utf-8", "replace"))[0]
    line = FORMATS[name](text)
    if line is not None:
        check(text, line)


@given(TEXTS, st.sampled_from(list(FORMATS)))
def test_a_format_takes_only_what_begins_as_it_says(text: str, name: str) -> None:
    text = clean(text.encode("utf-8", "replace"))[0]
    if FORMATS[name](text) is not None:
        assert text[0] in BEGINNINGS[name]


@pytest.mark.parametrize("client", [name for name in LINES if client_of(name)])
def test_a_format_is_found_from_the_lines_as_well_as_from_the_description(client: str) -> None:
    known, unknown = LineParser(f"{client} service"), LineParser()
    assert known.client == client
    for text in LINES[client]:
        line = known.parse(text, 6)
        assert line == unknown.parse(text, 6)
        assert line.timestamp_text
        assert not line.continuation


def test_a_client_that_was_switched_is_understood_from_its_first_line() -> None:
    parser = LineParser("Geth Execution Layer Client service for HOODI")
    for lines in LINES.values():
        for text in lines:
            assert parser.parse(text) == LineParser().parse(text) or parser.parse(text).continuation


class Stuck(Exception):
    """A text took seconds."""


@contextmanager
def guarded(seconds: float) -> Iterator[None]:
    """Raises `Stuck` after so long. A guard, no measure: what is not linear takes minutes at this length."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stuck

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("head", hostile.HEADS)
def test_no_text_makes_it_stuck(head: str) -> None:
    for text in (text for text in hostile.texts() if text.startswith(head)) if head else hostile.texts(2048):
        with guarded(3):
            check(text, LineParser().parse(clean(text.encode())[0]))


WORDS = st.lists(
    st.sampled_from(["a=1", "b=2", "a=3", "c=", "=d", "word", "x=y=z", "k=v,w", " ", "\t", "é=ü", "="]), max_size=9
)


@given(WORDS, st.booleans())
def test_pairs_without_quotes_are_what_the_patterns_make_of_them(pieces: list[str], blanks: bool) -> None:
    text = " ".join(pieces)
    found = pairs.quoted_pairs(text, blanks_in_keys=blanks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "_plain_pairs", lambda _: None)
        rest, fields = pairs.quoted_pairs(text, blanks_in_keys=blanks)
    assert (found[0], list(found[1].items())) == (rest, list(fields.items()))


def test_each_client_that_is_known_has_a_format() -> None:
    assert set(OF_CLIENT) == set(clients._NAMES.values())
    assert set(OF_CLIENT.values()) <= set(FORMATS)


@pytest.mark.parametrize(("priority", "level"), [(7, "debug"), (6, None), (4, "warn"), (3, "error"), (None, None)])
def test_a_line_that_gives_no_level_has_that_of_its_priority_unless_journald_gave_it(
    priority: int | None, level: str | None
) -> None:
    """Of lines that a format knows, and of those that none does."""
    for text in ("execution.service: Main process exited, code=exited", "plain words"):
        assert LineParser().parse(text, priority).level == level


def test_lines_that_no_format_knows_are_counted() -> None:
    parser = LineParser()
    assert parser.unknown == 0
    parser.parse("INFO [09-12|08:15:01.004] Known number=1")
    parser.parse("plain words")
    parser.parse("  and more of them", further=True)
    assert parser.unknown == 1


def test_a_traceback_belongs_to_the_error_before_it_and_else_is_last_words() -> None:
    traceback = "Traceback (most recent call last):"
    parser = LineParser()
    parser.parse("ERROR[09-12|08:15:01.004] Failed number=1")
    assert (parser.parse(traceback).level, parser.parse("  File x").level) == ("error", "error")
    assert parser.parse(traceback).continuation
    parser.parse("INFO [09-12|08:15:01.004] Imported number=1")
    assert parser.parse(traceback) == ("critical", None, traceback, {}, None, False, None)


def test_what_follows_systemd_s_words_has_no_level_of_the_program_s() -> None:
    parser = LineParser()
    parser.parse("ERROR[09-12|08:15:01.004] Failed number=1")
    parser.parse("Stopped the client.", 6, manager=True)
    line = parser.parse("\tat org.example.Some.method(Some.java:3)", 6)
    assert (line.level, line.continuation) == (None, True)


def test_a_line_that_is_like_others_gives_its_level_to_what_follows() -> None:
    parser = LineParser()
    text = "INFO [09-12|08:15:01.004] Imported new potential chain segment     number={} hash=abc..cd"
    for number in range(SEEN):
        assert parser.like(text.format(number).encode()) is None
        parser.parse(text.format(number))
    parser.parse("ERROR[09-12|08:15:01.004] Failed number=1")
    assert parser.like(text.format(1).encode()) is not None
    assert parser.parse("\tat org.example.Some.method(Some.java:3)").level == "info"


def test_containers_that_are_known_are_told_apart_when_there_are_too_many() -> None:
    parser = LineParser()
    line = "INFO [09-12|08:15:01.004] Imported number=1"
    for number in range(compose.MOST):
        assert parser.parse(f"client-{number} | {line}").fields["container"] == f"client-{number}"
    assert parser.parse(f"client-0 | {line}").fields["container"] == "client-0"
    assert "container" not in parser.parse(f"one-more-99 | {line}").fields


def test_a_name_without_a_number_is_a_container_s_before_a_line_with_a_time() -> None:
    parser = LineParser()
    line = "INFO [09-12|08:15:01.004] Imported number=1"
    assert "container" not in parser.parse("client | plain words").fields
    assert parser.parse(f"client | {line}").fields["container"] == "client"
    assert parser.parse("client | plain words").fields == {"container": "client"}
