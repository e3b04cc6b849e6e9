"""Fixtures: the server with the console, a simulated node for each test, and one Chromium for a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..system.conftest import World, clients, local, node, redis, server, sshd, sshd_options, world
from .chromium import Chromium, Page

__all__ = ["clients", "local", "node", "redis", "server", "sshd", "sshd_options", "world"]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"CONSOLE": "1"}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def console(chromium: Chromium, world: World) -> Iterator[Callable[..., Page]]:
    """Opens the console for a new session; nothing on the page may have gone wrong at the end."""
    opened: list[Page] = []

    def open_console(token: str | None = None, more: str = "", **options: Any) -> Page:
        token = world.session() if token is None else token
        fragment = f"#token={token}{more}" if token else more and "#" + more.removeprefix("&")
        page = chromium.open(f"{world.server.url}/console{fragment}", **options)
        opened.append(page)
        return page

    yield open_console
    for page in opened:
        problems = [each for each in page.problems() if "WebSocket connection" not in each and "net::ERR" not in each]
        page.close()
        assert problems == []
