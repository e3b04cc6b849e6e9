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
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit


class ConfigError(ValueError):
    """Raised for a setting that is missing or invalid. Its text is one line: the name, and what the value must be."""


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


def _listener(value: str) -> tuple[str, int] | None:
    """`127.0.0.1:9464`, `[::1]:9464`, `:9464` (loopback), or none."""
    if value == "none":
        return None
    host, colon, port = value.rpartition(":")
    try:
        if not colon:
            raise ValueError
        ipaddress.ip_address(host.strip("[]") or "127.0.0.1")
        return host.strip("[]") or "127.0.0.1", _integer(1, 65535)(port)
    except ValueError:
        raise ValueError("must be an address and a port such as 127.0.0.1:9464, or none") from None


def _socket_path(value: str) -> str:
    if value == "none":
        return ""
    if not value.startswith("/") or len(value.encode()) > 100:
        raise ValueError("must be a path from the root of at most 100 bytes, or none")
    return value


def _bearer(value: str) -> str:
    if value and not re.fullmatch(r"[!-~]{16,256}", value):
        raise ValueError("must have 16 to 256 printable characters without a space")
    return value


def _choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return value.lower()

    return parse


def _level(value: str) -> str:
    return _choice("debug", "info", "warning", "error")({"warn": "warning"}.get(value.lower(), value))


def _header(value: str) -> str:
    if value == "none":
        return ""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", value):
        raise ValueError("must be the name of a header such as Fly-Client-IP, or none")
    return value


_flag = _choice("true", "false", "yes", "no", "1", "0")


def _on_or_off(value: str) -> bool:
    return _flag(value) in ("true", "yes", "1")


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


