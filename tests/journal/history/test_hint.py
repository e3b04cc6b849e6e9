"""The quick test never says no of what may be wanted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.entry import Entry
from ethpillar.journal.formats import LEVELS, LineParser
from ethpillar.journal.history.hint import Hint
from ethpillar.journal.text import clean

ROWS = sorted((Path(__file__).parent.parent / "lines").glob("*.jsonl"))


def entry(text: str | bytes, priority: int | None = 6, pid: int = 9) -> Entry:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return Entry("s=1;i=1", 1, raw, priority, "x", pid, "execution.service", "b")


@pytest.mark.parametrize("path", ROWS, ids=[path.stem for path in ROWS])
def test_no_line_of_the_collection_is_missed(path: Path) -> None:
    for row in path.read_text("utf-8").splitlines():
        raw = json.loads(row)["raw"]
        parser = LineParser()
        levels = [parser.parse(text, 6).level for text in clean(raw.encode("utf-8", "surrogatepass"))]
        for level in {level for level in levels if level in LEVELS}:
            lowest = Hint(level, ())
            assert lowest.fits(entry(raw)), (level, raw)


@given(st.text(min_size=1), st.text(), st.text())
def test_a_word_is_never_missed(word: str, before: str, after: str) -> None:
    text = before + word + after
    shown = "".join(clean(text.encode("utf-8", "surrogatepass")))
    if word.casefold() in shown.casefold():
        assert Hint(None, (word,)).fits(entry(text))
        assert Hint(None, (word.upper(),)).fits(entry(text)) or word.upper().casefold() != word.casefold()


def test_colours_within_a_word_do_not_hide_it() -> None:
    assert Hint(None, ("synced slot",)).fits(entry("\x1b[1mSynced\x1b[0m \x1b[3mslot\x1b[0m"))


def test_what_systemd_wrote_and_what_has_a_priority_is_always_looked_at() -> None:
    assert Hint("error", ()).fits(entry("Started.", pid=1))
    assert Hint("error", ()).fits(entry("plain", priority=3))
    assert Hint("error", ()).fits(entry("plain", priority=None))


def test_ordinary_lines_are_passed_over() -> None:
    lines = ["INFO [09-12|08:15:01.004] Imported new potential chain segment number=19,123,456", "Looking for peers"]
    assert not any(Hint("warn", ()).fits(entry(line)) for line in lines)
    assert not any(Hint(None, ("finality",)).fits(entry(line)) for line in lines)
    assert all(Hint("info", ()).fits(entry(line)) for line in lines)
