"""Proof that a node that has let us in runs commands.

Belongs here: what is run right after a login, and the second try that tells why nothing was. It must not know what
the signs of each reason are: `ssh.diagnosis` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import gevent

from ..errors import EthPillarError, SshError
from ..ssh.command import NotRun, Result
from ..ssh.connection import Connection
from ..ssh.diagnosis import diagnose
from ..ssh.shell import long_command
from .rights import JournalRights


class Proof:
    """Proves a connection by the first command that anybody needs: the one that finds the right to read the journal.

    So it costs a good login nothing: the command would come next anyway, and only its beginning is waited for.
    """

    def __init__(self, run: Callable[[Sequence[str]], Result], rights: JournalRights) -> None:
        """:param run: runs a short command on the node; its errors are passed on"""
        self._run = run
        self._rights = rights

    def __call__(self, connection: Connection) -> None:
        """Return when a command has begun on a new connection.

        :raises EthPillarError: why none does
        """
        asking = gevent.spawn(self._ask)  # it goes on when it is proved
        ends: list[Any] = [connection.answered, asking]
        gevent.wait(ends, count=1)
        if connection.answered.is_set():
            return
        problem = asking.get()
        if isinstance(problem, NotRun):
            problem = self._diagnose(problem)
        if problem is not None:
            raise problem

    def _ask(self) -> EthPillarError | None:
        # It returns its error: gevent would print one that a greenlet raises.
        try:
            if self._rights.known:
                self._run(("true",))
            else:
                self._rights.search()
        except EthPillarError as problem:
            return problem
        return None

    def _diagnose(self, problem: NotRun) -> SshError | None:
        """Return why nothing was run; None if that was over a moment later."""
        long = None
        with suppress(SshError):
            try:
                self._run(long_command())
            except NotRun as other:
                long = other.end
            else:
                return None
        return diagnose(problem.end, long)
