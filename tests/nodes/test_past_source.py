"""The journalctl of a slice of the past, and its entries as they come."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from ethpillar.journal.steps import Step
from ethpillar.limits.ledger import Ledger
from ethpillar.nodes import past_source
from ethpillar.nodes.packing import packed
from ethpillar.nodes.past_source import FIRST, MANY, SPARE, NodePast, SliceEntries, slice_command
from ethpillar.nodes.source import DEBUG

ENTRY = b"__CURSOR=s=a;i=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=hello\n\n"
FOREIGN = b"__CURSOR=no cursor\nMESSAGE=hello\n\n"


@pytest.mark.parametrize(
    ("units", "step", "end"),
    [
        ((), Step(count=5), ["-n", "5"]),
        (("a.service", "b.service"), Step(count=5), ["--unit=a.service", "--unit=b.service", "-n", "5"]),
        ((), Step(reverse=True, count=5), ["-n", "5", "-r"]),
        ((), Step("t=1", count=5), ["-n", "5", "--cursor=t=1"]),
        ((), Step(count=5, boot="b1"), ["-n", "5", "_BOOT_ID=b1"]),
        ((), Step("c", True, 5, "b1"), ["-n", "5", "-r", "--cursor=c", "_BOOT_ID=b1"]),
    ],
)
def test_the_words_of_a_slice(units: tuple[str, ...], step: Step, end: list[str]) -> None:
    words = slice_command(units, step)
    assert words[:5] == ["journalctl", "--no-pager", "-q", "-o", "export"]
    assert words[5].startswith("--output-fields=MESSAGE,")
    assert words[6:] == end


class Command:
    """Prints these pieces, and ends, or hangs."""

    def __init__(self, *pieces: bytes, status: int = 0, hangs: bool = False) -> None:
        self._pieces = list(pieces)
        self._status = status
        self._hangs = hangs
        self.stderr = b"said"
        self.unread = 0

    def read(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._hangs:
            gevent.sleep(1000)
        return b""

    def status(self) -> int:
        return self._status


def slice_of(*pieces: bytes, timeout: float = 60, **more: Any) -> SliceEntries:
    command: Any = Command(*pieces, **more)
    return SliceEntries(command, timeout)


def messages(entries: SliceEntries) -> list[list[bytes]]:
    return [[each.message for each in some] for some in iter(entries.read, [])]


def test_entries_come_as_their_bytes_do() -> None:
    assert messages(slice_of(ENTRY * 2, ENTRY[:20], ENTRY[20:])) == [[b"hello"] * 2, [b"hello"]]


def test_what_has_no_cursor_of_a_journal_is_no_entry() -> None:
    assert messages(slice_of(FOREIGN + ENTRY + FOREIGN)) == [[b"hello"]]


def test_what_is_compressed_is_unpacked_and_its_status_is_journalctl_s() -> None:
    entries = slice_of(gzip.compress(ENTRY * 3 + b"001"), status=0)
    assert messages(entries) == [[b"hello"] * 3]
    assert entries.status() == 1
    assert slice_of(ENTRY, status=7).status() == 7
    lost = slice_of(gzip.compress(ENTRY + b"000"), status=-1)
    messages(lost)
    assert lost.status() == -1
    assert lost.complaint() == b"said"


def test_one_that_says_nothing_more_has_ended() -> None:
    assert messages(slice_of(ENTRY, hangs=True, timeout=0.01)) == [[b"hello"]]


def test_no_more_than_a_slice_may_have_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_source, "MOST_BYTES", len(ENTRY) * 2)
    assert messages(slice_of(*[ENTRY] * 9)) == [[b"hello"]] * 3


def test_output_without_entries_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_source, "BARREN", 100)
    junk = FOREIGN + b"\n" * (50 - len(FOREIGN))
    assert messages(slice_of(*[junk] * 2, ENTRY, *[junk] * 2, ENTRY)) == [[b"hello"]] * 2
    assert messages(slice_of(*[junk] * 2, ENTRY, *[junk] * 3, ENTRY)) == [[b"hello"]]
    assert messages(slice_of(*[junk] * 3, ENTRY)) == []


def test_of_what_is_compressed_no_more_is_unpacked_than_a_slice_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_source, "MOST_BYTES", 1_000_000)
    monkeypatch.setattr(past_source, "BARREN", 1_000_000)
    for text, most in ((ENTRY, 1_000_000 // len(ENTRY)), (FOREIGN, 0)):
        found = messages(slice_of(gzip.compress(text * 500_000 + b"000")))
        assert most <= sum(map(len, found)) <= most * 2


def test_what_has_come_and_is_no_entry_yet_is_weighed() -> None:
    command: Any = Command(ENTRY + ENTRY[:30])
    command.unread = 1000
    entries = SliceEntries(command, 60)
    entries.read()
    assert entries.weight() == 1030


class Ran:
    """What a `NodePast` asks of its node."""

    def __init__(self, prefix: tuple[str, ...] = ()) -> None:
        self.command: tuple[str, ...] = ()
        self.stdin: bytes | None = None
        self.options: dict[str, Any] = {}
        self.asked_for: list[str] = []
        way = SimpleNamespace(prefix=prefix, wrap=lambda words: ([*prefix, *words], b"secret" if prefix else None))
        rights: Any = SimpleNamespace(get=lambda service: (self.asked_for.append(service), way)[1], doubt=lambda: True)
        journal: Any = SimpleNamespace(name_of=lambda unit: f"real-{unit}", ledger=Ledger(), boots=lambda: ["boots"])
        status: Any = SimpleNamespace(description=lambda unit: f"of {unit}")
        self.past = NodePast(self, rights, journal, status, 9)  # type: ignore[arg-type]

    @contextmanager
    def stream(self, words: tuple[str, ...], stdin: bytes | None, **options: Any) -> Iterator[Any]:
        self.command, self.stdin, self.options = words, stdin, options
        yield Command(ENTRY)


def test_a_slice_is_read_with_low_priority_and_never_without_an_end() -> None:
    ran = Ran()
    with ran.past.slice(("a.service",), Step(count=5), 60) as entries:
        assert [each.message for each in entries.read()] == [b"hello"]
    assert ran.command == (*FIRST, *DEBUG, *slice_command(["real-a.service"], Step(count=5)))
    assert (ran.stdin, ran.options) == (None, {"timeout": 9, "spare": SPARE})
    assert ran.asked_for == ["a"]
    with ran.past.slice((), Step(count=5), 60):
        pass
    assert ran.asked_for == ["a", "system"]


def test_a_slice_with_many_entries_is_compressed() -> None:
    ran = Ran()
    for count in (MANY, None):
        with ran.past.slice((), Step(count=count), 60):
            pass
        assert ran.command == (*FIRST, *DEBUG, *packed(slice_command((), Step(count=count))))
    with ran.past.slice((), Step(count=MANY - 1), 60):
        pass
    assert ran.command == (*FIRST, *DEBUG, *slice_command((), Step(count=MANY - 1)))


def test_with_sudo_the_password_goes_to_its_standard_input() -> None:
    ran = Ran(prefix=("sudo", "-S"))
    with ran.past.slice((), Step(count=5), 60):
        pass
    assert ran.command == (*FIRST, "sudo", "-S", *slice_command((), Step(count=5)))
    assert ran.stdin == b"secret"


def test_what_else_a_search_asks_for() -> None:
    past = Ran().past
    assert past.boots() == ["boots"]
    assert past.rights_in_doubt() is True
    assert past.description("a.service") == "of a.service"
