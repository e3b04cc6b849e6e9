"""The right to read the journal: for how long it is believed, and one search for everyone."""

from __future__ import annotations

from collections.abc import Sequence

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import LogUnavailable, PermissionDenied, SshTimeout
from ethpillar.nodes import rights as rights_module
from ethpillar.nodes.rights import DENIAL_KEPT, NOT_DOUBTED, Finding, JournalRights
from ethpillar.ssh.access import PLAIN, SUDO, JournalBroken
from ethpillar.ssh.command import Result

from ..waiting import until

ENTRY = Result(0, b"__CURSOR=s=1\n\n", b"")
NOTHING = Result(0, b"", b"")


class Node:
    """Answers the probe."""

    def __init__(self) -> None:
        self.plain = self.sudo = NOTHING
        self.problem: Exception | None = None
        self.probes: list[str] = []
        self.gate = Event()
        self.gate.set()

    def run(self, words: Sequence[str], stdin: bytes = b"") -> Result:
        self.probes.append(words[0])
        self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return self.sudo if words[0] == "sudo" else self.plain


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def rights(node: Node) -> JournalRights:
    return JournalRights(node.run, None)


@pytest.mark.parametrize(
    ("finding", "after", "holds"),
    [
        (Finding(PLAIN, 0.0), 0.0, True),
        (Finding(PLAIN, 0.0), 1e6, True),  # until it is doubted
        (Finding(None, 0.0), DENIAL_KEPT, True),
        (Finding(None, 0.0), DENIAL_KEPT + 1, False),
        (Finding(None, 0.0, broken="why"), 0.0, False),
    ],
)
def test_for_how_long_a_finding_holds(finding: Finding, after: float, holds: bool) -> None:
    assert finding.holds(after) is holds


@pytest.mark.parametrize(("after", "doubted"), [(0.0, False), (NOT_DOUBTED, False), (NOT_DOUBTED + 0.1, True)])
def test_when_a_finding_may_be_doubted(after: float, doubted: bool) -> None:
    assert Finding(PLAIN, 0.0).may_be_doubted(after) is doubted


def test_a_right_is_found_once_and_again_when_it_was_doubted(
    node: Node, rights: JournalRights, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rights.doubt()  # nothing is known
    node.plain = ENTRY
    for _ in range(3):
        assert rights.get("execution") is PLAIN
    assert not rights.doubt()  # it was found a moment ago
    assert rights.get("execution") is PLAIN
    assert node.probes == ["journalctl"]
    node.plain, node.sudo = NOTHING, ENTRY
    monkeypatch.setattr(rights_module, "NOT_DOUBTED", -1.0)
    assert rights.doubt()
    assert rights.get("execution") == SUDO


def test_a_missing_right_is_believed_for_a_while(
    node: Node, rights: JournalRights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("execution", "consensus"):
        with pytest.raises(PermissionDenied) as caught:
            rights.get(service)
        assert caught.value.service == service
        assert not rights.doubt()  # it was looked for a moment ago
    assert node.probes == ["journalctl", "sudo", "journalctl"]
    node.plain = ENTRY
    monkeypatch.setattr(rights_module, "DENIAL_KEPT", -1.0)
    assert rights.get("execution") is PLAIN


def test_a_missing_right_that_is_doubted_is_looked_for_again(
    node: Node, rights: JournalRights, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PermissionDenied):
        rights.get("execution")
    node.plain = ENTRY
    monkeypatch.setattr(rights_module, "NOT_DOUBTED", -1.0)
    assert rights.doubt()
    assert rights.get("execution") is PLAIN


def test_a_journalctl_that_fails_is_looked_at_each_time(node: Node, rights: JournalRights) -> None:
    node.plain = Result(1, b"", b"Failed: No space left on device")
    for _ in range(2):
        with pytest.raises(LogUnavailable) as caught:
            rights.get("execution")
        assert caught.value.hint == JournalBroken.hint
    node.plain = ENTRY
    assert rights.get("execution") is PLAIN


def test_everyone_who_asks_at_once_waits_for_one_search_also_if_the_node_hangs(
    node: Node, rights: JournalRights
) -> None:
    node.gate.clear()
    node.problem = SshTimeout()
    asks = [gevent.spawn(pytest.raises, SshTimeout, rights.get, f"service{number}") for number in range(4)]
    until(lambda: node.probes, "the search")
    node.gate.set()
    gevent.joinall(asks, timeout=5, raise_error=True)
    assert node.probes == ["journalctl"]


def test_one_who_is_stopped_stops_nobody_elses_search(node: Node, rights: JournalRights) -> None:
    node.gate.clear()
    node.plain = ENTRY
    first, second = gevent.spawn(rights.get, "execution"), gevent.spawn(rights.get, "consensus")
    until(lambda: node.probes, "the search")
    first.kill()
    node.gate.set()
    assert second.get(timeout=5) is PLAIN
    assert node.probes == ["journalctl"]


def test_a_journal_that_is_off_is_no_missing_right(node: Node, rights: JournalRights) -> None:
    node.plain = Result(0, b"", b"No journal files were found.\n")
    with pytest.raises(LogUnavailable) as caught:
        rights.get("execution")
    assert "Storage=none" in (caught.value.hint or "")
    node.plain = ENTRY
    assert rights.get("execution") is PLAIN
