"""Which pages may connect."""

from __future__ import annotations

import pytest

from ethpillar.web.origins import Origins

DASHBOARD = "https://dash.example"


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://127.0.0.1:3001", "127.0.0.1:3001", True),
        ("http://localhost:3001", "127.0.0.1:3001", False),
        ("http://127.0.0.1:3002", "127.0.0.1:3001", False),
        ("http://[::1]:3001", "[::1]:3001", True),
        ("https://node.example", "node.example", True),  # behind a TLS proxy
        ("https://node.example", "node.example:443", True),
        ("https://node.example:8443", "node.example:8443", True),
        ("https://node.example:8443", "node.example", False),
        ("http://node.example", "node.example:443", False),
        ("https://Node.example", "node.Example", True),
        ("https://node.example", "NODE.EXAMPLE", True),
        ("https://evil.example", "node.example", False),
        ("https://node.example.evil.example", "node.example", False),
        ("https://node.example@evil.example", "evil.example", False),
        ("https://node.example", "x@node.example", False),
        ("https://node.example/", "node.example", False),
        ("https://node.example/path", "node.example", False),
        ("https://node.example?x", "node.example", False),
        ("null", "node.example", False),
        ("", "", False),
        ("https://", "", False),
        ("https://node.example", "", False),
        ("https://node.example:99999", "node.example:99999", False),
        ("chrome-extension://abcdef", "abcdef", False),
        ("https://[", "[", False),
    ],
)
def test_the_server_s_own_page(origin: str, host: str, expected: bool) -> None:
    environ = {"HTTP_HOST": host}
    assert Origins([DASHBOARD], own=True).allows(origin, environ) is expected
    assert Origins([DASHBOARD]).allows(origin, environ) is False


@pytest.mark.parametrize("own", [True, False])
def test_the_dashboard_is_always_allowed(own: bool) -> None:
    assert Origins([DASHBOARD], own).allows("https://DASH.example", {"HTTP_HOST": "node.example"})
    assert not Origins([DASHBOARD], own).allows(None, {"HTTP_HOST": "node.example"})


def test_a_refused_origin_is_told_with_the_setting_and_not_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    origins = Origins([DASHBOARD])
    with caplog.at_level("WARNING", "ethpillar"):
        for _ in range(50):
            assert not origins.allows("https://dash2.example", {})
            assert origins.allows(DASHBOARD, {})
    assert len(caplog.messages) == 1
    assert "https://dash2.example" in caplog.text
    assert "FRONTEND_URL" in caplog.text


def test_what_the_log_shows_of_an_origin_is_clean_and_bounded(caplog: pytest.LogCaptureFixture) -> None:
    origins = Origins([DASHBOARD])
    with caplog.at_level("WARNING", "ethpillar"):
        for origin in ("https://a\x1b[31m\r\nReady: ethpillar\u202e", "https://" + "b" * 5000, "null"):
            assert not origins.allows(origin, {})
        for number in range(1000):
            origins.allows(f"https://{number}.example", {})
    assert 3 < len(caplog.messages) <= 20
    assert all(each.isascii() and each.isprintable() and len(each) < 200 for each in caplog.messages)
    assert "https://a?[31m??Ready:?ethpillar?" in caplog.text


@pytest.mark.parametrize(
    ("setting", "origin"),
    [
        ("https://dash.example:443", "https://dash.example"),
        ("http://dash.example:80", "http://dash.example"),
        ("https://dash.example", "https://dash.example:443"),
        ("http://dash.example:3000", "http://dash.example:3000"),
        ("https://b\xfccher.example", "https://xn--bcher-kva.example"),
        ("https://Stra\xdfe.example", "https://xn--strae-oqa.example"),
        ("https://nodes.b\xdccher.example:443", "https://nodes.xn--bcher-kva.example"),
        ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
        ("HTTPS://Dash.Example", "https://dash.example"),
    ],
)
def test_an_origin_may_be_written_in_more_than_one_way(setting: str, origin: str) -> None:
    assert Origins([setting]).allows(origin, {})


@pytest.mark.parametrize(
    "origin",
    [
        "https://dash.example:80",
        "http://dash.example",
        "http://dash.example:443",
        "https://dash.example:x",
        "https://dash.example/",
        "https://dash.example/path",
        "https://dash.example?query",
        "https://dash.example#fragment",
        "https://dash.example@dash.example",
        "https://",
        "null",
    ],
)
def test_another_port_or_scheme_is_another_origin(origin: str) -> None:
    assert not Origins(["https://dash.example:443"]).allows(origin, {})


@pytest.mark.parametrize("setting", ["https://dash.example/", "https://dash.example?x", "https://x@dash.example"])
def test_a_setting_that_is_no_origin_allows_no_page(setting: str) -> None:
    assert not Origins([setting]).allows("https://dash.example", {})


def test_each_refused_request_is_counted() -> None:
    refused: list[str] = []
    origins = Origins([DASHBOARD], refused=lambda: refused.append("one"))
    assert [origins.allows(each, {}) for each in (None, "", DASHBOARD)] == [False, False, True]
    assert refused == []  # without an origin it is no page's
    for _ in range(2):
        assert not origins.allows("https://evil.example", {})
    assert len(refused) == 2
