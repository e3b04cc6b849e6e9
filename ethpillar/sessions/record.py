"""A session as Redis holds it, read with suspicion.

Belongs here: what a token and a record may look like. Redis's contents come from another program and are not
trusted: each part is read by type and bound, and what does not fit makes the whole record invalid.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import astuple, dataclass, field
from typing import Any

from ..ssh.target import Target
from .sealing import Sealer

MAX_RECORD_BYTES = 64 * 1024
"A record is a host, a user, a password and at most a key of some KiB."

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,127}")
_HOST = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_.])?|\[?[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]{1,15})?\]?"
)
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@$-]{0,63}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")


def valid_token(token: object) -> bool:
    """Return True if this can be a token (the dashboard's are UUIDs). Nothing else becomes part of a Redis key."""
    return isinstance(token, str) and _TOKEN.fullmatch(token) is not None


def token_hash(token: str) -> str:
    """Return the short name of a token for logs and listings: 10 hex digits of its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One valid session: a token and where it leads. Secrets stay out of `repr`."""

    token: str = field(repr=False)
    target: Target
    last_accessed: int | None = None
    "Milliseconds since the epoch."

    @property
    def name(self) -> str:
        """Return the token's short hash, for logs."""
        return token_hash(self.token)

    @property
    def digest(self) -> str:
        """Return 32 hex digits that change with anything a login depends on; keyed by the token, not reversible."""
        text = json.dumps(astuple(self.target)).encode()
        return hashlib.blake2b(text, key=self.token.encode()[:64], digest_size=16).hexdigest()


class InvalidRecord(ValueError):
    """A record is not valid. The text names the part that is wrong, and contains nothing of its value."""


def parse_record(token: str, text: str | bytes, sealer: Sealer | None = None) -> SessionRecord | None:
    """Return a record from its JSON text; None if it is invalid (odd types, odd host, too large, no way to log in)."""
    try:
        return read_record(token, text, sealer)
    except InvalidRecord:
        return None


def read_record(token: str, text: str | bytes, sealer: Sealer | None = None) -> SessionRecord:
    """Return a record from its JSON text. Raises `InvalidRecord`."""
    document = parse_document(text)
    if document is None:
        raise InvalidRecord("its JSON")
    document = (sealer or Sealer()).unseal(token, document)
    if document is None:
        raise InvalidRecord("`sealed` (SESSION_KEY is another one, or it was written for another token)")
    host, username = _text(document, "host", 255), _text(document, "username", 64)
    if not host or not _HOST.fullmatch(host):
        raise InvalidRecord("`host`")
    if not username or not _USER.fullmatch(username):
        raise InvalidRecord("`username`")
    port = _port(document.get("port"))
    if port is None:
        raise InvalidRecord("`port`")
    secrets = {key: _text(document, key, longest) for key, longest in _SECRETS.items()}
    for key, secret in secrets.items():
        if secret is None and document.get(key) is not None:
            raise InvalidRecord(f"`{key}`")  # a pin that cannot be read must not turn into no pin
    password, private_key, passphrase, host_key = secrets.values()
    if not password and not private_key:
        raise InvalidRecord("`password` (or `privateKey`)")
    if host_key and not _FINGERPRINT.fullmatch(host_key):
        raise InvalidRecord("`hostKey`")
    accessed = document.get("lastAccessed")
    target = Target(
        host=host.strip("[]"),
        port=port,
        username=username,
        password=password or None,
        private_key=private_key or None,
        passphrase=passphrase or None,
        host_key=host_key.rstrip("=") if host_key else None,
    )
    return SessionRecord(
        token=token,
        target=target,
        last_accessed=accessed if type(accessed) is int and abs(accessed) < 1 << 53 else None,
    )


_SECRETS = {"password": 4096, "privateKey": 32 * 1024, "passphrase": 4096, "hostKey": 128}
"What a login needs besides the address, and how long each may be."


def parse_document(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object of a record with every key it has, or None."""
    if len(text) > MAX_RECORD_BYTES:
        return None
    try:
        document = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def document_text(document: dict[str, Any]) -> bytes:
    """Return a record as the dashboard writes it. In ASCII it could grow beyond `MAX_RECORD_BYTES`."""
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can show
        return json.dumps(document, separators=(",", ":")).encode()


def _finite(number: str) -> float:
    # `1e400` and `NaN` could be read, and would be written again as what the dashboard cannot read.
    if math.isfinite(value := float(number)):
        return value
    raise ValueError("not a number that JSON has")


def _text(document: dict[str, Any], key: str, longest: int) -> str | None:
    value = document.get(key)
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        return None
    # Half a surrogate pair is no text: nothing could send it as a password.
    return value if value.encode("utf-8", "replace").decode() == value else None


def _port(value: object) -> int | None:
    if value is None or value == "":
        return 22
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        return None
    return value
