"""Blocks are whole wherever the portions of a search are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.history.blocks import Apart, Shown
from ethpillar.journal.history.torn import Torn
from ethpillar.journal.history.wanted import Wanted

from .model import entry

UNITS = ("execution.service", "consensus.service", "validator.service")
LINE, TRACE = "INFO [09-12|08:15:01.004] Imported block number=1", "\tat org.example.Some.method(Some.java:12)"


@given(
    st.lists(st.tuples(st.sampled_from(UNITS), st.sampled_from([LINE, TRACE])), max_size=40),
    st.integers(1, 20),
    st.booleans(),
)
def test_no_block_is_torn_and_each_entry_comes_once(kinds: list[tuple[str, str]], size: int, back: bool) -> None:
    texts = [*((unit, LINE) for unit in UNITS), *kinds]
    entries = [entry(number, text, unit) for number, (unit, text) in enumerate(texts)]
    read = entries[::-1] if back else entries
    torn, apart = Torn(100, back), Apart(Wanted(), lambda _: None)
    found: list[Shown] = []
    for begin in range(0, len(read), size):
        run = torn.run(read[begin : begin + size])
        shown = apart.take(run)
        whole = shown if begin + size >= len(read) else torn.whole(shown, run)
        assert all(each.block for each in whole)
        found = [*whole, *found] if back else [*found, *whole]
    assert [each.entry for each in found] == entries
    positions = [each.position for each in found]
    assert positions == list(range(positions[0], positions[0] + len(entries)))


def test_a_block_without_an_end_does_not_wait_for_ever() -> None:
    torn, apart = Torn(10, False), Apart(Wanted(), lambda _: None)
    for begin, taken in ((0, 0), (15, 20)):
        run = torn.run([entry(number, TRACE if number else LINE) for number in range(begin, begin + 15)])
        assert len(torn.whole(apart.take(run), run)) == taken


def test_a_run_of_which_the_end_is_of_no_interest_waits_for_nothing() -> None:
    torn, apart = Torn(3, False), Apart(Wanted(), lambda _: None)
    run = torn.run([entry(number, LINE) for number in range(15)])
    shown = apart.take(run)[:5]
    assert torn.whole(shown, run) == shown
    assert torn.run([]) == []


def test_a_block_without_a_beginning_does_not_wait_for_ever() -> None:
    torn, apart = Torn(10, True), Apart(Wanted(), lambda _: None)
    for begin, taken in ((30, 0), (15, 20)):
        run = torn.run([entry(number, TRACE) for number in range(begin, begin + 15)][::-1])
        assert len(torn.whole(apart.take(run), run)) == taken


@pytest.mark.parametrize(("count", "waits"), [(19, True), (20, False)])
@pytest.mark.parametrize("back", [False, True])
def test_a_block_as_long_as_a_run_waits_while_that_is_shorter_than_two_windows(
    count: int, waits: bool, back: bool
) -> None:
    torn, apart = Torn(10, back), Apart(Wanted(), lambda _: None)
    texts = [TRACE] * count if back else [LINE, *[TRACE] * (count - 1)]
    entries = [entry(number, text) for number, text in enumerate(texts)]
    run = torn.run(entries[::-1] if back else entries)
    assert (torn.whole(apart.take(run), run) == []) is waits


def test_where_no_block_is_torn_nothing_waits() -> None:
    for back in (False, True):
        torn, apart = Torn(10, back), Apart(Wanted(), lambda _: None)
        entries = [entry(number, LINE) for number in range(5)]
        run = torn.run(entries[::-1] if back else entries)
        shown = apart.take(run)
        assert torn.whole(shown, run) == (shown if back else shown[:-1])  # the last line may have a stack trace