def _proxies(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = _networks(value)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("must not be the whole internet: anybody could then name any address as the client's")
    return networks


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


def _setting(default: str | None, parse: Callable[[str], Any], meaning: str) -> Any:
    """Describe an attribute of `Settings`; for the parameters see `Setting`."""
    return field(metadata={"default": default, "parse": parse, "meaning": meaning})


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Options = TypeVar("Options")


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings, each an environment variable in capital letters. Not printable: URLs hold secrets.

    This is the only place in which a setting is declared. The part of the server that uses it names it as a field of
    its options class, and gets it by `select`.
    """

    redis_url: str = _setting(None, _redis_url, "where the sessions are: `redis://`, `rediss://` or `unix://`")
    ws_port: int = _setting(
        "3001", _integer(1, 65535), "port for HTTP and Socket.IO (`PORT` is used when only that is set)"
    )
    bind_host: str = _setting("0.0.0.0", _text, "address to listen on")
    frontend_url: tuple[str, ...] = _setting(
        "http://localhost:3000", _origins, "origin of the dashboard, or several with commas"
    )
    console: bool = _setting(
        "0", _on_or_off, "`1`: this server has a page of its own at `/console`, for whoever has a session's token"
    )
    log_level: str = _setting("info", _level, "how much the server tells on stderr")
    log_format: str = _setting("text", _choice("text", "json"), "`json`: each line of its log is a JSON object")
    metrics_token: str = _setting(
        "", _bearer, "when set: `/metrics` answers requests that show it as a bearer token, and nobody else"
    )
    metrics_bind: tuple[str, int] | None = _setting(
        "none", _listener, "an address and port of its own for `/metrics`, without a token, such as `127.0.0.1:9464`"
    )
    control_socket: str = _setting(
        "none",
        _socket_path,
        "path of a Unix socket for `flask top` and `flask doctor`, which only its user may open",
    )
    auth_timeout: float = _setting("30", _seconds(1, 600), "seconds a socket may stay without a valid token")
    session_ttl: int = _setting("10200", _integer(60, 604800), "seconds a session lives after its last use")
    session_key: tuple[str, ...] = _setting(
        "",
        _fernet_keys,
        "when set: sessions that `flask sessions create` writes are encrypted with it (the first of several)",
    )
    session_check_interval: float = _setting("2", _seconds(0.1, 4), "seconds between looks for revoked sessions")
    ssh_connect_timeout: float = _setting("10", _seconds(0.5, 60), "seconds for name lookup and TCP")
    ssh_login_timeout: float = _setting("15", _seconds(1, 120), "seconds for each of banner, key exchange and login")
    ssh_command_timeout: float = _setting("15", _seconds(1, 120), "seconds a short command on a node may take")
    ssh_keepalive: float = _setting(
        "15", _seconds(1, 300), "seconds of silence after which a node is asked for a sign of life"
    )
    ssh_dead_after: float = _setting(
        "20", _seconds(1, 300), "seconds without that sign after which the connection is dropped"
    )
    ssh_logins: int = _setting("16", _integer(1, 256), "logins under way at once, in all")
    ssh_max_sessions: int = _setting("10", _integer(2, 1000), "channels per connection (sshd's `MaxSessions`)")
    ssh_max_connections: int = _setting(
        "4", _integer(1, 16), "connections per node (one more where logs leave it no channel)"
    )
    ssh_give_up: float = _setting(
        "3600", _seconds(1, 86400), "seconds of trying to reconnect before sockets are let go"
    )
    ssh_allowed_networks: tuple[Network, ...] = _setting("", _networks, "when set: the only networks nodes may be in")
    ssh_denied_networks: tuple[Network, ...] = _setting(
        "", _networks, "networks no node may be in (link-local and metadata addresses never are)"
    )
    node_linger: float = _setting("10", _seconds(0, 600), "seconds an SSH connection outlives its last socket")
    ring_entries: int = _setting("5000", _integer(10, 100000), "recent journal entries kept per followed unit")
    ring_bytes: int = _setting("2097152", _integer(65536, 268435456), "bytes of them kept per followed unit")
    status_timeout: float = _setting("10", _seconds(0.5, 120), "seconds a status poll may take")
    max_message_bytes: int = _setting("65536", _integer(4096, 1048576), "largest message a client may send")
    request_timeout: float = _setting(
        "20", _seconds(1, 300), "seconds in which a request's head, and then its body, must come"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "127.0.0.0/8,::1/128",
        _proxies,
        "proxies whose `X-Forwarded-For` names the client, or `none`; one that names nobody has no limit per address",
    )
    trusted_hops: int = _setting(
        "0",
        _integer(0, 16),
        "how many proxies stand in front, counted from the right of `X-Forwarded-For`, whatever their addresses; the "
        "port must not be reachable past them. In place of `TRUSTED_PROXIES`; 0: not used",
    )
    client_address_header: str = _setting(
        "none",
        _header,
        "a header in which a proxy names the client, such as `Fly-Client-IP`; needs `TRUSTED_HOPS` or "
        "`TRUSTED_PROXIES`; `none`: `X-Forwarded-For`",
    )
    max_connections_per_address: int = _setting(
        "500", _integer(1, 100000), "connections of one address (IPv6: of one /64)"
    )
    max_bad_tokens_per_address: int = _setting(
        "200", _integer(1, 100000), "invalid tokens a minute from one address (a valid one counts a twentieth)"
    )
    max_bad_tokens: int = _setting(
        "3000",
        _integer(1, 1000000),
        "the same from all addresses together; beyond it nobody is refused, but tokens are looked up few at once",
    )
    max_sockets_per_session: int = _setting("500", _integer(1, 100000), "sockets of one session (a page has five)")
    max_logs_per_socket: int = _setting("64", _integer(1, 1000), "logs one socket may follow at once")
    max_events_per_second: int = _setting(
        "100",
        _integer(1, 100000),
        "events a socket may send a second, in the long run (an address: five times as many, then they wait)",
    )
    max_events_burst: int = _setting(
        "1000", _integer(1, 100000), "events a socket may send at once (an address: ten times as many)"
    )
    max_nodes: int = _setting("1000", _integer(1, 100000), "nodes connected to at once")
    shutdown_timeout: float = _setting("8", _seconds(1, 60), "seconds for an orderly shutdown")

    def __repr__(self) -> str:
        return "Settings(...)"

    @property
    def address(self) -> str:
        """The address and port to listen on, as in a URL."""
        return f"{f'[{self.bind_host}]' if ':' in self.bind_host else self.bind_host}:{self.ws_port}"

    def select(self, kind: type[Options], **others: Any) -> Options:
        """Make a room's options: each field of the dataclass `kind` that is called as a setting gets its value.

        :param others: the fields that are no settings
        """
        wanted = {each.name for each in fields(kind) if each.init}  # type: ignore[arg-type]
        return kind(**{name: getattr(self, name) for name in wanted & set(self.__slots__)}, **others)


SETTINGS: tuple[Setting, ...] = tuple(Setting(each.name.upper(), **each.metadata) for each in fields(Settings))


def load(environ: Mapping[str, str] | None = None, env_file: str | os.PathLike[str] | None = ".env") -> Settings:
    """Read and check every setting.

    :param environ: where to read; the process's environment when left out. It wins over the file.
    :param env_file: a dotenv file, read when it is there; None: none is read.
    :raises ConfigError: a setting is missing or invalid.
    """
    values = dict(_dotenv(env_file))
    values.update(os.environ if environ is None else environ)
    if not values.get("WS_PORT") and values.get("PORT"):
        values["WS_PORT"] = values["PORT"]
    settings = Settings(**{setting.name.lower(): _read(setting, values) for setting in SETTINGS})
    _check_proxies(settings, chosen=bool((values.get("TRUSTED_PROXIES") or "").strip()))
    return settings


def faults(env_file: str | os.PathLike[str] | None = ".env") -> list[str]:
    """Return what is wrong with the settings of this process, one line each.

    :raises ConfigError: the file can't be read
    """
    values = _dotenv(env_file) | dict(os.environ)
    found = []
    for setting in SETTINGS:
        try:
            _read(setting, values)
        except ConfigError as problem:
            found.append(str(problem))
    if not found:
        try:
            load(env_file=env_file)
        except ConfigError as problem:  # two that contradict each other
            found.append(str(problem))
    return found


def _check_proxies(settings: Settings, chosen: bool) -> None:
    """Refuse settings that contradict each other. `chosen`: TRUSTED_PROXIES is set."""
    if settings.trusted_hops and chosen:
        raise ConfigError("TRUSTED_HOPS is invalid: it counts from any peer, so it can't be used with TRUSTED_PROXIES")
    if settings.client_address_header and not settings.trusted_hops and not (chosen and settings.trusted_proxies):
        raise ConfigError("CLIENT_ADDRESS_HEADER is invalid: it needs TRUSTED_HOPS or TRUSTED_PROXIES beside it")


def is_set(name: str, env_file: str | os.PathLike[str] | None = ".env") -> bool:
    """Return True if a setting's value was chosen, even if it is the default."""
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

    try:
        return {key: value for key, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path} can't be read: {reason}") from None


def unknown_names(env_file: str | os.PathLike[str] | None = ".env") -> list[str]:
    """Return the names in a dotenv file that are no settings, each with the setting that may be meant."""
    known = [setting.name for setting in SETTINGS] + ["PORT"]
    unknown = [name for name in _dotenv(env_file) if name not in known]
    near = {name: get_close_matches(name.upper(), known, 1, 0.8) for name in unknown}
    return [f"{name} (is {near[name][0]} meant?)" if near[name] else name for name in unknown]


def load_or_exit() -> Settings:
    """`load()`, or one line on stderr and exit code 2: what a process does that cannot start without its settings."""
    try:
        return load()
    except ConfigError as problem:
        print(f"ethpillar: {problem}", file=sys.stderr)
        raise SystemExit(2) from None


def env_example() -> str:
    """Return the text of `.env.example`."""
    lines = ["# Every setting with its default; `.env` is read when present, the environment wins over it.", ""]
    for setting in SETTINGS:
        lines.append(f"# {setting.meaning}")
        if setting.default is None:
            lines.append(f"{setting.name}=redis://localhost:6379/0")
        else:
            lines.append(f"#{setting.name}={setting.default}")
    return "\n".join(lines) + "\n"


def table() -> str:
    """Return README's table of settings, in Markdown."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for setting in SETTINGS:
        default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else "none"
        rows.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table() if "--table" in sys.argv else env_example(), end="")
