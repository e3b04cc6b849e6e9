"""Every setting of the server: name, default, meaning and check in one place.

Belongs here: reading the environment (and `.env`), typed and checked. No room of the server reads `os.environ` for
itself. `.env.example` and README's table are made from `SETTINGS` by `python config.py --env` / `--table`. The
checks themselves are in `setting_values`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from setting_values import (
    Network,
    bearer,
    choice,
    fernet_keys,
    header,
    integer,
    level,
    listener,
    memory_size,
    networks,
    on_or_off,
    origins,
    proxies,
    redis_url,
    seconds,
    socket_path,
    text,
)


class ConfigError(ValueError):
    """Raised for a setting that is missing or invalid. Its text is one line: the name, and what the value must be."""


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


Options = TypeVar("Options")


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings, each an environment variable in capital letters. Not printable: URLs hold secrets.

    This is the only place in which a setting is declared. The part of the server that uses it names it as a field of
    its options class, and gets it by `select`.
    """

    redis_url: str = _setting(None, redis_url, "where the sessions are: `redis://`, `rediss://` or `unix://`")
    ws_port: int = _setting(
        "3001", integer(1, 65535), "port for HTTP and Socket.IO (`PORT` is used when only that is set)"
    )
    bind_host: str = _setting("0.0.0.0", text, "address to listen on")
    frontend_url: tuple[str, ...] = _setting(
        "http://localhost:3000", origins, "origin of the dashboard, or several with commas"
    )
    console: bool = _setting(
        "0", on_or_off, "`1`: this server has a page of its own at `/console`, for anybody with a session's token"
    )
    log_level: str = _setting("info", level, "how much the server tells on stderr")
    log_format: str = _setting("text", choice("text", "json"), "`json`: each line of its log is a JSON object")
    metrics_token: str = _setting(
        "", bearer, "when set: `/metrics` answers requests that show it as a bearer token, and nobody else"
    )
    metrics_bind: tuple[str, int] | None = _setting(
        "none", listener, "an address and port of its own for `/metrics`, without a token, such as `127.0.0.1:9464`"
    )
    control_socket: str = _setting(
        "none",
        socket_path,
        "path of a Unix socket for `flask top` and `flask doctor`, which only its user may open",
    )
    auth_timeout: float = _setting("30", seconds(1, 600), "seconds a socket may stay without a valid token")
    session_ttl: int = _setting("10200", integer(60, 604800), "seconds a session lives after its last use")
    session_key: tuple[str, ...] = _setting(
        "",
        fernet_keys,
        "when set: sessions that `flask sessions create` writes are encrypted with it (the first of several)",
    )
    session_check_interval: float = _setting("2", seconds(0.1, 4), "seconds between looks for revoked sessions")
    ssh_connect_timeout: float = _setting("10", seconds(0.5, 60), "seconds for name lookup and TCP")
    ssh_login_timeout: float = _setting("15", seconds(1, 120), "seconds for each of banner, key exchange and login")
    ssh_command_timeout: float = _setting("15", seconds(1, 120), "seconds a short command on a node may take")
    ssh_keepalive: float = _setting(
        "15", seconds(1, 300), "seconds of silence after which a node is asked for a sign of life"
    )
    ssh_dead_after: float = _setting(
        "20", seconds(1, 300), "seconds without that sign after which the connection is dropped"
    )
    ssh_logins: int = _setting("16", integer(1, 256), "logins under way at once, in all")
    ssh_max_sessions: int = _setting("10", integer(2, 1000), "channels per connection (sshd's `MaxSessions`)")
    ssh_max_connections: int = _setting(
        "4", integer(1, 16), "connections per node (one more where logs leave it no channel)"
    )
    ssh_give_up: float = _setting("3600", seconds(1, 86400), "seconds of trying to reconnect before sockets are let go")
    ssh_allowed_networks: tuple[Network, ...] = _setting("", networks, "when set: the only networks nodes may be in")
    ssh_denied_networks: tuple[Network, ...] = _setting(
        "", networks, "networks in which nodes are refused (link-local and metadata addresses always are)"
    )
    node_linger: float = _setting("10", seconds(0, 600), "seconds an SSH connection outlives its last socket")
    ring_entries: int = _setting("5000", integer(10, 100000), "recent journal entries kept per followed unit")
    ring_bytes: int = _setting("2097152", integer(65536, 268435456), "bytes of them kept per followed unit")
    memory_budget: int = _setting(
        "0",
        memory_size(64 << 20),
        "memory that browsers and nodes may take together, such as `384M`; 0: a third of this machine's or container's",
    )
    status_timeout: float = _setting("10", seconds(0.5, 120), "seconds a status poll may take")
    max_message_bytes: int = _setting("65536", integer(4096, 1048576), "largest message a client may send")
    request_timeout: float = _setting(
        "20", seconds(1, 300), "seconds in which a request's head, and then its body, must come"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "127.0.0.0/8,::1/128",
        proxies,
        "proxies whose `X-Forwarded-For` names the client, or `none`; a proxy that names no client is not limited per "
        "address",
    )
    trusted_hops: int = _setting(
        "0",
        integer(0, 16),
        "how many proxies stand in front, counted from the right of `X-Forwarded-For`, whatever their addresses; the "
        "port must not be reachable past them. In place of `TRUSTED_PROXIES`; 0: not used",
    )
    client_address_header: str = _setting(
        "none",
        header,
        "a header in which a proxy names the client, such as `Fly-Client-IP`; needs `TRUSTED_HOPS` or "
        "`TRUSTED_PROXIES`; `none`: `X-Forwarded-For`",
    )
    max_connections_per_address: int = _setting(
        "500", integer(1, 100000), "connections of one address (IPv6: of one /64)"
    )
    max_bad_tokens_per_address: int = _setting(
        "200", integer(1, 100000), "invalid tokens a minute from one address (a valid one counts a twentieth)"
    )
    max_bad_tokens: int = _setting(
        "3000",
        integer(1, 1000000),
        "the same from all addresses together; beyond it nobody is refused, but tokens are looked up few at once",
    )
    max_sockets_per_session: int = _setting("500", integer(1, 100000), "sockets of one session (a page has five)")
    max_logs_per_socket: int = _setting("64", integer(1, 1000), "logs one socket may follow at once")
    max_events_per_second: int = _setting(
        "100",
        integer(1, 100000),
        "events a socket may send a second, in the long run (an address: five times as many, then they wait)",
    )
    max_events_burst: int = _setting(
        "1000", integer(1, 100000), "events a socket may send at once (an address: ten times as many)"
    )
    max_nodes: int = _setting("1000", integer(1, 100000), "nodes connected to at once")
    shutdown_timeout: float = _setting("8", seconds(1, 60), "seconds for an orderly shutdown")

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


