"""What a running journalctl prints, as entries."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from ethpillar.nodes.source import CommandEntries

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


def test_one_that_hangs_is_over_and_has_not_ended_well() -> None:
    hanging: Any = Hanging()
    stream = CommandEntries(hanging, patience=0.01)
    assert [entry.message for entry in stream.read()] == [b"hello"]
    assert stream.read() == stream.read() == []
    assert stream.status() == -1


@pytest.mark.parametrize("patience", [None, 60])
def test_one_that_is_silent_is_waited_for(patience: float | None) -> None:
    silent: Any = Hanging()
    stream = CommandEntries(silent, patience)
    stream.read()
    reading = gevent.spawn(stream.read)
    gevent.sleep(0.01)
    assert not reading.ready()
    silent.closed.set()
    assert reading.get(timeout=10) == []
