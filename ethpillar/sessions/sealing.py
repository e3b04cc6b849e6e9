"""Sessions at rest: the part of a record that nobody should read in Redis, encrypted.

Belongs here: the envelope `{"lastAccessed": ..., "sealed": "<Fernet token>"}`. `lastAccessed` stays readable, since the
dashboard deletes sessions by it. What is sealed names the session's token, so nobody who can write to Redis can
move a sealed record to another token. Records that are not sealed are read as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

SEALED = "sealed"
_OPEN = "lastAccessed"


class Sealer:
    """Encrypts with the first key, decrypts with any."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """:param keys: Fernet keys (32 bytes, URL-safe base64); none: nothing is sealed, and what is can't be read"""
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, token: str, document: dict[str, Any]) -> dict[str, Any]:
        """Return the document as it is to be written."""
        if self._fernet is None:
            return document
        secret = {key: value for key, value in document.items() if key != _OPEN} | {"token": token}
        sealed = self._fernet.encrypt(json.dumps(secret).encode()).decode()
        return {key: document[key] for key in (_OPEN,) if key in document} | {SEALED: sealed}

    def unseal(self, token: str, document: dict[str, Any]) -> dict[str, Any] | None:
        """Return the document as it was given to `seal`; None if it can't be opened or belongs to another token."""
        if SEALED not in document:
            return document
        sealed = document[SEALED]
        if self._fernet is None or not isinstance(sealed, str):
            return None
        try:
            secret = json.loads(self._fernet.decrypt(sealed.encode("utf-8", "replace")))
        except (InvalidToken, ValueError):
            return None
        if not isinstance(secret, dict) or secret.pop("token", None) != token:
            return None
        return secret | {_OPEN: document.get(_OPEN)}
