"""What the log says of what should not have been: where, and nothing of what was handed around there."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path

import gevent
import pytest
from gevent.hub import Hub

from ethpillar.gateway.outbox import Outbox
from ethpillar.limits.refusals import Refusal, Refusals
from ethpillar.log_setup import Line, goes_to_journald, say_refusal, set_up

from .waiting import until

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
    until(lambda: len(told.records) > 1, "the second failure")
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


def record_of(**about: str) -> logging.LogRecord:
    record = logging.LogRecord("ethpillar.nodes.link", logging.INFO, "", 0, "Connection %s", ("lost",), None)
    record.__dict__.update(about)
    return record


def test_a_line_begins_with_its_session_and_socket() -> None:
    assert Line(False).format(record_of()) == "INFO ethpillar.nodes.link: Connection lost"
    named = Line(False).format(record_of(session="ab12", socket="9f8e"))
    assert named == "INFO ethpillar.nodes.link: session ab12, socket 9f8e: Connection lost"


def test_as_json_each_of_them_is_a_key() -> None:
    line = json.loads(Line(False, True).format(record_of(session="ab12")))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "ethpillar.nodes.link",
        "session": "ab12",
        "message": "Connection lost",
    }
    assert Line(True, True).format(record_of()).startswith('<6>{"time"')


def test_json_is_one_line_whatever_is_said() -> None:
    record = logging.LogRecord("ethpillar", logging.ERROR, "", 0, "one\ntwo\u2028three \ud800", (), None)
    assert len(Line(False, True).format(record).splitlines()) == 1


def test_a_refusal_is_told_with_its_settings_once(told: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(say_refusal)
    refusals.note(Refusal.SOCKETS)
    refusals.note(Refusal.SOCKETS)
    assert [(each.levelname, each.getMessage()) for each in told.records if each.name == "ethpillar.log_setup"] == [
        ("WARNING", "A socket was refused: its session has as many as it may. See MAX_SOCKETS_PER_SESSION")
    ]
    say_refusal(Refusal.SOCKETS, 7)
    assert "(7 more since this was last told)" in told.records[-1].getMessage()
