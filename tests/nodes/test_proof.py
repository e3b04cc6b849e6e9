"""Whether a node that has let us in runs commands, on a connection that is a stand-in."""

from __future__ import annotations

from collections.abc import Sequence

import gevent
import pytest
from gevent.event import Event

from ethpillar.errors import CommandForced, NoShell, ShellHangs, SshError, SshUnreachable
from ethpillar.nodes.proof import Proof
from ethpillar.nodes.rights import JournalRights
from ethpillar.ssh.command import NotRun, Result
from ethpillar.ssh.diagnosis import End

from ..waiting import until

ENTRY = Result(0, b"__CURSOR=s=1\n\n", b"")
SILENT = End(1)


class Node:
    """Runs commands, or fails as it is told, once for each command; then goes on as in the end."""

    def __init__(self, *outcomes: Result | SshError) -> None:
        self.answered = Event()
        self.outcomes = list(outcomes)
        self.ran: list[tuple[str, int]] = []
        self.gate = Event()
        self.gate.set()
        self.rights = JournalRights(self.run, None)
        self.proof = Proof(self.run, self.rights)

    def run(self, words: Sequence[str], stdin: bytes = b"") -> Result:
        self.ran.append((words[0], sum(map(len, words))))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, SshError):
            raise outcome.copy()
        self.answered.set()
        self.gate.wait()
        return outcome

    def prove(self) -> None:
        self.proof(self)  # type: ignore[arg-type]


def test_the_search_for_the_right_proves_the_first_connection_and_a_short_command_each_further_one() -> None:
    node = Node(ENTRY)
    node.prove()
    until(lambda: node.rights.known, "the right")
    assert [word for word, _ in node.ran] == ["journalctl"]
    node.prove()
    assert [word for word, _ in node.ran] == ["journalctl", "true"]


def test_only_the_beginning_of_the_search_is_waited_for() -> None:
    node = Node(ENTRY)
    node.gate.clear()
    with gevent.Timeout(5):
        node.prove()
    assert not node.rights.known
    node.gate.set()
    until(lambda: node.rights.known, "the right")


@pytest.mark.parametrize("problem", [SshUnreachable(), ShellHangs()])
def test_a_node_that_does_not_answer(problem: SshError) -> None:
    node = Node(problem)
    with pytest.raises(type(problem)):
        node.prove()
    assert len(node.ran) == 1


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (NotRun(SILENT), NoShell),
        (NotRun(End(1, b"", b"/bin/bash: Argument list too long\n")), CommandForced),
        (SshUnreachable(), NoShell),  # such as Dropbear, which takes no long command
        (ShellHangs(), NoShell),
    ],
)
def test_a_second_command_tells_why_the_first_was_not_run(second: SshError, kind: type[SshError]) -> None:
    node = Node(NotRun(SILENT), second)
    with pytest.raises(kind):
        node.prove()
    (_, short), (_, long) = node.ran
    assert short < 1000 < 100_000 < long


def test_what_was_over_a_moment_later_is_none() -> None:
    node = Node(NotRun(SILENT), ENTRY)
    node.prove()
    assert not node.rights.known
    assert node.answered.is_set()
