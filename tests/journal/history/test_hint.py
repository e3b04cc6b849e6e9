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


def fits(hint: Hint, *entries: Entry) -> bool:
    """Whether all of these may be wanted."""
    return list(hint.possible(entries)) == list(range(len(entries)))


@pytest.mark.parametrize("path", ROWS, ids=[path.stem for path in ROWS])
def test_no_line_of_the_collection_is_missed(path: Path) -> None:
    for row in path.read_text("utf-8").splitlines():
        raw = json.loads(row)["raw"]
        parser = LineParser()
        levels = [parser.parse(text, 6).level for text in clean(raw.encode("utf-8", "surrogatepass"))]
        for level in {level for level in levels if level in LEVELS}:
            lowest = Hint(level, ())
            assert fits(lowest, entry(raw)), (level, raw)


@given(st.text(min_size=1), st.text(), st.text())
def test_a_word_is_never_missed(word: str, before: str, after: str) -> None:
    text = before + word + after
    shown = "".join(clean(text.encode("utf-8", "surrogatepass")))
    if word.casefold() in shown.casefold():
        assert fits(Hint(None, (word,)), entry(text))
        assert fits(Hint(None, (word.upper(),)), entry(text)) or word.upper().casefold() != word.casefold()


def test_colours_within_a_word_do_not_hide_it() -> None:
    assert fits(Hint(None, ("synced slot",)), entry("\x1b[1mSynced\x1b[0m \x1b[3mslot\x1b[0m"))


def test_what_systemd_wrote_and_what_has_a_priority_is_always_looked_at() -> None:
    assert fits(Hint("error", ()), entry("Started.", pid=1))
    assert fits(Hint("error", ()), entry("plain", priority=3))
    assert fits(Hint("error", ()), entry("plain", priority=None))
    assert fits(Hint("error", ()), entry("plain", priority=4))
    assert not fits(Hint("error", ()), entry("plain", priority=5))
    assert not fits(Hint("error", ()), entry("plain", pid=2))


def test_ordinary_lines_are_passed_over() -> None:
    lines = ["INFO [09-12|08:15:01.004] Imported new potential chain segment number=19,123,456", "Looking for peers"]
    assert not any(fits(Hint("warn", ()), entry(line)) for line in lines)
    assert not any(fits(Hint(None, ("finality",)), entry(line)) for line in lines)
    assert all(fits(Hint("info", ()), entry(line)) for line in lines)


@given(
    st.lists(
        st.sampled_from(
            [b"", b"INFO ok", b"an error", b"E", b"  {", b"Bus", b"two\nlines", b"\nWARN", b"\xff", b"ok 5"]
        )
    ),
    st.sampled_from([None, "info", "error"]),
    st.sampled_from([(), ("ok",), ("error", "an")]),
)
def test_many_entries_at_once_are_judged_as_each_by_itself(
    messages: list[bytes], level: str | None, words: tuple[str, ...]
) -> None:
    hint = Hint(level, words)
    entries = [entry(message) for message in messages]
    alone = {number for number, each in enumerate(entries) if fits(hint, each)}
    together = list(hint.possible(entries))
    assert together == sorted(set(together))
    assert alone <= set(together)


def test_which_of_several_entries_may_have_a_word() -> None:
    entries = [entry(text) for text in ("synced", "", "nothing", "Synced, synced", "not syn", "ced", "synced")]
    assert list(Hint(None, ("synced",)).possible(entries)) == [0, 3, 6]
    assert list(Hint("info", ()).possible(entries)) == list(range(7))
    assert list(Hint("warn", ("synced",)).possible([*entries, entry("ERROR not synced")])) == [7]
    assert list(Hint(None, ("synced",)).possible([])) == []


def test_of_several_words_the_longest_is_looked_for() -> None:
    entries = [entry(text) for text in ("a block", "a", "the finalized one")]
    assert list(Hint(None, ("a", "finalized")).possible(entries)) == [2]
    assert list(Hint(None, ("a", "finalizéd")).possible(entries)) == [0, 1, 2]  # "a" alone can be looked for


def test_bytes_that_are_no_text_may_be_anything() -> None:
    assert fits(Hint("error", ()), entry(b"\xff"))
    assert fits(Hint(None, ("word",)), entry(b"\xff"))
    assert not fits(Hint("error", ("word",)), entry(b"info"))
