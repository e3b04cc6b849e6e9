"""The right to read the journal of a node: found once, doubted when the journal shows too little, found again.

Belongs here: for how long a finding counts, and one search for everyone who needs it. It must not know the ways to
read a journal (`ssh.access`), nor what is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import LogUnavailable, PermissionDenied, SshUnreachable
from ..ssh import access
from ..ssh.command import Result
from .shared import Shared

DENIAL_KEPT = 15.0
"Seconds for which a missing right is believed to be missing still, unless somebody who had it doubts that."
NOT_DOUBTED = 2.0
"Seconds for which a finding can't be doubted, since all logs of a node may doubt it at the same time."


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a search for the right to read the journal."""

    access: access.JournalAccess | None
    "None: this user has no such right."
    at: float
    "When it ended, in seconds."
    broken: str | None = None
    "What to do, if journalctl shows nothing on this node whatever the right."

    def holds(self, now: float) -> bool:
        """Return True if there is no need to search again."""
        return self.access is not None or (self.broken is None and now - self.at <= DENIAL_KEPT)

    def may_be_doubted(self, now: float) -> bool:
        """Return True if it is old enough to be doubted."""
        return now - self.at > NOT_DOUBTED


class JournalRights:
    """How this session's user reads the journal of the node.

    `get` returns the way, and searches for it if that is not known; everyone who asks during a search shares it. A
    finding holds until `doubt` says that it looks wrong. Raises `PermissionDenied` or an `SshError`.
    """

    def __init__(self, run: Callable[[Sequence[str], bytes], Result], password: str | None, session: str = "") -> None:
        """
        :param run: runs a short command on the node; may raise an `SshError`
        :param session: its name in the log
        """
        self._run = run
        self._password = password
        self._finding: Finding | None = None
        self._search = Shared(self._find, "A search for the right to read a journal", SshUnreachable, session)

    def get(self, service: str) -> access.JournalAccess:
        """Return the way to read the journal.

        :param service: the service whose log is wanted, for the errors
        :raises PermissionDenied: there is none
        :raises LogUnavailable: journalctl fails on the node
        :raises SshError: the node can't be asked
        """
        finding = self._finding
        if finding is None or not self.known:
            finding = self._search.get()
        if finding.broken is not None:
            raise LogUnavailable(service, hint=finding.broken)
        if finding.access is None:
            raise PermissionDenied(service)
        return finding.access

    @property
    def known(self) -> bool:
        """Return True if there is no need to search."""
        return self._finding is not None and self._finding.holds(time.monotonic())

    def search(self) -> None:
        """Search for the right, unless that is being done.

        :raises SshError: the node can't be asked
        """
        self._search.get()

    def doubt(self) -> bool:
        """Take note that the finding looks wrong: the journal shows less than it should, or a log that could be read
        was denied. Return False if the finding is too young to doubt.

        The right is searched for again when it is needed next.
        """
        finding = self._finding
        doubted = finding is None or finding.may_be_doubted(time.monotonic())
        if doubted:
            self._finding = None
        return doubted

    def _find(self) -> Finding:
        try:
            found, broken = access.find(self._run, self._password), None
        except access.JournalBroken as problem:
            found, broken = None, problem.hint
        self._finding = Finding(found, time.monotonic(), broken)
        return self._finding

    def close(self) -> None:
        """Stop a search that is under way."""
        self._search.close()
