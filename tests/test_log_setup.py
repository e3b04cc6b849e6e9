"""What the log says of what should not have been: where, and nothing of what was handed around there."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import gevent
import pytest
from gevent.hub import Hub

from ethpillar.gateway.outbox import Outbox
from ethpillar.log_setup import Line, goes_to_journald, set_up

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
    # Only what this module tells: a login that another test left behind may fail now.
    said = [record.getMessage() for record in told.records if record.name == "ethpillar.log_setup"]
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


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.DEBUG, "<7>DEBUG ethpillar: one"),
        (logging.INFO, "<6>INFO ethpillar: one"),
        (logging.WARNING, "<4>WARNING ethpillar: one"),
        (logging.ERROR, "<3>ERROR ethpillar: one"),
    ],
)
def test_journald_gets_a_priority_before_each_line(level: int, expected: str) -> None:
    record = logging.LogRecord("ethpillar", level, "", 0, "one", (), None)
    assert Line(True).format(record) == expected
    assert Line(False).format(record) == expected[3:]


def test_each_line_of_a_record_has_its_priority() -> None:
    record = logging.LogRecord("ethpillar", logging.ERROR, "", 0, "one\ntwo", (), None)
    assert Line(True).format(record) == "<3>ERROR ethpillar: one\n<3>two"


def test_only_the_very_file_that_journald_listens_to_gets_priorities(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        assert goes_to_journald(f"{found.st_dev}:{found.st_ino}", stream.fileno())
        for other in ("", "8", f"{found.st_dev}:{found.st_ino + 1}", "x:y:z"):
            assert not goes_to_journald(other, stream.fileno())
    assert not goes_to_journald("8:1", 999_999)
