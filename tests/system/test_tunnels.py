"""Requests as tunnels, load balancers and proxies write them."""

from __future__ import annotations

import http.client

import pytest

from .conftest import World


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"FRONTEND_URL": "https://dash.example:443"}


def ask(world: World, method: str, target: str, pieces: list[bytes] | None = None, **headers: str) -> tuple[int, str]:
    """Make a request; its body, if there is one, goes in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", world.server.port, timeout=10)
    try:
        chunked = pieces is not None
        body = iter(pieces) if pieces is not None else None
        connection.request(method, target, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


ENGINE = "/?EIO=4&transport=polling"


def test_a_post_in_chunks_a_whole_url_and_a_default_port(world: World) -> None:
    origin = {"Origin": "https://dash.example"}
    status, text = ask(world, "GET", f"http://ws.example{ENGINE}", **origin)
    assert status == 200, text
    sid = text.split('"sid":"')[1].split('"')[0]
    assert ask(world, "POST", f"{ENGINE}&sid={sid}", [b"4", b"0"], **origin) == (200, "OK")
    assert '40{"sid"' in ask(world, "GET", f"{ENGINE}&sid={sid}", **origin)[1]
    assert ask(world, "GET", "http://ws.example/healthz")[0] == 200
    assert ask(world, "POST", f"{ENGINE}&sid={sid}", [b"4"] * 10 + [b"x" * 2_000_000], **origin)[0] == 200  # too large
    assert ask(world, "GET", ENGINE, Origin="https://dash.example:8443")[0] == 400
