"""What the log says of what should not have been: where, and nothing of what was handed around there."""

from __future__ import annotations

import errno
import logging

import gevent
import pytest
from gevent.hub import Hub

from ethpillar.gateway.outbox import Outbox
from ethpillar.log_setup import set_up

TOKEN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(Hub, "print_exception", Hub.print_exception)  # as it was, afterwards
    set_up("info")
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    return caplog


def test_a_greenlet_that_fails_shows_neither_its_arguments_nor_its_stack(
    told: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    gevent.spawn(Outbox, None, TOKEN).join()
    gevent.get_hub().loop.run_callback(int, TOKEN)
    gevent.sleep(0.001)
    said = [record.getMessage() for record in told.records]
    assert said[0].startswith("A greenlet failed (AttributeError at ethpillar.gateway.outbox:")
    assert said[1:] == ["A greenlet failed (ValueError)"]
    out, err = capfd.readouterr()
    assert TOKEN not in out + err + told.text
    assert "Traceback" not in out + err + told.text


def test_descriptors_that_run_out_are_told_once(told: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    gevent.joinall([gevent.spawn(fail) for _ in range(100)])
    assert len(told.records) == 1
