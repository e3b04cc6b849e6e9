"""Carrying decisions to a journal and back: one reader, without a follower or a subscriber."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from ethpillar.errors import CredentialRefused, LimitReached, PermissionDenied, SshUnreachable
from ethpillar.journal.reading import After, Last, Reading, Start, Verdict
from ethpillar.journal.steps import Step
from ethpillar.nodes.reader import EVERY, JournalReader
from ethpillar.nodes.tries import FOLLOWED, SUBSCRIBER, ReadFailed, Trouble

from .journal_fake import Bad


class Source:
    """A `JournalSource` that notes what it is asked for."""

    def __init__(self, young: bool = False) -> None:
        self.asked: list[Step] = []
        self.doubts = 0
        self.young = young
        "The right was found a moment ago, and can't be doubted."

    @contextmanager
    def journal(self, unit: str, step: Step) -> Any:
        self.asked.append(step)
        yield Bad(0)

    def rights_in_doubt(self) -> bool:
        self.doubts += 1
        return not self.young


LAST = Last(50)


def make(start: Start = LAST, young: bool = False) -> tuple[JournalReader, Source]:
    source: Any = Source(young)
    return JournalReader("execution.service", source, start, SUBSCRIBER), source


@pytest.mark.parametrize(
    ("start", "follow", "asked"),
    [
        (Last(50), False, Step(count=50)),
        (Last(None), True, Step(follow=True)),
        (After("c"), True, Step("c", follow=True)),
    ],
)
def test_what_a_start_asks_for(start: Start, follow: bool, asked: Step) -> None:
    reader, source = make(start)
    with reader.open(follow) as (reading, _):
        assert reading.next == start
    assert source.asked == [asked]


def trouble(reader: JournalReader, bad: Bad) -> Trouble:
    """The kind of failure that the end of a stream is; it counts."""
    with pytest.raises(ReadFailed) as caught:
        reader.judge(Reading(reader.start), bad)  # type: ignore[arg-type]
    reader.failed(caught.value)
    return caught.value.trouble


def test_ends_that_are_failures() -> None:
    reader, source = make(After("c"))
    assert trouble(reader, Bad(-1)) is Trouble.LINK
    bad = Bad(1, b"Bad message")
    assert reader.judge(Reading(reader.start), bad) is Verdict.DAMAGED  # type: ignore[arg-type]
    assert source.doubts == 0
    assert trouble(reader, Bad(1)) is Trouble.JOURNAL
    assert trouble(reader, Bad(0)) is Trouble.NOTHING
    assert source.doubts == 2
    assert reader.attempt == 3


def test_a_cursor_is_gone_once_the_right_was_checked() -> None:
    reader, _ = make(After("c"))
    assert trouble(reader, Bad(0)) is Trouble.NOTHING
    assert reader.judge(Reading(reader.start), Bad(0)) is Verdict.NO_CURSOR  # type: ignore[arg-type]


def test_a_doubt_that_nobody_looks_into_proves_nothing() -> None:
    reader, source = make(After("c"), young=True)
    for _ in range(5):
        assert trouble(reader, Bad(0)) is Trouble.LINK
    source.young = False
    assert trouble(reader, Bad(0)) is Trouble.NOTHING


def test_a_client_s_cursor_is_blamed_for_journalctl_s_own_failures_only() -> None:
    reader, _ = make(After("c", ours=False))
    for _ in range(9):
        reader.failed(SshUnreachable())
        reader.failed(LimitReached())
    assert [trouble(reader, Bad(1)) for _ in range(3)] == [Trouble.JOURNAL] * 3
    assert reader.judge(Reading(reader.start), Bad(1)) is Verdict.NO_CURSOR  # type: ignore[arg-type]


def test_pauses_grow_until_there_is_progress() -> None:
    reader, _ = make()
    pauses = [reader.failed(SshUnreachable()) or 0 for _ in range(5)]
    assert reader.attempt == 5
    assert pauses[4] > pauses[0]
    reader.succeeded()
    assert reader.attempt == 0
    assert (reader.failed(SshUnreachable()) or 0) < 1


def test_a_missing_right_is_looked_for_at_each_try_and_given_up_at_last() -> None:
    reader, source = make()
    reader.tries.limits = FOLLOWED
    for _ in range(9):
        reader.failed(SshUnreachable())
    pauses = [reader.failed(PermissionDenied("execution")) for _ in range(5)]
    assert pauses == [EVERY[Trouble.RIGHT]] * 4 + [None]
    assert source.doubts == 4


def test_a_node_that_refuses_the_login_is_given_up_at_once() -> None:
    assert make()[0].failed(CredentialRefused()) is None
