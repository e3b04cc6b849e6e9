"""Who may see the figures."""

from __future__ import annotations

import os
import stat
from http.client import HTTPConnection
from pathlib import Path

import gevent
import pytest
from flask import Flask
from gevent import socket

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


def ask_at(path: str, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client, gevent.Timeout(20):
        client.connect(path)
        client.sendall(request + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := client.recv(4096):
            answer += data
    return answer


def test_a_unix_socket_is_for_its_own_user_and_takes_the_place_of_an_old_one(tmp_path: Path) -> None:
    path = str(tmp_path / "metrics")
    before = os.umask(0o022)
    try:
        for _ in range(2):  # the first leaves its socket behind, as a server that was killed does
            listener = Listener(path, "/metrics", lambda: b"figures\n", "text/plain")
            listener.start()
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            assert ask_at(path, b"GET /metrics").endswith(b"\r\nfigures\n")
            assert ask_at(path, b"HEAD /metrics").startswith(b"HTTP/1.1 200")
            assert ask_at(path, b"POST /metrics").startswith(b"HTTP/1.1 404")
            listener.stop()
        assert os.umask(0o022) == 0o022  # files made later are as the operator wants them
    finally:
        os.umask(before)


def test_a_listener_that_can_not_begin_leaves_nothing_changed(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        listener = Listener(str(tmp_path / "missing" / "metrics"), "/metrics", bytes, "text/plain")
        with pytest.raises(OSError):
            listener.start()
        listener.stop()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
