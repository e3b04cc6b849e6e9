"""The past, for one socket.

Belongs here: which of a socket's `read_logs` run at the moment, and the answer as the wire has it. It must not know how
the journal is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

from ..errors import EthPillarError, LimitReached, Superseded
from ..journal.history.blocks import Shown
from ..journal.masking import Masker
from ..nodes.history import Answer
from ..nodes.items import source_of
from ..turns import breathe
from . import log_lines, wire
from .past_query import SYSTEM, PastRequest

ANSWER = 8
"How many times the bytes of its messages an answer takes while it is made: text, its parts, the payloads, the JSON."
WAITING = 8
"Calls of one socket that may be under way or wait."

Ask = Callable[..., Answer]
"`Node.past`: a `Query` and a number of buckets (or None) to an `Answer`."


class PastReader:
    """Answers one socket's `read_logs`: one search at a time, and plain pages beside it."""

    def __init__(
        self,
        masker: Callable[[], Masker],
        carry: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        """
        :param masker: makes what hides private things; asked once, so that names stay the same from call to call
        :param carry: counts the bytes of an answer that is being made
        """
        self._carry = carry
        self._make_masker = masker
        self._masker: Masker | None = None
        self._turn = BoundedSemaphore(1)
        self._calls: dict[gevent.Greenlet[..., Any], str | None] = {}
        self._closed = False

    def read(self, ask: Ask, request: PastRequest, wait_for_room: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Return the ack of a `read_logs`.

        :param wait_for_room: waits until there is memory for it; raises an `EthPillarError` if that takes too long
        :raises Superseded: a newer call with the same id has come
        :raises EthPillarError: what stands against it
        """
        self._supersede(request.id)
        if len(self._calls) >= WAITING or self._closed:
            raise LimitReached("Too many requests for the past are waiting on this connection.")
        call = gevent.spawn(self._caught, ask, request, wait_for_room)
        self._calls[call] = request.id
        try:
            answer = call.get()
        finally:
            self._calls.pop(call, None)
            call.kill()
        if isinstance(answer, dict):
            return answer
        raise answer if isinstance(answer, EthPillarError) else Superseded()

    def _supersede(self, name: str | None) -> None:
        if name is not None:
            for call in [call for call, other in self._calls.items() if other == name]:
                self._calls.pop(call, None)
                call.kill(block=False)

    def _caught(
        self, ask: Ask, request: PastRequest, wait_for_room: Callable[[], None]
    ) -> dict[str, Any] | EthPillarError:
        # It returns errors: gevent would print the stack trace of a greenlet that raises.
        try:
            wait_for_room()  # with its place taken: a newer call with the same id ends it while it waits
            return self._answer(ask, request)
        except EthPillarError as problem:
            return problem.with_traceback(None)

    def _answer(self, ask: Ask, request: PastRequest) -> dict[str, Any]:
        if request.buckets is None and request.pages[0].wanted.everything:
            answers = [ask(query, None) for query in request.pages]
        else:
            with self._turn:
                answers = [ask(query, request.buckets) for query in request.pages]
        masker = None
        if request.mask:
            masker = self._masker = self._masker or self._make_masker()
        size = sum(len(shown.entry.message) for answer in answers for shown in answer.page.shown)
        with self._carry(ANSWER * size):
            return _ack(request, answers, masker)

    def close(self) -> None:
        """End every call."""
        self._closed = True
        for call in list(self._calls):
            call.kill(block=False)


def _ack(request: PastRequest, answers: Sequence[Answer], masker: Masker | None) -> dict[str, Any]:
    pages = [answer.page for answer in answers]
    entries = []
    boots = log_lines.Boots()
    for page in pages:
        for shown in page.shown:
            payloads = entry_payloads(shown, not request.pages[0].units, masker)
            if payloads:
                payloads[0].update(boots.news(shown.entry))
            entries += payloads
            breathe()
    times = [(page.from_us, page.until_us) for page in pages if page.from_us is not None and page.until_us is not None]
    ack: dict[str, Any] = {
        "ok": True,
        "entries": entries,
        "scanned": {
            "entries": sum(page.scanned for page in pages),
            "from": wire.iso_time(min(begin for begin, _ in times)) if times else None,
            "until": wire.iso_time(max(end for _, end in times)) if times else None,
        },
        "gaps": [_gap(gap) for page in pages for gap in page.gaps],
        "more": any(page.more for page in pages),
    }
    if pages[0].before is not None:
        ack["before"] = pages[0].before
    if pages[-1].after is not None:
        ack["after"] = pages[-1].after
    if answers[0].counts is not None:
        ack["counts"] = [[begin // 1000, *numbers] for begin, *numbers in answers[0].counts]
        del ack["entries"]
    return ack


def entry_payloads(shown: Shown, system: bool, masker: Masker | None) -> list[dict[str, Any]]:
    """Return an entry's lines as `log_batch` has them, each with its service.

    :param system: whether the whole journal was asked for: then the service is `system`, and each line's component is
        the unit or program that it is from
    :param masker: hides what is private
    """
    entry = shown.entry
    source = source_of(entry)
    payloads = []
    for number, (text, line) in enumerate(shown.lines):
        service = SYSTEM if system else source
        payload = log_lines.line_payload(service, entry, text, line, number == len(shown.lines) - 1)
        if system:
            payload["component"] = source or line.component
        if masker is not None:
            payload["line"] = masker.text(text)
            payload["message"] = masker.text(line.message)
            payload["fields"] = masker.fields(line.fields)
        payloads.append(payload)
    return payloads


def _gap(gap: dict[str, Any]) -> dict[str, Any]:
    return {
        "after": gap["after"],
        "reason": gap["reason"],
        "from": None if gap["from_us"] is None else wire.iso_time(gap["from_us"]),
        "to": None if gap["to_us"] is None else wire.iso_time(gap["to_us"]),
    }
