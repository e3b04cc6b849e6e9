"""What Redis and the environment hold, and what sshd says while somebody logs in."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from typing import Any

from cryptography.fernet import Fernet
from hypothesis import example, given
from hypothesis import strategies as st

import config
from ethpillar.cli.sessions import _facts
from ethpillar.sessions import SessionStore, valid_token
from ethpillar.sessions.record import MAX_RECORD_BYTES, document_text, parse_document, parse_record
from ethpillar.sessions.sealing import Sealer
from ethpillar.ssh.address import AddressPolicy

from .kit import NUMBERS, ODD, TEXT, fuzzed, valid

TOKEN = "0b8f3a52-5a44-4a0e-9a38-1d5c6d9f8d11"
KEYS = ["host", "port", "username", "password", "privateKey", "passphrase", "hostKey", "lastAccessed", "sealed"]
HOSTS = st.sampled_from(
    ["node.example", "10.0.0.1", "::1", "[fe80::1%eth0]", "-oProxyCommand=id", "a b", "a\n", "x" * 300, "\u0661.0.0.1"]
)
VALUES = (
    HOSTS | NUMBERS | ODD | st.sampled_from(["22", " 22 ", "2²", "+22", "0x16", 22.0, "SHA256:" + "A" * 43, "x" * 5000])
)
GOOD = {"host": "node.example", "port": 22, "username": "staker", "password": "x", "lastAccessed": 1}
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES).map(lambda changes: {**GOOD, **changes}) | ODD


def check(text: str | bytes, sealer: Sealer | None = None) -> None:
    record = parse_record(TOKEN, text, sealer) if sealer else parse_record(TOKEN, text)
    if record is None:
        return
    target = record.target
    assert re.fullmatch(r"[A-Za-z0-9_:][A-Za-z0-9._:%-]*", target.host)
    assert type(target.port) is int
    assert 1 <= target.port <= 65535
    assert not target.username.startswith("-")
    assert target.password or target.private_key
    assert all(
        valid(each) for each in (target.host, target.username, target.password, target.private_key, target.passphrase)
    )
    assert len(record.digest) == 32
    assert record.last_accessed is None or isinstance(record.last_accessed, int)
    assert _facts(record, 60)["port"] == target.port
    document = parse_document(text)  # what a renewal does
    assert document is not None
    renewed = document_text({**document, "lastAccessed": 5})
    assert parse_record(TOKEN, renewed, sealer or Sealer()) is not None


@fuzzed
@given(DOCUMENTS)
@example({**GOOD, "password": "\ud800"})
@example({**GOOD, "passphrase": "\ud800"})
@example({**GOOD, "port": float("nan")})
@example({**GOOD, "port": 1e300})
@example({**GOOD, "lastAccessed": 10**400})
@example({**GOOD, "lastAccessed": -(10**30)})
@example({**GOOD, "host": "-oProxyCommand=id"})
def test_records(document: Any) -> None:
    check(json.dumps(document))
    check(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))


@fuzzed
@given(st.binary(max_size=200) | TEXT, st.integers(0, 3))
@example(b'{"a":' * 300 + b"1" + b"}" * 300, 0)
@example(b'{"a":' + b"[" * 900 + b"]" * 900 + b"," + json.dumps(GOOD).encode()[1:], 0)
@example(b'{"a":' + b"[" * 970 + b"]" * 970 + b"," + json.dumps(GOOD).encode()[1:], 0)
def test_records_of_any_bytes(text: str | bytes, times: int) -> None:
    check(text)
    if isinstance(text, bytes):
        check(text * 1000**times if times < 2 else text[:1] * (MAX_RECORD_BYTES + times))


KEY = Fernet.generate_key().decode()


@fuzzed
@given(DOCUMENTS, st.booleans())
def test_sealed_records(document: Any, own: bool) -> None:
    sealer = Sealer([KEY])
    if not isinstance(document, dict):
        return
    with contextlib.suppress(RecursionError):
        sealed = sealer.seal(TOKEN if own else TOKEN[::-1], document)
        assert set(sealed) <= {"lastAccessed", "sealed"}
        assert own or parse_record(TOKEN, json.dumps(sealed), sealer) is None
        check(json.dumps(sealed), sealer)


@fuzzed
@given(ODD | st.text("ab*?[]:\n-_\u0661", max_size=140))
def test_tokens(token: Any) -> None:
    if valid_token(token):
        assert re.fullmatch(r"[A-Za-z0-9_-]{8,128}\Z", token)
        assert shlex.quote(token) == token


SECRET = "hunter2"
URLS = st.lists(
    st.sampled_from(
        ["redis://", "unix://", "http://", ":", "@", "/", "[", "]", "::1", "?", "#", "=", "℀", "x", "99999", "0", ","]
    )
    | st.text(max_size=3),
    max_size=8,
).map(lambda parts: "".join([*parts[:3], SECRET, *parts[3:]]))


@fuzzed
@given(st.sampled_from([each.name for each in config.SETTINGS]), URLS)
@example("REDIS_URL", f"redis://:{SECRET}@host℀/0")
@example("REDIS_URL", f"redis://:{SECRET}@host:99999/0")
@example("REDIS_URL", f"redis://:{SECRET}@host:x/0")
@example("REDIS_URL", f"redis://:{SECRET}@[::1/0")
@example("REDIS_URL", f"redis://:{SECRET}@host/0?socket_timeout=x")
@example("FRONTEND_URL", f"https://{SECRET}℀")
def test_settings_that_are_refused_are_not_repeated(name: str, value: str) -> None:
    try:
        settings = config.load({"REDIS_URL": "redis://localhost", name: value}, env_file=None)
    except config.ConfigError as problem:
        said = str(problem)
    else:
        said = ""
        try:
            SessionStore.from_url(settings.redis_url, 60, settings.session_key)
        except ValueError as problem:  # of a query: redis-py's own check
            said = str(problem)
    assert SECRET not in said
    assert not said or said.startswith((name, "Invalid value for"))
    assert len(said) < 200


@fuzzed
@given(st.ip_addresses().map(str) | st.sampled_from(["::ffff:169.254.169.254", "fe80::1%eth0", "2002:a9fe:a9fe::1"]))
def test_addresses(address: str) -> None:
    AddressPolicy().permits(address)
    assert not AddressPolicy().permits("169.254.169.254")
    assert not AddressPolicy().permits("::ffff:169.254.169.254")
