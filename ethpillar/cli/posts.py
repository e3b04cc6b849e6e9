"""A notice as the services that wake people take it.

Belongs here: a function for each of them, from a notice to an HTTP request, and sending it. The formats are those of
their documentation: ntfy (docs.ntfy.sh/publish), webhooks of Discord and Slack, Telegram's `sendMessage`, push monitors
of Uptime Kuma, and pings of healthchecks.io.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .alarms import Kind, Notice

TIMEOUT = 15.0
"Seconds for one request."
_LONGEST = 1500
"Characters of a text; Discord takes 2000, Telegram 4096."


@dataclass(frozen=True, slots=True)
class Post:
    """An HTTP request."""

    url: str = field(repr=False)
    "It may hold a key."
    body: bytes | None
    headers: dict[str, str]

    def send(self) -> None:
        """Send it. Raises OSError unless it was taken."""
        request = urllib.request.Request(self.url, self.body, self.headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            answer.read(1024)


def _text(notice: Notice) -> str:
    return f"{notice.title}\n{notice.text}".strip()[:_LONGEST]


def _json(url: str, payload: object) -> Post:
    return Post(url, json.dumps(payload).encode(), {"Content-Type": "application/json"})


def _plain(url: str, notice: Notice, node: str) -> Post:
    at = datetime.fromtimestamp(notice.at, UTC).isoformat()
    return _json(
        url,
        {
            "node": node,
            "service": notice.service or None,
            "kind": notice.kind.name.lower(),
            "state": "over" if notice.over else "begun",
            "title": notice.title,
            "text": notice.text,
            "at": at,
        },
    )


def _ntfy(url: str, notice: Notice, node: str) -> Post:
    urgent = notice.kind in (Kind.FAILED, Kind.LOOP, Kind.ROW)
    headers = {
        "Title": f"{node}: {notice.title}".encode("ascii", "replace").decode(),
        "Priority": "default" if notice.over else "urgent" if urgent else "high",
        "Tags": "white_check_mark" if notice.over else "rotating_light",
    }
    return Post(url, (notice.text or notice.title)[:_LONGEST].encode(), headers)


def _discord(url: str, notice: Notice, node: str) -> Post:
    return _json(url, {"content": f"**{node}**: {_text(notice)}", "allowed_mentions": {"parse": []}})


def _slack(url: str, notice: Notice, node: str) -> Post:
    text = _text(notice).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _json(url, {"text": f"*{node}*: {text}"})


def _telegram(url: str, notice: Notice, node: str) -> Post:
    parts = urllib.parse.urlsplit(url)
    chat = urllib.parse.parse_qs(parts.query).get("chat_id", [""])[0]
    bare = urllib.parse.urlunsplit(parts._replace(query=""))
    return _json(bare, {"chat_id": chat, "text": f"{node}: {_text(notice)}", "disable_web_page_preview": True})


def _kuma(url: str, notice: Notice, node: str) -> Post:
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.urlencode({"status": "up" if notice.over else "down", "msg": f"{node}: {_text(notice)}"[:250]})
    return Post(urllib.parse.urlunsplit(parts._replace(query=query)), None, {})


def _healthchecks(url: str, notice: Notice, node: str) -> Post:
    ends = url.rstrip("/") + ("" if notice.over else "/fail")
    return Post(ends, f"{node}: {_text(notice)}".encode(), {"Content-Type": "text/plain; charset=utf-8"})


FORMATS: dict[str, Callable[[str, Notice, str], Post]] = {
    "json": _plain,
    "ntfy": _ntfy,
    "discord": _discord,
    "slack": _slack,
    "telegram": _telegram,
    "uptime-kuma": _kuma,
    "healthchecks": _healthchecks,
}


def format_of(url: str) -> str:
    """Return which service a URL is of, told from its host and path; `json` for any other."""
    parts = urllib.parse.urlsplit(url)
    host, path = (parts.hostname or "").lower(), parts.path
    if host.startswith("ntfy."):
        return "ntfy"
    if host.endswith(("discord.com", "discordapp.com")):
        return "discord"
    if host == "hooks.slack.com":
        return "slack"
    if host == "api.telegram.org":
        return "telegram"
    if path.startswith("/api/push/"):
        return "uptime-kuma"
    return "healthchecks" if host == "hc-ping.com" else "json"


def post_of(url: str, form: str | None, notice: Notice, node: str) -> Post:
    """Return the request that tells a notice.

    :param form: one of `FORMATS`; None: what the URL looks like
    :param node: what the node is called in it
    """
    return FORMATS[form or format_of(url)](url, notice, node)
