"""Lines like earlier ones, which are not parsed again."""

from __future__ import annotations

import re

import pytest

from ethpillar.journal.formats import Line, LineParser
from ethpillar.journal.formats.eth import from_fields
from ethpillar.journal.formats.templates import LONGEST, MOST, OF_BEGINNING, SEEN, Template, Templates, of_pairs


def geth(number: int, message: str = "Imported new potential chain segment", more: str = "") -> str:
    return f"INFO [09-12|08:15:{number % 60:02}.004] {message:<40} number={number} hash=ab{number:04}..cd{more}"


def fed(parser: LineParser, text: str) -> bool:
    """Take a line as a log does. Return True if it was not parsed, because it is like others."""
    like = parser.like(text.encode())
    if like is not None:
        template, values = like
        line = LineParser().parse(text)
        chain = {name: values[at].decode().replace(",", "") for name, at in template.chain.items()}
        assert chain == (line.eth or {})
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


LINE = Line("info", None, "x", {})


def exactly(text: str, line: Line) -> Template:
    """The template of one line only."""
    return Template(re.compile(re.escape(text.encode())), line, [])


def learn(templates: Templates, text: str, times: int = 1, asking: bool = True) -> bool:
    """Let lines be parsed that are alike. Return True if there is a template of them then."""
    for _ in range(times):
        if asking:
            templates.find(text.encode())
        templates.learn(text, LINE, exactly)
    return templates.find(text.encode()) is not None


def text_of(kind: int) -> str:
    return f"{'':34}{'A message of this kind':<27} {kind:04}"


def test_only_lines_count_whose_template_was_asked_for() -> None:
    templates = Templates()
    for _ in range(SEEN - 1):
        templates.learn(text_of(0), LINE, exactly)  # of these none
        templates.find(text_of(0).encode())
        templates.learn(text_of(0), LINE, exactly)  # of these each
        templates.learn(text_of(0), LINE, exactly)
    assert not learn(templates, text_of(0), asking=False, times=0)
    assert learn(templates, text_of(0))


def test_a_format_that_changes_begins_to_count_anew() -> None:
    templates = Templates()
    assert not learn(templates, text_of(0), SEEN - 1)
    templates.clear()
    assert not learn(templates, text_of(0), SEEN - 1)
    assert learn(templates, text_of(0))


def test_beginnings_are_counted_as_long_as_there_are_not_too_many() -> None:
    for others, counted in ((MOST - 1, True), (MOST, False)):
        templates = Templates()
        learn(templates, text_of(0), SEEN - 1)
        for kind in range(1, others + 1):
            learn(templates, text_of(kind))
            assert len(templates._seen) <= MOST
        assert learn(templates, text_of(0)) is counted


def test_templates_of_other_beginnings_stay_as_long_as_there_are_not_too_many() -> None:
    templates = Templates()
    for kind in range(MOST):
        assert learn(templates, text_of(kind), SEEN)
    known = [templates.find(text_of(kind).encode()) for kind in range(MOST)]
    assert None not in known
    other = text_of(0) + " and more"
    assert learn(templates, other, SEEN)  # of a beginning that is known
    assert templates.find(text_of(1).encode()) is not None


@pytest.mark.parametrize(("length", "known"), [(LONGEST, True), (LONGEST + 1, False)])
def test_a_long_line_has_no_template(length: int, known: bool) -> None:
    assert learn(Templates(), "x" * length, SEEN) is known


MEANINGS = {"a": "slot", "b": "slot", "c": "hash"}


@pytest.mark.parametrize(
    ("rest", "chain", "fits", "others"),
    [
        ("a=5 x=y", {"slot": 0}, "a=1,234 x=z", "a=Slot(5) x=y"),
        ("x=1 b=5 a=6", {"slot": 1}, "x=z b=7 a=8", "x=z b=7 a=none"),  # the first of one meaning counts
        ("c=0xabc a=1", {"hash": 0, "slot": 1}, "c=12ab..89 a=2", "c=ab a=2"),
        ("c=abc...", {"hash": 0}, "c=abc_def", "c=0xabg"),
        ("x=1", {}, "x=none", "y=1"),
        ("x=a=b a=5", {"slot": 0}, "x=a=b a=6", "x=a=c a=5"),  # a value that may mean something is constant
    ],
)
def test_facts_about_the_chain_are_plain_values(rest: str, chain: dict[str, int], fits: str, others: str) -> None:
    line = parsed(rest)
    template = of_pairs("", "", rest, line, MEANINGS)
    assert template is not None
    assert template.chain == chain
    found = template.match(fits.encode())
    assert found is not None
    facts = {name: found.groups()[at].decode().replace(",", "") for name, at in chain.items()}
    assert facts == (parsed(fits).eth or {})
    assert template.match(others.encode()) is None


def parsed(rest: str) -> Line:
    fields = dict(pair.split("=", 1) for pair in rest.split())
    return Line("info", None, "x", fields, None, False, from_fields(fields, MEANINGS))


@pytest.mark.parametrize("rest", ["a=Slot(5)", "a=none", "c=<nil>", "a=5 b=none", "a=12/100"])
def test_where_a_fact_is_not_plain_there_is_no_template(rest: str) -> None:
    assert of_pairs("", "", rest, parsed(rest), MEANINGS) is None


def test_where_a_fact_is_elsewhere_there_is_no_template() -> None:
    line = parsed("a=5 x=1")
    assert of_pairs("", "", "a=5 x=1", line, MEANINGS) is not None
    assert of_pairs("", "", "a=5 x=1", line, MEANINGS, frozenset({"a"})) is None
    assert of_pairs("", "", "a=5 x=1", line._replace(eth={"slot": "5", "block": "7"}), MEANINGS) is None


@pytest.mark.parametrize("pairs", [1, 2, 40])
def test_so_many_pairs_make_a_template(pairs: int) -> None:
    fields = {f"k{number}": "1" for number in range(pairs)}
    rest = " ".join(f"{key}={value}" for key, value in fields.items())
    template = of_pairs("", "", rest, Line("info", None, "x", fields), {})
    assert template is not None
    assert list(template.keys) == list(fields)
