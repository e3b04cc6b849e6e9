"""Sessions at rest."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from ethpillar.sessions import parse_record
from ethpillar.sessions.sealing import SEALED, Sealer

TOKEN, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
DOCUMENT = {"host": "node.example", "username": "eth", "password": "s3cret", "port": 22, "lastAccessed": 5}
KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_only_the_time_can_be_read() -> None:
    sealed = Sealer([KEY]).seal(TOKEN, DOCUMENT)
    assert sealed.keys() == {"lastAccessed", SEALED}
    assert sealed["lastAccessed"] == 5
    text = json.dumps(sealed)
    assert not any(str(secret) in text for secret in ("s3cret", "node.example", "eth", TOKEN))
    record = parse_record(TOKEN, text, Sealer([KEY]))
    assert record
    assert record.target.password == "s3cret"
    assert record.last_accessed == 5


def test_without_a_key_everything_is_as_the_dashboard_writes_it() -> None:
    assert Sealer().seal(TOKEN, DOCUMENT) == DOCUMENT
    assert Sealer([KEY]).unseal(TOKEN, DOCUMENT) == DOCUMENT


def test_keys_are_changed_by_putting_the_new_one_first() -> None:
    sealed = Sealer([KEY]).seal(TOKEN, DOCUMENT)
    assert Sealer([NEW_KEY, KEY]).unseal(TOKEN, sealed) == DOCUMENT
    assert Sealer([NEW_KEY]).unseal(TOKEN, sealed) is None
    assert Sealer([KEY]).unseal(TOKEN, Sealer([NEW_KEY, KEY]).seal(TOKEN, DOCUMENT)) is None


@pytest.mark.parametrize("sealed", [1, None, "", "x", "\ud800", ["x"], Fernet(KEY).encrypt(b"[]").decode()])
def test_what_cannot_be_opened_is_no_session(sealed: object) -> None:
    assert Sealer([KEY]).unseal(TOKEN, {SEALED: sealed}) is None
    assert Sealer().unseal(TOKEN, {SEALED: sealed}) is None


def test_a_sealed_session_can_not_be_moved_to_another_token() -> None:
    assert Sealer([KEY]).unseal(OTHER, Sealer([KEY]).seal(TOKEN, DOCUMENT)) is None
