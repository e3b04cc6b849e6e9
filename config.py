"""Every setting of the server: name, default, meaning and check in one place.

Belongs here: reading the environment (and `.env`), typed and checked. Nothing else in the project reads
`os.environ`. `.env.example` and README's table are made from `SETTINGS` by `python config.py --env` / `--table`.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class ConfigError(ValueError):
    """A setting is missing or invalid. The text is one line that names the setting and what it must be."""


def _text(value: str) -> str:
    return value


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}")
        return number

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ValueError("must be a number of seconds") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low:g} and {high:g} seconds")
        return number

    return parse


def _choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return value.lower()

    return parse


_flag = _choice("true", "false", "yes", "no", "1", "0")


def _exactly(pattern: str, meaning: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {meaning}")
        return value

    return parse


# What redis-py takes in a URL's query and can be written there. It reads such a URL without a word about what it does
# not know, and fails at the first connection; and it must not be imported here, before the worker's monkey patch.
_REDIS_OPTIONS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("username", "password"), _text),
    "client_name": _exactly("[!-~]+", "a word"),
    **{"db": _integer(0, 1_000_000), "protocol": _integer(2, 3), "max_connections": _integer(1, 10_000)},
    **{"health_check_interval": _integer(0, 86400), "socket_read_size": _integer(1, 1 << 20)},
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout", "timeout"), _seconds(0.01, 3600)),
    "retry_on_timeout": _flag,
}
_REDIS_TCP_OPTIONS = _REDIS_OPTIONS | {"socket_keepalive": _flag}
_REDIS_SCHEMES: dict[str, dict[str, Callable[[str], Any]]] = {
    "unix": _REDIS_OPTIONS,
    "redis": _REDIS_TCP_OPTIONS,
    "rediss": _REDIS_TCP_OPTIONS
    | dict.fromkeys(
        ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_ciphers"), _text
    )
    | {"ssl_cert_reqs": _exactly("none|optional|required", "none, optional or required"), "ssl_check_hostname": _flag},
}


def _redis_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:  # its own words may repeat the password
        raise ValueError("must be a URL such as redis://localhost:6379/0") from None
    options = _REDIS_SCHEMES.get(parts.scheme)
    if options is None:
        raise ValueError("must start with redis://, rediss:// or unix://")
    if not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError("must name a host, or for unix:// a path")
    if parts.scheme != "unix" and not re.fullmatch(r"/?|/[0-9]{1,6}/?", parts.path):
        raise ValueError("must have the number of a database after the host, or nothing")
    if parts.fragment:
        raise ValueError("must not have a # in it: in a password that is %23")
    for name, text in parse_qsl(parts.query):
        if name not in options:  # which may be a part of a password with a ? in it
            raise ValueError("must have only options of redis-py that make sense here after its ?")
        try:
            options[name](text)
        except ValueError as problem:
            raise ValueError(f"has an option that is not valid: {name} {problem}") from None
    return value


def _origins(value: str) -> tuple[str, ...]:
    origins = []
    for item in filter(None, (part.strip() for part in value.split(","))):
        try:
            parts = urlsplit(item)
        except ValueError:
            raise ValueError("must be one or more origins such as https://dash.example") from None
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise ValueError("must be one or more origins such as https://dash.example, separated by commas")
        origins.append(f"{parts.scheme}://{parts.netloc}".lower())
    if not origins:
        raise ValueError("must name at least one origin")  # an empty list would switch the origin check off
    return tuple(origins)


def _networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    if value.lower() == "none":
        return ()
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks such as 192.168.0.0/16, separated by commas") from None


def _fernet_keys(value: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    for key in keys:
        try:
            size = len(base64.urlsafe_b64decode(key))
        except ValueError:
            size = 0
        if size != 32:
            raise ValueError("must be a Fernet key (32 bytes, URL-safe base64), or several with commas")
    return keys


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    name: str
    default: str | None
    "As it would be written in the environment; None: it must be set."
    parse: Callable[[str], Any]
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("REDIS_URL", None, _redis_url, "where the sessions are: `redis://`, `rediss://` or `unix://`"),
    Setting(
        "WS_PORT", "3001", _integer(1, 65535), "port for HTTP and Socket.IO (`PORT` is used when only that is set)"
    ),
    Setting("BIND_HOST", "0.0.0.0", _text, "address to listen on"),
    Setting("FRONTEND_URL", "http://localhost:3000", _origins, "origin of the dashboard, or several with commas"),
    Setting("LOG_LEVEL", "info", _choice("debug", "info", "warning", "error"), "how much the server tells on stderr"),
    Setting("AUTH_TIMEOUT", "30", _seconds(1, 600), "seconds a socket may stay without a valid token"),
    Setting("SESSION_TTL", "10200", _integer(60, 604800), "seconds a session lives after its last use"),
    Setting(
        "SESSION_KEY",
        "",
        _fernet_keys,
        "when set: sessions that `flask sessions create` writes are encrypted with it (the first of several)",
    ),
    Setting("SESSION_CHECK_INTERVAL", "2", _seconds(0.1, 4), "seconds between looks for revoked sessions"),
    Setting("SSH_CONNECT_TIMEOUT", "10", _seconds(0.5, 60), "seconds for name lookup and TCP"),
    Setting("SSH_LOGIN_TIMEOUT", "15", _seconds(1, 120), "seconds for each of banner, key exchange and login"),
    Setting("SSH_COMMAND_TIMEOUT", "15", _seconds(1, 120), "seconds a short command on a node may take"),
    Setting(
        "SSH_KEEPALIVE", "15", _seconds(1, 300), "seconds of silence after which a node is asked for a sign of life"
    ),
    Setting(
        "SSH_DEAD_AFTER", "20", _seconds(1, 300), "seconds without that sign after which the connection is dropped"
    ),
    Setting("SSH_LOGINS", "16", _integer(1, 256), "logins under way at once, in all"),
    Setting("SSH_MAX_SESSIONS", "10", _integer(2, 1000), "channels per connection (sshd's `MaxSessions`)"),
    Setting(
        "SSH_MAX_CONNECTIONS", "4", _integer(1, 16), "connections per node (one more where logs leave it no channel)"
    ),
    Setting("SSH_GIVE_UP", "3600", _seconds(1, 86400), "seconds of trying to reconnect before sockets are let go"),
    Setting(
        "SSH_ALLOWED_NETWORKS",
        "",
        _networks,
        "when set: the only networks nodes may be in",
    ),
    Setting(
        "SSH_DENIED_NETWORKS", "", _networks, "networks no node may be in (link-local and metadata addresses never are)"
    ),
    Setting("NODE_LINGER", "10", _seconds(0, 600), "seconds an SSH connection outlives its last socket"),
    Setting("RING_ENTRIES", "5000", _integer(10, 100000), "recent journal entries kept per followed unit"),
    Setting("RING_BYTES", "2097152", _integer(65536, 268435456), "bytes of them kept per followed unit"),
    Setting("STATUS_TIMEOUT", "10", _seconds(0.5, 120), "seconds a status poll may take"),
    Setting("MAX_MESSAGE_BYTES", "65536", _integer(4096, 1048576), "largest message a client may send"),
    Setting(
        "REQUEST_TIMEOUT", "20", _seconds(1, 300), "seconds in which a request's head, and then its body, must come"
    ),
    Setting(
        "TRUSTED_PROXIES",
        "127.0.0.0/8,::1/128",
        _networks,
        "proxies whose `X-Forwarded-For` names the client, or `none`; one that names nobody has no limit per address",
    ),
    Setting("MAX_CONNECTIONS_PER_ADDRESS", "500", _integer(1, 100000), "connections of one address (IPv6: of one /64)"),
    Setting(
        "MAX_BAD_TOKENS_PER_ADDRESS",
        "200",
        _integer(1, 100000),
        "invalid tokens a minute from one address (a valid one counts a twentieth)",
    ),
    Setting(
        "MAX_BAD_TOKENS",
        "3000",
        _integer(1, 1000000),
        "the same from all addresses together; beyond it nobody is refused, but tokens are looked up few at once",
    ),
    Setting("MAX_SOCKETS_PER_SESSION", "500", _integer(1, 100000), "sockets of one session (a page has five)"),
    Setting("MAX_LOGS_PER_SOCKET", "64", _integer(1, 1000), "logs one socket may follow at once"),
    Setting(
        "MAX_EVENTS_PER_SECOND",
        "100",
        _integer(1, 100000),
        "events a socket may send a second, in the long run (an address: five times as many, then they wait)",
    ),
    Setting(
        "MAX_EVENTS_BURST",
        "1000",
        _integer(1, 100000),
        "events a socket may send at once (an address: ten times as many)",
    ),
    Setting("MAX_NODES", "1000", _integer(1, 100000), "nodes connected to at once"),
    Setting("SHUTDOWN_TIMEOUT", "8", _seconds(1, 60), "seconds for an orderly shutdown"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings: one attribute for each of `SETTINGS`, in lower case. Not printable: URLs hold secrets."""

    redis_url: str
    ws_port: int
    bind_host: str
    frontend_url: tuple[str, ...]
    log_level: str
    auth_timeout: float
    session_ttl: int
    session_key: tuple[str, ...]
    session_check_interval: float
    ssh_connect_timeout: float
    ssh_login_timeout: float
    ssh_command_timeout: float
    ssh_keepalive: float
    ssh_dead_after: float
    ssh_logins: int
    ssh_max_sessions: int
    ssh_max_connections: int
    ssh_give_up: float
    ssh_allowed_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    ssh_denied_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    node_linger: float
    ring_entries: int
    ring_bytes: int
    status_timeout: float
    max_message_bytes: int
    request_timeout: float
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    max_connections_per_address: int
    max_bad_tokens_per_address: int
    max_bad_tokens: int
    max_sockets_per_session: int
    max_logs_per_socket: int
    max_events_per_second: int
    max_events_burst: int
    max_nodes: int
    shutdown_timeout: float

    def __repr__(self) -> str:
        return "Settings(...)"


