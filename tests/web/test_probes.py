"""The probes of a load balancer, and errors that say nothing."""

from __future__ import annotations

import logging

import pytest
from flask import Flask

from ethpillar.errors import SessionStoreDown
from ethpillar.web.headers import HEADERS
from ethpillar.web.probes import add_routes


class Redis:
    """Answers, or does not."""

    def __init__(self) -> None:
        self.down = False

    def ping(self) -> None:
        if self.down:
            raise SessionStoreDown


@pytest.fixture
def redis() -> Redis:
    return Redis()


@pytest.fixture
def app(redis: Redis) -> Flask:
    app = Flask("ethpillar")
    add_routes(app, redis.ping, "1.2.3")

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("CANARY")

    return app


@pytest.mark.parametrize(
    ("method", "path", "down", "status", "text"),
    [
        ("GET", "/healthz", False, 200, "ok 1.2.3\n"),
        ("GET", "/healthz", True, 200, "ok 1.2.3\n"),
        ("GET", "/readyz", False, 200, "ok\n"),
        ("GET", "/readyz", True, 503, "redis does not answer\n"),
        ("GET", "/nothing", False, 404, "Not Found\n"),
        ("POST", "/healthz", False, 405, "Method Not Allowed\n"),
        ("GET", "/fails", False, 500, "Internal Server Error\n"),
    ],
)
def test_answers(app: Flask, redis: Redis, method: str, path: str, down: bool, status: int, text: str) -> None:
    redis.down = down
    answer = app.test_client().open(path, method=method)
    assert (answer.status_code, answer.get_data(as_text=True)) == (status, text)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert all(answer.headers[name] == value for name, value in HEADERS.items())
    assert ("Allow" in answer.headers) is (status == 405)


def test_an_error_is_logged_without_its_text(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.logger.propagate = True
    with caplog.at_level(logging.ERROR):
        app.test_client().get("/fails")
    assert "A request failed (RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text
