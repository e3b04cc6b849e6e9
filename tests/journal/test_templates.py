"""Lines like earlier ones, which are not parsed again."""

from __future__ import annotations

import pytest

from ethpillar.journal.formats import LineParser
from ethpillar.journal.formats.templates import MOST, OF_BEGINNING, SEEN


def geth(number: int, message: str = "Imported new potential chain segment", more: str = "") -> str:
    return f"INFO [09-12|08:15:{number % 60:02}.004] {message:<40} number={number} hash=ab{number:04}..cd{more}"


def fed(parser: LineParser, text: str) -> bool:
    """Take a line as a log does. Return True if it was not parsed, because it is like others."""
    like = parser.like(text.encode())
    if like is not None:
        template, values = like
        line = LineParser().parse(text)
        assert template.eth(values) == line.eth
        assert dict(zip(template.keys, (each.decode() for each in values), strict=True)).items() <= line.fields.items()
        assert (template.line.level, template.line.message) == (line.level, line.message)
        return True
    parser.parse(text)
    return False


def test_a_line_is_not_parsed_once_there_have_been_several_like_it() -> None:
    parser = LineParser()
    assert [fed(parser, geth(number)) for number in range(SEEN + 5)] == [False] * SEEN + [True] * 5


def test_where_nobody_asks_whether_a_line_is_like_others_nothing_is_learned() -> None:
    parser = LineParser()
    for number in range(5 * SEEN):
        parser.parse(geth(number))
    assert not fed(parser, geth(1))
    assert [fed(parser, geth(number)) for number in range(SEEN)][-1] is True or fed(parser, geth(1)) is True


def test_another_message_or_other_fields_are_parsed() -> None:
    parser = LineParser()
    for number in range(SEEN + 1):
        fed(parser, geth(number))
    assert fed(parser, geth(1))
    for other in (
        geth(1, "Chain head was updated"),
        geth(1, more=" x=1"),
        geth(1).replace("INFO", "WARN"),
        geth(1) + ",",
    ):
        assert not fed(parser, other)


def test_lines_of_one_beginning_have_a_few_templates_and_no_more() -> None:
    parser = LineParser()
    shapes = ["", *(f" {'abcdefgh'[number]}=1" for number in range(7))]
    for shape in shapes:
        for number in range(2 * SEEN + 2):
            fed(parser, geth(number, more=shape))
    assert [fed(parser, geth(1, more=shape)) for shape in shapes] == [True] * OF_BEGINNING + [False] * (
        len(shapes) - OF_BEGINNING
    )


def test_so_many_messages_are_known_and_then_it_begins_anew() -> None:
    parser = LineParser()
    for kind in range(MOST + 1):
        for number in range(SEEN + 1):
            fed(parser, geth(number, f"A message of the kind number {kind:03}"))
    assert len(parser._templates._known) <= MOST
    assert fed(parser, geth(1, f"A message of the kind number {MOST:03}"))
    assert not fed(parser, geth(1, "A message of the kind number 000"))


def test_a_client_that_is_switched_begins_anew() -> None:
    parser = LineParser()
    for number in range(SEEN + 1):
        fed(parser, geth(number))
    parser.describe("Nimbus Consensus Layer Client service for HOODI")
    assert not fed(parser, geth(1))


def test_a_line_that_leaves_something_open_is_parsed() -> None:
    parser = LineParser()
    texts = [
        f"INFO [09-12|08:15:01.004] {'Something that is open at its end':<40} a={number} b=" for number in range(40)
    ]
    assert not any(fed(parser, text + "{") for text in texts)


@pytest.mark.parametrize("bad", ["ü", '"', "\\", "="])
def test_a_value_that_may_mean_something_is_parsed(bad: str) -> None:
    parser = LineParser()
    for number in range(SEEN + 1):
        fed(parser, geth(number))
    assert not fed(parser, geth(1).replace("hash=ab", f"hash=a{bad}b"))