def load(environ: Mapping[str, str] | None = None, env_file: str | os.PathLike[str] | None = ".env") -> Settings:
    """Reads and checks every setting.

    :param environ: where to read; the process's environment when left out. It wins over the file.
    :param env_file: a dotenv file, read when it is there; None: none is read.
    :raises ConfigError: a setting is missing or invalid.
    """
    values = dict(_dotenv(env_file))
    values.update(os.environ if environ is None else environ)
    if not values.get("WS_PORT") and values.get("PORT"):
        values["WS_PORT"] = values["PORT"]
    return Settings(**{setting.name.lower(): _read(setting, values) for setting in SETTINGS})


def is_set(name: str, env_file: str | os.PathLike[str] | None = ".env") -> bool:
    """Whether somebody has chosen a setting's value, be it the default."""
    return bool((_dotenv(env_file) | dict(os.environ)).get(name))


def _read(setting: Setting, values: Mapping[str, str]) -> Any:
    text = (values.get(setting.name) or "").strip()
    if not text:
        if setting.default is None:
            raise ConfigError(f"{setting.name} is not set: {setting.meaning}")
        text = setting.default
    try:
        return setting.parse(text)
    except ValueError as problem:
        raise ConfigError(f"{setting.name} is invalid: it {problem}") from None  # never the value: it may be secret


def _dotenv(path: str | os.PathLike[str] | None) -> dict[str, str]:
    if path is None or not Path(path).is_file():
        return {}
    from dotenv import dotenv_values

    return {key: value for key, value in dotenv_values(path).items() if value is not None}


def load_or_exit() -> Settings:
    """`load()`, or one line on stderr and exit code 2: what a process does that cannot start without its settings."""
    try:
        return load()
    except ConfigError as problem:
        print(f"ethpillar: {problem}", file=sys.stderr)
        raise SystemExit(2) from None


def env_example() -> str:
    """The text of `.env.example`."""
    lines = ["# Every setting with its default; `.env` is read when present, the environment wins over it.", ""]
    for setting in SETTINGS:
        lines.append(f"# {setting.meaning}")
        if setting.default is None:
            lines.append(f"{setting.name}=redis://localhost:6379/0")
        else:
            lines.append(f"#{setting.name}={setting.default}")
    return "\n".join(lines) + "\n"


def table() -> str:
    """README's table of settings, in Markdown."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for setting in SETTINGS:
        default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else "none"
        rows.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table() if "--table" in sys.argv else env_example(), end="")
