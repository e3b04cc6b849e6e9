"""Command lines for any login shell, and the command's bytes among what shells print."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.ssh.shell import NOISE_KEPT, CommandLine, Ends, Output, quote

from ..programs import need

MARK = b"0123456789abcdef"
SHELLS = ("bash", "zsh", "fish", "tcsh", "dash")


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


ANY = st.one_of(st.binary(max_size=60), st.sampled_from([MARK[:-1], MARK[:3] * 5, b"", b".0.", b"half", b"\n"]))
CUTS = st.lists(st.integers(0, 200), max_size=20)


@given(ANY, ANY, ANY, CUTS, st.integers(0, 127))
def test_a_bounded_command_s_bytes(before: bytes, payload: bytes, after: bytes, cuts: list[int], status: int) -> None:
    output = Output(MARK, endless=False)
    stream = before + MARK + payload + MARK + b".%d." % status + after
    assert b"".join(map(output.feed, pieces(stream, cuts))) == payload
    assert (output.began, output.ended, output.status) == (True, True, status)
    assert output.noise == before[:NOISE_KEPT]
    assert output.noise_size == len(before)


@given(ANY, ANY, CUTS)
def test_an_endless_command_s_bytes_come_at_once(before: bytes, payload: bytes, cuts: list[int]) -> None:
    output = Output(MARK, endless=True)
    assert b"".join(map(output.feed, pieces(before + MARK + payload, cuts))) == payload
    assert (output.began, output.ended, output.status) == (True, False, None)


@given(st.binary(max_size=100), CUTS)
def test_a_stream_without_a_mark_has_no_command_s_bytes(data: bytes, cuts: list[int]) -> None:
    output = Output(MARK, endless=False)
    assert b"".join(map(output.feed, pieces(data, cuts))) == b""
    assert not output.began


@pytest.mark.parametrize("cut", [b"", MARK[:5], MARK, MARK + b".", MARK + b".1", MARK + b".x."])
def test_an_end_that_is_cut_short_has_no_status(cut: bytes) -> None:
    output = Output(MARK, endless=False)
    output.feed(MARK + b"payload" + cut)
    assert output.status is None


def test_a_mark_is_drawn_for_each_command_and_not_on_its_command_line() -> None:
    marks = set()
    for _ in range(100):
        line = CommandLine(["journalctl"])
        halves = re.findall(r"printf %s\+%s (\w+) (\w+)", line.text)[:2]
        for (first, second), output in zip(halves, (line.errors(), line.output()), strict=True):
            mark = f"{first}+{second}"
            assert mark not in line.text.replace(" ", "")
            marks.add(mark)
            output.feed(line.text.encode() + mark.encode())
            assert output.began
    assert len(marks) == 200


WORDS = [
    "a b",
    "",
    "it's",
    "$HOME",
    "$(id)",
    "`id`",
    "*",
    "~",
    "=ls",
    "a!b",
    "!!",
    "dev\\x2ddisk",
    "\\\\",
    "\\'",
    "{a,b}",
    '"',
    "#",
    "%1",
    "&;|<>",
    "[x]",
    "é\u2028",
]


def through(shell: str, tmp_path: Path, words: list[str], ends: Ends) -> tuple[bytes, bytes, int | None]:
    """What a shell makes of a command: its output, its errors, and its status."""
    line = CommandLine(words, ends)
    reading, writing = os.pipe()  # standard input stays open, as sshd's does
    try:
        ran = subprocess.run(
            [need(shell), "-c", line.text],
            capture_output=True,
            env={"HOME": str(tmp_path), "SSH_CLIENT": "1", "PATH": "/usr/bin:/bin"},
            stdin=reading,
        )
    finally:
        os.close(reading)
        os.close(writing)
    output, errors = line.output(), line.errors()
    found, said = output.feed(ran.stdout), errors.feed(ran.stderr)
    assert (output.began, errors.began) == (True, True), ran
    return found, said, ran.returncode if ends is Ends.CLOSED else output.status


@pytest.mark.parametrize("ends", Ends)
@pytest.mark.parametrize("shell", SHELLS)
def test_words_reach_the_program_as_they_are(shell: str, ends: Ends, tmp_path: Path) -> None:
    found = through(shell, tmp_path, ["printf", "%s|", *WORDS], ends)
    assert found == (("|".join(WORDS) + "|").encode(), b"", 0)
    script = "printf out; printf err >&2; echo $LC_ALL; exit 7"
    assert through(shell, tmp_path, ["sh", "-c", script], ends) == (b"outC\n", b"err", 7)


def test_every_word_is_quoted() -> None:
    assert quote("/bin/sh") == "'/bin/sh'"
    assert quote("") == "''"
    assert quote("it's") == "'it'\\''s'"


@pytest.mark.parametrize("words", [["sleep", "1000"], ["timeout", "900", "nice", "sleep", "1000"]])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_silent_command_ends_with_its_standard_input(shell: str, words: list[str], tmp_path: Path) -> None:
    """Which sshd closes with the channel."""
    line = CommandLine(words, Ends.SILENT)
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([need(shell), "-c", line.text], env=environment, **pipes) as running:  # type: ignore[call-overload]
        output = line.output()
        while not output.began:
            output.feed(running.stdout.read1())
        running.stdin.close()
        rest = output.feed(running.stdout.read())  # the end of the pipe: nobody has it open any more
    assert (rest, output.ended, output.status) == (b"", True, 137)
