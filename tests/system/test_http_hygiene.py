"""Every answer over HTTP: it says a status and nothing else, and no browser can be made to do anything with it."""

from __future__ import annotations

import json
import uuid

import pytest

from ..waiting import until
from .conftest import World
from .parts import EthPillarServer
from .raw import HANDSHAKE, Raw, polling_session

HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
}
CANARY = "CANARY-1234567890"
TELLING = (b"gevent", b"gunicorn", b"python", b"flask", b"werkzeug", b"engine.io", b"traceback", b"file", b"line ")

ANSWERS = [
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("HEAD", "/healthz", 200),
    ("POST", "/healthz", 405),
    ("DELETE", "/readyz", 405),
    (CANARY, "/healthz", 405),
    ("GET", "/", 404),
    ("GET", f"/{CANARY}", 404),
    ("GET", f"/%2e%2e/{CANARY}?{CANARY}", 404),
    ("GET", f"//{CANARY}.example/%0d%0aX-{CANARY}:1", 404),
    ("TRACE", "/", 404),
    ("OPTIONS", "/healthz", 200),
    ("GET", "/?EIO=4&transport=polling", 200),
    ("GET", f"/?EIO=4&transport={CANARY}", 400),
    ("GET", f"/?EIO={CANARY}&transport=polling", 400),
    ("GET", f"/?EIO=4&transport=polling&sid={CANARY}", 400),
    ("POST", f"/?EIO=4&transport=polling&sid={CANARY}", 400),
    ("GET", f"/?EIO=4&transport=polling&j={CANARY}", 400),
    ("GET", "/?EIO=4&transport=polling&j=0", 400),
    ("POST", "/socket.io/?EIO=4&transport=polling&sid=x&j=", 400),
    ("GET", "/socket.io/?EIO=4&transport=websocket", 400),
    ("PUT", "/?EIO=4&transport=polling", 405),
    ("GET", f"/socket.io/{CANARY}", 400),
]


def check_headers(headers: dict[str, str]) -> None:
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert not {"server", "x-powered-by", "set-cookie"} & set(headers)
    assert CANARY not in str(headers)


def test_every_answer(server: EthPillarServer) -> None:
    for method, path, expected in ANSWERS:
        connection = Raw(server.port)
        connection.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        head, _, body = connection.rest().partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert int(lines[0].split()[1]) == expected, (method, path, lines[0])
        check_headers({name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])})
        assert CANARY.encode() not in head + body
        assert len(body) < 200
        assert not [word for word in TELLING if word in (head + body).lower()], (path, head + body)
    assert CANARY not in server.log
    assert "Traceback" not in server.log
    assert "failed" not in server.log
    assert "Warning" not in server.log  # e.g. of a module that was imported before the monkey patch


def test_a_foreign_origin_is_told_nothing(server: EthPillarServer) -> None:
    for path, origin, expected in [
        ("/?EIO=4&transport=polling", "https://evil.example", 400),
        ("/?EIO=4&transport=polling", "null", 400),
        ("/?EIO=4&transport=polling", "http://localhost:3000.evil.example", 400),
        ("/?EIO=4&transport=polling", "http://localhost:3000", 200),
    ]:
        status, headers, body = Raw(server.port).request("GET", path, Origin=origin)
        assert status == expected
        check_headers(headers)
        if expected == 400:
            assert origin not in body.decode()
            assert "access-control-allow-origin" not in headers
    refused = Raw(server.port)
    refused.send(HANDSHAKE + "Origin: https://evil.example\r\n\r\n")
    status, headers, _ = refused.answer()
    assert status == 403
    check_headers(headers)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_foreign_page_opens_no_session_with_the_cookie_of_its_visitor(world: World, transport: str) -> None:
    ours, evil = "http://localhost:3000", "https://evil.example"
    good = 200 if transport == "polling" else 101
    cookie = f"ssh_session={world.session()}"
    for site, origin, expected in [
        ("cross-site", "", 403),  # an image, a script, a fetch without CORS
        ("same-site", "", 403),
        ("cross-site", evil, 403),
        ("cross-site", ours, good),  # the dashboard, from wherever it is
        ("same-site", ours, good),
        ("same-origin", "", good),  # a browser says no Origin then
        ("none", "", good),
        ("", "", good),  # no browser, or an old one
    ]:
        head = HANDSHAKE if transport == "websocket" else "GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n"
        head += f"Cookie: {cookie}\r\n" + (f"Sec-Fetch-Site: {site}\r\n" if site else "")
        connection = Raw(world.server.port)
        connection.send(head + (f"Origin: {origin}\r\n" if origin else "") + "\r\n")
        status, headers, _ = connection.answer()
        assert status == expected, (site, origin)
        assert expected == 101 or headers["cross-origin-resource-policy"] == "same-origin"
        if origin == ours and transport == "polling":
            assert headers["access-control-allow-origin"] == ours
        connection.close()


