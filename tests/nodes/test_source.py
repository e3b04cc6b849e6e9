"""What a running journalctl prints, as entries."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.journal.steps import Step
from ethpillar.nodes import source
from ethpillar.nodes.source import WHOLE, CommandEntries, journal_command
from ethpillar.nodes.tries import ReadFailed, Trouble

from ..waiting import until

ENTRY = b"__CURSOR=s=a;i=1\n__REALTIME_TIMESTAMP=1\nMESSAGE=hello\n\n"


class Hanging:
    """A journalctl that prints an entry and a half, and then hangs."""

    def __init__(self) -> None:
        self._output = [ENTRY + ENTRY[:20]]
        self.closed = Event()

    def read(self) -> bytes:
        if self._output:
            return self._output.pop()
        self.closed.wait()
        return b""

    def status(self) -> int:
        return -1


def test_one_that_hangs_is_given_up() -> None:
    hanging: Any = Hanging()
    stream = CommandEntries(hanging, hangs_after=0.01)
    assert [entry.message for entry in stream.read()] == [b"hello"]
    with pytest.raises(ReadFailed) as caught:
        stream.read()
    assert caught.value.trouble is Trouble.SLOW
    assert stream.read() == []
    assert stream.status() == -1


class Losing(Hanging):
    """One that prints a further entry when it is too late, which whoever gives up reading may have taken."""

    def __init__(self) -> None:
        super().__init__()
        self._output = [ENTRY + ENTRY.replace(b"hello", b"third"), ENTRY]

    def read(self) -> bytes:
        data = super().read()
        if len(self._output) == 1:
            return data
        self.closed.wait()
        return data


def test_nothing_is_read_of_one_that_hung_though_something_was_held_back() -> None:
    """What it prints then is perhaps not the next: an entry may have been lost when it was given up."""
    losing: Any = Losing()
    stream = CommandEntries(losing, hangs_after=0.01)
    assert [entry.message for entry in stream.read()] == [b"hello"]
    losing.closed.set()
    with pytest.raises(ReadFailed) as caught:
        stream.read()
    assert caught.value.trouble is Trouble.SLOW
    assert stream.read() == []


@pytest.mark.parametrize(("hangs_after", "at_once"), [(None, [b"hello"]), (60, [])])
def test_one_that_is_silent_is_waited_for(hangs_after: float | None, at_once: list[bytes]) -> None:
    """With a deadline what has come is held back until more does, or the end."""
    silent: Any = Hanging()
    stream = CommandEntries(silent, hangs_after)
    found = [entry.message for entry in stream.read()] if at_once else []
    assert found == at_once
    reading = gevent.spawn(stream.read)
    gevent.sleep(0.001)
    assert not reading.ready()
    silent.closed.set()
    assert [entry.message for entry in reading.get(timeout=10)] == ([] if at_once else [b"hello"])


class Babbling:
    """A journalctl that prints the same without end, and counts what was taken of it."""

    def __init__(self, output: bytes) -> None:
        self._output = output * (65536 // len(output))
        self.taken = 0

    def read(self) -> bytes:
        self.taken += len(self._output)
        return self._output

    def status(self) -> int:
        return -1


def drained(stream: CommandEntries) -> list[bytes]:
    return [entry.message for entries in iter(stream.read, []) for entry in entries]


@pytest.mark.parametrize("lines", [0, 1, 50, 5000])
def test_no_more_entries_are_taken_than_were_asked_for(lines: int) -> None:
    babbling: Any = Babbling(ENTRY)
    stream = CommandEntries(babbling, 60, lines=lines)
    assert drained(stream) == [b"hello"] * lines
    assert stream.count == lines
    assert babbling.taken <= 65536 * (2 + lines * len(ENTRY) // 65000)


@pytest.mark.parametrize("lines", [None, 50])
@pytest.mark.parametrize("hangs_after", [None, 60])
@pytest.mark.parametrize(
    "output",
    [b"a=b\n\n", b"=\n", b"\n", b"x", b"x\n", b"MESSAGE=no cursor\n\n", b"__CURSOR=s=1\n", b"A\n\1\0\0\0\0\0\0\0x\n"],
)
def test_output_that_never_becomes_an_entry_ends(
    monkeypatch: pytest.MonkeyPatch, output: bytes, hangs_after: float | None, lines: int | None
) -> None:
    monkeypatch.setattr(source, "BARREN", 100_000)
    babbling: Any = Babbling(output)
    assert drained(CommandEntries(babbling, hangs_after, lines=lines)) == []
    assert babbling.taken <= 100_000 + 2 * 65536


def test_output_that_never_becomes_an_entry_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BARREN", 2_000_000)
    babbling: Any = Babbling(b"a=b\n\n")
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    other = gevent.spawn(count)
    drained(CommandEntries(babbling, None))
    other.kill()
    assert turns > 10


def test_bytes_that_drip_in_do_not_prolong_the_wait_for_an_entry() -> None:
    class Dripping(Babbling):
        def read(self) -> bytes:
            gevent.sleep(0.001)
            return b"x"

    dripping: Any = Dripping(b"x")
    with gevent.Timeout(30), pytest.raises(ReadFailed):
        CommandEntries(dripping, hangs_after=0.05).read()


def test_one_that_is_closed_ends_though_somebody_reads_it() -> None:
    class Closable(Hanging):
        def close(self) -> None:
            self.closed.set()

    hanging: Any = Closable()
    stream = CommandEntries(hanging, hangs_after=None)
    assert [entry.message for entry in stream.read()] == [b"hello"]
    reading = gevent.spawn(stream.read)
    gevent.sleep(0)
    stream.close()
    assert reading.get(timeout=5) == []


def test_what_a_stream_holds_is_weighed() -> None:
    """What is not read yet, half an entry, an entry that is held back, and what its reader has kept."""
    hanging: Any = Hanging()
    hanging.unread = 1000
    stream = CommandEntries(hanging, hangs_after=60)
    stream.kept = 300
    assert stream.weight() == 1300
    reading = gevent.spawn(stream.read)
    until(lambda: stream.weight() > 1300, "an entry")
    assert stream.weight() == 1300 + len(b"hello") + len(ENTRY[:20])
    hanging.closed.set()
    reading.get(timeout=10)
    assert 1300 <= stream.weight() < 1300 + len(ENTRY)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(), "-n all"),
        (Step(count=50), "-n 50"),
        (Step("s=a;i=1"), "-n all --cursor=s=a;i=1"),
        (Step("s=a;i=1", True, 8), "-n 8 --cursor=s=a;i=1 -r"),
        (Step("s=a;i=1", follow=True), "-n all --cursor=s=a;i=1 -f"),
        (Step(None, True, 1, "b0"), "-n 1 -r _BOOT_ID=b0"),
    ],
)
def test_which_journalctl_makes_a_step(step: Step, words: str) -> None:
    own = journal_command("execution.service", step)
    assert own[:5] == ["journalctl", "--no-pager", "-q", "-o", "export"]
    assert own[5].startswith("--output-fields=MESSAGE,")
    assert own[6:] == ["--unit=execution.service", *words.split()]
    whole = journal_command(WHOLE, step)
    assert whole[:5] == own[:5]
    assert {*own[5].split(",")} < {*whole[5].split(",")}  # whose line it is has to be told of the whole journal
    assert whole[6:] == words.split()
