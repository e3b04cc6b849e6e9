"""What a node, Redis, an operator and a journal on standard input may give us."""

from __future__ import annotations

import contextlib
import json

import paramiko
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import config
from ethpillar.errors import BadKey, HostKeyChanged
from ethpillar.journal.__main__ import parsed, show
from ethpillar.journal.choice import Choice
from ethpillar.journal.inputs import json_entry, told_by
from ethpillar.journal.render import Renderer
from ethpillar.ssh import hostkeys
from ethpillar.ssh.access import JournalBroken, find
from ethpillar.ssh.command import Result
from ethpillar.ssh.keys import KeyReader

KEYS = KeyReader()
KEY = paramiko.ECDSAKey.generate()


class Pins:
    """A Redis that holds whatever it holds."""

    def __init__(self, pin: str) -> None:
        self.pin = pin

    def host_key(self, host: str, port: int) -> str | None:
        return self.pin

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        return self.pin


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_pin_that_is_none_is_no_match(pin: str) -> None:
    with pytest.raises(HostKeyChanged):
        hostkeys.verify(KEY, "node.example", 22, None, Pins(pin))


@given(st.text(max_size=400), st.none() | st.text(max_size=20))
@example("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n", None)
@example("-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n", "x")
@example("-----BEGIN EC PRIVATE KEY-----\n\n-----END EC PRIVATE KEY-----\n", "\ud800")
def test_a_private_key_that_is_none_is_told_as_that(text: str, passphrase: str | None) -> None:
    with contextlib.suppress(BadKey):
        KEYS.read(text, passphrase)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=200), st.binary(max_size=200)), min_size=1))
def test_whatever_journalctl_and_sudo_answer_there_is_a_way_or_none(answers: list[tuple[int, bytes, bytes]]) -> None:
    turns = iter(answers * 4)

    def run(words: object, stdin: bytes = b"", timeout: float | None = None) -> Result:
        status, stdout, stderr = next(turns)
        return Result(status, stdout, stderr)

    with contextlib.suppress(JournalBroken):
        find(run, "password")


@given(st.dictionaries(st.sampled_from([each.name for each in config.SETTINGS]), st.text(max_size=60)))
@example({"REDIS_URL": "redis://[::1"})
@example({"FRONTEND_URL": "https://[", "REDIS_URL": "redis://x"})
@example({"SESSION_KEY": "é" * 44})
def test_settings_are_good_or_one_line_names_the_bad_one(values: dict[str, str]) -> None:
    told = ""
    try:
        config.load({"REDIS_URL": "redis://localhost", **values}, env_file=None)
    except config.ConfigError as problem:
        told = str(problem)
    assert "\n" not in told
    assert not told or told.split()[0].rstrip(":") in values


RECORDS = st.dictionaries(
    st.sampled_from(["__CURSOR", "__REALTIME_TIMESTAMP", "MESSAGE", "PRIORITY", "_PID", "UNIT", "_SYSTEMD_UNIT"]),
    st.none() | st.text() | st.integers() | st.floats() | st.lists(st.integers(-9, 300) | st.text() | st.none()),
)


@given(st.lists(RECORDS.map(json.dumps) | st.text()))
def test_any_lines_of_json_are_shown(lines: list[str]) -> None:
    read = [json_entry(line.encode("utf-8", "replace")) for line in lines]
    shown = show(parsed([read], None, lambda text: None), Renderer(False, utc=True), Choice())
    "".join(shown).encode()


@given(st.binary())
def test_what_the_input_is_can_be_told_of_any_bytes(first: bytes) -> None:
    assert told_by(first) in ("export", "json", "text")
