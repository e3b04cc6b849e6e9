"""docs/events.md: every event and every option, with the examples that a running server is held to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ethpillar.gateway import wire
from tools.events import DOCS, filled

PAGE = (DOCS / "events.md").read_text()
DOCUMENT: dict[str, Any] = json.loads((DOCS / "events.json").read_text())
OPTIONS = {"subscribe_logs": {"service", *wire.LOG_OPTIONS}, "subscribe_status": {"interval", "all"}}


def test_the_examples_are_those_of_the_running_server() -> None:
    assert filled(PAGE, DOCUMENT) == PAGE, "python -m tools.events"


@pytest.mark.parametrize("side", ["client", "server", "connect"])
def test_every_event_has_its_examples(side: str) -> None:
    assert set(re.findall(rf"<!-- {side} (\w+) -->", PAGE)) == set(DOCUMENT[side])


@pytest.mark.parametrize("event", OPTIONS)
def test_every_option_is_told_and_sent_in_an_example(event: str) -> None:
    sent = {key for each in DOCUMENT["client"][event] for word in each["arguments"] for key in word}
    assert sent >= OPTIONS[event]
    for option in OPTIONS[event]:
        assert f"`{option}" in PAGE
