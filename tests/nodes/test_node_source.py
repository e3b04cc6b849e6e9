"""What is checked before a log is followed, and how a unit's journal is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import gevent
import pytest

from ethpillar.errors import (
    NOWHERE,
    EthPillarError,
    LimitReached,
    PermissionDenied,
    SshTimeout,
    SshUnreachable,
    StatusUnavailable,
    UnitNotFound,
)
from ethpillar.journal.steps import Step
from ethpillar.nodes import node_source
from ethpillar.nodes.node_source import CATCHING_UP, NAMES, NodeJournal, NodeSource
from ethpillar.nodes.source import WHOLE
from ethpillar.ssh.access import SUDO, JournalAccess
from ethpillar.ssh.command import Result
from ethpillar.units import UnitStatus

UNIT = "execution.service"


class Command:
    """Prints one entry."""

    stderr = b""

    def __init__(self, output: bytes) -> None:
        self._output = output

    def read(self) -> bytes:
        output, self._output = self._output, b""
        if output == b"hang":
            gevent.sleep(600)
        return output

    def status(self) -> int:
        return 0


class Node:
    """A pool, rights and a status feed in one."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []
        self.spare: list[int] = []
        self.output = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1\n_PID=7\nMESSAGE=fatal\n\n"
        self.found: UnitStatus | EthPillarError = UnitStatus(UNIT, "active", description="Geth")
        self.denied: EthPillarError | None = None
        self.said = b""
        self.running = 0
        self.refreshed = 0

    @contextmanager
    def stream(
        self, words: Sequence[str], stdin: bytes = b"", timeout: float = 0, spare: int = 0, follows: bool = False
    ) -> Iterator[Command]:
        assert follows == ("-f" in words)
        self.words.append(tuple(words))
        self.spare.append(spare)
        self.running += 1
        try:
            yield Command(self.output)
        finally:
            self.running -= 1

    def run(self, words: Sequence[str], stdin: bytes = b"", timeout: float = 0) -> Result:
        self.words.append(tuple(words))
        return Result(0, self.said, b"")

    def get(self, service: str) -> JournalAccess:
        if self.denied is not None:
            raise self.denied
        return SUDO

    def doubt(self) -> bool:
        return True

    def unit(self, unit: str) -> UnitStatus:
        if isinstance(self.found, EthPillarError):
            raise self.found
        return self.found

    def refresh(self) -> None:
        self.refreshed += 1

    def polls(self, unit: str) -> bool:
        return unit == UNIT

    def wait_connected(self) -> None: ...


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def journal(node: Any) -> NodeJournal:
    return NodeJournal(node, node, 1.0)


@pytest.fixture
def source(node: Any, journal: NodeJournal) -> NodeSource:
    return NodeSource(node, journal, node, node)


def unit_read(node: Node) -> str:
    """The unit that the last journalctl asked for."""
    return next(word for word in node.words[-1] if word.startswith("--unit=")).removeprefix("--unit=")


@pytest.mark.parametrize(
    ("found", "denied", "raised"),
    [
        (UnitStatus(UNIT, "not_installed"), None, UnitNotFound),
        (UnitStatus(UNIT, "active"), PermissionDenied("execution"), PermissionDenied),
        (SshTimeout(), PermissionDenied("execution"), PermissionDenied),
        (SshUnreachable(), None, SshUnreachable),
        (LimitReached(), None, LimitReached),
        (StatusUnavailable(), None, None),  # the journal may answer though systemd does not
        (SshTimeout(), None, None),
        (UnitStatus(UNIT, "failed", description="Geth"), None, None),
    ],
)
def test_what_prevents_a_log(
    node: Node, source: NodeSource, found: Any, denied: EthPillarError | None, raised: type[EthPillarError] | None
) -> None:
    node.found, node.denied = found, denied
    if raised is None:
        description = source.check_unit(UNIT)
        assert description == (found.description if isinstance(found, UnitStatus) else None)
    else:
        with pytest.raises(raised):
            source.check_unit(UNIT)


@pytest.mark.parametrize(
    ("said", "hint"), [(b"", None), (b"MESSAGE=x\n_UID=1001\n\n", "uid 1001"), (b"_UID=x\n", None)]
)
def test_a_unit_of_a_user_s_systemd_is_told_as_that(
    node: Node, source: NodeSource, said: bytes, hint: str | None
) -> None:
    node.found, node.said = UnitStatus(UNIT, "not_installed"), said
    with pytest.raises(UnitNotFound) as caught:
        source.check_unit(UNIT)
    assert caught.value.hint is None if hint is None else hint in (caught.value.hint or "")
    node.denied = PermissionDenied("execution")
    with pytest.raises(UnitNotFound):
        source.check_unit(UNIT)


