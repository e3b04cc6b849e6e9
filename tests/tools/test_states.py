"""The tables of transitions in ARCHITECTURE.md are those of the code."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

import pytest

from tools import states
from tools.rooms import DOCUMENT
from tools.source import Module


class Lamp(Enum):
    OFF = "off"
    "No light."
    ON = "light"


SOURCE = "class Lamp(Enum):\n    OFF = 'off'\n    'No light.'\n    ON = 'light'\n"


@pytest.fixture
def module(tmp_path: Path) -> Module:
    path = tmp_path / "lamp.py"
    path.write_text(SOURCE)
    return Module("ethpillar.lamp", path)


def test_the_document_is_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert states.replaced(text, states.section()) == text, "run: make states"


def test_a_table_has_meanings_and_what_may_follow(module: Module) -> None:
    text = states.drawn(module, {Lamp.OFF: frozenset({Lamp.ON}), Lamp.ON: frozenset()})
    assert "**Lamp** (`ethpillar.lamp`) begins as `OFF`." in text
    assert "| `OFF` | No light. | `ON` |\n| `ON` | light | nothing |\n" in text


def test_a_table_that_lacks_a_state_is_an_error(module: Module) -> None:
    with pytest.raises(ValueError, match="lacks ON"):
        states.drawn(module, {Lamp.OFF: frozenset({Lamp.ON})})


def test_a_state_that_nothing_leads_to_is_an_error(module: Module) -> None:
    with pytest.raises(ValueError, match="nothing leads to ON"):
        states.drawn(module, {Lamp.OFF: frozenset(), Lamp.ON: frozenset({Lamp.OFF})})


def test_a_document_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match=re.escape("both marks")):
        states.replaced("# Nothing\n", "")