def test_an_image_does_not_use_up_what_an_address_may_have(server: EthPillarServer) -> None:
    here, path = "203.0.113.77", "/?EIO=4&transport=polling"
    image = Raw(server.port)
    for _ in range(600):
        assert image.request("GET", path, X_Forwarded_For=here, Sec_Fetch_Site="cross-site")[0] == 403
    assert Raw(server.port).request("GET", path, X_Forwarded_For=here)[0] == 200


def test_an_answer_is_never_compressed(server: EthPillarServer) -> None:
    connection = Raw(server.port)
    url = polling_session(connection)
    connection.request("POST", url, "40")

    def large() -> bool:
        connection.request("POST", url, "\x1e".join(['42["nothing"]'] * 50))
        _, headers, body = connection.request("GET", url, Accept_Encoding="gzip, deflate")
        assert "content-encoding" not in headers
        return len(body) > 2000

    until(large, "an answer that would be worth it")


def test_an_upgrade_where_there_is_none(server: EthPillarServer) -> None:
    for path in ("/", "/healthz", f"/{CANARY}"):
        connection = Raw(server.port)
        connection.send(HANDSHAKE.replace("/?EIO=4&transport=websocket", path) + "\r\n")
        status, headers, body = connection.answer()
        assert status == 404
        check_headers(headers)
        assert CANARY.encode() not in body


def test_more_than_is_allowed_in_a_post(server: EthPillarServer) -> None:
    connection = Raw(server.port)
    url = polling_session(connection)
    status, headers, body = connection.request("POST", url, "4" + "x" * 100_000)
    assert status == 200  # the socket hears of it, as of a frame that is too large
    check_headers(headers)
    assert body == b"OK"
    assert connection.request("POST", "/healthz", "x" * 100_000)[0] == 405
    assert connection.request("GET", "/healthz")[0] == 200  # and the connection goes on


@pytest.mark.parametrize("name", ["token", "auth", "ssh_session", "auth[token]"])
def test_a_token_in_a_url_opens_nothing_and_is_written_nowhere(world: World, name: str) -> None:
    token = world.session()
    connection = Raw(world.server.port)
    connection.send(HANDSHAKE.replace("EIO=4", f"EIO=4&{name}={token}") + "\r\n")
    assert connection.answer()[0] == 101
    assert connection.hear().startswith("0")
    connection.say("40")
    assert connection.hear().startswith("40")
    connection.say('42["subscribe_status",{}]')
    assert connection.hear_event("error")["code"] == "not_authenticated"
    answer = Raw(world.server.port).request("GET", f"/?EIO=4&transport=polling&{name}={token}")
    assert token.encode() not in answer[2]
    assert Raw(world.server.port).request("GET", f"/healthz?{name}={token}")[0] == 200
    assert Raw(world.server.port).request("GET", f"/{token}", Authorization=f"Bearer {token}")[0] == 404
    assert token not in world.server.log
    connection.close()


def test_a_refused_token_is_not_repeated(world: World) -> None:
    token = str(uuid.uuid4())
    connection = Raw(world.server.port)
    url = polling_session(connection)
    connection.request("POST", url, "40" + json.dumps({"token": token}))
    refusal = until(lambda: connection.request("GET", url)[2].partition(b"44")[2], "the refusal")
    assert json.loads(refusal.partition(b"\x1e")[0])["message"].endswith("Invalid or expired session.")
    assert token.encode() not in refusal
    assert token not in world.server.log


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("transport=polling", "transport=websocket"),
        ("transport=polling&transport=websocket", "transport=websocket"),
        ("EIO=4 ", "EIO=4&transport=websocket "),
        ("Connection: notupgradeable", "Connection: Upgrade"),
        ("Connection: keep-alive", "Connection: Upgrade"),
    ],
)
def test_what_is_no_upgrade_gets_none(server: EthPillarServer, wrong: str, right: str) -> None:
    connection = Raw(server.port)
    connection.send(HANDSHAKE.replace(right, wrong) + "\r\n")
    assert connection.answer()[0] == 400
    connection.close()


@pytest.mark.parametrize("header", ["keep-alive, Upgrade", "upgrade", " UPGRADE ,x"])
def test_an_upgrade_may_be_one_of_several_words(server: EthPillarServer, header: str) -> None:
    connection = Raw(server.port)
    connection.send(HANDSHAKE.replace("Connection: Upgrade", f"Connection: {header}") + "\r\n")
    assert connection.answer()[0] == 101
    connection.close()
