"""Fixtures: an application, its server, and what it logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import config
from ethpillar import create_app
from ethpillar.server import Server


@pytest.fixture
def app() -> Iterator[Any]:
    made = create_app(config.load({"REDIS_URL": "unix:///nowhere", "SHUTDOWN_TIMEOUT": "1"}, env_file=None))
    server = made.extensions["socketio"].server
    server.async_handlers = server.eio.async_handlers = False
    server.eio.start_service_task = False  # it would go on after the test
    yield made
    for each in list(server.eio.sockets.values()):
        each.close(wait=False)


@pytest.fixture
def server(app: Any) -> Server:
    found: Server = app.extensions["ethpillar"]
    return found


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("ethpillar"), "propagate", True)
    return caplog