def one(name: str, env_file: str | os.PathLike[str] | None = ".env") -> Any:
    """Return the value of a single setting, whatever the others are.

    :raises ConfigError: it is missing or invalid
    """
    setting = next(each for each in SETTINGS if each.name == name)
    return _read(setting, _dotenv(env_file) | dict(os.environ))


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
    known = _names()
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


HANDED_OVER = "settings.json"
"Where a reload finds the settings that its server can't read for itself; in systemd's RuntimeDirectory."


def hand_over() -> None:
    """Leave this process's environment to the running server, which takes it at its next SIGHUP.

    systemd reads `EnvironmentFile=` anew for each command of a unit, so a command of `ExecReload=` has the settings
    as they are now; the server, which has given its rights up, could not read them. The file is for its user alone.

    :raises ConfigError: a setting is wrong, or systemd has not said where the file goes
    """
    wrong = faults()
    if wrong:
        raise ConfigError("; ".join(wrong))
    if not os.environ.get("RUNTIME_DIRECTORY"):
        raise ConfigError("RUNTIME_DIRECTORY is not set: --hand-over is for ExecReload= in a unit of systemd")
    path = Path(os.environ["RUNTIME_DIRECTORY"], HANDED_OVER)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({name: value for name, value in os.environ.items() if name in _names()}, file)


def take_over() -> None:
    """Replace the settings in this process's environment by those that were handed over, if some were."""
    path = Path(os.environ.get("RUNTIME_DIRECTORY") or os.devnull, HANDED_OVER)
    try:
        handed: dict[str, str] = json.loads(path.read_text())
        path.unlink()
    except (OSError, ValueError):
        return
    for name in _names():
        os.environ.pop(name, None)
    os.environ.update(handed)


def _names() -> list[str]:
    return [setting.name for setting in SETTINGS] + ["PORT"]


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


def _main(words: list[str]) -> int:
    if words != ["--hand-over"]:
        print(table() if "--table" in words else env_example(), end="")
        return 0
    try:
        hand_over()
    except (ConfigError, OSError) as problem:
        print(f"ethpillar: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
