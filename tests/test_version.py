"""The version stands in one place, and is told at start, by `/healthz` and by a command."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator

import pytest
from flask import Flask

import config
from ethpillar import __version__, create_app
from ethpillar.memory import budget
from tools.source import ROOT

from .waiting import until


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    settings = {
        "REDIS_URL": "unix:///nowhere",
        "BIND_HOST": "::1",
        "FRONTEND_URL": "https://a.example,https://b.example",
    }
    made = create_app(config.load(settings, env_file=None))
    yield made
    made.extensions["ethpillar"].shutdown()


def test_it_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "ethpillar.__version__"}
    assert "version" not in project["project"]


def test_the_changelog_says_what_came_with_it() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == "## Unreleased"
    assert headings[1].startswith(f"## {__version__} (")


def test_healthz_says_ok_first(app: Flask) -> None:
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.text) == (200, f"ok {__version__}\n")


def test_a_command_says_it(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["version"]).output == f"ethpillar {__version__}\n"


def test_the_first_line_of_the_log_has_version_address_origins_and_redis(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("ethpillar.server")
    logger.addHandler(caplog.handler)
    try:
        app.extensions["ethpillar"].start()
        until(lambda: "Ready" in caplog.text, "the line")
    finally:
        logger.removeHandler(caplog.handler)
    assert (
        f"Ready: ethpillar {__version__} on [::1]:3001 for https://a.example, https://b.example, "
        f"{budget(0) >> 20} MiB, at most 1000 nodes and 500 connections of a client, "
        "told apart by X-Forwarded-For from 127.0.0.0/8, ::1/128; Redis does" in caplog.text
    )
