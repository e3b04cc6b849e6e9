"""The parts of tests/system, and a browser whose page may connect to the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..system.conftest import *  # noqa: F403 - its fixtures
from ..system.parts import free_port
from .browser import Browser


@pytest.fixture(scope="module")
def page_port() -> int:
    """Return the port of the page's origin."""
    return free_port()


@pytest.fixture(scope="module")
def settings(page_port: int) -> dict[str, str]:
    return {"FRONTEND_URL": f"http://localhost:{page_port}"}


@pytest.fixture(scope="module")
def browser(page_port: int) -> Iterator[Browser]:
    made = Browser(page_port)
    yield made
    made.close()
