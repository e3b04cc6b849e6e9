"""What the text of a setting may be: functions from it to a checked value.

Belongs here: the checks alone. Each raises ValueError with what the value must be, and never repeats the value, which
may be secret. They know no names, no defaults and no environment.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def text(value: str) -> str:
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}")
        return number

    return parse


_UNITS = {"": 0, "K": 10, "M": 20, "G": 30}


def memory_size(low: int) -> Callable[[str], int]:
    """Bytes: `402653184`, `384M`, `1.5G`; 0 where that stands for something else."""

    def parse(value: str) -> int:
        found = re.fullmatch(r"([0-9]{1,20}(?:\.[0-9]{1,3})?)([KMG]?)i?B?", value.strip(), re.IGNORECASE)
        if found is None:
            raise ValueError("must be a number of bytes such as 402653184, 384M or 1.5G")
        number = int(float(found[1]) * (1 << _UNITS[found[2].upper()]))
        if number and number < low:
            raise ValueError(f"must be 0 or at least {low >> 20}M")
        return number

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ValueError("must be a number of seconds") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low:g} and {high:g} seconds")
        return number

    return parse


def listener(value: str) -> tuple[str, int] | None:
    """`127.0.0.1:9464`, `[::1]:9464`, `:9464` (loopback), or none."""
    if value == "none":
        return None
    host, colon, port = value.rpartition(":")
    try:
        if not colon:
            raise ValueError
        ipaddress.ip_address(host.strip("[]") or "127.0.0.1")
        return host.strip("[]") or "127.0.0.1", integer(1, 65535)(port)
    except ValueError:
        raise ValueError("must be an address and a port such as 127.0.0.1:9464, or none") from None


def socket_path(value: str) -> str:
    if value == "none":
        return ""
    if not value.startswith("/") or len(value.encode()) > 100:
        raise ValueError("must be a path from the root of at most 100 bytes, or none")
    return value


def bearer(value: str) -> str:
    if value and not re.fullmatch(r"[!-~]{16,256}", value):
        raise ValueError("must have 16 to 256 printable characters without a space")
    return value


def choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return value.lower()

    return parse


def level(value: str) -> str:
    return choice("debug", "info", "warning", "error")({"warn": "warning"}.get(value.lower(), value))


def header(value: str) -> str:
    if value == "none":
        return ""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", value):
        raise ValueError("must be the name of a header such as Fly-Client-IP, or none")
    return value


_flag = choice("true", "false", "yes", "no", "1", "0")


def on_or_off(value: str) -> bool:
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
    **dict.fromkeys(("username", "password"), text),
    "client_name": _exactly("[!-~]+", "a word"),
    **{"db": integer(0, 1_000_000), "protocol": integer(2, 3), "max_connections": integer(1, 10_000)},
    **{"health_check_interval": integer(0, 86400), "socket_read_size": integer(1, 1 << 20)},
    **dict.fromkeys(("socket_timeout", "socket_connect_timeout", "timeout"), seconds(0.01, 3600)),
    "retry_on_timeout": _flag,
}
_REDIS_TCP_OPTIONS = _REDIS_OPTIONS | {"socket_keepalive": _flag}
REDIS_SCHEMES: dict[str, dict[str, Callable[[str], Any]]] = {
    "unix": _REDIS_OPTIONS,
    "redis": _REDIS_TCP_OPTIONS,
    "rediss": _REDIS_TCP_OPTIONS
    | dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_ciphers"), text)
    | {"ssl_cert_reqs": _exactly("none|optional|required", "none, optional or required"), "ssl_check_hostname": _flag},
}


def redis_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:  # its own words may repeat the password
        raise ValueError("must be a URL such as redis://localhost:6379/0") from None
    options = REDIS_SCHEMES.get(parts.scheme)
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


def origins(value: str) -> tuple[str, ...]:
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


def networks(value: str) -> tuple[Network, ...]:
    if value.lower() == "none":
        return ()
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks such as 192.168.0.0/16, separated by commas") from None


def proxies(value: str) -> tuple[Network, ...]:
    found = networks(value)
    if any(network.prefixlen == 0 for network in found):
        raise ValueError("must not be the whole internet: anybody could then name any address as the client's")
    return found


def fernet_keys(value: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    for key in keys:
        try:
            size = len(base64.urlsafe_b64decode(key))
        except ValueError:
            size = 0
        if size != 32:
            raise ValueError("must be a Fernet key (32 bytes, URL-safe base64), or several with commas")
    return keys
