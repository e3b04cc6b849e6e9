"""The examples of docs/history.md, run."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from .conftest import EXECUTION, World
from .parts import ROOT
from .test_cli import flask

TEXT = (ROOT / "docs" / "history.md").read_text("utf-8")
PAYLOADS = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
KEYS = {"ok", "entries", "before", "after", "more", "scanned", "gaps", "counts"}


def test_every_payload_is_answered(world: World) -> None:
    world.node.append(EXECUTION, "WARN [09-12|08:15:01.004] Late number=1")
    socket = world.enter()
    assert len(PAYLOADS) >= 9
    for text in PAYLOADS:
        answer = socket.call("read_logs", json.loads(text))
        assert answer["ok"], (text, answer)
        assert set(answer) <= KEYS
    assert all(f"`{key}`" in TEXT for key in KEYS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(world: World, command: str) -> None:
    world.node.append(EXECUTION, "WARN [09-12|08:15:01.004] Late number=1")
    words = shlex.split(command.replace("TOKEN", world.session()))
    assert words[:2] == ["flask", "node"]
    words = [word for word in words if word != "consensus"]  # this node has none
    done = flask(world, *words[1:])
    assert done.returncode == 0, done.stderr
