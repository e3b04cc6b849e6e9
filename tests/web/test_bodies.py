"""A request's body, from somebody who may never finish it."""

from __future__ import annotations

import io

import gevent
import pytest

from ethpillar.web import bodies
from ethpillar.web.bodies import Body, TooSlow


class Drip:
    """Bytes that come one at a time, and never all of them."""

    def read(self, count: int) -> bytes:
        gevent.sleep(3600)
        return b"x" * count


def test_a_body_is_taken_whole_or_not_at_all() -> None:
    assert Body(io.BytesIO(b"12345rest"), 5, None, 1).take(5) == b"12345"
    stream = io.BytesIO(b"123456")
    assert Body(stream, 6, None, 1).take(5) is None
    assert stream.tell() == 0
    with pytest.raises(OSError):
        Body(io.BytesIO(b"123"), 5, None, 1).take(5)


def test_a_body_that_does_not_come_in_time() -> None:
    with pytest.raises(TooSlow):
        Body(Drip(), 5, None, 0.01).take(5)
    body = Body(Drip(), 5, None, 0.01)
    body._discard()
    assert body.cut_off


def test_what_is_left_of_a_body_is_discarded_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "DISCARDED", 100)
    for length, left in ((100, 0), (101, 101)):
        stream = io.BytesIO(b"x" * length)
        body = Body(stream, length, None, 1)
        body._discard()
        assert body.cut_off == bool(left)
        assert len(stream.read()) == left
