"""Who may see the figures."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest
from flask import Flask

import config
from ethpillar import create_app
from ethpillar.web.metrics import Listener

from ..system.parts import free_port

TOKEN = "a-token-of-prometheus"


def make(**settings: str) -> Flask:
    return create_app(config.load({"REDIS_URL": "redis://localhost:1", **settings}, None))


def test_nobody_unless_a_setting_says_so() -> None:
    assert make().test_client().get("/metrics").status_code == 404
    assert make(METRICS_BIND="127.0.0.1:9464").test_client().get("/metrics").status_code == 404


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"bearer {TOKEN} ", "Bearer \u00fc"]
)
def test_nobody_without_the_token(shown: str | None) -> None:
    headers = {} if shown is None else {"Authorization": shown}
    answer = make(METRICS_TOKEN=TOKEN).test_client().get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in answer.get_data(as_text=True)


def test_the_figures_with_the_token() -> None:
    answer = make(METRICS_TOKEN=TOKEN).test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert "ethpillar_sockets" in answer.get_data(as_text=True)


@pytest.mark.parametrize("value", ["9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "1.2.3:1"])
def test_an_address_is_an_address(value: str) -> None:
    with pytest.raises(config.ConfigError, match="METRICS_BIND"):
        make(METRICS_BIND=value)


@pytest.mark.parametrize("value", ["short", "sixteen characters with spaces"])
def test_a_token_can_not_be_guessed(value: str) -> None:
    with pytest.raises(config.ConfigError, match="METRICS_TOKEN"):
        make(METRICS_TOKEN=value)


def test_the_listener_has_the_figures_and_nothing_else() -> None:
    import threading

    import gevent

    port = free_port()
    listener = Listener(("127.0.0.1", port), "/metrics", lambda: b"ethpillar_sockets 0\n", "text/plain")
    listener.start()
    got: list[tuple[int, bytes]] = []

    def ask() -> None:
        for path in ("/metrics", "/", "/healthz"):
            connection = HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", path)
            answer = connection.getresponse()
            got.append((answer.status, answer.read()))
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        gevent.sleep(0.01)
    listener.stop()
    assert got == [(200, b"ethpillar_sockets 0\n"), (404, b"Not Found\n"), (404, b"Not Found\n")]
