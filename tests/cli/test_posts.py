"""A notice in the form that each service takes."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from ethpillar.cli.alarms import Kind, Notice
from ethpillar.cli.posts import FORMATS, format_of, post_of

BEGUN = Notice("validator", Kind.ROW, False, "3 in a row: <missed> & gone\n" + "x" * 9000, 1_795_671_000.0)
OVER = Notice("validator", Kind.ROW, True, "It lasted 5 min.", 1_795_671_300.0)
URLS = {
    "https://ntfy.sh/my-topic": "ntfy",
    "https://discord.com/api/webhooks/1/abc": "discord",
    "https://hooks.slack.com/services/T/B/x": "slack",
    "https://api.telegram.org/bot123:abc/sendMessage?chat_id=-42": "telegram",
    "https://kuma.example/api/push/abc?status=up": "uptime-kuma",
    "https://hc-ping.com/0c6e1f4a": "healthchecks",
    "http://127.0.0.1:9000/hook": "json",
}


@pytest.mark.parametrize(("url", "form"), URLS.items())
def test_a_url_tells_its_form(url: str, form: str) -> None:
    assert format_of(url) == form


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("notice", [BEGUN, OVER])
def test_every_form_is_short_and_names_the_node(form: str, notice: Notice) -> None:
    url = next(url for url, found in URLS.items() if found == form)
    post = post_of(url, None, notice, "home")
    assert len(post.body or b"") < 12_000
    told = (post.body or b"").decode() + post.url + "".join(post.headers.values())
    assert "home" in told
    assert all(value.isascii() and "\n" not in value for value in post.headers.values())
    assert "abc" not in repr(post)


def test_what_each_service_wants() -> None:
    def body(url: str, notice: Notice = BEGUN) -> dict[str, object]:
        found: dict[str, object] = json.loads(post_of(url, None, notice, "home").body or b"")
        return found

    plain = body("http://127.0.0.1:9000/hook")
    assert (plain["state"], plain["kind"], plain["service"]) == ("begun", "row", "validator")
    assert str(body("https://hooks.slack.com/x")["text"]).count("&lt;missed&gt;") == 1
    assert len(str(body("https://discord.com/api/webhooks/1/a")["content"])) < 2000
    telegram = post_of("https://api.telegram.org/bot1:a/sendMessage?chat_id=-42", None, BEGUN, "home")
    assert telegram.url == "https://api.telegram.org/bot1:a/sendMessage"
    assert json.loads(telegram.body or b"")["chat_id"] == "-42"
    kuma = urllib.parse.urlsplit(post_of("https://kuma.example/api/push/k?status=up&msg=OK", None, BEGUN, "home").url)
    assert urllib.parse.parse_qs(kuma.query)["status"] == ["down"]
    assert post_of("https://hc-ping.com/u", None, BEGUN, "home").url == "https://hc-ping.com/u/fail"
    assert post_of("https://hc-ping.com/u", None, OVER, "home").url == "https://hc-ping.com/u"
    ntfy = post_of("https://ntfy.sh/t", None, BEGUN, "home")
    assert ntfy.headers["Priority"] == "urgent"