def test_an_alias_is_read_by_the_units_own_name(node: Node, source: NodeSource) -> None:
    with source.journal("eth1.service", Step()):
        assert unit_read(node) == "eth1.service"
    node.found = UnitStatus("eth1.service", "active", name=UNIT)
    source.check_unit("eth1.service")
    with source.journal("eth1.service", Step(follow=True)):
        assert unit_read(node) == UNIT
        assert node.words[-1][:3] == ("sudo", "-n", "--")
    assert node.spare == [0, node_source.SPARE]  # what follows leaves channels for those that catch up


def test_a_node_that_has_a_name_for_everything_fills_no_memory(node: Node, source: NodeSource) -> None:
    for number in range(2 * NAMES):
        node.found = UnitStatus(f"a{number}.service", "active", name=UNIT)
        source.check_unit(f"a{number}.service")
    with source.journal(f"a{2 * NAMES - 1}.service", Step()):
        assert unit_read(node) == UNIT
    with source.journal("a0.service", Step()):
        assert unit_read(node) == "a0.service"


def test_the_lines_before_a_failure_are_best_effort(
    node: Node, journal: NodeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert journal.last_lines(UNIT) == ["fatal"]
    monkeypatch.setattr(node_source, "LAST_LINES_TIMEOUT", 0.05)
    node.output = b"hang"
    assert journal.last_lines(UNIT) == []
    node.denied = PermissionDenied("execution")
    assert journal.last_lines(UNIT) == []
    assert not node.running


def test_a_line_of_systemds_brings_a_poll(node: Node, source: NodeSource) -> None:
    source.unit_changed("user@0.service")  # of the whole journal: nobody is sent its state
    assert node.refreshed == 0
    source.unit_changed(UNIT)
    assert node.refreshed == 1
    assert source.rights_in_doubt()
    source.wait_connected()


def test_system_is_the_whole_journal_unless_the_node_has_such_a_unit(node: Node, source: NodeSource) -> None:
    unit = "system.service"
    assert source.followed(unit) == WHOLE  # as far as is known
    node.found = UnitStatus(unit, "not_installed")
    assert source.check_unit(unit) is None
    assert source.followed(unit) == WHOLE
    assert source.check_unit(WHOLE) is None
    with source.journal(WHOLE, Step(count=50)):
        words = node.words[-1]
        assert not [word for word in words if word.startswith(("--unit", "-u"))]
        assert "UNIT" in next(word for word in words if word.startswith("--output-fields=")).split(",")
    node.found = UnitStatus(unit, "active", description="A program called system")
    assert source.check_unit(unit) == "A program called system"
    assert source.followed(unit) == unit
    node.denied = PermissionDenied(WHOLE)
    for each in (unit, WHOLE):
        with pytest.raises(PermissionDenied, match="system"):
            source.check_unit(each)


@pytest.mark.parametrize(
    ("since", "printed", "where"),
    [
        (None, None, "null"),
        ("2026-11-26T10:00:00Z", None, "null"),
        ("2026-11-26T10:00:00Z", "2026-11-26T09:59:59.9", "null"),
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:00.9", "null"),  # the state is told to the second
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:01.0", None),  # it was started before that was set
    ],
)
def test_where_a_silent_unit_prints(
    node: Node, source: NodeSource, since: str | None, printed: str | None, where: str | None
) -> None:
    printed_us = None if printed is None else int(datetime.fromisoformat(f"{printed}+00:00").timestamp() * 1_000_000)
    assert source.elsewhere(UNIT, printed_us) is None
    node.found = UnitStatus(UNIT, "active", since=since, output="null")
    assert source.elsewhere(UNIT, printed_us) == where
    assert source.elsewhere(WHOLE, printed_us) is None


def test_a_journal_that_is_switched_off_and_on(
    node: Node, source: NodeSource, journal: NodeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.said = b"0123456789abcdef0123456789abcdef\nStorage=auto\nStorage=none\n"
    assert source.elsewhere(UNIT, None) == NOWHERE
    assert source.elsewhere(WHOLE, None) == NOWHERE
    assert len(node.words) == 1  # all logs are silent at the same time
    node.said = b"0123456789abcdef0123456789abcdef\nStorage=none\nStorage=auto\n"
    monkeypatch.setattr(node_source, "DROPS_KEPT", 0.0)
    assert journal.drops == NOWHERE
    source.check_unit(UNIT)
    assert journal.drops is None
    asked = len(node.words)
    source.check_unit(UNIT)
    assert len(node.words) == asked
    assert source.elsewhere(UNIT, None) is None


@pytest.mark.parametrize(
    ("settings", "drops"),
    [
        (b"", None),
        (b"Storage=persistent\nMaxLevelStore=debug", None),
        (b"MaxLevelStore=info", None),
        (b"MaxLevelStore=6", None),
        (b"MaxLevelStore=warning", "MaxLevelStore=warning"),
        (b"MaxLevelStore=4", "MaxLevelStore=warning"),
        (b"MaxLevelStore=err\nMaxLevelStore=info", None),
        (b"Storage=none\nMaxLevelStore=err", NOWHERE),
        (b"MaxLevelStore=77", None),
        (b"MaxLevelStore=\xff", None),
    ],
)
def test_what_journald_drops(node: Node, journal: NodeJournal, settings: bytes, drops: str | None) -> None:
    node.said = b"0123456789abcdef0123456789abcdef\n" + settings + b"\n"
    assert journal.boot() == "0123456789abcdef0123456789abcdef"
    assert journal.drops == drops


def test_so_many_are_served_from_a_node_s_journal_at_once(source: NodeSource) -> None:
    assert [source.catching_up.acquire(blocking=False) for _ in range(CATCHING_UP + 1)] == [True] * CATCHING_UP + [
        False
    ]


CUT = b"__CURSOR=s=1;i=%d\n__REALTIME_TIMESTAMP=1\n_PID=7\n_LINE_BREAK=line-max\nMESSAGE=%s\n\n"


def test_lines_that_journald_cut_are_whole_to_a_reader_and_stay_cut_in_an_answer(
    node: Node, journal: NodeJournal
) -> None:
    node.output = CUT % (1, b"one") + CUT.replace(b"_LINE_BREAK=line-max\n", b"") % (2, b"two")
    assert [each.message for each in journal.ask(UNIT, Step(count=2)).entries] == [b"one", b"two"]
    with journal.open(UNIT, Step(count=2)) as stream:
        assert [each.message for each in stream.read()] == [b"onetwo"]


@pytest.mark.parametrize(("most", "cut"), [(4, True), (5, False)])
def test_no_more_is_kept_of_an_answer_than_it_may_have(
    node: Node, journal: NodeJournal, monkeypatch: pytest.MonkeyPatch, most: int, cut: bool
) -> None:
    monkeypatch.setattr(node_source, "ANSWER_BYTES", most)
    answer = journal.ask(UNIT, Step(count=2))
    assert ([each.message for each in answer.entries], answer.cut) == ([b"fatal"], cut)


def test_what_is_kept_of_an_answer_is_weighed_until_it_is_whole(
    journal: NodeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Two(Command):
        """Prints an entry, and another one."""

        unread = 0

        def __init__(self, output: bytes) -> None:
            self._left = [b"", output.replace(b"s=1", b"s=1;i=2"), output]

        def read(self) -> bytes:
            weights.extend(account.measure() for account in journal.ledger.measured if account.measure)
            return self._left.pop()

    weights: list[int] = []
    monkeypatch.setattr(f"{__name__}.Command", Two)
    assert len(journal.ask(UNIT, Step(count=2)).entries) == 2
    assert len(weights) == 3
    assert weights[0] == 0
    assert weights[2] >= len(b"fatal")
    assert not journal.ledger.measured


def test_an_answer_that_breaks_off_is_none(journal: NodeJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Command, "status", lambda _: -1)
    with pytest.raises(SshUnreachable):
        journal.ask(UNIT, Step(count=2))


def test_a_boot_that_can_not_be_asked_anew_is_not_known(
    node: Node, journal: NodeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.said = b"c" * 32 + b"\n"
    assert journal.boot() == "c" * 32
    monkeypatch.setattr(node, "run", lambda *_, **__: (_ for _ in ()).throw(SshTimeout()))
    assert journal.boot() == "c" * 32
    assert journal.boot(fresh=True) is None
