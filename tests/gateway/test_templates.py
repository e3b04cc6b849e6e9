"""Lines that fit a template: the same bytes as if each had been parsed and encoded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.lines import LINES
from ethpillar.gateway import log_lines
from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import templates
from ethpillar.nodes.items import Encoder, ItemMaker, UnitLines

FOLDER = Path(__file__).parent.parent / "journal" / "lines"
TEXTS = [text for lines in LINES.values() for text in lines]
TEXTS += [json.loads(row)["raw"] for file in sorted(FOLDER.glob("*.jsonl")) for row in file.read_text().splitlines()]
TEXTS += [
    "INFO [07-21|10:11:12.345] 100% of it is done                      share=100%s rate=5%",
    "INFO [07-21|10:11:12.345] a=b and so on                           number=1 hash=0x1234",
    "INFO [07-21|10:11:12.345] Imported a thing [of x=y kind]          number=1 hash=0x1234 app=caplin slot=7",
    "[INFO] [07-21|10:11:12.345] [p2p] GoodPeers                       eth68=3 eth69=4 hash=0x1234",
    "INFO [07-21|10:11:12.345] Submitted transaction                   hash=0x12345678 number=3 nonce=4",
    "INFO [07-21|10:11:12.345] Chain fork                              head=0x12345678 other=3",
    "INFO [07-21|10:11:12.345] Short n=5",
    'INFO [07-21|10:11:12.345] "a quoted = message"                    number=5',
    'INFO [07-21|10:11:12.345] A word in quotes                        err="bad" number=5',
    "INFO [07-21|10:11:12.345] Twice                                   number=5 number=6",
    'time="2026-07-21T10:11:12Z" level=info msg="has \\"quotes\\"" slot=5 block_hash=0x1234',
    'time="2026-07-21T10:11:12Z" level=DEBUG-4 msg=word slot=5 prefix=sync',
    'time="2026-07-21 10:11:20.00" level=info msg="Connected peers" inboundTCP=21 outboundTCP=49 prefix=p2p total=70',
]
TEMPLATES = Encoder(log_lines.encode_line, log_lines.encode_template)
VALUES = st.one_of(
    st.text(alphabet='0123456789,abcdefx.()[]{}:%-_/ …"\\=\té', max_size=12),
    st.sampled_from(
        ["", "1,234", "0x12ab34", "0x12ab..34cd", "Slot(12)", "caplin", "None", "12/100", "x,", "a:", "[", "{"]
    ),
)
_VALUE = re.compile(r"(?<==)[^\s=\"]+")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "SEEN", 1)


def likes(text: str, draw: st.DataObject) -> str:
    """Return a line with some of its values replaced."""

    def another(found: re.Match[str]) -> str:
        return draw.draw(VALUES) if draw.draw(st.booleans()) else found[0]

    return _VALUE.sub(another, text)


def entries(texts: list[str]) -> Iterator[Entry]:
    for number, text in enumerate(texts):
        yield Entry(f"s=a;i={number:x}", 1_790_000_000_000_000 + number, text.encode("utf-8", "replace"), 6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4), st.data())
def test_lines_like_others_are_sent_as_if_they_were_parsed(texts: list[str], data: st.DataObject) -> None:
    plain, like = ItemMaker("execution", Encoder(log_lines.encode_line)), ItemMaker("execution", TEMPLATES)
    plain_lines, like_lines = UnitLines(), UnitLines()
    order = [text for text in texts for text in (text, text)]
    order += [likes(data.draw(st.sampled_from(texts)), data) for _ in range(6)]
    for entry in entries(order):
        assert like.make(entry, like_lines) == plain.make(entry, plain_lines), entry.message


def test_the_lines_of_three_loggers_fit_templates() -> None:
    for client in ("Geth", "Prysm", "MEV-Boost", "Nimbus", "Dora", "Erigon"):
        lines = UnitLines()
        maker = ItemMaker("execution", TEMPLATES)
        count = 0
        for text in LINES[client]:
            for entry in entries([text] * 2):
                maker.make(entry, lines)
            count += lines.like(next(entries([text]))) is not None
        assert count, client


def test_a_template_is_made_when_several_lines_were_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "SEEN", 3)
    lines, maker = UnitLines(), ItemMaker("execution", TEMPLATES)
    found = []
    for number in range(5):
        (entry,) = entries([f"INFO [07-21|10:11:12.345] Imported something new                  number={number}"])
        found.append(lines.like(entry) is not None)
        maker.make(entry, lines)
    assert found == [False, False, False, True, True]


def test_what_is_remembered_is_bounded() -> None:
    lines, maker = UnitLines(), ItemMaker("execution", TEMPLATES)
    known = lines._parser._templates
    for number in range(3 * templates.MOST):
        text = f"INFO [07-21|10:11:12.345] Imported {number:06} things                   number={number}"
        for entry in entries([text] * 2):
            maker.make(entry, lines)
    assert 0 < len(known._known) <= templates.MOST
    assert len(known._seen) <= templates.MOST
    for number in range(3 * templates.OF_BEGINNING):
        text = f"INFO [07-21|10:11:12.345] Imported something new                  number{number}={number}"
        for entry in entries([text] * 2):
            maker.make(entry, lines)
    assert max(len(each) for each in known._known.values()) == templates.OF_BEGINNING


def test_a_line_that_ends_open_is_parsed() -> None:
    lines, maker = UnitLines(), ItemMaker("execution", TEMPLATES)
    texts = [f"INFO [07-21|10:11:12.345] Imported something new                  value={value}" for value in "abc{"]
    for entry in entries(texts):
        maker.make(entry, lines)
    more = maker.make(*[*entries(["  more of it"])], lines)
    assert b'"continuation":true' in more.data
