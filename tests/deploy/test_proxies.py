"""The server behind nginx, Caddy and HAProxy, each by its file in `deploy/`, over TLS, on both transports."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..system.conftest import World, clients, node, redis, server, sshd, sshd_options, world  # noqa: F401
from ..system.parts import EthPillarServer
from ..waiting import until
from .proxies import HOST, KINDS, PublicProxy

FEW = 3


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """127.0.0.1 is the proxy; other addresses of this machine are clients."""
    return {"TRUSTED_PROXIES": "127.0.0.1/32", "MAX_BAD_TOKENS_PER_ADDRESS": str(FEW)}


@pytest.fixture(scope="module", params=KINDS)
def proxy(
    request: pytest.FixtureRequest,
    server: EthPillarServer,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PublicProxy]:
    made = PublicProxy(request.param, tmp_path_factory.mktemp(request.param), server.port)
    yield made
    made.stop()


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids="-".join)
def test_a_page_follows_a_log(world: World, proxy: PublicProxy, transports: list[str]) -> None:  # noqa: F811
    page = world.enter(url=proxy.url, transports=transports, rejectUnauthorized=False)
    if len(transports) > 1:
        page.wait("upgrade")
    else:
        assert page.events("connect") == transports
    page.call("subscribe_logs", {"service": "execution"})
    page.wait("log_state", lambda state: state["state"] == "live")
    world.node.append("execution.service", "behind a proxy")
    page.wait("log_data", lambda line: "behind a proxy" in line["line"])


def bad_token(proxy: PublicProxy, source: str, **headers: str) -> str:
    """Show a token that is none, by polling from this address. Return what is said."""
    _, opened = proxy.request("GET", "/?EIO=4&transport=polling", source=source, **headers)
    path = f"/?EIO=4&transport=polling&sid={json.loads(opened[1:])['sid']}"
    packet = '40{"token":"00000000-0000-4000-8000-000000000000"}'
    proxy.request("POST", path, packet, source=source, **headers)
    status, said = proxy.request("GET", path, source=source, **headers)
    assert status == 200, said
    return said


def test_each_client_is_counted_by_its_own_address(proxy: PublicProxy) -> None:
    last = proxy.ports.tls % 200 + 20
    guesser, other = f"127.0.1.{last}", f"127.0.2.{last}"
    until(lambda: "rate_limited" in bad_token(proxy, guesser), "the limit")
    assert "Invalid or expired" in bad_token(proxy, other)
    assert "rate_limited" in bad_token(proxy, guesser, X_Forwarded_For="203.0.113.9")
    assert "Invalid or expired" in bad_token(proxy, f"127.0.3.{last}", X_Forwarded_For=guesser)


def test_plain_http_leads_to_https_and_metrics_stay_inside(proxy: PublicProxy) -> None:
    plain = http.client.HTTPConnection("127.0.0.1", proxy.ports.plain, timeout=20)
    plain.request("GET", "/console", headers={"Host": HOST})
    answer = plain.getresponse()
    assert answer.status in (301, 308)
    assert str(answer.getheader("Location")).startswith(f"https://{HOST}")
    plain.close()
    assert proxy.request("GET", "/metrics")[0] == 404
    assert proxy.request("GET", "/healthz")[1].startswith("ok")


def test_only_the_dashboards_pages_come_through(proxy: PublicProxy) -> None:
    path = "/?EIO=4&transport=polling"
    assert proxy.request("GET", path, Origin="http://localhost:3000")[0] == 200
    assert proxy.request("GET", path, Origin="https://evil.example")[0] == 400


def test_every_kind_has_its_few_lines() -> None:
    for kind in KINDS:
        assert (Path(__file__).parents[2] / "deploy" / kind / "README.md").is_file()
