"""What each broken node looks like: to a socket, and to `flask sessions check`.

docs/troubleshooting.md is made of the output of the latter.

After a change of a sentence, `UPDATE_TROUBLESHOOTING=1 python -m pytest tests/system/test_troubleshooting.py` takes
the document anew.
"""

from __future__ import annotations

import os
import re

import pytest

from ..waiting import until
from .broken import GROUPS, Broken
from .conftest import World
from .parts import ROOT
from .test_cli import flask

PAGE = ROOT / "docs" / "troubleshooting.md"
HOW = "if this is meant: UPDATE_TROUBLESHOOTING=1 python -m pytest tests/system/test_troubleshooting.py"
HEAD = """# Troubleshooting

`flask sessions check TOKEN` goes the whole way from Redis to the states of the services. It says at each step what it
found and what to do. The token is in the browser's cookie `ssh_session`; the short hash that `flask sessions list` and
the log show will do as well. This page has what it prints for each thing that is known to go wrong, and the code that
programs get. The tests make it: they break a node in each of these ways.
"""
AWAY = "It is tried again by itself."
AGAIN = "It is tried again when somebody connects."
LOG = "The service's log says so."
NEVER = "These credentials are not tried again."
FOR_GOOD = ("ssh_auth_failed", "ssh_bad_key", "ssh_second_factor")
CASES = [each for group in GROUPS.values() for each in group]


@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Broken:
    case: Broken = request.param
    return case


@pytest.fixture
def sshd_options(broken: Broken) -> dict[str, str]:
    return broken.options


def session_of(world: World, broken: Broken) -> str:
    login = {"password": ..., "privateKey": world.sshd.private_key} if broken.key else {}
    return world.session(**{**login, **broken.session})


def blocks() -> dict[str, str]:
    """What the page has of each thing that may be wrong."""
    text = PAGE.read_text() if PAGE.exists() else ""
    found: dict[str, str] = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        also = re.search(r"^The same: (.+)\.$", rest, re.MULTILINE)
        output = re.search(r"^```text\n(.*?)```$", rest, re.MULTILINE | re.DOTALL)
        for name in [title, *(also[1].split("; ") if also else [])]:
            found[name] = output[1] if output else ""
    return found


def page(outputs: dict[str, str]) -> str:
    """The page with these outputs."""
    text = HEAD
    for title, group in GROUPS.items():
        text += f"\n## {title}\n"
        same: dict[tuple[str | None, str], list[Broken]] = {}
        for each in group:
            same.setdefault((each.code, outputs.get(each.title, "")), []).append(each)
        for (code, output), (first, *others) in same.items():
            text += f"\n### {first.title}\n\n"
            if others:
                text += f"The same: {'; '.join(each.title for each in others)}.\n\n"
            if code:
                then = NEVER if code in FOR_GOOD else AWAY if first.away else AGAIN
                text += f"Code: `{code}`. {LOG if first.of_log else then}\n\n"
            text += f"```text\n{output}```\n"
    return text


def like_everybody_s(output: str) -> str:
    """Take out what is this run's only."""
    output = re.sub(
        r"Session: \w+ for staker@127\.0\.0\.1:\d+", "Session: 1a2b3c4d5e6f for staker@node.example:22", output
    )
    return re.sub(r"SHA256:[\w+/]{43}", "SHA256:...", output)


@pytest.mark.parametrize("broken", CASES, indirect=True, ids=lambda each: each.title)
def test_check_says_why_and_what_to_do(world: World, broken: Broken) -> None:
    broken.breaks(world)
    done = flask(world, "sessions", "check", session_of(world, broken), **broken.environment)
    assert done.returncode == 1, done.stdout
    output = like_everybody_s(done.stdout)
    assert "✗" in output
    if os.environ.get("UPDATE_TROUBLESHOOTING"):
        PAGE.write_text(page({**blocks(), broken.title: output}))
    assert blocks().get(broken.title) == output, HOW


def test_the_page_has_these_and_no_others() -> None:
    assert PAGE.read_text() == page(blocks()), HOW


REFUSED = [each for each in CASES if each.code and not each.away and not each.of_log]
SILENT = [each for each in CASES if each.of_log]


@pytest.mark.parametrize("broken", REFUSED, indirect=True, ids=lambda each: each.title)
def test_a_page_hears_the_reason(world: World, broken: Broken) -> None:
    broken.breaks(world)
    token = session_of(world, broken)
    error = world.open(token).wait("connect_error")
    assert error["data"]["code"] == broken.code
    assert error["data"]["hint"]
    late = world.open()
    late.wait("connect")
    assert late.call("authenticate", token) is False
    assert late.wait("error")["code"] == broken.code
    until(lambda: not world.sshd.connections(), "the end of the connection")


@pytest.mark.parametrize("broken", SILENT, indirect=True, ids=lambda each: each.title)
def test_a_log_says_why_it_stays_empty(world: World, broken: Broken) -> None:
    broken.breaks(world)
    socket = world.enter(session_of(world, broken))
    socket.emit("subscribe_logs", {"service": "execution"})
    error = socket.wait("error")
    assert (error["code"], error["service"]) == (broken.code, "execution")
    assert error["hint"]
